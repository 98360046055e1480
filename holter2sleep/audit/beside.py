"""Annotations in a recording and in files beside it: what they are, and whether they cover the same time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from holter2sleep.audit.facts import AnnotationFacts
from holter2sleep.audit.findings import Finding, finding
from holter2sleep.errors import Holter2SleepError
from holter2sleep.io.annotations import AAMI_CLASS, clock_hz, read_annotations
from holter2sleep.io.beatfiles import read_beat_file
from holter2sleep.io.edf_annotations import find_lights, read_edf_annotations
from holter2sleep.io.files import is_file
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.night import UNSCORED, EpochGrid, Recording

MAX_BYTES = 50_000_000  # a larger file beside a recording is no annotation file
SLACK_S = 60.0  # annotations may end in the last epoch or minute, which a recording cuts short
WFDB_ANNOTATIONS = (".atr", ".qrs", ".ari", ".ecg", ".apn", ".st", ".ann")
HYPNOGRAMS = (".st", "-nsrr.xml", "-profusion.xml", ".xml", ".hypnogram.csv", "_stage.txt", "-Hypnogram.edf")
BEATS = ("-rpoint.csv", ".beats.csv")
_STAGE = re.compile(r"\s*sleep[ _]?stage\b", re.IGNORECASE)


def annotations_of(path: Path, recording: Recording) -> tuple[tuple[AnnotationFacts, ...], list[Finding]]:
    """Annotations of a recording and of the files beside it that bear its name."""
    facts: list[AnnotationFacts] = []
    findings: list[Finding] = []
    for file, kinds in _candidates(path, recording):
        for read in kinds:
            try:
                facts += read(file, recording)
            except (Holter2SleepError, OSError, ValueError):
                findings.append(finding("annotations_broken", f"{file.name}: cannot be read as {_word(read)}"))
    findings += [_span_finding(fact, recording) for fact in facts if _departs(fact, recording)]
    if facts:
        listed = "; ".join(f"{fact.kind} in {fact.file} ({fact.n})" for fact in facts)
        findings.insert(0, finding("annotations_found", listed))
    return tuple(facts), findings


def _candidates(path: Path, recording: Recording) -> Iterator[tuple[Path, tuple]]:
    if recording.source.format.endswith(("+C", "+D")):
        yield path, (_inside,)
    for suffixes, read in ((HYPNOGRAMS, _stages), (BEATS, _beats), (WFDB_ANNOTATIONS, _notes)):
        for suffix in suffixes:
            file = path.with_name(path.stem + suffix)
            if file != path and is_file(file) and 0 < file.stat().st_size <= MAX_BYTES:
                if read is not _notes or path.suffix.lower() == ".hea" or path.suffix.lower() in WFDB_ANNOTATIONS:
                    yield file, (read,)


def _word(read: object) -> str:
    return {"_stages": "hypnogram", "_beats": "beats", "_notes": "annotations"}.get(
        getattr(read, "__name__", ""), "annotations"
    )


def _inside(path: Path, recording: Recording) -> list[AnnotationFacts]:
    """Annotations of an EDF+ file, by what they say."""
    notes = read_edf_annotations(path)
    stages = [note for note in notes if _STAGE.match(note[2])]
    lights = [second for second in find_lights(notes) if second is not None] if notes else []
    others = len(notes) - len(stages)
    facts = []
    if stages:
        end_s = max(onset + (length or 0.0) for onset, length, _ in stages)
        facts.append(AnnotationFacts(path.name, "sleep stages", len(stages), stages[0][0], end_s))
    if lights:
        facts.append(AnnotationFacts(path.name, "lights", len(lights), min(lights), max(lights)))
    if others:
        times = [onset for onset, _, text in notes if not _STAGE.match(text)]
        facts.append(AnnotationFacts(path.name, "events", others, min(times), max(times)))
    return facts


def _stages(path: Path, recording: Recording) -> list[AnnotationFacts]:
    """A scored hypnogram on the recording's clock."""
    grid = EpochGrid.covering(recording.duration_s)
    hypnogram, _ = read_hypnogram(path, grid, recording.wall_clock)
    scored = [i for i, stage in enumerate(hypnogram.stage.tolist()) if stage != UNSCORED]
    if not scored:
        return [AnnotationFacts(path.name, "hypnogram", 0)]
    return [
        AnnotationFacts(
            path.name, "hypnogram", len(scored), float(grid.edges_s[scored[0]]), float(grid.edges_s[scored[-1] + 1])
        )
    ]


def _beats(path: Path, recording: Recording) -> list[AnnotationFacts]:
    time_s = read_beat_file(path).beats.time_s
    return [AnnotationFacts(path.name, "beats", len(time_s), float(time_s[0]), float(time_s[-1]))]


def _notes(path: Path, recording: Recording) -> list[AnnotationFacts]:
    """A WFDB annotation file: beats, or other notes."""
    if path.suffix.lower() == ".st":
        return []
    notes = read_annotations(path)
    if len(notes.sample) == 0:
        return []
    ticks_hz, _ = clock_hz(path, notes, recording.fs)
    n_beats = sum(symbol in AAMI_CLASS for symbol in notes.symbol.tolist())
    kind, n = ("beats", n_beats) if n_beats > len(notes.sample) / 2 else ("notes", len(notes.sample))
    first, last = float(notes.sample.min()) / ticks_hz, float(notes.sample.max()) / ticks_hz
    return [AnnotationFacts(path.name, kind, n, first, last)]


def _departs(fact: AnnotationFacts, recording: Recording) -> bool:
    if fact.n == 0:
        return True
    if fact.first_s is None or fact.last_s is None:
        return False
    beyond = fact.first_s < -SLACK_S or fact.last_s > recording.duration_s + SLACK_S
    covers = fact.last_s - fact.first_s
    return beyond or (fact.kind in ("hypnogram", "beats", "sleep stages") and covers < 0.5 * recording.duration_s)


def _span_finding(fact: AnnotationFacts, recording: Recording) -> Finding:
    if fact.first_s is None or fact.last_s is None:
        return finding("annotations_span", f"{fact.kind} in {fact.file}: nothing lies within the recording")
    found = f"{fact.kind} in {fact.file} from {fact.first_s:.0f} to {fact.last_s:.0f} s"
    return finding("annotations_span", f"{found}; the recording has {recording.duration_s:.0f} s")

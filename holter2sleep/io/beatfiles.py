"""Beat files: recordings without waveform, and beats that replace our own detection.

WFDB and ISHNE annotations, NSRR R-point tables, tables with a `time_s` column, RR intervals as text or as Polar
monitors write them. Time zero is sample 0 of the record (the first beat for RR intervals).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from holter2sleep.errors import RecordingError
from holter2sleep.io.annotations import (
    AAMI_CLASS,
    ANNOTATION_SUFFIXES,
    ARTEFACT,
    PULSE_SUFFIXES,
    QUALITY_CHANGE,
    REFERENCE_SUFFIXES,
    UNREADABLE,
    Annotations,
    clock_hz,
    header_beside,
    is_annotation_beside_header,
    read_annotations,
)
from holter2sleep.io.files import (
    MAX_ELAPSED_S,
    READABLE,
    quoted,
    read_head,
    read_text,
    refusal,
    sha256_of,
    within_memory,
)
from holter2sleep.io.ishne import MAGIC as ISHNE_MAGIC
from holter2sleep.io.ishne import ishne_start, ishne_subject
from holter2sleep.io.ishne_beats import ANN_MAGIC, read_ishne_beats
from holter2sleep.io.polar import read_hrm
from holter2sleep.io.rr_text import check_rr, read_rr_text
from holter2sleep.io.tables import Columns, nested_kind, numbers, read_parquet_columns, text_columns, words
from holter2sleep.night import Beats, Bool, Float, Recording, Source, Subject
from holter2sleep.spans import EMPTY, Spans, as_spans, contains, duration

log = logging.getLogger(__name__)

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".ibi", ".parquet")
POLAR_SUFFIX = ".hrm"
# NSRR R-point files, column Type; artefacts are kept, unusable, so that no interval spans them.
_NSRR_CLASS = {"0": "Q", "1": "N", "2": "V", "3": "S"}
_BEAT_COLUMNS, _NSRR_COLUMNS = {"time_s"}, {"seconds", "type"}
_IS_USABLE = {"": True, **dict.fromkeys(("true", "1", "yes"), True), **dict.fromkeys(("false", "0", "no"), False)}
_FASTEST_RR_S, _ENOUGH_BEATS = 0.15, 20  # 400 a minute for half of the beats: samples, or times in another unit
NO_CLASSES = "the file has no beat classes: every beat is taken as N"
_WORKS = "a table with a column time_s (and label), an NSRR R-point table, or RR intervals one a line"


@dataclass(frozen=True)
class BeatFile:
    """What a beat file says, whether it becomes a recording or gives a waveform its beats."""

    beats: Beats
    format: str
    files: tuple[Path, ...]  # read, in order
    fs: float | None = None  # Hz, of the record
    duration_s: float | None = None  # None: to the last beat
    start: datetime | None = None  # naive local time
    subject: Subject = field(default_factory=Subject)
    classified: bool = True  # False: no class in the file, or a detector's N for every beat
    gaps: Spans = field(default_factory=lambda: EMPTY)  # (n_gaps, 2), s: a beat may be missing there, by the file
    warnings: tuple[str, ...] = ()


def read_beat_recording(path: Path, recording_id: str, rr_unit: str = "auto") -> Recording:
    """Recording without waveform from a beat file.

    Raises
    ------
    RecordingError
        Not a beat file, or one without a beat.
    """
    found = read_beat_file(path, rr_unit=rr_unit)
    last_s = float(found.beats.time_s[-1])
    warnings = found.warnings
    if found.duration_s is not None and last_s > found.duration_s:
        warnings += (
            f"beats up to {last_s:.1f} s, beyond the {found.duration_s:.1f} s of the header: the beats were trusted",
        )
    log.info("%s: %s, %d beats", recording_id, found.format, len(found.beats))
    return Recording(
        recording_id=recording_id,
        source=Source(path.name, found.format, sha256_of(found.files)),
        duration_s=max(found.duration_s or 0.0, last_s),
        fs=found.fs,
        start=found.start,
        subject=found.subject,
        given_beats=found.beats,
        gaps=found.gaps,
        beats_classified=found.classified,
        warnings=warnings,
    )


def read_beats(path: Path, fs: float | None = None) -> Beats:
    """Beats of a beat file, s from sample 0; its warnings are logged.

    Raises
    ------
    RecordingError
        Not a beat file, or one without a beat.
    """
    found = read_beat_file(path, fs)
    for warning in found.warnings:
        log.warning("%s: %s", path.name, warning)
    return found.beats


def read_beat_file(path: Path, fs: float | None = None, *, rr_unit: str = "auto") -> BeatFile:
    """Everything a beat file says; times are s from sample 0.

    Parameters
    ----------
    fs
        Ticks per second of a WFDB annotation file that neither says so itself nor has a header beside it.
    rr_unit
        Unit of RR-interval text: auto, s or ms.

    Raises
    ------
    UsageError
        No such file.
    RecordingError
        Not a beat file, or one without a beat.
    """
    with within_memory(path):
        return _read(path, fs, rr_unit)


def is_annotation_file(path: Path) -> bool:
    """Whether the beats of a file are WFDB annotations, which may say more than beats."""
    suffix = path.suffix.lower()
    return suffix in ANNOTATION_SUFFIXES or (suffix not in TABLE_SUFFIXES and is_annotation_beside_header(path))


def _read(path: Path, fs: float | None, rr_unit: str) -> BeatFile:
    suffix = path.suffix.lower()
    content = read_head(path)
    if content.startswith(ISHNE_MAGIC):
        raise refusal(path, "an ISHNE recording, which brings no beats; it goes without --beats", _WORKS)
    if content.startswith(ANN_MAGIC):
        return _from_ishne(path)
    if is_annotation_file(path):
        return _from_annotations(path, fs)
    if suffix == POLAR_SUFFIX:
        return _from_polar(path)
    if suffix == ".parquet" or content.startswith(b"PAR1"):
        return _from_columns(path, read_parquet_columns(path, _WORKS))
    if suffix in TABLE_SUFFIXES:
        column = text_columns(path, read_text(path, _WORKS), (_BEAT_COLUMNS, _NSRR_COLUMNS), _WORKS)
        return _from_columns(path, column) if column is not None else _from_rr(path, rr_unit)
    raise refusal(path, f"suffix {path.suffix!r} is no beat file's")


# --- WFDB annotations ------------------------------------------------------------------------------


def _from_annotations(path: Path, fs: float | None) -> BeatFile:
    annotations = read_annotations(path)
    header = header_beside(path)
    ticks_hz, notes = clock_hz(path, annotations, fs)
    classes = [AAMI_CLASS.get(symbol) for symbol in annotations.symbol]
    is_beat = np.array([name is not None for name in classes], bool)
    labels = [name for name in classes if name is not None]
    time_s = annotations.sample[is_beat] / ticks_hz
    readable = ~contains(_unreadable(annotations, ticks_hz), time_s)
    beats, cleaned = _clean(path, _Given(time_s, labels, readable))
    suffix = path.suffix.lower()
    classified = suffix in REFERENCE_SUFFIXES or set(labels) != {"N"}
    if suffix in PULSE_SUFFIXES:
        notes += ("onsets of pressure pulses, not R peaks: their intervals follow the heart's only roughly",)
    gaps, doubts = _gaps(beats, annotations, ticks_hz)
    notes = (*(header.warnings if header else ()), *notes, *cleaned, *doubts)
    return BeatFile(
        beats,
        f"WFDB annotations ({path.suffix.lower()[1:]})",
        (path.with_suffix(".hea"), path) if header else (path,),
        header.fs if header else ticks_hz,
        header.n_samples / header.fs if header and header.n_samples else None,
        header.start if header else None,
        header.subject if header else Subject(),
        classified,
        gaps,
        notes if classified else (*notes, NO_CLASSES),
    )


def _unreadable(annotations: Annotations, ticks_hz: float) -> Spans:
    """Time from each mark that no signal can be read to the next change of quality, or to the end."""
    changes = annotations.symbol == QUALITY_CHANGE
    start = annotations.sample[changes] / ticks_hz
    end = np.r_[start[1:], np.inf][: len(start)]
    return as_spans(np.column_stack([start, end])[annotations.subtype[changes] == UNREADABLE])


def _gaps(beats: Beats, annotations: Annotations, ticks_hz: float) -> tuple[Spans, tuple[str, ...]]:
    """Time between two beats where marks tell of an artefact, of noise from its begin to its end, or of no signal.

    A gap begins a tick behind its first beat, so that a beat between two gaps stays outside both. A beat may be
    missing in it: in the MIT-BIH Normal Sinus Rhythm Database every interval that holds artefacts and both ends of a
    noise is longer than those around it. A single change of quality leaves the interval as it is; beats where no signal
    can be read are unusable, and so are the intervals beside them.
    """
    beat_s = beats.time_s
    before = np.searchsorted(beat_s, annotations.sample / ticks_hz, side="right") - 1
    inside = (before >= 0) & (before < len(beat_s) - 1)
    n_artefacts, n_changes = (
        np.bincount(before[inside & (annotations.symbol == mark)], minlength=len(beat_s))
        for mark in (ARTEFACT, QUALITY_CHANGE)
    )
    unread = ~beats.usable | ~np.r_[beats.usable[1:], True]
    doubtful = np.flatnonzero(((n_artefacts > 0) | (n_changes > 1) | unread)[:-1])
    if len(doubtful) == 0:
        return EMPTY, ()
    first_s = beat_s[doubtful] + beats.usable[doubtful] / ticks_hz
    gaps = as_spans(np.column_stack([first_s, beat_s[doubtful + 1]]))
    note = f"{len(doubtful)} of {len(beat_s) - 1} intervals hold artefacts or noise by the file's marks: left out"
    return gaps, (f"{note} ({duration(gaps):.0f} s)",)


# --- ISHNE and Polar -------------------------------------------------------------------------------


def _from_ishne(path: Path) -> BeatFile:
    found = read_ishne_beats(path)
    fs = float(found.header.fs)
    beats, cleaned = _clean(path, _Given(found.sample / fs, found.label, ~found.is_artefact))
    before = np.searchsorted(beats.time_s, found.timeouts / fs, side="right") - 1
    before = np.unique(before[(before >= 0) & (before < len(beats) - 1)])
    gaps = as_spans(np.column_stack([beats.time_s[before] + 1 / fs, beats.time_s[before + 1]]))
    start, clock_notes = ishne_start(found.header)
    subject, age_note = ishne_subject(found.header)
    notes = (*found.notes, *clock_notes, *([age_note] if age_note else []), *cleaned)
    return BeatFile(beats, "ISHNE annotations", (path,), fs, start=start, subject=subject, gaps=gaps, warnings=notes)


def _from_polar(path: Path) -> BeatFile:
    rr_s, start = read_hrm(path)
    check_rr(path, rr_s, "ms")
    beats, notes = _clean(path, _Given(np.r_[0.0, np.cumsum(rr_s)], ["N"] * (len(rr_s) + 1)))
    notes = (*notes, NO_CLASSES)
    return BeatFile(beats, "Polar RR intervals", (path,), start=start, classified=False, warnings=notes)


# --- tables ----------------------------------------------------------------------------------------


def _from_columns(path: Path, column: Columns) -> BeatFile:
    """Beats of a table with `time_s`, or of an NSRR R-point table with `seconds` and `Type`."""
    if set(column) >= _BEAT_COLUMNS:
        return _beat_table(path, column)
    if set(column) >= _NSRR_COLUMNS:
        return _nsrr_points(path, column)
    raise refusal(path, f"a table with the columns {', '.join(column)[:120]}", _WORKS)


def _nsrr_points(path: Path, column: Columns) -> BeatFile:
    """R points by the column `seconds`: the sample numbers assume 256 Hz whatever the rate."""
    types = [value.removesuffix(".0") for value in words(column["type"])]
    usable = np.array([value != "0" for value in types], bool)
    given = _Given(_times(path, column["seconds"]), _classes(path, types, _NSRR_CLASS, "Type"), usable)
    beats, notes = _clean(path, given)
    if not beats.usable.all():
        notes += (f"{(~beats.usable).sum()} artefacts among the R points: kept as unusable beats",)
    return BeatFile(beats, "NSRR R points", (path,), warnings=notes)


def _beat_table(path: Path, column: Columns) -> BeatFile:
    """Beats of a table such as `beats.parquet`; what was found out about each beat comes back with it."""
    time_s = _times(path, column["time_s"])
    labels = words(column["label"]) if "label" in column else []
    labelled = any(labels)
    given = _Given(
        time_s,
        _classes(path, labels, AAMI_CLASS, "label") if labelled else ["N"] * len(time_s),
        _usable(path, column["usable"]) if "usable" in column else None,
        numbers(column["confidence"]) if "confidence" in column else None,
        numbers(column["amplitude_mv"]) if "amplitude_mv" in column else None,
    )
    beats, notes = _clean(path, given)
    notes = notes if labelled else (*notes, _why_no_classes(column))
    return BeatFile(beats, "beat table", (path,), classified=labelled, warnings=notes)


def _why_no_classes(column: Columns) -> str:
    """What is told of a table whose column of classes is not there, or cannot be read."""
    nested = nested_kind(column, "label")
    if nested is None:
        return NO_CLASSES
    return f"column label holds {nested} and no texts, so it was left out: every beat is taken as N"


def _usable(path: Path, column: pl.Series) -> Bool:
    """Which beats may be trusted; an empty field, as a beat added by hand has it, leaves it to the waveform."""
    values = [value.casefold() for value in words(column)]
    strange = next((row for row, value in enumerate(values) if value not in _IS_USABLE), None)
    if strange is not None:
        raise refusal(path, f"row {strange + 1} of column usable holds {quoted(values[strange])}", "true or false")
    return np.array([_IS_USABLE[value] for value in values], bool)


def _times(path: Path, column: pl.Series) -> Float:
    times_s = numbers(column)
    bad = ~np.isfinite(times_s)
    if bad.any():
        row = int(np.argmax(bad))
        raise refusal(
            path, f"row {row + 1} of column {column.name!r} holds {quoted(str(column[row]))}, no number", _WORKS
        )
    return times_s


def _classes(path: Path, values: list[str], known: dict[str, str], column: str) -> list[str]:
    strange = next((row for row, value in enumerate(values) if value not in known), None)
    if strange is not None:
        found = f"row {strange + 1} of column {column} holds {quoted(values[strange])}"
        raise refusal(path, found, f"the values {' '.join(known)}, or none at all where no class is known")
    return [known[value] for value in values]


# --- RR intervals ----------------------------------------------------------------------------------


def _from_rr(path: Path, rr_unit: str) -> BeatFile:
    text = read_rr_text(path, rr_unit)
    beats, notes = _clean(path, _Given(text.time_s, ["N"] * len(text.time_s), text.usable))
    notes = (*text.notes, *notes, NO_CLASSES)
    name = f"RR intervals ({text.unit})"
    return BeatFile(beats, name, (path,), start=text.start, classified=False, warnings=notes)


# --- order -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Given:
    """Beats as the file has them, in any order; None where it says nothing."""

    time_s: Float  # (n_beats,)
    label: list[str]  # (n_beats,), AAMI class
    usable: Bool | None = None  # (n_beats,)
    confidence: Float | None = None  # (n_beats,), 0-1
    amplitude_mv: Float | None = None  # (n_beats,)


def _clean(path: Path, given: _Given) -> tuple[Beats, tuple[str, ...]]:
    """Beats in time order without doubles or times before the start, and what was cleaned."""
    n = len(given.time_s)
    if n == 0:
        raise refusal(path, "the file holds no beat", READABLE)
    order = np.argsort(given.time_s, kind="stable")
    sorted_s = given.time_s[order]
    if sorted_s[-1] > MAX_ELAPSED_S:
        raise refusal(path, f"a beat at {sorted_s[-1] / 86400:.3g} days", "times within a month, in the stated unit")
    sorted_s = np.maximum(sorted_s, -MAX_ELAPSED_S)  # numbers far below zero are no times, and overflow
    keep = (sorted_s >= 0) & np.r_[True, np.diff(np.round(sorted_s, 6)) > 0]  # intervals are whole microseconds
    if not keep.any():
        raise RecordingError(f"{path.name}: all {n} beats lie before the start of the record")
    usual_s = float(np.median(np.diff(sorted_s[keep]))) if keep.sum() > _ENOUGH_BEATS else np.inf
    if usual_s < _FASTEST_RR_S:
        found = f"{n} times at {60 / usual_s:.0f} a minute, which no heart reaches"
        raise refusal(path, found, "beat times in s, or samples of an ECG with their rate (--fs)")
    notes = []
    if (given.time_s[1:] < given.time_s[:-1]).any():
        notes.append("beats were not in time order: sorted")
    if not keep.all():
        notes.append(f"{n - keep.sum()} of {n} beats dropped: doubled, or before the start")
    beats = Beats.at(given.time_s[order[keep]], np.array(given.label)[order[keep]])
    facts = {"usable": given.usable, "confidence": given.confidence, "amplitude_mv": given.amplitude_mv}
    return beats.but(**{k: v[order[keep]] for k, v in facts.items() if v is not None}), tuple(notes)

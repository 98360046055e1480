"""Hypnogram files on a recording's epoch grid.

NSRR and Profusion XML, EDF+ annotations, WFDB `.st`, tables with onsets, one stage a line. Stages are laid on the
grid by time and never stretched.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

import numpy as np

from holter2sleep.clock import Clock, date_known, with_possible_date
from holter2sleep.errors import RecordingError
from holter2sleep.io.annotations import clock_hz, read_annotations
from holter2sleep.io.edf_annotations import read_edf_annotations, record_onsets
from holter2sleep.io.edf_header import edf_kind, read_edf_header
from holter2sleep.io.files import read_bytes, read_head, refusal, within_memory
from holter2sleep.io.scored import Scored
from holter2sleep.io.stage_codes import STAGE_CODES, stage_letter
from holter2sleep.io.stage_tables import MAX_STAGE_BYTES, read_stage_parquet, read_stage_text
from holter2sleep.io.stage_xml import read_stage_xml
from holter2sleep.night import EPOCH_S, SCHEMES, UNSCORED, EpochGrid, Float, Hypnogram
from holter2sleep.spans import as_spans, duration, overlap_per_cell

log = logging.getLogger(__name__)

_WORKS = "NSRR or Profusion XML, EDF+ annotations, WFDB .st, a table with onset, duration, stage, or one stage a line"
_EDF_STAGE = re.compile(r"\s*sleep[ _]?stage\b", re.IGNORECASE)  # EDF+ 2.2.4 names stages 'Sleep stage W', ...
_DAY_S = 86400.0
_LATEST_S = 366 * _DAY_S  # of a time in the file; a day of the month taken for one of the year is a year away


def read_hypnogram(
    path: Path, grid: EpochGrid, clock: Clock | None, *, code: str | None = None
) -> tuple[Hypnogram, tuple[str, ...]]:
    """Hypnogram of a scored file on the grid, and what had to be said about it.

    An epoch takes the stage that covers most of it; where nothing does it is `U`. R&K stages 3 and 4 become N3,
    movement time `U`.

    Parameters
    ----------
    clock
        Wall clock of the recording; None where unknown. A file with a clock of its own (EDF+, NSRR XML, tables of
        clock times) is shifted by the difference; by that of the times of day where a date is unknown or shifted.
    code
        Meaning of integer stages, a key of `STAGE_CODES`; inferred with a warning when not given.

    Raises
    ------
    UsageError
        No such file.
    RecordingError
        Not a hypnogram.
    ValueError
        Unknown code.
    """
    if code is not None and code not in STAGE_CODES:
        raise ValueError(f"code must be one of {', '.join(STAGE_CODES)}, not {code!r}")
    with within_memory(path):
        scored = _checked(path, _read(path, code))
    shift_s, notes = _shift(scored.start, clock)
    stage = _on_grid(scored.onset_s + shift_s, scored.end_s + shift_s, scored.stage, grid)
    notes = (*scored.notes, *notes, *_difference(scored, shift_s, grid))
    for note in notes:
        log.warning("hypnogram: %s", note)
    return Hypnogram(grid, stage, _scheme(set(scored.stage.tolist()), path), path.name), notes


def holds_stages(path: Path) -> bool:
    """Whether an EDF+ or BDF+ file has annotations that are sleep stages, as a recording that was scored has."""
    if edf_kind(read_head(path)) is None:
        return False
    try:
        return any(_EDF_STAGE.match(text) for _, _, text in read_edf_annotations(path))
    except RecordingError:
        return False


def _read(path: Path, code: str | None) -> Scored:
    head = read_head(path, works=_WORKS)
    if edf_kind(head):
        return _from_edf(path)
    if _is_xml(head):
        return read_stage_xml(path, read_bytes(path, _WORKS, MAX_STAGE_BYTES))
    if head.startswith(b"PAR1"):
        return read_stage_parquet(path, code)
    if path.suffix.lower() == ".st":
        return _from_wfdb(path)
    return read_stage_text(path, code)


def _checked(path: Path, scored: Scored) -> Scored:
    """The stretches that last, with a note of those that do not and of those that overlap.

    Raises
    ------
    RecordingError
        None lasts, or one has no end within a month.
    """
    if len(scored.stage) == 0:
        raise refusal(path, "no sleep stage in the file", _WORKS)
    times_s = np.abs(np.r_[scored.onset_s, scored.end_s])
    if np.isinf(times_s).any() or np.nanmax(times_s, initial=0.0) > _LATEST_S:
        raise refusal(path, "a stage that begins or ends beyond any recording", "onsets and durations in seconds")
    length_s = scored.end_s - scored.onset_s
    lasts = length_s > 0  # NaN does not
    if not lasts.any():
        raise refusal(path, f"{len(lasts)} stages, and none lasts longer than 0 s", "durations in seconds above 0")
    notes = scored.notes
    if not lasts.all():
        notes += (f"{(~lasts).sum()} of {len(lasts)} stages last no longer than 0 s, or have no time: left out",)
    kept = Scored(scored.onset_s[lasts], scored.end_s[lasts], scored.stage[lasts], scored.start)
    shared_s = length_s[lasts].sum() - duration(as_spans(np.column_stack([kept.onset_s, kept.end_s])))
    if shared_s >= EPOCH_S / 2:
        notes += (f"stages overlap for {shared_s:.0f} s: the one that covers most of an epoch was taken",)
    return replace(kept, notes=notes)


def _is_xml(content: bytes) -> bool:
    """Whether a text, in UTF-8 or UTF-16, begins with a tag."""
    return content[:200].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").startswith(b"<")


# --- dialects --------------------------------------------------------------------------------------


def _from_edf(path: Path) -> Scored:
    notes = [note for note in read_edf_annotations(path) if _EDF_STAGE.match(note[2])]
    letters = [stage_letter(text) or UNSCORED for _, _, text in notes]
    onset_s = np.array([onset for onset, _, _ in notes])
    given_s = np.array([np.nan if length is None else length for _, length, _ in notes])
    end_s = np.where(np.isfinite(given_s), onset_s + given_s, np.r_[onset_s[1:], onset_s[-1:] + EPOCH_S])
    return Scored(onset_s, end_s, np.array(letters, "<U4"), _edf_start(path))


def _edf_start(path: Path) -> datetime | None:
    """Clock of the first sample, from which onsets count: its fraction of a second stands in the first time stamp."""
    header = read_edf_header(path)
    first_s = record_onsets(path, header)[:1]
    offset = timedelta(seconds=float(first_s[0])) if np.isfinite(first_s).all() and len(first_s) else timedelta()
    return header.start + offset if header.start else None


def _from_wfdb(path: Path) -> Scored:
    """Stages of a WFDB annotation file: the first word of each note, one note an epoch.

    slpdb stamps the first epoch at sample 1: times are rounded down to the 30 s grid.
    """
    annotations = read_annotations(path)
    ticks_hz, notes = clock_hz(path, annotations)
    words = [text.split()[0] if text.split() else "" for text in annotations.text]
    letters = [stage_letter(word) for word in words]
    found = np.array([letter is not None for letter in letters], bool)
    onset_s = np.floor(annotations.sample[found] / ticks_hz / EPOCH_S) * EPOCH_S
    stages = [letter for letter in letters if letter is not None]
    return Scored(onset_s, onset_s + EPOCH_S, np.array(stages, "<U4"), notes=notes)


# --- on the grid -----------------------------------------------------------------------------------


def _shift(scored: datetime | None, clock: Clock | None) -> tuple[float, tuple[str, ...]]:
    """Seconds from the recording's start to the file's zero."""
    if scored is None or clock is None or scored == clock.start:
        return 0.0, ()
    scored = with_possible_date(scored)
    if date_known(scored) and date_known(clock.start):
        shift_s = clock.elapsed_s(scored)
        if abs(shift_s) < _DAY_S:
            return shift_s, (f"its clock starts {shift_s:+.1f} s from the recording's: shifted by that",)
        why = f"its dates lie {shift_s / _DAY_S:.1f} days from the recording's"
    else:
        why = "a date is unknown"
    shift_s = _time_of_day_s(scored) - _time_of_day_s(clock.start)
    shift_s = (shift_s + _DAY_S / 2) % _DAY_S - _DAY_S / 2  # the nearer of the two ways round the clock
    return shift_s, (f"{why}: shifted by {shift_s:+.1f} s, the difference of the times of day",)


def _time_of_day_s(moment: datetime) -> float:
    return (moment - datetime.combine(moment.date(), time())).total_seconds()


def _on_grid(onset_s: Float, end_s: Float, stage: np.ndarray, grid: EpochGrid) -> np.ndarray:
    """The stage that covers most of each epoch, `U` where less is scored than not. array (n_epochs,)."""
    letters = sorted(set(stage.tolist()) - {UNSCORED})
    pairs = np.column_stack([onset_s, end_s])
    covered = np.array([overlap_per_cell(as_spans(pairs[stage == letter]), grid.edges_s) for letter in letters])
    covered = covered.reshape(len(letters), grid.n)
    unscored = np.diff(grid.edges_s) - covered.sum(axis=0)  # the last epoch may be cut short
    return np.array([*letters, UNSCORED])[np.argmax(np.vstack([covered, unscored]), axis=0)]


def _difference(scored: Scored, shift_s: float, grid: EpochGrid) -> tuple[str, ...]:
    """How the scored time differs from the recording, when it does."""
    spans = as_spans(np.column_stack([scored.onset_s, scored.end_s]) + shift_s)
    outside_s = duration(spans) - float(overlap_per_cell(spans, np.array([grid.offset_s, grid.edges_s[-1]]))[0])
    first_s, last_s = float(spans[0, 0]), float(spans[-1, 1])
    notes = []
    if outside_s > 0:
        notes.append(f"{outside_s:.0f} s of scoring lie outside the recording: left out")
    late_s, early_s = first_s - grid.offset_s, grid.duration_s - last_s
    if max(late_s, early_s) >= EPOCH_S / 2:
        notes.append(f"scored from {first_s:.0f} to {last_s:.0f} s of {grid.duration_s:.0f} s: the rest is unscored")
    return tuple(notes)


def _scheme(stages: set[str], path: Path) -> str:
    """The scheme that has all the letters of the file."""
    for scheme in SCHEMES:
        if stages <= {*SCHEMES[scheme], UNSCORED}:
            return scheme
    known = "; ".join(f"{name}: {' '.join(letters)}" for name, letters in SCHEMES.items())
    raise refusal(path, f"the stages {' '.join(sorted(stages))} fit no scheme", known)

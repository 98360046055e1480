"""Scored stages of text files: one stage a line, or a table with onsets."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from holter2sleep.clock import NO_DATE
from holter2sleep.io.files import quoted, read_text, refusal
from holter2sleep.io.scored import Scored
from holter2sleep.io.stage_codes import letters_of_codes, stage_letter
from holter2sleep.io.stamps import ClockTimes, clock_times, moment_of, time_unit
from holter2sleep.io.tables import Columns, numbers, read_parquet_columns, text_columns, words
from holter2sleep.night import EPOCH_S, Float

MAX_STAGE_BYTES = 1 << 24  # a month of epochs is 90,000 lines
_STAGE_COLUMNS = ("stage", "sleep_stage", "trial_type", "description", "annotation", "value", "event")
_MIXED_COLUMNS = ("trial_type", "description", "annotation", "value", "event")  # may hold other events too
_ONSET_COLUMNS = ("onset", "onset_s", "start", "start_s", "time_s")
_DURATION_COLUMNS = ("duration", "duration_s")
_TIME_NAME = re.compile(r"\b(t|times?|clock|timestamp|datetime)\b|_time$|^time_|^clock_")  # of any other onset
_EPOCH_NAME = re.compile(r"epochs?([ _]?(#|no\.?|nr\.?|number|index|id))?")
_WORKS = (
    "one stage a line (W N1 N2 N3 R or integers), or a table with a stage column and onset (s), clock times or epochs"
)


def read_stage_text(path: Path, code: str | None) -> Scored:
    """Stages of a text: a table when its first line names a stage column, else one stage a line.

    Raises
    ------
    RecordingError
        A line that is no stage, or no stage at all.
    """
    text = read_text(path, _WORKS, MAX_STAGE_BYTES)
    column = text_columns(path, text, [{name} for name in _STAGE_COLUMNS], _WORKS)
    return _one_a_line(path, text, code) if column is None else _from_columns(path, column, code)


def read_stage_parquet(path: Path, code: str | None) -> Scored:
    """Stages of a Parquet table, such as `epochs.parquet`.

    Raises
    ------
    RecordingError
        Not Parquet, or without a stage column.
    """
    return _from_columns(path, read_parquet_columns(path, _WORKS), code)


def _one_a_line(path: Path, text: str, code: str | None) -> Scored:
    lines = [(i, line.strip()) for i, line in enumerate(text.splitlines(), 1) if line.strip()]
    if lines and not _is_stage(lines[0][1]):
        lines = lines[1:]  # a header line
    for number, line in lines:
        if not _is_stage(line):
            raise refusal(path, f"line {number}: {quoted(line)} is no stage", _WORKS)
    letters, note = _letters(path, [line for _, line in lines], code)
    onset_s: Float = EPOCH_S * np.arange(len(letters), dtype=np.float64)
    return Scored(onset_s, onset_s + EPOCH_S, np.array(letters), notes=(note,) if note else ())


def _from_columns(path: Path, column: Columns, code: str | None) -> Scored:
    stage = next((name for name in _STAGE_COLUMNS if name in column), None)
    if stage is None:
        raise refusal(path, f"a table with the columns {', '.join(column)[:120]}", _WORKS)
    written = words(column[stage])
    is_stage = np.array([_is_stage(value) or value == "" for value in written], bool)
    if not is_stage.all() and stage not in _MIXED_COLUMNS:
        at = int(np.argmin(is_stage))
        raise refusal(path, f"row {at + 1}: {quoted(written[at])} is no stage", _WORKS)
    letters, note = _letters(path, [value or "U" for value, kept in zip(written, is_stage, strict=True) if kept], code)
    kept = {name: values.filter(is_stage) for name, values in column.items()}
    onset_s, start, told = _onsets(path, kept, len(letters))
    notes = tuple(said for said in (note, told) if said)
    return Scored(onset_s, _ends(kept, onset_s), np.array(letters), start, notes)


# --- when ------------------------------------------------------------------------------------------


def _onsets(path: Path, column: Columns, n_rows: int) -> tuple[Float, datetime | None, str | None]:
    """Onset of each row, s, the clock of the first where the table tells it, and what has to be said.

    By onsets in seconds, clock times, or numbers of epochs; rows without any follow one another.
    """
    name = next((name for name in _ONSET_COLUMNS if name in column), None)
    name = name or next((name for name in column if _TIME_NAME.search(name)), None)
    if name is not None:
        clock = clock_times(column[name])
        onset_s, start = (_counted(name, column[name]), None) if clock is None else _by_clock(clock)
        if not np.isfinite(onset_s).all():
            at = int(np.argmin(np.isfinite(onset_s)))
            raise refusal(path, f"row {at + 1}: the {name} is no number of seconds and no clock time", _WORKS)
        return onset_s, start, clock.note if clock else None
    name = next((name for name in column if _EPOCH_NAME.fullmatch(name)), None)
    number = np.arange(n_rows, dtype=np.float64) if name is None else numbers(column[name])
    if not np.isfinite(number).all():
        raise refusal(path, f"row {int(np.argmin(np.isfinite(number))) + 1}: the {name} is no number", _WORKS)
    first = 1.0 if number.min() >= 1 else 0.0
    told = f"epochs are numbered from {number.min():.0f}: counted from 1" if number.min() > 1 else None
    return EPOCH_S * (number - first), None, told


def _by_clock(clock: ClockTimes) -> tuple[Float, datetime | None]:
    """Seconds from the first row, over midnight, and the clock of the first row; NaN where a row has none."""
    if not np.isfinite(clock.seconds).all():
        return clock.seconds, None
    start = moment_of(float(clock.seconds[0]))
    return clock.seconds - clock.seconds[0], start if clock.is_dated else datetime.combine(NO_DATE, start.time())


def _counted(name: str, column: pl.Series) -> Float:
    return numbers(column) * (time_unit(name, "")[1] or 1.0)


def _ends(column: Columns, onset_s: Float) -> Float:
    """End of each row, s: by its duration, else where the next begins."""
    lasting = next((column[name] for name in _DURATION_COLUMNS if name in column), None)
    given_s = np.full(len(onset_s), np.nan) if lasting is None else numbers(lasting)
    return np.where(np.isfinite(given_s), onset_s + given_s, np.r_[onset_s[1:], onset_s[-1:] + EPOCH_S])


def _is_stage(text: str) -> bool:
    return stage_letter(text) is not None or _whole(text) is not None


def _whole(text: str) -> int | None:
    found = re.fullmatch(r"([+-]?\d{1,3})(?:\.0*)?", text)
    return int(found[1]) if found else None


def _letters(path: Path, written: list[str], code: str | None) -> tuple[list[str], str | None]:
    """Stage letters; integers by code when the file holds nothing else, else as R&K stages beside letters."""
    if not written:
        raise refusal(path, "no sleep stage in the file", _WORKS)
    whole = [_whole(text) for text in written]
    try:
        if all(value is not None for value in whole):
            return letters_of_codes([value for value in whole if value is not None], code)
    except ValueError as error:
        raise refusal(path, str(error), _WORKS) from None
    letters = [stage_letter(text) for text in written]
    if None in letters:
        strange = written[letters.index(None)]
        raise refusal(path, f"stage {quoted(strange)} among letters", _WORKS)
    return [letter for letter in letters if letter is not None], None

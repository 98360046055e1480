"""RR-interval text to beat times.

One interval a line, or a column of a table (`time,RR`); seconds or milliseconds; header lines, `;`, tabs,
comma decimals and blank lines are understood.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from holter2sleep.clock import NO_DATE
from holter2sleep.io.files import MAX_ELAPSED_S, quoted, read_text, refusal
from holter2sleep.io.sampled_text import looks_sampled, names_a_signal
from holter2sleep.io.stamps import ClockTimes, clock_times, moment_of
from holter2sleep.night import Bool, Float

RR_UNITS = {"s": 1.0, "ms": 1e-3}
_MS_ABOVE = 10.0  # no RR interval lasts 10 s for half of a recording, none is as short as 10 ms
_MOST_MARKED = 0.05  # of the values zero or below: marks of a lost or wrong beat; samples of an ECG are so more often
RISING = 30  # values that only rise are times: no heart slows down from beat to beat for so long
_MARK_SIZES = (0.4, 2.5)  # of the median interval: an early beat, a missed one
_MOST_OF_OTHER_UNIT = 0.05  # of the values: a hole in the beats is as long as a thousand intervals, but there are few
_PLAUSIBLE_MEDIAN_S = (0.25, 3.0)  # 20-240 beats a minute for half of a recording
_TIMES_AGREE_S = 0.02  # a time column that advances by the interval, to its rounding, is the time of the beat
_HOLE_OF_WHOLE_S = 1.5  # stamps in whole seconds are wrong by less than one at each end of an interval
_RR_NAME = re.compile(r"(?<![a-z0-9])(rr|nn|ibi|rri|nni)s?(?![a-z0-9])|interval")
_UNNAMED_COLUMNS = 2  # of a table with more, one has to be named: its numbers could be anything
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
SAMPLES_WORK = "samples of an ECG with their rate (--fs), or RR intervals in s or ms"
_WORKS = "RR intervals in s or ms, one a line or as a column; beat times in a column time_s; a waveform with --fs"


@dataclass(frozen=True)
class _Rows:
    """The lines of numbers, column by column: a month has millions, for which one object each is too much."""

    number: Sequence[int]  # of each line in the file
    columns: list[list[str]]


@dataclass(frozen=True)
class RrText:
    """What a text of RR intervals says."""

    time_s: Float  # beats, s from the first one
    unit: str  # of the intervals, s or ms
    usable: Bool  # (n_beats,), False where the interval before is a mark and no interval
    start: datetime | None = None  # of the first beat, where a column has clock times
    notes: tuple[str, ...] = ()


def read_rr_text(path: Path, rr_unit: str = "auto") -> RrText:
    """Beat times from a text of RR intervals.

    `n` intervals give `n + 1` beats, the first at 0 s. Where a time column, counted or by the clock, advances with the
    intervals it is believed, so that a hole stays a hole. An implausibly long interval is a hole too: no beat is
    invented. Zero and values below, where few, mark a beat that was lost: it lasts as long as its size says, or the
    median, and the beat at its end is unusable, so that no number rests on it.

    Raises
    ------
    RecordingError
        No interval, letters between numbers (the line is named), or values that are no RR intervals.
    ValueError
        `rr_unit` is not auto, s or ms.
    """
    if rr_unit not in ("auto", *RR_UNITS):
        raise ValueError(f"rr_unit must be auto, s or ms, not {rr_unit!r}")
    header, rows = _table(path)
    column = _rr_column(path, header, rows)
    counted = _numeric(rows.columns[column])
    if len(counted) >= RISING and (np.diff(counted) > 0).all():
        raise refusal(path, f"{len(counted)} values that only rise, as times do", _WORKS)
    fields = zip(rows.number, rows.columns[column], strict=True)
    marked = counted <= 0
    usable = len(counted) and 0 <= marked.mean() <= _MOST_MARKED
    rr = counted if usable else np.array([_required(path, number, field) for number, field in fields])
    marked, rr = (marked, _unmarked(rr, marked)) if usable else (np.zeros(len(rr), bool), rr)
    unit = rr_unit if rr_unit != "auto" else "ms" if np.median(rr) > _MS_ABOVE else "s"
    rr_s = rr * RR_UNITS[unit]
    if unit == "s" and (rr == np.round(rr)).all():
        raise refusal(path, "whole numbers below 10, such as sleep stages (given with --hypnogram)", _WORKS)
    check_rr(path, rr_s, unit)
    named = len(header) > column and _RR_NAME.search(header[column])
    if not named and (why := looks_sampled(rr_s)):
        raise refusal(path, f"{len(rr_s)} numbers that are no RR intervals: {why}", SAMPLES_WORK)
    others = [texts for i, texts in enumerate(rows.columns) if i != column]
    counted_s = next((time for texts in others if len(time := _numeric(texts)) > 1), None)
    clock = next((found for texts in others if (found := _clock(texts))), None)
    times = clock.seconds if clock else counted_s
    known = ~marked  # the file's own times tell how long the marked ones were
    beats, first_s = (None, 0.0) if times is None else _beats_by(times[known], rr_s[known], by_clock=clock is not None)
    notes = [clock.note] if clock and clock.note else []
    if clock and beats is None:
        notes.append("the clock times do not advance with the intervals: only the start is taken from them")
    if clock and not clock.is_dated:
        notes.append(f"times without a date: {NO_DATE} stands for no date")
    start = _start(first_s, clock.is_dated) if clock else None
    if marked.any():
        notes.append(f"{int(marked.sum())} of {len(rr)} intervals are zero or below: taken as marks of lost beats")
    if beats is None or times is None:
        return RrText(np.r_[0.0, np.cumsum(rr_s)], unit, np.r_[True, known], start, tuple(notes))
    return RrText(beats, unit, ~_nearest(beats, times[marked] - first_s), start, tuple(notes))


def _nearest(beats_s: Float, moments_s: Float) -> Bool:
    """The beat nearest to each moment. array (n_beats,)."""
    behind = np.clip(np.searchsorted(beats_s, moments_s), 1, len(beats_s) - 1)
    index = behind - (moments_s - beats_s[behind - 1] < beats_s[behind] - moments_s)
    found = np.zeros(len(beats_s), bool)
    found[index] = True
    return found


def _unmarked(rr: Float, marked: Bool) -> Float:
    """The intervals, marks replaced by their size, or by the median where that is none of a heart."""
    typical = float(np.median(rr[~marked]))
    size = np.abs(rr)
    low, high = _MARK_SIZES
    return np.where(~marked, rr, np.where((size >= low * typical) & (size <= high * typical), size, typical))


def check_rr(path: Path, rr_s: Float, unit: str) -> None:
    """Whether intervals, s, can be those of a heart.

    Raises
    ------
    RecordingError
        Their median cannot, or some are written in another unit.
    """
    low, high = _PLAUSIBLE_MEDIAN_S
    if not low <= np.median(rr_s) <= high:
        found = f"the median of {len(rr_s)} values is {np.median(rr_s):g} s (read as {unit}): no RR intervals"
        raise refusal(path, found, f"{_WORKS}; --rr-unit s or ms when the unit was taken wrongly")
    other = "ms" if unit == "s" else "s"
    factor = RR_UNITS[other] / RR_UNITS[unit]
    otherwise = (rr_s * factor >= low) & (rr_s * factor <= high)
    if otherwise.mean() > _MOST_OF_OTHER_UNIT:
        found = f"{otherwise.sum()} of {len(rr_s)} intervals seem to be written in {other}, the others in {unit}"
        raise refusal(path, found, "RR intervals all in s, or all in ms")
    if not rr_s.sum() <= MAX_ELAPSED_S:
        raise refusal(path, f"intervals of {rr_s.sum() / 86400:.3g} days together", "intervals within a month")


def _beats_by(times: Float, rr_s: Float, *, by_clock: bool) -> tuple[Float | None, float]:
    """Beats by the file's own times where they advance by the interval they begin or end, and when the first was."""
    steps = np.diff(times)
    before, after = np.abs(steps - rr_s[:-1]), np.abs(steps - rr_s[1:])
    is_whole = by_clock and bool((times == np.round(times)).all())  # counted, such a column may number the beats
    # a clock of whole seconds is off by a part of one at each beat, and right on the whole
    agrees_s = 1.0 if is_whole else _TIMES_AGREE_S
    from_start, to_end = (float(np.mean(x) if is_whole else np.median(x)) for x in (before, after))
    falls = (steps < 0).any() if is_whole else (steps <= 0).any()
    if falls or min(np.median(before), np.median(after)) > agrees_s:
        return None, float(times[0])
    is_start = from_start < to_end or (from_start == to_end and times[0] == 0)
    starts = times if is_start else times - rr_s
    if is_whole:
        late = steps - (rr_s[:-1] if is_start else rr_s[1:])
        holes = np.where(late > _HOLE_OF_WHOLE_S, late, 0.0)
        starts = starts[0] + np.r_[0.0, np.cumsum(rr_s[:-1] + holes)]
    ends = starts + rr_s
    after_hole = np.r_[True, starts[1:] - ends[:-1] > _TIMES_AGREE_S]
    beats = np.sort(np.r_[starts[after_hole], ends])
    return beats - beats[0], float(beats[0])


def _clock(texts: list[str]) -> ClockTimes | None:
    """Times of a column of clock times; None for others."""
    found = clock_times(pl.Series(texts, dtype=pl.String)) if len(texts) > 1 else None
    return found if found is not None and np.isfinite(found.seconds).all() else None


def _start(first_s: float, is_dated: bool) -> datetime:
    """Clock on the wall at the first beat."""
    moment = moment_of(first_s)
    return moment if is_dated else datetime.combine(NO_DATE, moment.time())


def _required(path: Path, number: int, field: str) -> float:
    value = _value(field)
    if value < 0:
        raise refusal(path, f"line {number}: {field[:40]!r} is below 0, as samples can be", SAMPLES_WORK)
    if not value < np.inf:
        raise refusal(path, f"line {number}: {quoted(field)} is no interval", _WORKS)
    return value


def _value(field: str) -> float:
    return float(field) if _NUMBER.fullmatch(field) else np.nan


def _numeric(texts: list[str]) -> Float:
    """A column's numbers; empty when one of its fields is no number."""
    column = pl.Series(texts, dtype=pl.String)
    if not column.str.contains(f"^(?:{_NUMBER.pattern})$").all():
        return np.empty(0)
    values = column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    return values if np.isfinite(values).all() else np.empty(0)


# --- lines and columns -----------------------------------------------------------------------------


def _table(path: Path) -> tuple[list[str], _Rows]:
    """Column names (empty without a header line) and the lines of numbers, all with as many fields."""
    written = read_text(path, _WORKS).splitlines()
    is_line = [bool(line.strip("\x1a\0 \t\r\n;,")) for line in written]
    numbers = list(itertools.compress(range(1, len(written) + 1), is_line))
    lines = [line.strip() for line in itertools.compress(written, is_line)]
    del written, is_line
    together = "\n".join(lines)  # a mark is found in it much faster than line by line
    separator, comma_decimal = _dialect(lines, together)
    header, first = _header(lines, separator, comma_decimal)
    if first == len(lines):
        raise refusal(path, "no line holds an interval", _WORKS)
    columns: list[list[str]] = [[] for _ in _fields(lines[first], separator, comma_decimal)]
    if len(columns) == 1 and not any(mark in together for mark in ' ,;"\t'):
        return header, _Rows(numbers[first:], [lines[first:]])
    for number, line in itertools.islice(zip(numbers, lines, strict=True), first, None):
        fields = _fields(line, separator, comma_decimal)
        if len(fields) != len(columns):
            raise refusal(path, f"line {number}: {quoted(line)} does not fit the {len(columns)} columns above", _WORKS)
        for column, field in zip(columns, fields, strict=True):
            column.append(field)
    return header, _Rows(numbers[first:], columns)


def _header(lines: list[str], separator: str | None, comma_decimal: bool) -> tuple[list[str], int]:
    """Names of the columns by the last line above the first one with a number, and the index of that one."""
    header: list[str] = []
    for i, line in enumerate(lines):
        fields = _fields(line, separator, comma_decimal)
        if any(_NUMBER.fullmatch(field) for field in fields):
            return header, i
        header = [field.casefold() for field in fields]
    return header, len(lines)


def _fields(line: str, separator: str | None, comma_decimal: bool) -> list[str]:
    fields = [field.strip().strip('"') for field in line.split(separator)]
    return [field.replace(",", ".") for field in fields] if comma_decimal else fields


def _dialect(lines: list[str], together: str) -> tuple[str | None, bool]:
    """Separator of the columns (None is blank space), and whether the comma is the decimal sign."""
    for separator in (";", "\t"):
        if separator in together:
            return separator, True
    if "," not in together:
        return None, False
    blank_columns = any(re.fullmatch(r"[\d,]+( +[\d,]+)+", line) for line in lines)
    return (None, True) if blank_columns or _all_decimals(lines) else (",", False)


def _all_decimals(lines: list[str]) -> bool:
    """Whether `0,812` means 0.812 s: a whole part of at most 3 s, which does not simply count up as a time would."""
    numbers = [re.fullmatch(r"([0-3])(,\d+)?", line) for line in lines if line[0].isdigit()]
    whole = [int(found[1]) for found in numbers if found]
    counts_up = len(whole) > 1 and all(after > before for before, after in itertools.pairwise(whole))
    return bool(whole) and len(whole) == len(numbers) and not counts_up


def _rr_column(path: Path, header: list[str], rows: _Rows) -> int:
    """The column named after RR, NN or IBI; else the first whose numbers do not simply increase."""
    n_columns = len(rows.columns)
    for i, name in enumerate(header[:n_columns]):
        if len(header) == n_columns and _RR_NAME.search(name):
            return i
    if len(header) == n_columns and (other := [name for name in header if names_a_signal(name)]):
        raise refusal(path, f"a column {other[0]!r}, which holds no RR intervals", SAMPLES_WORK)
    if n_columns > _UNNAMED_COLUMNS:
        found = f"the columns {', '.join(header)[:120]}" if header else f"{n_columns} columns without a name"
        raise refusal(path, f"a table with {found}", _WORKS)
    for i, texts in enumerate(rows.columns):
        values = _numeric(texts)
        if len(values) and (len(values) < 2 or not (np.diff(values) > 0).all()):
            return i
    return 0

"""The times of a table of samples: in which columns they stand, and what they say of the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from holter2sleep.clock import NO_DATE
from holter2sleep.io.files import quoted, refusal
from holter2sleep.io.signal_batches import SignalTable
from holter2sleep.io.stamps import (
    DayOrder,
    SlashedDate,
    guessed_unit_s,
    is_clock,
    is_date,
    moment_of,
    names_a_date,
    order_of,
    seconds_of,
    slashed_dates,
    time_unit,
)
from holter2sleep.night import Float

_TEMPERATURES_TOO = ("temps", "tempo")  # not always times: the head has to advance
_WORKS = "times as 2024-12-31 22:30:00, counted from 0, or the rate with --fs"

Column = Mapping[int, pl.Series]  # columns of a batch by their number


@dataclass(frozen=True)
class TimeColumn:
    """Where a table has its times, and how they are written."""

    index: int
    date: int | None  # the column of the dates, where they stand beside the clock
    unit_s: float  # seconds in the unit of counted times
    order: DayOrder  # of dates such as 03/04/2024
    is_clock: bool  # whether they tell the time of day
    has_date: bool  # whether a date is written
    is_doubtful: bool = False  # whether the first rows leave the order to a rule

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns to read, by number."""
        return (self.index,) if self.date is None else (self.index, self.date)

    @property
    def is_dated(self) -> bool:
        """Whether the date is known; counted times say nothing of it."""
        return self.has_date and self.order is not DayOrder.UNKNOWN

    def written(self, column: Column) -> pl.Series:
        """The times as one column, the date before the clock."""
        return column[self.index] if self.date is None else _joined(column[self.date], column[self.index])

    def seconds(self, column: Column) -> Float:
        """Times, s since 1970 or midnight, or as counted; NaN where there is none. array (n_rows,)."""
        return seconds_of(self.written(column), self.unit_s, self.order)

    def required(self, path: Path, column: Column, row: int) -> Float:
        """Likewise, none missing; `row` is the line of the first.

        Raises
        ------
        RecordingError
            A field that is no time; the line is named.
        """
        seconds = self.seconds(column)
        bad = ~np.isfinite(seconds)
        if bad.any():
            at = int(np.argmax(bad))
            raise refusal(path, f"line {row + at}: {quoted(str(self.written(column)[at]))} is no time", _WORKS)
        return seconds

    def start(self, first_stamp: float | None) -> tuple[datetime | None, str | None]:
        """Local start by the first time, with a note where it has no date; counted times say nothing of the clock."""
        if first_stamp is None or not self.is_clock:
            return None, None
        if self.is_dated:
            return moment_of(first_stamp), None
        midnight = datetime.combine(NO_DATE, datetime.min.time())
        note = f"times without a date: {NO_DATE} stands for no date"
        return midnight + (moment_of(first_stamp) - moment_of(0.0)), note


def find_time_column(table: SignalTable, head: pl.DataFrame) -> TimeColumn | None:
    """The times of a table by the names of its columns and its first rows; None where it has none."""
    if not table.named or len(head) == 0:
        return None
    dates = [i for i, name in enumerate(table.names) if names_a_date(name) and _is_date(head.to_series(i))]
    stamps = [i for i in dates if _is_clock(head.to_series(i))[0]]
    named = (i for i, name in enumerate(table.names) if time_unit(name, table.units[i])[0] and _is_time(name, head, i))
    index = next(named, next(iter(stamps), None))
    if index is None:
        return None
    has_clock, has_date = _is_clock(head.to_series(index))
    beside = next((i for i in dates if i != index), None) if has_clock and not has_date else None
    found = TimeColumn(index, beside, 1.0, DayOrder.UNKNOWN, has_clock, has_date or beside is not None)
    columns = dict(enumerate(head.get_columns()))
    order, doubt = order_of(slashed_dates(found.written(columns)))
    found = replace(found, order=order, is_doubtful=doubt is not None)
    named_s = time_unit(table.names[index], table.units[index])[1]
    return replace(found, unit_s=named_s or guessed_unit_s(found.seconds(columns)))


def with_order(path: Path, table: SignalTable, time: TimeColumn) -> tuple[TimeColumn, str | None]:
    """The times with the order of their dates by all rows, and a note where it was found by rule or not at all.

    Raises
    ------
    RecordingError
        Several dates that go forward in neither order.
    """
    if not time.is_doubtful:
        return time, None
    dates: dict[SlashedDate, None] = {}
    for frame in table.batches(time.columns):
        column = dict(zip(time.columns, frame.get_columns(), strict=True))
        dates |= dict.fromkeys(slashed_dates(time.written(column)))
    order, note = order_of(list(dates))
    if order is DayOrder.UNKNOWN and len(dates) > 1:
        first, *_, last = (f"{a:02d}/{b:02d}/{year}" for a, b, year in dates)
        raise refusal(path, f"dates from {first} to {last}, which may have day or month first", _WORKS)
    return replace(time, order=order), note


def _joined(dates: pl.Series, clocks: pl.Series) -> pl.Series:
    """`2024-03-01 22:30:01` out of a column of dates and one of clock times, texts or not."""
    day = dates.dt.strftime("%Y-%m-%d") if dates.dtype in (pl.Date, pl.Datetime) else dates.cast(pl.String)
    clock = clocks.dt.strftime("%H:%M:%S%.f") if clocks.dtype == pl.Time else clocks.cast(pl.String)
    day = day.str.strip_chars(" '\"").str.extract(r"^([^ T]+)")
    return pl.select(pl.concat_str(day, clock.str.strip_chars(" '\""), separator=" ")).to_series()


def _is_time(name: str, head: pl.DataFrame, index: int) -> bool:
    """Whether a column that is named as a time is one."""
    if not any(word in name.casefold() for word in _TEMPERATURES_TOO):
        return True
    steps = np.diff(seconds_of(head.to_series(index), 1.0))
    return len(steps) > 0 and bool((steps >= 0).all()) and bool((steps > 0).any())


def _is_clock(column: pl.Series) -> tuple[bool, bool]:
    """Whether a column tells the time of day, and whether it has a date, by its type or its first row."""
    if column.dtype in (pl.Datetime, pl.Time):
        return True, column.dtype == pl.Datetime
    return is_clock(str(column[0])) if column.dtype == pl.String else (False, False)


def _is_date(column: pl.Series) -> bool:
    return column.dtype in (pl.Date, pl.Datetime) or (column.dtype == pl.String and is_date(str(column[0])))

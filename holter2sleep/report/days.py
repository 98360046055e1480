"""The days of a long recording, each from noon to noon, so that a night is not cut."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

import polars as pl

from holter2sleep.clock import Clock, date_known
from holter2sleep.report.axes import HOUR_S
from holter2sleep.report.tables import ReportNight

DAY_H = 24.0
NOON_H = 12


@dataclass(frozen=True)
class Day:
    """One day: its place on the time of the recording, and what the recording holds of it."""

    label: str
    start_h: float  # may lie before the recording, as its end may lie behind it
    end_h: float
    clock_h: float | None  # time of day at its start; None where the clock is unknown
    part: ReportNight  # with the epochs and episodes of the day; times still are those of the recording

    @property
    def hours(self) -> range:
        """Numbers, from 1, of the hours of the recording that begin in the day."""
        begun = [number for number in range(round(self.part.duration_h) + 2) if self._holds(number - 1)]
        return range(begun[0], begun[-1] + 1) if begun else range(0)

    def _holds(self, at_h: float) -> bool:
        return max(self.start_h, 0.0) <= at_h < min(self.end_h, self.part.duration_h)


def days_of(night: ReportNight) -> list[Day]:
    """The days that a recording touches: from noon to noon, or by 24 h from its start where the clock is unknown."""
    edges_h = _edges_h(night)
    return [_day(night, i, start_h, end_h) for i, (start_h, end_h) in enumerate(pairwise(edges_h))]


def _edges_h(night: ReportNight) -> list[float]:
    """Ends of the days, hours since the start; where clocks are changed, a day has 23 or 25 h."""
    n = int(night.duration_h / DAY_H) + 3
    edges_h = [DAY_H * i for i in range(n)] if night.clock is None else _noons_h(night.clock, n)
    behind = next(i for i, edge_h in enumerate(edges_h) if edge_h >= night.duration_h)
    return edges_h[: behind + 1]


def _noons_h(clock: Clock, n: int) -> list[float]:
    """Noons from the last one not after the start on, hours since the start."""
    noon = clock.start.replace(hour=NOON_H, minute=0, second=0, microsecond=0, fold=0)
    first = noon if noon <= clock.start else noon - timedelta(days=1)
    return [clock.elapsed_s(first + timedelta(days=i)) / HOUR_S for i in range(n)]


def _day(night: ReportNight, number: int, start_h: float, end_h: float) -> Day:
    inside = pl.col("onset_s").is_between(HOUR_S * start_h, HOUR_S * end_h, closed="left")
    touching = (pl.col("end_s") > HOUR_S * start_h) & (pl.col("start_s") < HOUR_S * end_h)
    part = replace(night, epochs=night.epochs.filter(inside), episodes=night.episodes.filter(touching))
    clock = night.clock
    dated = clock is not None and date_known(clock.start)
    label = f"{clock.at(HOUR_S * start_h):%Y-%m-%d}" if clock and dated else night.words("table.day", number=number + 1)
    return Day(label, start_h, end_h, float(NOON_H) if clock else None, part)

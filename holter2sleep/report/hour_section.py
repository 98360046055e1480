"""The section of the rhythm over time: a table with a row an hour, or a day of a long recording."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
import polars as pl

from holter2sleep.night import EPOCH_S, STAGE_STRATA, UNSCORED, Float
from holter2sleep.report.days import days_of
from holter2sleep.report.grid import Column, fitted_columns, table_blocks
from holter2sleep.report.layout import Layout, Section
from holter2sleep.report.page import TEXT_WIDTH_MM, Block
from holter2sleep.report.tables import Cell, ReportNight
from holter2sleep.report.words import Words

ALIKE_HOURS = 12  # rows that say the same, from which on they become one
HOUR_MM, DAY_MM = 21.0, 28.0  # first column


def hourly(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """One row an hour, or a day of a long recording; totals last."""
    words, by_day = night.words, layout.shows_days(night.duration_h)
    first = Column(words("table.day_head" if by_day else "table.hour"), DAY_MM if by_day else HOUR_MM, "left")
    rows = _without_repeats(_day_rows(night, section) if by_day else _hour_rows(night, section), words)
    heads = [*map(words.layout, section.heads), words("table.asleep"), words("table.rem")]
    columns = [first, *fitted_columns(heads, [row[1:] for row in rows], TEXT_WIDTH_MM - first.width_mm)]
    return table_blocks(columns, rows, bold_last=True)


def _hour_rows(night: ReportNight, section: Section) -> list[list[str]]:
    """A row for each hour, and one for the night."""
    staged = _staged(night)
    rows = []
    for stratum in [*night.hour_strata, "night"]:
        cells = [night.cell(name, stratum).short for name in section.phenotypes]
        rows.append([_hour_label(night, stratum), *cells, *staged(stratum)])
    return rows


def _day_rows(night: ReportNight, section: Section) -> list[list[str]]:
    """A row for each day from its hours, and one for the night."""
    rows = []
    for day in days_of(night):
        if day.hours:
            strata = [f"hour_{number:02d}" for number in day.hours]
            cells = [together([night.cell(name, stratum) for stratum in strata]).short for name in section.phenotypes]
            label = f"{day.label}  {day.hours[0]}-{day.hours[-1]}"
            rows.append([label, *cells, *_staged(day.part)("night")])
    return [*rows, _hour_rows(night, section)[-1]]


def together(cells: Sequence[Cell]) -> Cell:
    """One cell of the hours of a day that have a number; where none has, or they cannot be put together, none.

    Counts and times add up; the lowest and the highest rate are those of all hours; a mean rate is that of all
    intervals; a share of the time weighs each hour by its time.
    """
    known = [cell for cell in cells if cell.ok]
    name, unit = cells[0].entry.name, cells[0].entry.unit
    put = TOGETHER.get(name) or (_total if unit in ADDED_UNITS else None)
    if not known or put is None:
        return replace(cells[0], value=None, status=cells[0].status if put else "not_applicable")
    return replace(known[0], value=put(known), recomputed=any(cell.recomputed for cell in cells))


def _values(cells: Sequence[Cell]) -> Float:
    return np.array([cell.value for cell in cells], np.float64)


def _total(cells: Sequence[Cell]) -> float:
    return float(_values(cells).sum())


def _rate_of_all(cells: Sequence[Cell]) -> float:
    """60 / mean interval of all: intervals, and the time that they last, add up."""
    n = np.array([cell.n or 0 for cell in cells], np.float64)
    return float(n.sum() / (n / _values(cells)).sum())


def _weighted_by_time(cells: Sequence[Cell]) -> float:
    return float(np.average(_values(cells), weights=[cell.coverage_s or 0.0 for cell in cells]))


ADDED_UNITS = ("count", "h")
TOGETHER: dict[str, Callable[[Sequence[Cell]], float]] = {
    "heart_rate_min": lambda cells: float(_values(cells).min()),
    "heart_rate_max": lambda cells: float(_values(cells).max()),
    "heart_rate_mean": _rate_of_all,
    "af_burden": _weighted_by_time,
}


def _without_repeats(rows: list[list[str]], words: Words) -> list[list[str]]:
    """One row in place of many hours that read alike, as in gaps of days."""
    kept: list[list[str]] = []
    for _, run in groupby(rows, key=lambda row: row[1:]):
        alike = list(run)
        if len(alike) < ALIKE_HOURS:
            kept += alike
        else:
            first, last = (row[0].split()[0] for row in (alike[0], alike[-1]))
            kept.append([words("table.to", first=first, last=last), *alike[0][1:]])
    return kept


def _hour_label(night: ReportNight, stratum: str) -> str:
    if stratum == "night":
        return night.words.row("night")
    number = int(stratum.removeprefix("hour_"))
    part = "*" if night.duration_h < number else ""
    if night.clock is None:
        return f"{number}{part}"
    return f"{number}{part}  {night.clock.at(3600.0 * (number - 1)):%H:%M}"


def _staged(night: ReportNight) -> Callable[[str], list[str]]:
    """Shares of sleep and of REM in an hour, or the night; marked where no epoch is staged, or no stage is REM."""
    asleep, rem = stage_percents(night, "sleep"), stage_percents(night, "rem")
    none, told = night.words("status.insufficient_data_short"), night.cell("rem_min", "night")
    untold = told.short if told.status == "not_applicable" else None
    return lambda stratum: [asleep.get(stratum, none), untold or rem.get(stratum, none)]


def stage_percents(night: ReportNight, stage: str) -> dict[str, str]:
    """Share of the staged epochs of each hour and of the night in a stage; no entry without a staged epoch."""
    staged = night.epochs.filter(pl.col("stage") != UNSCORED)
    inside = np.isin(staged["stage"].to_numpy(), list(STAGE_STRATA[stage][0]))
    hour = ((staged["onset_s"].to_numpy() + EPOCH_S / 2) // 3600).astype(np.int64)
    n, n_inside = np.bincount(hour), np.bincount(hour, inside)
    found = {f"hour_{i + 1:02d}": f"{100 * n_inside[i] / n[i]:.0f}" for i in np.flatnonzero(n)}
    return found | ({"night": f"{100 * inside.mean():.0f}"} if len(inside) else {})

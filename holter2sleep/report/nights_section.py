"""Sections of the report over several nights of one person: a table with a row a night, and their figure."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

from holter2sleep.clock import night_of
from holter2sleep.report.day_figure import day_blocks
from holter2sleep.report.days import Day, days_of
from holter2sleep.report.grid import Column, fitted_columns, table_blocks
from holter2sleep.report.layout import DAY_TRACKS, Layout, Section, split_name
from holter2sleep.report.page import TEXT_WIDTH_MM, Block
from holter2sleep.report.tables import Cell, ReportNight

NAME_MM, DATE_MM = 30.0, 18.0


def nights_table(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """One row a night, the medians last."""
    words, shown = night.words, [split_name(name) for name in section.phenotypes]
    cells = [[each.cell(*one) for one in shown] for each in _nights(night)]
    rows = [[each.run["recording_id"], _evening(each)] for each in _nights(night)] + [[words("table.median"), ""]]
    figures = [
        [cell.short for cell in row] for row in [*cells, [_median(list(each)) for each in zip(*cells, strict=True)]]
    ]
    columns = [Column(words("table.recording"), NAME_MM, "left"), Column(words("table.evening"), DATE_MM, "left")]
    columns += fitted_columns([*map(words.layout, section.heads)], figures, TEXT_WIDTH_MM - NAME_MM - DATE_MM)
    return table_blocks(columns, [[*row, *found] for row, found in zip(rows, figures, strict=True)], bold_last=True)


def _nights(night: ReportNight) -> tuple[ReportNight, ...]:
    """The nights shown together, or the one there is."""
    return night.nights or (night,)


def _evening(night: ReportNight) -> str:
    return str((night.clock and night_of(night.clock.start)) or night.words("head.unknown"))


def _median(cells: list[Cell]) -> Cell:
    """The median of the nights that have a number; without one, as the first night says."""
    known = [cell.value for cell in cells if cell.ok and cell.value is not None]
    return replace(cells[0], value=median(known), status="ok", recomputed=False) if known else cells[0]


def nights_figure(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """A row for each night, from noon to noon."""
    tracks = [track for track in section.tracks if track in DAY_TRACKS]
    return day_blocks([_main_day(each) for each in _nights(night)], tracks, night.words)


def _main_day(night: ReportNight) -> Day:
    """The day that holds most of a night."""
    return max(days_of(night), key=lambda day: min(day.end_h, night.duration_h) - max(day.start_h, 0.0))

"""The section of averaged beats: their pictures by stage above a table of their intervals."""

from __future__ import annotations

import polars as pl

from holter2sleep.report.averaged import beats_block
from holter2sleep.report.grid import Column, fitted_columns, panel, table_blocks
from holter2sleep.report.layout import Layout, Section
from holter2sleep.report.page import TEXT_WIDTH_MM, Block
from holter2sleep.report.tables import Cell, ReportNight

FIRST_MM = 25.0  # the column of stages


def averaged_beats(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """Averaged beats by stage with their marks, above a table of their intervals."""
    rows = night.averages.filter(pl.col("stratum").is_in(section.strata)).to_dicts()
    rows.sort(key=lambda row: section.strata.index(row["stratum"]))
    if not rows:
        why = "none_beats_only" if night.run["channel"] is None else "none_few"
        return [panel(night.words(f"averaged.{why}"))]
    first = Column(night.words("table.averaged_beat"), FIRST_MM, "left")
    table = [
        [night.words.row(stratum), *(_with_interval(night.cell(name, stratum)) for name in section.phenotypes)]
        for stratum in section.strata
    ]
    heads = [night.words.layout(head) for head in section.heads]
    columns = [first, *fitted_columns(heads, [row[1:] for row in table], TEXT_WIDTH_MM - FIRST_MM)]
    return [
        beats_block(rows, [night.words.row(row["stratum"]) for row in rows], night.words),
        *table_blocks(columns, table, bold_last=True),
    ]


def _with_interval(cell: Cell) -> str:
    """A number, with its interval in brackets where that can be seen in print."""
    low, high = (cell.words.number(cell.entry.text(end)) for end in (cell.ci_low, cell.ci_high))
    return f"{cell.text} ({low}\N{EN DASH}{high})" if cell.interval and low != high else cell.short

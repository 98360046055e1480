"""The section of averaged beats: their pictures by stage above a table of their intervals."""

from __future__ import annotations

import polars as pl

from holter2sleep.report.averaged import beats_block
from holter2sleep.report.grid import Column, panel, table_blocks
from holter2sleep.report.layout import STRATUM_WORDS, Layout, Section
from holter2sleep.report.page import TEXT_WIDTH_MM, Block
from holter2sleep.report.tables import Cell, ReportNight


def averaged_beats(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """Averaged beats by stage with their marks, above a table of their intervals."""
    rows = night.averages.filter(pl.col("stratum").is_in(section.strata)).to_dicts()
    rows.sort(key=lambda row: section.strata.index(row["stratum"]))
    if not rows:
        why = "the input holds beats only" if night.run["channel"] is None else "too few usable normal beats"
        return [panel(f"No averaged beat: {why}.")]
    first = Column("Averaged beat", 24, "left")
    width_mm = (TEXT_WIDTH_MM - first.width_mm) / len(section.heads)
    columns = [first, *(Column(head, width_mm) for head in section.heads)]
    table = [
        [_stage_name(stratum), *(_with_interval(night.cell(name, stratum)) for name in section.phenotypes)]
        for stratum in section.strata
    ]
    return [
        beats_block(rows, [_stage_name(row["stratum"]) for row in rows]),
        *table_blocks(columns, table, bold_last=True),
    ]


def _stage_name(stratum: str) -> str:
    return {"wake": "Wake", "night": "Night", "sleep": "Sleep"}.get(stratum, STRATUM_WORDS[stratum])


def _with_interval(cell: Cell) -> str:
    """A number, with its interval in brackets where that can be seen in print."""
    low, _, high = cell.interval.partition(" to ")
    return f"{cell.text} ({low}-{high})" if low != high else cell.short

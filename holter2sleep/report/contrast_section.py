"""One part of the night against another: the rows of the cross table, on paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from holter2sleep.phenotypes.cross import is_counted
from holter2sleep.phenotypes.dictionary import Entry, load_dictionary
from holter2sleep.report.grid import Column, table_blocks
from holter2sleep.report.layout import Layout, Section
from holter2sleep.report.page import TEXT_WIDTH_MM, Block
from holter2sleep.report.tables import RECOMPUTED, ReportNight, unit_text
from holter2sleep.report.words import Words

Row = dict[str, Any]  # of the cross table

RATE = "{:.2f}"  # events an hour, whatever the dictionary says of their count
LARGEST_RATIO = 100.0  # few events leave the upper end open: how far above this it lies says nothing


def contrasts(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """One row a phenotype: its value in either part, and the one against the other with its interval."""
    part, against = section.strata
    parts = [night.words.stratum(name) for name in section.strata]
    heads = [*parts, night.words("table.against", part=parts[0], other=parts[1])]
    width_mm = (TEXT_WIDTH_MM - 58) / 3
    columns = [Column("", 58, "left"), *(Column(head, width_mm) for head in heads)]
    compared = _by_name(night.cross.filter((pl.col("stratum") == part) & (pl.col("against") == against)))
    alone = [
        _by_name(night.cross.filter((pl.col("stratum") == name) & pl.col("against").is_null()))
        for name in section.strata
    ]
    entries = [load_dictionary()[name] for name in section.phenotypes]
    rows = [
        _row(entry, [side.get(entry.name) for side in alone], compared.get(entry.name), night.words)
        for entry in entries
    ]
    marks = [_marks(night, name, section.strata) for name in section.phenotypes]
    return table_blocks(
        columns, [list(map("".join, zip(*both, strict=True))) for both in zip(rows, marks, strict=True)]
    )


def _by_name(rows: pl.DataFrame) -> dict[str, Row]:
    return {row["phenotype"]: row for row in rows.iter_rows(named=True)}


def _marks(night: ReportNight, name: str, strata: tuple[str, ...]) -> list[str]:
    """Behind each cell of a row the mark of what edits have changed; a contrast changes with either side."""
    changed = [night.cell(name, stratum).recomputed for stratum in strata]
    return ["", *(RECOMPUTED if each else "" for each in (*changed, any(changed)))]


def _row(entry: Entry, alone: Sequence[Row | None], compared: Row | None, words: Words) -> list[str]:
    """Label with unit, the number in either part, and what the one says against the other."""
    unit = "/h" if is_counted(entry) else unit_text(entry)
    printed = (RATE if is_counted(entry) else f"{{:.{entry.decimals}f}}").format
    too_few = words("status.insufficient_data")
    return [
        ", ".join(filter(None, (words.label(entry), unit))),
        *(too_few if side is None else _with_interval(side, printed, "value", "ci", words) for side in alone),
        too_few if compared is None else _contrast(compared, entry, words),
    ]


def _contrast(row: Row, entry: Entry, words: Words) -> str:
    """A ratio or a difference; counts that cluster show the interval that allows for it."""
    interval = "contrast" if row["robust_low"] is None else "robust"
    if row["contrast"] == "difference":
        return _with_interval(row, f"{{:+.{entry.decimals}f}}".format, "contrast_value", interval, words)
    text = _with_interval(row, _ratio, "contrast_value", interval, words)
    return text if row["contrast_value"] is None else f"x {text}"


def _ratio(value: float) -> str:
    return f"> {LARGEST_RATIO:.0f}" if value > LARGEST_RATIO else f"{value:.2f}"


def _with_interval(row: Row, printed: Callable[[float], str], value: str, interval: str, words: Words) -> str:
    """A number with its interval in brackets, where it has one; a ratio to nothing has none."""
    if row[value] is None:
        return words("table.nothing_to_compare")
    low, high = row[f"{interval}_low"], row[f"{interval}_high"]
    ends = words("number.to", low=printed(low), high=printed(high)) if None not in (low, high) else ""
    return words.number(printed(row[value]) + (f" ({ends})" if ends else ""))

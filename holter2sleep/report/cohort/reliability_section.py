"""How well one night of the cohort stands for a person, phenotype by phenotype."""

from __future__ import annotations

from typing import Any

import polars as pl
from matplotlib.axes import Axes

from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.report.cohort.layout import CohortLayout, CohortSection, keys_of
from holter2sleep.report.cohort.spread import MIDDLE
from holter2sleep.report.cohort.tables import Cohort
from holter2sleep.report.grid import panel, write_cells
from holter2sleep.report.page import FAINT, MARGIN_MM, TEXT_WIDTH_MM, Align, Block, Page

ROW_MM, HEAD_MM = 4.6, 6.0
# Ends from the left edge of the text: phenotype, persons, plot of the ICC, ICC, SD within persons, nights, first night.
LABEL_MM, N_MM, PLOT_MM, PLOT_END_MM = 0.0, 60.0, 64.0, 94.0
ICC_MM, SD_MM, NIGHTS_MM, FIRST_MM = 120.0, 136.0, 147.0, 180.0
PLACES: tuple[tuple[float, Align], ...] = (
    (LABEL_MM, "left"),
    (N_MM, "right"),
    (ICC_MM, "right"),
    (SD_MM, "right"),
    (NIGHTS_MM, "right"),
    (FIRST_MM, "right"),
)
HEADS = ("head_phenotype", "head_persons", "head_icc", "head_within", "head_needed", "head_first")
Row = dict[str, Any]


def draw_reliability(cohort: Cohort, layout: CohortLayout, section: CohortSection) -> list[Block]:
    """ICC with its interval drawn and in words, spread within persons, nights needed, effect of the first night."""
    rows = reliable_rows(cohort.reliability, keys_of(section), layout.limits.smallest_group)
    if not rows:
        return [panel(cohort.words("cohort.no_reliability", n=max(layout.limits.smallest_group, 2)))]
    tall_mm = ROW_MM * len(rows)

    def draw(page: Page, top_mm: float) -> None:
        _write(page, top_mm + HEAD_MM - 1.6, [cohort.words(f"cohort.{head}") for head in HEADS], head=True)
        ax = page.axes(MARGIN_MM + PLOT_MM, top_mm + HEAD_MM, PLOT_END_MM - PLOT_MM, tall_mm)
        ax.set(xlim=(-0.05, 1.05), ylim=(len(rows) - 0.5, -0.5), yticks=[], xticks=[0, 0.5, 0.8, 1])
        ax.axvline(0.8, color=FAINT, linewidth=0.6, linestyle=(0, (3, 2)))
        for i, row in enumerate(rows):
            _draw_icc(ax, i, row)
            _write(page, top_mm + HEAD_MM + ROW_MM * (i + 0.5) + 0.9, _cells(cohort, row))

    return [Block(HEAD_MM + tall_mm + 6, draw)]


def _draw_icc(ax: Axes, i: int, row: Row) -> None:
    """A dot in its interval; what lies left of the axis is a mark on its edge."""
    if row["icc_low"] is not None:
        ax.plot([row["icc_low"], row["icc_high"]], [i, i], color=MIDDLE, linewidth=0.9)
    ax.plot(row["icc"], i, "o", markersize=3, color=MIDDLE)
    edge = ax.get_xlim()[0]
    if min(row["icc"], 1 if row["icc_low"] is None else row["icc_low"]) < edge:
        ax.plot(edge, i, "<", markersize=2.6, color=MIDDLE, clip_on=False)


def reliable_rows(table: pl.DataFrame, keys: list[tuple[str, str]], smallest: int) -> list[Row]:
    """Rows of the phenotypes in their order, of enough persons with two nights."""
    known = table.filter((pl.col("n_subjects") >= max(smallest, 2)) & pl.col("icc").is_not_null())
    found = {(row["phenotype"], row["stratum"]): row for row in known.iter_rows(named=True)}
    return [found[key] for key in keys if key in found]


def _cells(cohort: Cohort, row: Row) -> list[str]:
    entry = load_dictionary()[row["phenotype"]]
    icc = [cohort.number(row[name], 2) for name in ("icc", "icc_low", "icc_high")]
    first = [cohort.printed(entry, row[f"first_night_{name}"]) for name in ("effect", "low", "high")]
    return [
        cohort.label(row["phenotype"], row["stratum"]),
        cohort.words.whole(row["n_subjects"]),
        cohort.spanned(*icc),
        cohort.printed(entry, row["within_sd"]),
        cohort.number(row["nights_needed"], 0),
        cohort.spanned(*first),
    ]


def _write(page: Page, y_mm: float, cells: list[str], *, head: bool = False) -> None:
    write_cells(page, y_mm, PLACES, cells, head=head)
    page.line((MARGIN_MM, MARGIN_MM + TEXT_WIDTH_MM), (y_mm + 1.4,) * 2, width=0.15)

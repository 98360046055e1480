"""The heart by stage of sleep: each phenotype in each stage against the same person's whole night."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from holter2sleep.phenotypes.dictionary import STRATA_SETS, Entry, load_dictionary
from holter2sleep.phenotypes.wide import column
from holter2sleep.report.cohort.groups import on_scale
from holter2sleep.report.cohort.layout import CohortLayout, CohortSection
from holter2sleep.report.cohort.tables import Cohort
from holter2sleep.report.page import INK, MARGIN_MM, RULE, SOFT, TEXT_WIDTH_MM, Block, Page

NAME_MM, ROW_MM, HEAD_MM = 54.0, 7.6, 6.0
REACH = 1.5  # z at both ends of the colours
# Dark to light in one direction: the sign of z is told by grey too, and by those who see few colours.
COLOURS = colormaps["cividis"]
DARK = 0.5  # of the colours: below, letters are white


@dataclass(frozen=True)
class Cell:
    """A phenotype in a stage: the median over persons, of how many; or the key of why there is none."""

    z: float | None
    n: int
    why: str = ""


def cell_of(persons: pl.DataFrame, entry: Entry, stratum: str, smallest: int) -> Cell:
    """Median over persons of (stage - night) / SD between persons of the night; of logarithms where these are modelled.

    One night of a person gives no spread of its own, so the unit is the spread between persons; the difference is
    within each person.
    """
    name, night = column(entry.name, stratum), column(entry.name, "night")
    if stratum not in STRATA_SETS[entry.strata]:
        return Cell(None, 0, "undefined")
    both = persons.select(stage=name, night=night).drop_nulls().to_numpy()
    if len(both) < max(smallest, 2):
        return Cell(None, len(both), "few" if len(both) else "nobody")
    scaled = on_scale(entry, both)
    spread = scaled[:, 1].std(ddof=1)
    if spread == 0:
        return Cell(None, len(both), "constant")
    return Cell(float(np.median(scaled[:, 0] - scaled[:, 1]) / spread), len(both))


def draw_heat_map(cohort: Cohort, layout: CohortLayout, section: CohortSection) -> list[Block]:
    """Rows of phenotypes, columns of stages; cells without a number are hatched and say why."""
    entries = [load_dictionary()[name] for name in section.phenotypes]
    smallest = layout.limits.smallest_group
    cells = [[cell_of(cohort.persons, entry, stratum, smallest) for stratum in section.strata] for entry in entries]
    tall_mm, wide_mm = ROW_MM * len(entries), TEXT_WIDTH_MM - NAME_MM

    def draw(page: Page, top_mm: float) -> None:
        ax = page.axes(MARGIN_MM + NAME_MM, top_mm + HEAD_MM, wide_mm, tall_mm)
        ax.set(xlim=(0, len(section.strata)), ylim=(len(entries), 0))
        ax.set_axis_off()
        for i, row in enumerate(cells):
            label = cohort.label(entries[i].name, "night")
            page.text(MARGIN_MM, top_mm + HEAD_MM + ROW_MM * (i + 0.5) + 0.9, label, size=6.5)
            for j, cell in enumerate(row):
                _draw_cell(ax, i, j, cell, cohort)
        for j, stratum in enumerate(section.strata):
            x_mm = MARGIN_MM + NAME_MM + wide_mm * (j + 0.5) / len(section.strata)
            page.text(x_mm, top_mm + HEAD_MM - 1.6, cohort.words.row(stratum), size=6.8, weight="bold", align="center")
        _draw_scale(page, top_mm + HEAD_MM + tall_mm + 2, cohort)

    return [Block(HEAD_MM + tall_mm + 12, draw)]


def _draw_cell(ax: Axes, i: int, j: int, cell: Cell, cohort: Cohort) -> None:
    if cell.z is None:
        ax.add_patch(Rectangle((j, i), 1, 1, facecolor="white", edgecolor=RULE, hatch="////", linewidth=0.4))
        why = cohort.words(f"cohort.why_{cell.why}", n=cell.n)
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        ax.text(j + 0.5, i + 0.5, why, size=5.0, color=SOFT, ha="center", va="center", bbox=box)
        return
    place = float(np.clip((cell.z / REACH + 1) / 2, 0, 1))
    ax.add_patch(Rectangle((j, i), 1, 1, facecolor=COLOURS(place), edgecolor="white", linewidth=0.6))
    ink = INK if place > DARK else "white"
    ax.text(j + 0.5, i + 0.4, cohort.number(cell.z, 2, sign=True), size=6.8, color=ink, ha="center", va="center")
    ax.text(j + 0.5, i + 0.78, f"n {cohort.words.whole(cell.n)}", size=5.2, color=ink, ha="center", va="center")


def _draw_scale(page: Page, top_mm: float, cohort: Cohort) -> None:
    ax = page.axes(MARGIN_MM + NAME_MM, top_mm, 60, 2.4)
    ax.imshow(np.linspace(0, 1, 64)[None], cmap=COLOURS, aspect="auto", extent=(-REACH, REACH, 0, 1))
    ax.set(xticks=[-REACH, 0, REACH], yticks=[])
    ax.set_xticklabels([f"≤ {cohort.number(-REACH, 1)}", "0", f"≥ {cohort.number(REACH, 1)}"])
    page.text(MARGIN_MM + NAME_MM + 66, top_mm + 2.2, cohort.words("cohort.scale_z"), size=6.0, colour=SOFT)

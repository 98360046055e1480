"""The distribution of each phenotype in a cohort: over nights, and over persons by group."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from holter2sleep.night import Float
from holter2sleep.phenotypes.dictionary import Entry, load_dictionary
from holter2sleep.phenotypes.wide import column
from holter2sleep.report.cohort.groups import Effect, groups_of, hedges_g, is_log, names_of
from holter2sleep.report.cohort.layout import CohortLayout, CohortLimits, CohortSection, keys_of
from holter2sleep.report.cohort.spread import BAR, MIDDLE, draw_histogram, quartiles_of, spread_text
from holter2sleep.report.cohort.tables import NO_NUMBER, Cohort, values_of
from holter2sleep.report.grid import CELL_SIZE, paragraph, write_cells
from holter2sleep.report.page import FAINT, MARGIN_MM, RULE, SOFT, TEXT_WIDTH_MM, Align, Block, Page, fitting

HISTOGRAM_MM, LEAST_MM, ROW_MM, HEAD_MM, GAP_MM = 54.0, 27.0, 3.5, 9.5, 4.6
# Ends, from the left edge of the page's text, of: group, persons, the plot of the group, median and quartiles, effect.
GROUP_MM, N_MM, PLOT_MM, SPREAD_MM, EFFECT_MM = 60.0, 94.0, 96.0, 122.0, 152.0
PLACES: tuple[tuple[float, Align], ...] = (
    (GROUP_MM, "left"),
    (N_MM, "right"),
    (SPREAD_MM, "left"),
    (EFFECT_MM, "left"),
)
NAME_MM = 28.0  # of a group, as it fits before the number of persons
OUTERMOST = (0.01, 0.99)  # quantiles of the persons between which groups are drawn: one far value hides no other


@dataclass(frozen=True)
class GroupRow:
    """A group of persons in one phenotype; no quartiles where there are too few to be shown."""

    name: str
    n: int
    quartiles: tuple[float, float, float] | None
    effect: Effect | None


def draw_distributions(cohort: Cohort, layout: CohortLayout, section: CohortSection) -> list[Block]:
    """A card for each phenotype."""
    absent = [by for by in section.by if groups_of(cohort.persons, by, layout.limits) is None]
    told = [paragraph(cohort.words("cohort.no_groups", names=", ".join(absent)))] if absent else []
    return [*told, *(_card(cohort, layout, section, *key) for key in keys_of(section))]


def group_rows(
    persons: pl.DataFrame, entry: Entry, stratum: str, by: tuple[str, ...], limits: CohortLimits
) -> list[GroupRow]:
    """The groups of each column that has two or more, each held against all other known persons of the column."""
    value, rows = persons[column(entry.name, stratum)], list[GroupRow]()
    scaled = pl.col("value").log() if is_log(entry, value.drop_nulls().to_numpy()) else pl.col("value")
    for each in by:
        group = groups_of(persons, each, limits)
        known = pl.DataFrame({"group": group, "value": value}).drop_nulls() if group is not None else pl.DataFrame()
        names = names_of(known["group"], each, limits) if len(known) else []
        for name in names if len(names) > 1 else []:
            own, others = pl.col("group") == name, pl.col("group") != name
            sides = [known.filter(which).select(scaled).to_series().to_numpy() for which in (own, others)]
            rows.append(_row(f"{each}: {name}", known.filter(own)["value"], sides, limits.smallest_group))
    return rows


def _row(name: str, values: pl.Series, sides: list[Float], smallest: int) -> GroupRow:
    if len(values) < smallest:
        return GroupRow(name, len(values), None, None)
    effect = hedges_g(*sides) if len(sides[1]) >= smallest else None
    return GroupRow(name, len(values), quartiles_of(values.to_numpy()), effect)


def _card(cohort: Cohort, layout: CohortLayout, section: CohortSection, name: str, stratum: str) -> Block:
    rows = group_rows(cohort.persons, load_dictionary()[name], stratum, section.by, layout.limits)
    some = values_of(cohort.nights, name, stratum).len() > 0
    height_mm = max(HEAD_MM + ROW_MM * len(rows), LEAST_MM if some else 0) + GAP_MM
    draw = partial(_draw_card, cohort=cohort, name=name, stratum=stratum, rows=rows, limits=layout.limits)
    return Block(height_mm, draw)


def _draw_card(
    page: Page, top_mm: float, *, cohort: Cohort, name: str, stratum: str, rows: list[GroupRow], limits: CohortLimits
) -> None:
    values = values_of(cohort.nights, name, stratum)
    page.line((MARGIN_MM, MARGIN_MM + TEXT_WIDTH_MM), (top_mm + 0.5,) * 2, width=0.3)
    page.text(MARGIN_MM, top_mm + 4.2, cohort.label(name, stratum), size=7.2, weight="bold")
    page.text(MARGIN_MM, top_mm + 7.6, summary_text(cohort, name, stratum), size=6.2, colour=SOFT)
    if len(values):
        wide_mm = HISTOGRAM_MM if rows else TEXT_WIDTH_MM
        ax = page.axes(MARGIN_MM + 2, top_mm + HEAD_MM, wide_mm - 6, LEAST_MM - HEAD_MM - 3)
        draw_histogram(ax, values.to_numpy(), cohort.words)
    if rows:
        _draw_groups(page, top_mm + HEAD_MM - 1.5, cohort, load_dictionary()[name], stratum, rows, limits)


def summary_text(cohort: Cohort, name: str, stratum: str) -> str:
    """Nights, persons, median and quartiles, and how many values lie outside the plausible range."""
    entry, words, key = load_dictionary()[name], cohort.words, column(name, stratum)
    values = values_of(cohort.nights, name, stratum).to_numpy()
    if not len(values):
        return words("cohort.no_value")
    spread = spread_text(cohort, values, entry.decimals)
    n_persons = words.whole(cohort.nights.filter(pl.col(key).is_not_null())["subject"].n_unique())
    n_out = words.whole(cohort.implausible.filter(pl.col("column") == key).height)
    return words("cohort.summary", spread=spread, persons=n_persons, out=n_out, range=cohort.plausible(entry))


def _draw_groups(
    page: Page, top_mm: float, cohort: Cohort, entry: Entry, stratum: str, rows: list[GroupRow], limits: CohortLimits
) -> None:
    """The heads, and a row a group: name, persons, quartiles as a bar and in words, effect."""
    values = values_of(cohort.persons, entry.name, stratum).to_numpy()
    scale = "cohort.head_g_log" if is_log(entry, values) else "cohort.head_g"
    heads = ("cohort.head_group", "cohort.head_persons", "cohort.head_quartiles", scale)
    _write(page, top_mm + 2.4, [cohort.words(head) for head in heads], head=True)
    ax = page.axes(MARGIN_MM + PLOT_MM, top_mm + 3.2, SPREAD_MM - PLOT_MM - 2, ROW_MM * len(rows))
    _draw_bars(ax, rows, values)
    for i, row in enumerate(rows):
        _write(page, top_mm + 3.2 + ROW_MM * (i + 0.5) + 0.9, _cells(cohort, entry, row, limits.smallest_group))


def _draw_bars(ax: Axes, rows: list[GroupRow], values: Float) -> None:
    low, high = np.quantile(values, OUTERMOST)
    wide = (high - low) or 1.0
    ax.set(xlim=(low - 0.04 * wide, high + 0.04 * wide), ylim=(len(rows) - 0.5, -0.5), xticks=[], yticks=[])
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.axvline(float(np.median(values)), color=FAINT, linewidth=0.5, linestyle=(0, (2, 2)))
    for i, row in enumerate(rows):
        if row.quartiles:
            ax.barh(i, row.quartiles[2] - row.quartiles[0], 0.5, row.quartiles[0], color=BAR, linewidth=0)
            ax.plot([row.quartiles[1]] * 2, [i - 0.33, i + 0.33], color=MIDDLE, linewidth=1.2)


def _cells(cohort: Cohort, entry: Entry, row: GroupRow, smallest: int) -> list[str]:
    name = fitting(row.name, NAME_MM, CELL_SIZE)
    if row.quartiles is None:
        return [name, cohort.words("cohort.fewer", n=smallest), "", ""]
    low, middle, high = (cohort.printed(entry, value) for value in row.quartiles)
    return [name, cohort.words.whole(row.n), cohort.spanned(middle, low, high), effect_text(cohort, row.effect)]


def effect_text(cohort: Cohort, effect: Effect | None) -> str:
    """The effect with its interval, or a dash."""
    if effect is None:
        return NO_NUMBER
    return cohort.spanned(*(cohort.number(value, 2, sign=True) for value in (effect.g, effect.low, effect.high)))


def _write(page: Page, y_mm: float, cells: list[str], *, head: bool = False) -> None:
    write_cells(page, y_mm, PLACES, cells, head=head)
    page.line((MARGIN_MM + GROUP_MM, MARGIN_MM + TEXT_WIDTH_MM), (y_mm + 1.0,) * 2, colour=RULE, width=0.15)

"""Stage architecture of a cohort on paper: persons side by side, hours of the night, minutes."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.report.axes import STAGE_COLOURS
from holter2sleep.report.cohort.layout import CohortLayout, CohortSection
from holter2sleep.report.cohort.spread import quartiles_of
from holter2sleep.report.cohort.stages import hourly_chances, partition_of, shares_of
from holter2sleep.report.cohort.tables import Cohort, values_of
from holter2sleep.report.grid import Column, panel, paragraph, table_blocks
from holter2sleep.report.page import INK, MARGIN_MM, SOFT, TEXT_WIDTH_MM, Block, Page

PLOT_MM, WIDE_MM = 46.0, 82.0
ORDER = ("N3", "N2", "NREM", "L", "N1", "R", "W")  # from the bottom


def draw_stages(cohort: Cohort, layout: CohortLayout, _section: CohortSection) -> list[Block]:
    """Shares by person, chances by hour, and a table of minutes."""
    words, limits = cohort.words, layout.limits
    partition = partition_of(cohort.persons)
    shares = shares_of(cohort.persons, partition)
    if shares.height < max(limits.smallest_group, 1):
        return [panel(words("cohort.no_stages", n=shares.height, smallest=limits.smallest_group))]
    letters = [letter for letter in ORDER if letter in partition]
    hours, why = _hours(cohort, layout, letters)

    def draw(page: Page, top_mm: float) -> None:
        _legend(page, top_mm, cohort, letters)
        page.text(MARGIN_MM, top_mm + 9, words("cohort.by_person", n=words.whole(shares.height)), weight="bold")
        ax = page.axes(MARGIN_MM + 7, top_mm + 13.5, WIDE_MM - 12, PLOT_MM)
        _stack(ax, shares, letters, np.arange(shares.height + 1))
        left_mm = MARGIN_MM + TEXT_WIDTH_MM - WIDE_MM
        page.text(left_mm, top_mm + 9, words("cohort.by_hour"), weight="bold")
        ax = page.axes(left_mm + 7, top_mm + 13.5, WIDE_MM - 7, PLOT_MM)
        _draw_hours(ax, cohort, hours, letters, why)

    return [Block(PLOT_MM + 24.5, draw), *_table(cohort, partition)]


def _hours(cohort: Cohort, layout: CohortLayout, letters: list[str]) -> tuple[pl.DataFrame, str]:
    """Chances by hour, and why there are none."""
    words, most = cohort.words, layout.limits.most_nights_of_epochs
    if cohort.nights.height > most:
        return pl.DataFrame(), words("cohort.too_many_nights", n=words.whole(most))
    hours = hourly_chances(cohort.directory, cohort.nights, letters, layout.limits.smallest_group)
    return hours, words("cohort.no_hours")


def _stack(ax: Axes, shares: pl.DataFrame, letters: list[str], edges: np.ndarray) -> None:
    """Stages on top of one another, in percent, a step for each row."""
    floor = np.zeros(shares.height)
    for letter in letters:
        top = floor + 100 * shares[letter].to_numpy()
        low, high = np.append(floor, floor[-1]), np.append(top, top[-1])
        ax.fill_between(edges, low, high, step="post", color=STAGE_COLOURS[letter], linewidth=0)
        floor = top
    ax.set(xlim=(edges[0], edges[-1]), ylim=(0, 100), yticks=[0, 50, 100])
    ax.set_ylabel("%", labelpad=1)
    ax.set_xticks([])


def _draw_hours(ax: Axes, cohort: Cohort, hours: pl.DataFrame, letters: list[str], why: str) -> None:
    if hours.is_empty():
        ax.set(xticks=[], yticks=[])
        ax.text(0.5, 0.5, why, transform=ax.transAxes, ha="center", va="center", size=6.5, color=SOFT, wrap=True)
        return
    edges = np.append(hours["hour"].to_numpy(), hours["hour"][-1] + 1)
    _stack(ax, hours, letters, edges)
    ax.set_xticks(edges)
    ax.set_xlabel(cohort.words("cohort.hours_since"))
    for hour, n in hours.select("hour", "n").iter_rows():
        ax.text(hour + 0.5, 102.5, f"n {n}", ha="center", size=5.2, color=SOFT)


def _legend(page: Page, top_mm: float, cohort: Cohort, letters: list[str]) -> None:
    for i, letter in enumerate(reversed(letters)):
        left_mm = MARGIN_MM + 7 + 24 * i
        page.box(left_mm, top_mm + 1.2, 3.2, 2.4, fill=STAGE_COLOURS[letter])
        page.text(left_mm + 4.2, top_mm + 3.4, cohort.words.stage(letter), size=6.2, colour=INK)


def _table(cohort: Cohort, partition: dict[str, str]) -> list[Block]:
    """Minutes of each stage: persons, median, quartiles."""
    words, rows = cohort.words, list[list[str]]()
    for name in partition.values():
        entry, values = load_dictionary()[name], values_of(cohort.persons, name, "night").to_numpy()
        low, middle, high = (cohort.printed(entry, q) for q in quartiles_of(values))
        spread = words("number.to", low=low, high=high)
        rows.append([cohort.label(name, "night"), words.whole(len(values)), middle, spread])
    heads = (("head_persons", 24), ("head_median", 24), ("head_quartile_range", 36))
    columns = [Column(words("cohort.head_phenotype"), 80, "left")]
    columns += [Column(words(f"cohort.{head}"), width) for head, width in heads]
    return [*table_blocks(columns, rows), paragraph(words("cohort.persons_sorted"), size=5.8, colour=SOFT)]

"""What the audit of groups found: how much was compared, and which differences it tells."""

from __future__ import annotations

from typing import Any

import polars as pl

from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.report.cohort.layout import CohortLayout, CohortSection
from holter2sleep.report.cohort.tables import Cohort
from holter2sleep.report.grid import TEXT_SIZE, Column, panel, paragraph, subheading, table_blocks
from holter2sleep.report.page import Block, fitting

MOST = 40  # differences; audit.csv has all
MEASURE_MM = 74.0


def draw_audit(cohort: Cohort, layout: CohortLayout, _section: CohortSection) -> list[Block]:
    """Counts of comparisons by attribute, and the differences told."""
    if cohort.audit is None:
        return [panel(cohort.words("cohort.no_audit"))]
    flagged = cohort.audit.filter("flagged").sort((pl.col("difference") / pl.col("margin")).abs(), descending=True)
    return [*_counts(cohort, cohort.audit), *_differences(cohort, flagged, layout.limits.smallest_group)]


def _counts(cohort: Cohort, audit: pl.DataFrame) -> list[Block]:
    words = cohort.words
    counts = audit.group_by("attribute", maintain_order=True).agg(
        pl.col("group").n_unique(),
        n=pl.len(),
        tested=pl.col("q").count(),  # where nobody differs there is nothing to test
        few=(pl.col("status") == "too_few").sum(),
        flagged=pl.col("flagged").sum(),
    )
    heads = ("head_groups", "head_compared", "head_tested", "head_too_few", "head_flagged")
    columns = [
        Column(words("cohort.head_attribute"), 50, "left"),
        *(Column(words(f"cohort.{head}"), 26) for head in heads),
    ]
    return table_blocks(columns, [[str(cell) for cell in row] for row in counts.iter_rows()])


def _differences(cohort: Cohort, flagged: pl.DataFrame, smallest: int) -> list[Block]:
    words = cohort.words
    if flagged.is_empty():
        return [paragraph(words("cohort.none_flagged"))]
    heads = (("head_persons", 16), ("head_value", 18), ("head_rest", 18), ("head_difference", 40), ("head_q", 14))
    columns = [Column(words("cohort.head_measure"), MEASURE_MM, "left")]
    columns += [Column(words(f"cohort.{head}"), width) for head, width in heads]
    shown = flagged.filter(pl.col("n_subjects") >= smallest).head(MOST)
    rows = [_difference(cohort, row) for row in shown.iter_rows(named=True)]
    n = words("cohort.flagged_shown", shown=len(shown), n=len(flagged))
    return [subheading(words("cohort.flagged")), paragraph(n), *table_blocks(columns, rows)]


def _difference(cohort: Cohort, row: dict[str, Any]) -> list[str]:
    names = ("value", "rest", "difference", "difference_low", "difference_high")
    value, rest, gap, low, high = (cohort.number(row[name], 2) for name in names)
    named = f"{row['attribute']} {row['group']}: {measure_words(cohort, row['measure'])}"
    told, n = fitting(named, MEASURE_MM - 3, TEXT_SIZE), cohort.words.whole(row["n_subjects"])
    return [told, n, value, rest, cohort.spanned(gap, low, high), cohort.number(row["q"], 3)]


def measure_words(cohort: Cohort, measure: str) -> str:
    """A measure of the audit in words: a missing phenotype by its label."""
    name = measure.removeprefix("missing__")
    if name == measure or name not in load_dictionary():
        return measure.replace("_", " ")
    return cohort.words("cohort.missing", label=cohort.words.label(load_dictionary()[name]))

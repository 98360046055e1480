"""The association study of a cohort: what became of each test, forests, volcanoes, methods."""

from __future__ import annotations

from functools import partial

import polars as pl

from holter2sleep.report.cohort.layout import CohortLayout, CohortSection
from holter2sleep.report.cohort.tables import Cohort, Study
from holter2sleep.report.forest import LEAST_Q, MAIN, draw_forest_on, forest_height_mm, main_estimates
from holter2sleep.report.grid import TEXT_SIZE, Column, panel, paragraph, subheading, table_blocks
from holter2sleep.report.page import MARGIN_MM, TEXT_WIDTH_MM, Block, Page, fitting
from holter2sleep.report.volcano import HEIGHT_MM, draw_volcano_on, has_volcano

MODEL_MM = 40.0
STATUSES = ("ok", "separated", "collinear", "too_few", "failed")


def draw_associations(cohort: Cohort, layout: CohortLayout, _section: CohortSection) -> list[Block]:
    """Counts of statuses, then for each model its forest and volcano, then the paragraph on methods."""
    study = cohort.study
    if study is None:
        return [panel(cohort.words("cohort.no_study"))]
    table = study.associations
    blocks = [paragraph(study.title, size=8.0), *_stale(cohort, study), *_counts(cohort, table)]
    for model in table["model"].unique(maintain_order=True):
        blocks += _model(cohort, table.filter(pl.col("model") == model), layout.limits.most_hits)
    return [*blocks, *_methods(cohort, study.methods)]


def hits(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """Rows of a model's exposures with the smallest p, and of their subgroups, in the order of the table."""
    surest = main_estimates(rows).sort("p", maintain_order=True).head(most)
    return rows.filter(pl.col("exposure").is_in(surest["exposure"].to_list()))


def _model(cohort: Cohort, rows: pl.DataFrame, most: int) -> list[Block]:
    """Forest of a model's surest exposures, and its volcano."""
    words, name, shown = cohort.words, rows["model"][0], hits(rows, most)
    n_known = main_estimates(rows).height
    n_all = words.whole(rows.filter(pl.col("kind") == MAIN).height)
    if shown.is_empty():
        return [paragraph(words("cohort.no_estimate", model=name, n=n_all))]
    told = words("cohort.hits", model=name, shown=min(most, n_known), known=words.whole(n_known), n=n_all)
    forest = _below(paragraph(told), Block(forest_height_mm(shown), partial(_draw_forest, rows=shown)))
    volcano = [Block(HEIGHT_MM + 2, partial(_draw_volcano, rows=rows))] if has_volcano(rows) else []
    return [forest, *volcano]


def _below(first: Block, second: Block) -> Block:
    """Two blocks as one, which no page parts."""

    def draw(page: Page, top_mm: float) -> None:
        first.draw(page, top_mm)
        second.draw(page, top_mm + first.height_mm)

    return Block(first.height_mm + second.height_mm, draw)


def _stale(cohort: Cohort, study: Study) -> list[Block]:
    """A word where the study is of other tables than these."""
    same = study.nights_sha256 == cohort.hashes["nights.parquet"]
    return [] if same else [paragraph(cohort.words("cohort.stale_study"))]


def _counts(cohort: Cohort, table: pl.DataFrame) -> list[Block]:
    n = {status: (pl.col("status") == status).sum() for status in STATUSES}
    counts = table.group_by("model", "kind", maintain_order=True).agg(
        pl.len().alias("n"), **n, q=(pl.col("q") < LEAST_Q).sum()
    )
    heads = [
        cohort.words("cohort.head_tests"),
        *(cohort.words(f"cohort.status_of_{status}") for status in STATUSES),
        f"q < {LEAST_Q}",
    ]
    columns = [
        Column(cohort.words("cohort.head_model"), MODEL_MM, "left"),
        Column(cohort.words("cohort.head_kind"), 22, "left"),
    ]
    columns += [Column(head, 16.5) for head in heads]
    rows = [[fitting(model, MODEL_MM - 3, TEXT_SIZE), *map(str, others)] for model, *others in counts.iter_rows()]
    return table_blocks(columns, rows)


def _draw_forest(page: Page, top_mm: float, *, rows: pl.DataFrame) -> None:
    draw_forest_on(page.part(MARGIN_MM, top_mm, TEXT_WIDTH_MM, forest_height_mm(rows)), rows, TEXT_WIDTH_MM)


def _draw_volcano(page: Page, top_mm: float, *, rows: pl.DataFrame) -> None:
    draw_volcano_on(page.part(MARGIN_MM, top_mm, TEXT_WIDTH_MM, HEIGHT_MM), rows, TEXT_WIDTH_MM)


def _methods(cohort: Cohort, text: str) -> list[Block]:
    """The paragraphs of the study's own `methods.md`."""
    parts = [part.strip() for part in text.split("\n\n") if part.strip() and not part.startswith("#")]
    return [subheading(cohort.words("cohort.study_methods")), *(paragraph(part.replace("**", "")) for part in parts)]

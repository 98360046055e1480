"""Nights whose numbers lie far from those of the others, named for a look at the night's own report."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import polars as pl

from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.wide import column, phenotype_of
from holter2sleep.report.cohort.groups import on_scale
from holter2sleep.report.cohort.layout import CohortLayout, CohortSection, keys_of
from holter2sleep.report.cohort.tables import Cohort
from holter2sleep.report.grid import TEXT_SIZE, Column, paragraph, table_blocks
from holter2sleep.report.page import Block, fitting

RECORDING_MM = 52.0  # an id that is longer is cut, and leads nowhere: another may begin alike
OUTLIER_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "recording_id": pl.String,
    "column": pl.String,
    "value": pl.Float64,
    "distance": pl.Float64,  # beyond the nearer quartile, in interquartile ranges; null: outside the plausible range
}


def draw_outliers(cohort: Cohort, layout: CohortLayout, section: CohortSection) -> list[Block]:
    """A row for each odd number, by phenotype; the recording's id leads to its report."""
    words, limits = cohort.words, layout.limits
    columns = [column(*key) for key in keys_of(section)]
    found = outliers(cohort.nights, cohort.implausible, columns, limits.far_out_iqr)
    shown = found.group_by("column", maintain_order=True).head(limits.most_outliers)
    if found.is_empty():
        return [paragraph(words("cohort.no_outlier"))]
    table = [
        Column(words("cohort.head_recording"), RECORDING_MM, "left"),
        Column(words("cohort.head_phenotype"), 66, "left"),
        Column(words("cohort.head_value"), 20),
        Column(words("cohort.head_why"), 42),
    ]
    rows = [_row(cohort, row) for row in shown.iter_rows(named=True)]
    links = {name: link for name in shown["recording_id"] if (link := link_of(cohort.directory, name))}
    n = words("cohort.outliers_shown", shown=words.whole(len(shown)), n=words.whole(len(found)))
    return [paragraph(n), *table_blocks(table, rows, links=links)]


def outliers(nights: pl.DataFrame, implausible: pl.DataFrame, columns: list[str], reach: float) -> pl.DataFrame:
    """Numbers outside their plausible range, and those further than `reach` interquartile ranges beyond the quartiles.

    The distance is that of logarithms where the dictionary models them.

    References
    ----------
    Tukey JW (1977) Exploratory Data Analysis, p. 44: 3 ranges beyond the hinges are "far out".
    """
    parts = [pl.DataFrame(schema=OUTLIER_SCHEMA)]
    for name in columns:
        out = implausible.filter(pl.col("column") == name).with_columns(distance=pl.lit(None, pl.Float64))
        parts += [out.sort("recording_id").select(*OUTLIER_SCHEMA), _far_out(nights, name, reach)]
    return pl.concat(parts)


def _far_out(nights: pl.DataFrame, name: str, reach: float) -> pl.DataFrame:
    table = nights.select("recording_id", value=name).drop_nulls()
    if table.is_empty():
        return pl.DataFrame(schema=OUTLIER_SCHEMA)
    scaled = on_scale(load_dictionary()[phenotype_of(name)[0]], table["value"].to_numpy())
    low, high = np.quantile(scaled, (0.25, 0.75))
    if high == low:  # a number most nights share, such as no pause at all, has no spread to be far from
        return pl.DataFrame(schema=OUTLIER_SCHEMA)
    distance = np.maximum(low - scaled, scaled - high) / (high - low)
    return (
        table.with_columns(column=pl.lit(name), distance=pl.Series(distance))
        .filter(pl.col("distance") > reach)
        .sort("distance", "recording_id", descending=[True, False])
        .select(*OUTLIER_SCHEMA)
    )


def _row(cohort: Cohort, row: dict[str, Any]) -> list[str]:
    words, (name, stratum), distance = cohort.words, phenotype_of(row["column"]), row["distance"]
    if distance is None:
        why = words("cohort.status_implausible")
    else:
        why = words("cohort.far_out", n=cohort.number(distance, 1))
    recording = fitting(row["recording_id"], RECORDING_MM - 3, TEXT_SIZE)
    return [recording, cohort.label(name, stratum), cohort.printed(load_dictionary()[name], row["value"]), why]


def link_of(directory: Path, recording_id: str) -> str | None:
    """Address of a night's report, from the folder of the cohort; None where there is none."""
    return f"../{quote(recording_id)}/report.pdf" if (directory / recording_id / "report.pdf").is_file() else None

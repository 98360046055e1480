"""The tables of a cohort's folder."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from holter2sleep.phenotypes.dictionary import as_csv
from holter2sleep.phenotypes.files import write_csv, write_parquet
from holter2sleep.phenotypes.wide import wide_table


def write_cohort(
    folder: Path, phenotypes: pl.DataFrame, facts: pl.DataFrame, reference: pl.DataFrame | None
) -> list[Path]:
    """Long and wide table, dictionary, and the reference where there is one; the paths written."""
    folder.mkdir(parents=True, exist_ok=True)
    nights = facts.join(wide_table(phenotypes), on="recording_id", how="left", maintain_order="left")
    write_csv(folder / "nights.csv", nights)
    (folder / "dictionary.csv").write_text(as_csv(), encoding="utf-8")
    tables = {"nights": nights, "phenotypes": phenotypes}
    if reference is not None:
        tables["reference"] = reference
    for name, table in tables.items():
        write_parquet(folder / f"{name}.parquet", table)
    return sorted(folder / name for name in ("nights.csv", "dictionary.csv", *(f"{name}.parquet" for name in tables)))

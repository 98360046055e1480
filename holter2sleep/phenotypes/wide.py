"""The wide form of the long table: one row a night, a column for each phenotype and stratum."""

from __future__ import annotations

import polars as pl

_BETWEEN = "__"


def column(phenotype: str, stratum: str) -> str:
    """Name of a phenotype's column in a wide table.

    Examples
    --------
    >>> column("rmssd", "nrem")
    'rmssd__nrem'
    """
    return f"{phenotype}{_BETWEEN}{stratum}"


def wide_table(phenotypes: pl.DataFrame) -> pl.DataFrame:
    """One row a night; null unless the status is ok."""
    known = pl.when(pl.col("status") == "ok").then("value")
    name = pl.concat_str("phenotype", pl.lit(_BETWEEN), "stratum")
    return phenotypes.select("recording_id", name=name, value=known).pivot("name", index="recording_id", values="value")

"""The wide form of the long table: one row a night, a column for each phenotype and stratum."""

from __future__ import annotations

import polars as pl

_BETWEEN = "__"
NAME = pl.concat_str("phenotype", pl.lit(_BETWEEN), "stratum")  # of the columns, from the rows of the long table


def column(phenotype: str, stratum: str) -> str:
    """Name of a phenotype's column in a wide table.

    Examples
    --------
    >>> column("rmssd", "nrem")
    'rmssd__nrem'
    """
    return f"{phenotype}{_BETWEEN}{stratum}"


def is_phenotype_column(name: str) -> bool:
    """Whether a column of a wide table is one of `column`, rather than one that a manifest brought.

    Examples
    --------
    >>> is_phenotype_column("rmssd__nrem"), is_phenotype_column("bmi")
    (True, False)
    """
    return _BETWEEN in name


def phenotype_of(name: str) -> tuple[str, str]:
    """Phenotype and stratum of a column; the stratum is empty where a manifest brought it.

    Examples
    --------
    >>> phenotype_of("rmssd__nrem")
    ('rmssd', 'nrem')
    """
    phenotype, _, stratum = name.partition(_BETWEEN)
    return phenotype, stratum


def wide_table(phenotypes: pl.DataFrame) -> pl.DataFrame:
    """One row a night; null unless the status is ok."""
    known = pl.when(pl.col("status") == "ok").then("value")
    return phenotypes.select("recording_id", name=NAME, value=known).pivot("name", index="recording_id", values="value")

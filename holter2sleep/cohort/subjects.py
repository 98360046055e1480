"""A row a subject: mean and standard deviation of each number over the nights, and how regularly they sleep."""

from __future__ import annotations

import polars as pl

from holter2sleep.cohort.nights import FACT_SCHEMA, NIGHT_NUMBER
from holter2sleep.cohort.regularity import REGULARITY_SCHEMA, regularity_table
from holter2sleep.phenotypes.wide import parted

SD = "__sd"  # after the name of a column of the nights
_OF_ONE_NIGHT = ("recording_id", "recording", "duration_h", NIGHT_NUMBER, "visit")
_OWN = ("subject", "n_nights", "age", *REGULARITY_SCHEMA)


def subject_table(nights: pl.DataFrame, runs: pl.DataFrame) -> pl.DataFrame:
    """One row for each subject, in the order of their first nights.

    Columns of the nights that are the same in all nights of a subject stay (null for a subject in which they differ),
    but for a column of the manifest that has a name of this table's own;
    age is the mean; `phenotype__stratum` is the mean of the nights that have it, `phenotype__stratum__sd` the SD
    (n - 1, null for one). Hours are left out: the third hour of one night is not that of another.
    """
    names = [name for name in nights.columns if (key := parted(name)) and not key[1].startswith("hour_")]
    told = [name for name in nights.columns if parted(name) is None and name not in (*_OF_ONE_NIGHT, *_OWN)]
    same = [pl.when(pl.col(name).n_unique() == 1).then(pl.col(name).first()).alias(name) for name in told]
    table = nights.group_by("subject", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("n_nights"),
        pl.col("age").mean(),
        *same,
        *(pl.col(name).mean() for name in names),
        *(pl.col(name).std().alias(f"{name}{SD}") for name in names),
    )
    facts = [name for name in FACT_SCHEMA if name in told]
    others = [name for name in told if name not in facts]
    return table.join(regularity_table(nights, runs), on="subject", how="left", maintain_order="left").select(
        *("subject", "n_nights", "age", *facts, *others),
        pl.exclude("subject", "n_nights", "age", *facts, *others, *names, *(f"{name}{SD}" for name in names)),
        *(column for name in names for column in (name, f"{name}{SD}")),
    )

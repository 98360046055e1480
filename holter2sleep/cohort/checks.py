"""Long phenotype tables against the dictionary: which rows mean what it says, and what is wrong with the others."""

from __future__ import annotations

import functools

import polars as pl

from holter2sleep.phenotypes.dictionary import STRATA_SETS, load_dictionary

STATUSES = ("ok", "insufficient_data", "not_applicable", "implausible")
_WITH_VALUE = ("ok", "implausible")

# One row for each way in which rows differ from the dictionary, gathered over the nights.
PROBLEM_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "problem": pl.String,
    "phenotype": pl.String,
    "stratum": pl.String,
    "found": pl.String,
    "expected": pl.String,
    "n_nights": pl.Int64,
    "first_night": pl.String,
}


def checked(phenotypes: pl.DataFrame) -> pl.DataFrame:
    """The rows with a column `problem`: null where the dictionary knows such a row, else the first fault found.

    `unknown_phenotype`, `unknown_stratum` (one that the entry is not defined for), `other_unit`, `unknown_status`,
    `value_and_status` (a value without a status that has one, or the other way round, or no number), and
    `not_plausible` (called ok, beyond the range of the dictionary: made by another version of it). `found` and
    `expected` say what stood there and what would be right.
    """
    pairs = phenotypes.select("phenotype", "stratum").unique(maintain_order=True)
    word = pl.col("stratum").str.split("_").list.first()
    is_named = pl.col("phenotype").is_in(list(load_dictionary()))
    meant = (
        pairs.with_columns(_word=word, _is_named=is_named)
        .join(_defined(), on=["phenotype", "_word"], how="left", maintain_order="left")
        .drop("_word")
    )
    known = phenotypes.join(meant, on=["phenotype", "stratum"], how="left", maintain_order="left", nulls_equal=True)
    status, value = pl.col("status"), pl.col("value")
    has_value = value.is_not_null() & value.is_finite()
    faults: dict[str, tuple[pl.Expr, pl.Expr, pl.Expr]] = {
        "unknown_phenotype": (~pl.col("_is_named"), pl.lit(None), pl.lit(None)),
        "unknown_stratum": (pl.col("_unit").is_null(), pl.col("stratum"), pl.lit(None)),
        "other_unit": (pl.col("unit").ne_missing(pl.col("_unit")), pl.col("unit"), pl.col("_unit")),
        "unknown_status": (~status.is_in(STATUSES).fill_null(value=False), status, pl.lit(" ".join(STATUSES))),
        "value_and_status": (status.is_in(_WITH_VALUE) != has_value, status, pl.lit(None)),
        "not_plausible": ((status == "ok") & ~value.is_between("_low", "_high"), status, pl.col("_range")),
    }
    chain = pl.coalesce(pl.when(is_so).then(pl.lit(name)) for name, (is_so, _, _) in faults.items())
    told = known.with_columns(problem=chain)
    for column, place in (("found", 1), ("expected", 2)):
        words = pl.coalesce(pl.when(pl.col("problem") == name).then(fault[place]) for name, fault in faults.items())
        told = told.with_columns(words.alias(column).cast(pl.String))
    return told.drop("_is_named", "_unit", "_low", "_high", "_range")


@functools.cache
def _defined() -> pl.DataFrame:
    """Unit and plausible range of each phenotype in each kind of stratum, by the word before the underscore."""
    rows = [
        (entry.name, word, entry.unit, *entry.plausible, f"{entry.plausible[0]:g} to {entry.plausible[1]:g}")
        for entry in load_dictionary().values()
        for word in STRATA_SETS[entry.strata]
    ]
    names = {"phenotype": pl.String, "_word": pl.String, "_unit": pl.String}
    return pl.DataFrame(rows, {**names, "_low": pl.Float64, "_high": pl.Float64, "_range": pl.String}, orient="row")


def problems_of(rows: pl.DataFrame) -> pl.DataFrame:
    """The faults of rows of `checked`, one line for each kind, with the number of nights and the first of them."""
    keys = ["problem", "phenotype", "stratum", "found", "expected"]
    return (
        rows.filter(pl.col("problem").is_not_null())
        .group_by(keys, maintain_order=True)
        .agg(n_nights=pl.col("recording_id").n_unique(), first_night=pl.col("recording_id").first())
        .cast(pl.Schema(PROBLEM_SCHEMA))
    )


def pooled_problems(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """The faults of several sets of nights as one table."""
    keys = ["problem", "phenotype", "stratum", "found", "expected"]
    return (
        pl.concat(parts)
        .group_by(keys, maintain_order=True)
        .agg(pl.col("n_nights").sum(), pl.col("first_night").first())
    )

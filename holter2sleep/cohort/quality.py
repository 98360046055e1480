"""How complete and how plausible a cohort's numbers are: a row a number, and a row a night."""

from __future__ import annotations

import polars as pl

from holter2sleep.cohort.checks import STATUSES
from holter2sleep.cohort.merge import Merged
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.wide import parted

QUALITY_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "phenotype": pl.String,
    "stratum": pl.String,
    "domain": pl.String,
    "unit": pl.String,
    "n_nights": pl.Int64,  # of the cohort
    **{f"n_{status}": pl.Int64 for status in STATUSES},
    "n_absent": pl.Int64,  # nights whose table has no such row
    "missing_share": pl.Float64,  # %, of the nights: not ok
    "minimum": pl.Float64,
    "p05": pl.Float64,
    "median": pl.Float64,
    "p95": pl.Float64,
    "maximum": pl.Float64,
    "plausible_low": pl.Float64,
    "plausible_high": pl.Float64,
}
# Signal of the whole night that stands in the row of each night
OF_SIGNAL = ("recorded_time", "analysable_time", "analysable_share", "sqi_mean", "lead_off_share", "noise_share")
NIGHT_QUALITY_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "recording_id": pl.String,
    "subject": pl.String,
    **dict.fromkeys(OF_SIGNAL, pl.Float64),
    "ok_share": pl.Float64,  # %, of the numbers of the whole night
    "n_implausible": pl.Int64,  # numbers of all strata
    "n_problems": pl.Int64,  # rows that the dictionary does not know
    "n_warnings": pl.Int64,
    "warnings": pl.String,
    "other_version": pl.Boolean,  # than most nights
    "other_recipe": pl.Boolean,
    "other_scorer": pl.Boolean,
    "same_input_as": pl.String,  # an earlier night of another recording with the same content and channel
    "excluded_by": pl.String,  # step of the exclusions asked for, or of the shipped ones where none were
}


def quality_table(phenotypes: pl.LazyFrame, nights: pl.DataFrame) -> pl.DataFrame:
    """One row for each phenotype and stratum of the long table; order statistics are those of the wide one.

    Parameters
    ----------
    phenotypes
        Long table; it is streamed, as that of a large cohort does not fit into memory.
    nights
        Wide table of the same nights.
    """
    keys, statuses = ["phenotype", "stratum", "unit"], pl.col("status")
    counts = phenotypes.group_by(*keys, "status").agg(n=pl.len()).collect(engine="streaming")
    n_of = {f"n_{status}": pl.col("n").filter(statuses == status).sum() for status in STATUSES}
    entries = load_dictionary().values()
    defined = pl.DataFrame(
        [(entry.name, entry.domain, *entry.plausible) for entry in entries],
        {"phenotype": pl.String, "domain": pl.String, "plausible_low": pl.Float64, "plausible_high": pl.Float64},
        orient="row",
    )
    places = _spread(nights).with_row_index("_place")
    return (
        counts.group_by(keys)
        .agg(pl.col("n").sum().alias("_rows"), **n_of)
        .join(defined, on="phenotype", how="left")
        .join(places, on=["phenotype", "stratum"], how="left")
        .with_columns(n_nights=pl.lit(nights.height), n_absent=nights.height - pl.col("_rows").cast(pl.Int64))
        .with_columns(missing_share=100 * (1 - pl.col("n_ok") / pl.col("n_nights")))
        .sort("_place", *keys, nulls_last=True)
        .select(*QUALITY_SCHEMA)
        .cast(pl.Schema(QUALITY_SCHEMA))
    )


def _spread(nights: pl.DataFrame) -> pl.DataFrame:
    """Order statistics of each number of a wide table, in its order."""
    keys = {name: key for name in nights.columns if (key := parted(name))}
    column = pl.col(list(keys)).cast(pl.Float64)
    spread = {
        "minimum": column.min(),
        **{name: column.quantile(q, "linear") for name, q in (("p05", 0.05), ("median", 0.5), ("p95", 0.95))},
        "maximum": column.max(),
    }
    values = {name: nights.select(of_all).row(0) if keys else () for name, of_all in spread.items()}
    words = {"phenotype": [key[0] for key in keys.values()], "stratum": [key[1] for key in keys.values()]}
    schema = {**dict.fromkeys(words, pl.String), **dict.fromkeys(values, pl.Float64)}
    return pl.DataFrame({**words, **{name: list(row) for name, row in values.items()}}, schema)


def night_quality_table(
    nights: pl.DataFrame, runs: pl.DataFrame, merged: Merged, excluded: pl.DataFrame
) -> pl.DataFrame:
    """One row for each finished night, those that are left out too.

    Parameters
    ----------
    nights, runs
        Wide table and runs of the same nights, in the same order.
    merged
        What the wide table was made with.
    excluded
        Table of `excluded_nights`.
    """
    signal = [
        (pl.col(f"{name}__night") if f"{name}__night" in nights.columns else pl.lit(None, pl.Float64)).alias(name)
        for name in OF_SIGNAL
    ]
    others = {
        f"other_{what}": pl.col(column).ne_missing(pl.col(column).mode().sort().first())
        for what, column in (("version", "version"), ("recipe", "recipe_sha256"), ("scorer", "scorer"))
    }
    told = nights.select("recording_id", "subject", *signal, **others).with_columns(
        n_warnings=runs["warnings"].list.len().cast(pl.Int64), warnings=runs["warnings"].list.join(" | ")
    )
    steps = excluded.select("recording_id", excluded_by="step")
    return (
        told.join(_counts(merged), on="recording_id", how="left", maintain_order="left")
        .join(_same_inputs(nights, runs), on="recording_id", how="left", maintain_order="left")
        .join(steps, on="recording_id", how="left", maintain_order="left")
        .select(*NIGHT_QUALITY_SCHEMA)
        .cast(pl.Schema(NIGHT_QUALITY_SCHEMA))
    )


def _counts(merged: Merged) -> pl.DataFrame:
    """Of each night: the share of its numbers that is there, implausible ones, rows the dictionary does not know."""
    of_night = pl.col("stratum") == "night"
    counts = (
        pl.scan_parquet(merged.long)
        .group_by("recording_id")
        .agg(
            ok_share=100 * ((pl.col("status") == "ok") & of_night).sum() / of_night.sum(),
            n_implausible=(pl.col("status") == "implausible").sum(),
        )
        .with_columns(pl.col("ok_share").fill_nan(None))
        .collect(engine="streaming")
    )
    return counts.join(merged.n_problems, on="recording_id", how="left").with_columns(pl.col("n_problems").fill_null(0))


def _same_inputs(nights: pl.DataFrame, runs: pl.DataFrame) -> pl.DataFrame:
    """Nights whose content an earlier one of another recording has too: one person counted twice."""
    first = pl.col("recording").first().over("input_sha256", "channel")
    return (
        runs.with_columns(nights["recording"])
        .with_columns(same_input_as=first)
        .filter(pl.col("recording") != pl.col("same_input_as"))
        .select("recording_id", "same_input_as")
    )

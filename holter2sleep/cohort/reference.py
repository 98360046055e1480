"""A reference table from one's own cohort: how each phenotype is distributed among its subjects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.night import Float
from holter2sleep.phenotypes.cross import is_hour
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.files import read_table

PERCENTS = tuple(range(1, 100))
# CLSI EP28-A3c asks for 120 subjects for a reference interval of its own; with 40, the least for a rank-based 95 %
# interval (ibid.), percentiles are rough, and with fewer there are none.
LEAST_SUBJECTS = 40
EVERYONE = "all"

REFERENCE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "phenotype": pl.String,
    "stratum": pl.String,
    "unit": pl.String,
    "sex": pl.String,
    "n_subjects": pl.Int64,
    "transform": pl.String,
    "mean": pl.Float64,
    "sd": pl.Float64,
    "percentiles": pl.List(pl.Float64),
    "age_low": pl.Float64,
    "age_high": pl.Float64,
    "duration_low_h": pl.Float64,
    "duration_high_h": pl.Float64,
    "scorer": pl.String,
}


def reference_table(phenotypes: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """One row a phenotype, stratum and sex (`F`, `M`, or `all` of them) with values of 40 subjects and more.

    A subject counts once, with the mean of the nights whose status is ok. `mean` and `sd` are those of the transformed
    values (`transform` of the dictionary: log, logit, none); a transform that a value does not allow leaves both null.
    `percentiles` are the 1st to the 99th of the plain values. Ages and durations are the extremes of the nights that
    went in: the reference speaks of nobody beyond them.

    Raises
    ------
    UsageError
        Nights staged by different stagers, or made with different recipes or versions.
    """
    _check_alike(facts)
    good = phenotypes.filter((pl.col("status") == "ok") & ~is_hour())
    rows = good.join(facts, on="recording_id", maintain_order="left")
    groups = pl.concat([rows.with_columns(sex=pl.lit(EVERYONE)), rows.filter(pl.col("sex").is_not_null())])
    keys = ["phenotype", "stratum", "unit", "sex"]
    subjects = groups.group_by([*keys, "subject"], maintain_order=True).agg(
        pl.col("value").mean(),
        age_low=pl.col("age").min(),
        age_high=pl.col("age").max(),
        duration_low_h=pl.col("duration_h").min(),
        duration_high_h=pl.col("duration_h").max(),
        scorer=pl.col("scorer").first(),
    )
    found = [
        _row(dict(zip(keys, key, strict=True)), part)
        for key, part in subjects.group_by(keys, maintain_order=True)
        if len(part) >= LEAST_SUBJECTS
    ]
    return pl.DataFrame(found, REFERENCE_SCHEMA)


def _check_alike(facts: pl.DataFrame) -> None:
    """Numbers made in different ways have no common distribution."""
    for column, what in (("scorer", "stagers"), ("recipe_sha256", "recipes"), ("version", "versions")):
        found = facts[column].unique().drop_nulls().sort().to_list()
        if len(found) > 1:
            shown = ", ".join(str(name)[:16] for name in found)
            raise UsageError(f"the nights come from different {what} ({shown}); analyse them alike for one reference")


def _row(key: dict[str, object], part: pl.DataFrame) -> dict[str, object]:
    values = part["value"].to_numpy()
    transform = load_dictionary()[str(key["phenotype"])].transform
    on_scale = transformed(values, transform)
    usable = np.isfinite(on_scale).all() and np.ptp(on_scale) > 0
    return {
        **key,
        "n_subjects": len(values),
        "transform": transform,
        "mean": float(on_scale.mean()) if usable else None,
        "sd": float(on_scale.std(ddof=1)) if usable else None,
        "percentiles": np.percentile(values, PERCENTS).tolist(),
        "age_low": part["age_low"].min(),
        "age_high": part["age_high"].max(),
        "duration_low_h": part["duration_low_h"].min(),
        "duration_high_h": part["duration_high_h"].max(),
        "scorer": part["scorer"][0],
    }


def transformed(values: Float, transform: str) -> Float:
    """Values on the scale of the dictionary's transform; not finite where they have no place on it.

    Examples
    --------
    >>> transformed(np.array([50.0]), "logit").tolist(), transformed(np.array([1.0]), "log").tolist()
    ([0.0], [0.0])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if transform == "log":
            return np.log(values)
        return np.log(values / (100 - values)) if transform == "logit" else values  # logit is of percents


def read_reference(path: Path) -> pl.DataFrame:
    """A reference table from its file.

    Raises
    ------
    UsageError
        No such file.
    RecordingError
        The file is no reference table.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file; `holter2sleep cohort DIR --reference` makes one")
    table = read_table(path)
    missing = [name for name in REFERENCE_SCHEMA if name not in table.columns]
    if missing:
        raise RecordingError(
            f"{path} is no reference table: it has no column {missing[0]!r}; cohort --reference makes one"
        )
    return table

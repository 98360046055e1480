"""Cohort tables with planted associations, and the plans that look for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from holter2sleep.cohort.association.plan_file import read_plan
from holter2sleep.cohort.association.study import Studied, study

# What is planted, per SD of the exposure on its scale (log for rmssd): of sbp, hypertension, falls, death.
PLANTED = {"gaussian": -3.0, "binomial": 0.5, "poisson": 0.3, "negative_binomial": 0.3, "cox": 0.4}

HEAD = '[study]\ntitle = "A made study"\n'
LINEAR = """
[[model]]
name = "pressure"
outcome = "sbp"
family = "gaussian"
exposures = ["rmssd__rem"]
covariates = ["age", "sex"]
"""


def nights_table(n: int = 400, seed: int = 0, nights_each: int = 1) -> pl.DataFrame:
    """A row a night of `n` nights; outcomes follow from RMSSD in REM sleep (log SD 0.5), age and sex."""
    rng = np.random.default_rng(seed)
    person = np.arange(n) // nights_each
    age, sex = rng.uniform(40, 80, n)[person], rng.choice(["F", "M"], n)[person]
    z = rng.normal(0, 1, n)
    years_old = (age - 60) / 10
    rate = np.exp(PLANTED["poisson"] * z - 1)
    time, censored = rng.exponential(8 / np.exp(PLANTED["cox"] * z + 0.3 * years_old)), rng.uniform(2, 10, n)
    years = np.minimum(time, censored)
    chance = 1 / (1 + np.exp(0.5 - PLANTED["binomial"] * z - 0.3 * years_old))
    return pl.DataFrame(
        {
            "recording_id": [f"r{i:05d}" for i in range(n)],
            "subject": [f"s{i:05d}" for i in person],
            "age": age,
            "sex": sex,
            "site": rng.choice([1, 2, 3], n),
            "visit": np.arange(n) % nights_each + 1,
            "sbp": 120 + 4 * years_old + PLANTED["gaussian"] * z + rng.normal(0, 12, n) + 3 * (sex == "M"),
            "hypertension": (rng.random(n) < chance).astype(int),
            "falls": rng.poisson(rate * years),
            "stumbles": rng.poisson(rate * years * rng.gamma(2, 0.5, n)),
            "years": years,
            "died": (time < censored).astype(int),
            "rmssd__rem": np.exp(3.5 + 0.5 * z),
            "rmssd__night": np.exp(rng.normal(3.5, 0.5, n)),
            "heart_rate_mean__night": rng.normal(60, 8, n),
            "veb_per_hour__night": rng.poisson(1.0, n) / 8,
        }
    )


def write_table(folder: Path, table: pl.DataFrame, intervals: pl.DataFrame | None = None) -> Path:
    """A folder that holds the cohort."""
    (folder / "cohort").mkdir(parents=True, exist_ok=True)
    table.write_parquet(folder / "cohort" / "nights.parquet")
    if intervals is not None:
        intervals.write_parquet(folder / "cohort" / "phenotypes.parquet")
    return folder


def write_plan(path: Path, text: str) -> Path:
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def studied(folder: Path, table: pl.DataFrame, plan: str, intervals: pl.DataFrame | None = None) -> Studied:
    """What a plan finds on a table."""
    write_table(folder, table, intervals)
    return study(folder, read_plan(write_plan(folder / "plan.toml", plan)), lambda _n: lambda _name: None)


def only(found: Studied, **where: Any) -> dict[str, Any]:
    """The one row that fits."""
    rows = found.associations.filter(**where)
    assert len(rows) == 1, rows
    return rows.row(0, named=True)

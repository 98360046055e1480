"""Where a night lies among the subjects of a reference."""

from __future__ import annotations

import bisect
from typing import Any

import numpy as np
import polars as pl

from holter2sleep.cohort.reference import EVERYONE, PERCENTS, transformed

PLACE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "recording_id": pl.String,
    "phenotype": pl.String,
    "stratum": pl.String,
    "value": pl.Float64,
    "unit": pl.String,
    "sex": pl.String,
    "n_subjects": pl.Int64,
    "z": pl.Float64,
    "percentile": pl.Float64,
    "status": pl.String,
    "reason": pl.String,
}


def placed(phenotypes: pl.DataFrame, facts: dict[str, Any], reference: pl.DataFrame) -> pl.DataFrame:
    """Where each value of a night lies among the reference's subjects: z and percentile.

    The group of the night's sex is taken where the reference has one, else all. Status `ok`, or `outside_reference`
    with the reason: an age or a recorded time beyond those of its nights, an unknown age, stages of another stager;
    then nothing is said. A percentile below the first is 0.5, above the 99th 99.5.

    Parameters
    ----------
    phenotypes
        The night's long table.
    facts
        Its row of `gather`.
    reference
        A table of `reference_table`.
    """
    groups = {(row["phenotype"], row["stratum"], row["sex"]): row for row in reference.iter_rows(named=True)}
    rows = []
    for row in phenotypes.filter(pl.col("status") == "ok").iter_rows(named=True):
        key = (row["phenotype"], row["stratum"])
        group = groups.get((*key, facts["sex"])) or groups.get((*key, EVERYONE))
        if group is not None:
            rows.append({**row, **_place(row["value"], facts, group)})
    return pl.DataFrame(rows, PLACE_SCHEMA)


def _place(value: float, facts: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
    known = {"sex": group["sex"], "n_subjects": group["n_subjects"]}
    reason = _why_outside(facts, group)
    if reason is not None:
        return {**known, "z": None, "percentile": None, "status": "outside_reference", "reason": reason}
    return {**known, "z": _z(value, group), "percentile": _percentile(value, group["percentiles"]), "status": "ok"}


def _why_outside(facts: dict[str, Any], group: dict[str, Any]) -> str | None:
    """Why the reference does not speak of such a night; None where it does."""
    if facts["scorer"] != group["scorer"]:
        return f"staged by {facts['scorer']}, the reference by {group['scorer']}"
    if group["age_low"] is not None:
        if facts["age"] is None:
            return f"age unknown, reference {group['age_low']:g} to {group['age_high']:g} years"
        if not group["age_low"] <= facts["age"] <= group["age_high"]:
            return f"age {facts['age']:g}, reference {group['age_low']:g} to {group['age_high']:g} years"
    if not group["duration_low_h"] <= facts["duration_h"] <= group["duration_high_h"]:
        low, high = group["duration_low_h"], group["duration_high_h"]
        return f"recorded {facts['duration_h']:.1f} h, reference {low:.1f} to {high:.1f} h"
    return None


def _z(value: float, group: dict[str, Any]) -> float | None:
    if group["sd"] is None:
        return None
    z = (transformed(np.array([value]), group["transform"])[0] - group["mean"]) / group["sd"]
    return float(z) if np.isfinite(z) else None


def _percentile(value: float, percentiles: list[float]) -> float:
    """By straight lines between the percentiles kept; the middle of those that are all equal to the value."""
    first, behind = bisect.bisect_left(percentiles, value), bisect.bisect_right(percentiles, value)
    if first < behind:
        return (PERCENTS[first] + PERCENTS[behind - 1]) / 2
    if first == 0:
        return PERCENTS[0] / 2
    if first == len(percentiles):
        return (PERCENTS[-1] + 100) / 2
    below, above = percentiles[first - 1], percentiles[first]
    return PERCENTS[first - 1] + (value - below) / (above - below)

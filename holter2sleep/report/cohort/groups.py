"""Persons of a cohort in groups by a column, and how far the groups are apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from holter2sleep.night import Float
from holter2sleep.phenotypes.dictionary import Entry
from holter2sleep.report.cohort.layout import CohortLimits

REACH = 1.959964  # standard errors of a 95 % interval
LEAST_OF_BOTH = 2  # persons on each side, for a standard deviation


@dataclass(frozen=True)
class Effect:
    """A standardised difference of means with its 95 % interval."""

    g: float
    low: float
    high: float


def hedges_g(ours: Float, others: Float) -> Effect | None:
    """Hedges' g of two groups of persons; None with fewer than two in one, or without any spread.

    Parameters
    ----------
    ours, others
        arrays (n,), one value a person.

    References
    ----------
    Hedges LV (1981) Distribution theory for Glass's estimator of effect size. J Educ Stat 6:107-128, eq. 6 and
    its approximation of the correction; Hedges LV, Olkin I (1985) Statistical Methods for Meta-Analysis, p. 86, eq. 15.

    Examples
    --------
    >>> effect = hedges_g(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]))  # 0.8 * 2 / sqrt(2.5)
    >>> f"{effect.g:.3f} ({effect.low:.3f} to {effect.high:.3f})"
    '1.012 (-0.688 to 2.712)'
    """
    n, m = len(ours), len(others)
    if min(n, m) < LEAST_OF_BOTH:
        return None
    free = n + m - 2
    pooled = np.sqrt(((n - 1) * ours.var(ddof=1) + (m - 1) * others.var(ddof=1)) / free)
    if pooled == 0:
        return None
    g = (1 - 3 / (4 * free - 1)) * (ours.mean() - others.mean()) / pooled
    half = REACH * np.sqrt((n + m) / (n * m) + g**2 / (2 * (n + m)))
    return Effect(float(g), float(g - half), float(g + half))


def on_scale(entry: Entry, values: Float) -> Float:
    """Logarithms where the dictionary models the phenotype so and no value is 0 or below; else the values."""
    return np.log(values) if is_log(entry, values) else values


def is_log(entry: Entry, values: Float) -> bool:
    """Whether `on_scale` gives logarithms."""
    return entry.transform == "log" and len(values) > 0 and bool(values.min() > 0)


def band_names(edges: tuple[float, ...]) -> list[str]:
    """Half-open bands as signs, without words.

    Examples
    --------
    >>> band_names((40, 60))
    ['< 40', '≥ 40, < 60', '≥ 60']
    """
    between = [f"≥ {low:g}, < {high:g}" for low, high in pairwise(edges)]
    return [f"< {edges[0]:g}", *between, f"≥ {edges[-1]:g}"]


def groups_of(table: pl.DataFrame, by: str, limits: CohortLimits) -> pl.Series | None:
    """The group of each row; null where it is unknown, None where the column is missing or tells nobody."""
    if by not in table.columns or table[by].is_null().all():
        return None
    if by != "age":
        return table[by].str.strip_chars().replace("", None)
    passed = [(pl.col("age") >= edge).cast(pl.Int64) for edge in limits.age_bands]
    names = dict(enumerate(band_names(limits.age_bands)))
    band = pl.sum_horizontal(*passed, ignore_nulls=False).replace_strict(names, return_dtype=pl.String)
    return table.select(age=band).to_series()


def names_of(group: pl.Series, by: str, limits: CohortLimits) -> list[str]:
    """The groups in the order they are shown: bands of age upwards, others by name; of many, the largest."""
    if by == "age":
        found = set(group.drop_nulls())
        return [name for name in band_names(limits.age_bands) if name in found]
    counts = group.drop_nulls().value_counts(name="n").sort("n", group.name, descending=[True, False])
    return sorted(counts[group.name].head(limits.most_groups))

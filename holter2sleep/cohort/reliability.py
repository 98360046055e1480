"""How well one night stands for a subject: night-to-night reliability, spread within subjects, first-night effect.

Intervals come from drawing subjects with all their nights; nights of one person are not independent.

References
----------
Agnew HW, Webb WB, Williams RL (1966) The first night effect: an EEG study of sleep. Psychophysiology 2:263-266.
Spearman-Brown: nights whose mean reaches a reliability, Shrout and Fleiss 1979, p. 426.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from holter2sleep.cohort.intraclass import Nested, Spread, two_way
from holter2sleep.cohort.nights import NIGHT_NUMBER
from holter2sleep.night import Float
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.wide import parted

Numbers = NDArray[np.int64]  # (n_nights,)

DRAWS = 1000
INTERVAL = (0.025, 0.975)
NUMBERS_AT_ONCE = 400  # memory: 10,000 nights of so many take 32 MB a table, and ten tables are formed
LEAST_SUBJECTS = 5  # with fewer, drawing subjects says little: no interval
# Landis and Koch call 0.81 and more almost perfect; 0.8 is what group studies ask of a measure (Nunnally 1978).
WANTED = 0.8

RELIABILITY_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "phenotype": pl.String,
    "stratum": pl.String,
    "unit": pl.String,
    "n_subjects": pl.Int64,  # with two nights and more
    "n_nights": pl.Int64,  # of those subjects
    "mean": pl.Float64,
    "icc": pl.Float64,  # ICC(1,1)
    "icc_low": pl.Float64,
    "icc_high": pl.Float64,
    "within_sd": pl.Float64,
    "within_sd_low": pl.Float64,
    "within_sd_high": pl.Float64,
    "within_cv": pl.Float64,  # %
    "nights_needed": pl.Float64,  # whose mean has a reliability of 0.8
    "n_pairs": pl.Int64,  # subjects with a first and a second night
    "icc_2_1": pl.Float64,
    "icc_3_1": pl.Float64,
    "first_night_effect": pl.Float64,  # first night minus second, mean over subjects
    "first_night_low": pl.Float64,
    "first_night_high": pl.Float64,
}


def reliability_table(nights: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """One row for each phenotype and stratum of the wide table; hours are left out, as one night's are not another's.

    The percent of `within_cv` is of the mean; it is null where values lie on both sides of 0. What is not defined
    (fewer than two subjects with two nights, fewer than five for an interval) is null.

    Parameters
    ----------
    nights
        Wide table with `subject` and `night_number`.
    """
    names = [name for name in nights.columns if (key := parted(name)) and not key[1].startswith("hour_")]
    if not names or nights.is_empty():
        return pl.DataFrame(schema=RELIABILITY_SCHEMA)
    subject = nights["subject"].rank("dense").cast(pl.Int64).to_numpy() - 1
    number = nights[NIGHT_NUMBER].fill_null(0).to_numpy()
    n_subjects = int(subject.max()) + 1
    weights = rng.multinomial(n_subjects, np.full(n_subjects, 1 / n_subjects), DRAWS).astype(float)
    parts = []
    for first in range(0, len(names), NUMBERS_AT_ONCE):
        block = names[first : first + NUMBERS_AT_ONCE]
        values = nights.select(pl.col(block).cast(pl.Float64).fill_null(float("nan"))).to_numpy()
        columns = _over_nights(values, subject, weights) | _first_two(values, subject, number, weights)
        keys = [key for name in block if (key := parted(name))]
        units = [load_dictionary()[phenotype].unit for phenotype, _ in keys]
        words = {"phenotype": [key[0] for key in keys], "stratum": [key[1] for key in keys], "unit": units}
        parts.append(pl.DataFrame(words | columns))
    table = pl.concat(parts)
    return (
        table.with_columns(pl.selectors.float().fill_nan(None))
        .select(*RELIABILITY_SCHEMA)
        .cast(pl.Schema(RELIABILITY_SCHEMA))
    )


def _over_nights(values: Float, subject: Numbers, weights: Float) -> dict[str, Float]:
    """What the nights of all subjects say, with intervals."""
    nested = Nested.of(values, subject)
    whole, drawn = nested.spread(np.ones((1, weights.shape[1]))), nested.spread(weights)
    has_interval = whole.n_subjects[0] >= LEAST_SUBJECTS
    icc_low, icc_high = _interval(drawn.icc, has_interval)
    sd_low, sd_high = _interval(drawn.within_sd, has_interval)
    icc = whole.icc[0]
    return {
        "n_subjects": whole.n_subjects[0],
        "n_nights": whole.n_nights[0],
        "mean": whole.mean[0],
        "icc": icc,
        "icc_low": icc_low,
        "icc_high": icc_high,
        "within_sd": whole.within_sd[0],
        "within_sd_low": sd_low,
        "within_sd_high": sd_high,
        "within_cv": _cv(whole, values),
        "nights_needed": _nights_needed(icc),
    }


def _cv(whole: Spread, values: Float) -> Float:
    """Within-subject SD in percent of the mean, of numbers that are never below 0."""
    mean = whole.mean[0]
    ratio = (mean > 0) & ~(np.nan_to_num(values, nan=0.0) < 0).any(axis=0)
    return np.divide(100 * whole.within_sd[0], mean, out=np.full(len(mean), np.nan), where=ratio)


def _nights_needed(icc: Float) -> Float:
    """Spearman-Brown, whole nights; NaN where one night says nothing of the subject.

    Examples
    --------
    >>> _nights_needed(np.array([0.5, 0.9, 0.0])).tolist()
    [4.0, 1.0, nan]
    """
    needed = np.full(len(icc), np.nan)
    tells = icc > 0
    needed[tells] = np.maximum(1, np.ceil(np.round(WANTED * (1 - icc[tells]) / (icc[tells] * (1 - WANTED)), 9)))
    return needed


def _first_two(values: Float, subject: Numbers, number: Numbers, weights: Float) -> dict[str, Any]:
    """First night against the second, subject by subject; ICC(2,1) and ICC(3,1) of these two."""
    sides = np.full((2, weights.shape[1], values.shape[1]), np.nan)
    for night in (1, 2):
        sides[night - 1, subject[number == night]] = values[number == night]
    both = np.isfinite(sides).all(axis=0)
    pairs = [np.column_stack([sides[0, both[:, i], i], sides[1, both[:, i], i]]) for i in range(values.shape[1])]
    iccs = [two_way(pair) for pair in pairs]
    effect = np.where(both, sides[0] - sides[1], 0.0)
    n_pairs = both.sum(axis=0)
    low, high = _interval(_mean(weights @ effect, weights @ both), n_pairs >= LEAST_SUBJECTS)
    return {
        "n_pairs": n_pairs,
        "icc_2_1": [icc for icc, _ in iccs],
        "icc_3_1": [icc for _, icc in iccs],
        "first_night_effect": _mean(effect.sum(axis=0), n_pairs),
        "first_night_low": low,
        "first_night_high": high,
    }


def _mean(total: Float, n: Float) -> Float:
    return np.divide(total, n, out=np.full(np.shape(total), np.nan), where=n > 0)


def _interval(drawn: Float, has_interval: np.ndarray) -> tuple[Float, Float]:
    """Quantiles of the draws in which a number is defined."""
    low, high = np.full((2, drawn.shape[1]), np.nan)
    usable = has_interval & np.isfinite(drawn).any(axis=0)
    if usable.any():
        low[usable], high[usable] = np.nanquantile(drawn[:, usable], INTERVAL, axis=0)
    return low, high

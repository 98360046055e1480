"""A group against the rest, subject by subject: means with intervals, and differences that are no accident.

The unit is the subject, who counts once in a group with the mean of the nights there; intervals come from drawing
subjects with all their nights.

References
----------
Efron B, Tibshirani RJ (1993) An introduction to the bootstrap. Chapman and Hall (percentiles, permutation).
Benjamini Y, Hochberg Y (1995) Controlling the false discovery rate. J R Stat Soc B 57:289-300.
Phipson B, Smyth GK (2010) Permutation p-values should never be zero. Stat Appl Genet Mol Biol 9:39.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from holter2sleep.night import Bool, Float

INTERVAL = (0.025, 0.975)
FIRST_LOOK = 0.05  # p by Student's t from which groups are permuted: above, both say no
ENOUGH_FOR_T = 100  # expected values other than the commonest in the smaller side; skewness falls with the root of it
_FEW_VALUES = 64  # different ones: the draws are then of numbers of each, not of subjects
_PERMUTED_AT_ONCE = 500


@dataclass(frozen=True)
class Contrast:
    """A group and the rest in many measures; arrays (n_measures,), NaN where undefined."""

    n_nights: Float  # with the measure, in the group
    n_subjects: Float
    n_rest: Float  # subjects of the rest with the measure
    value: Float
    low: Float
    high: Float
    rest: Float
    difference: Float
    difference_low: Float
    difference_high: Float
    p: Float  # NaN where nothing can be tested: no value differs, or one side is empty


def contrast(
    values: Float, subject: NDArray[np.int64], inside: Bool, weights: Float, permutations: int, rng: np.random.Generator
) -> Contrast:
    """Compare the nights inside a group with the others.

    Parameters
    ----------
    values
        array (n_nights, n_measures), NaN where a measure does not apply.
    subject
        Number of each night's subject, from 0.
    weights
        How often each subject is drawn; array (n_draws, n_subjects).
    """
    n_subjects = weights.shape[1]
    mean_in, n_in = _subject_means(values[inside], subject[inside], n_subjects)
    mean_out, n_out = _subject_means(values[~inside], subject[~inside], n_subjects)
    value, rest = _mean(mean_in), _mean(mean_out)
    drawn, drawn_rest = _weighted(mean_in, weights), _weighted(mean_out, weights)
    low, high = drawn_interval(drawn)
    difference_low, difference_high = drawn_interval(drawn - drawn_rest)
    return Contrast(
        n_nights=n_in.sum(axis=0),
        n_subjects=(n_in > 0).sum(axis=0),
        n_rest=(n_out > 0).sum(axis=0),
        value=value,
        low=low,
        high=high,
        rest=rest,
        difference=value - rest,
        difference_low=difference_low,
        difference_high=difference_high,
        p=_p_values(mean_in, mean_out, permutations, rng),
    )


def _subject_means(values: Float, subject: NDArray[np.int64], n_subjects: int) -> tuple[Float, Float]:
    """Mean and number of each subject's nights; arrays (n_subjects, n_measures)."""
    known = np.isfinite(values)
    total, n = np.zeros((2, n_subjects, values.shape[1]))
    np.add.at(total, subject, np.where(known, values, 0.0))
    np.add.at(n, subject, known)
    return np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0), n


def _mean(means: Float) -> Float:
    return _weighted(means, np.ones((1, len(means))))[0]


def _weighted(means: Float, weights: Float) -> Float:
    """Means over subjects drawn so many times; array (n_draws, n_measures)."""
    known = np.isfinite(means)
    total, n = weights @ np.where(known, means, 0.0), weights @ known
    return np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)


def drawn_interval(drawn: Float) -> tuple[Float, Float]:
    """95 % interval of each measure from its draws (n_draws, n_measures), of those in which it is defined."""
    low, high = np.full((2, drawn.shape[1]), np.nan)
    usable = np.isfinite(drawn).any(axis=0)
    if usable.any():
        low[usable], high[usable] = np.nanquantile(drawn[:, usable], INTERVAL, axis=0)
    return low, high


def _p_values(mean_in: Float, mean_out: Float, permutations: int, rng: np.random.Generator) -> Float:
    """Two-sided p of no difference; by Student's t, and where that is small by permuting groups as well.

    The larger of both counts: with few subjects of many alike (nobody lacks the number but two) t is far too sure.
    Where the smaller side holds many that are not alike, both say the same, and t is enough.
    """
    p = np.full(mean_in.shape[1], np.nan)
    for i in range(mean_in.shape[1]):
        one, other = (side[np.isfinite(side[:, i]), i] for side in (mean_in, mean_out))
        if len(one) < 2 or len(other) < 2 or np.ptp(np.r_[one, other]) == 0:
            continue
        p[i] = _student(one, other)
        if p[i] < FIRST_LOOK and _uncommon(one, other) < ENOUGH_FOR_T:
            p[i] = max(p[i], _permuted(one, other, permutations, rng))
    return p


def _student(one: Float, other: Float) -> float:
    """With the spread of all together, as it is when groups mean nothing."""
    both = np.r_[one, other]
    error = both.std(ddof=1) * np.sqrt(1 / len(one) + 1 / len(other))
    return float(2 * stats.t.sf(abs(one.mean() - other.mean()) / error, len(both) - 2))


def _permuted(one: Float, other: Float, permutations: int, rng: np.random.Generator) -> float:
    """Share of permutations, the one that happened among them, with as large a difference."""
    both, smaller = np.r_[one, other], min(len(one), len(other))
    expected = smaller * both.mean()
    found = abs(min((one, other), key=len).sum() - expected)
    away = np.abs(_permuted_sums(both, smaller, permutations, rng) - expected)
    return float((1 + (away >= found - 1e-9 * max(1.0, found)).sum()) / (1 + permutations))


def _permuted_sums(values: Float, n_chosen: int, permutations: int, rng: np.random.Generator) -> Float:
    """Sums of so many values chosen at random, none twice. array (permutations,)."""
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= _FEW_VALUES:
        return rng.multivariate_hypergeometric(counts, n_chosen, permutations, method="marginals") @ distinct
    sums = []
    for first in range(0, permutations, _PERMUTED_AT_ONCE):
        size = min(_PERMUTED_AT_ONCE, permutations - first)
        chosen = np.argpartition(rng.random((size, len(values))), n_chosen - 1, axis=1)[:, :n_chosen]
        sums.append(values[chosen].sum(axis=1))
    return np.concatenate(sums)


def _uncommon(one: Float, other: Float) -> float:
    """How many values other than the commonest one expects in the smaller side."""
    both = np.r_[one, other]
    commonest = np.unique(both, return_counts=True)[1].max()
    return float(min(len(one), len(other)) * (1 - commonest / len(both)))


def false_discovery(p: Float) -> Float:
    """Benjamini-Hochberg q of each p; NaN where there is none.

    Examples
    --------
    >>> false_discovery(np.array([0.01, 0.04, np.nan, 0.03])).round(3).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    q = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    if len(known):
        q[known] = stats.false_discovery_control(p[known], method="bh")
    return q

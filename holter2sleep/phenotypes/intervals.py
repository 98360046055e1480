"""Intervals of rates and of comparisons: exact for counts, from the two intervals for everything else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from holter2sleep.night import Float

TAIL = 0.025  # either side of a 95 % interval
Counts = NDArray[np.integer]


def poisson_interval(n: Counts) -> tuple[Float, Float]:
    """Exact 95 % interval of the expected number, for each number of events counted.

    References
    ----------
    Garwood F (1936) Fiducial limits for the Poisson distribution. Biometrika 28:437-442.

    Examples
    --------
    No event: up to 3.69 may be expected.

    >>> low, high = poisson_interval(np.array([0, 10]))
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([0.0, 4.8], [3.69, 18.39])
    """
    low = np.where(n > 0, stats.chi2.ppf(TAIL, 2 * np.maximum(n, 1)) / 2, 0.0)
    return low, stats.chi2.ppf(1 - TAIL, 2 * (n + 1)) / 2


def rate_ratio_interval(n: Counts, exposure: Float, other: Counts, other_exposure: Float) -> tuple[Float, Float, Float]:
    """Exact 95 % interval of the ratio of two Poisson rates, and the two-sided p of equal rates.

    Given their sum, the first number is binomial. The upper end is infinite where the second count is 0; all are NaN
    where both are.

    References
    ----------
    Przyborowski J, Wilenski H (1940) Biometrika 31:313-323; Clopper CJ, Pearson ES (1934) Biometrika 26:404-413.

    Examples
    --------
    20 events in one hour against 10 in another:

    >>> arrays = [np.array([x]) for x in (20, 1.0, 10, 1.0)]
    >>> [round(float(x[0]), 2) for x in rate_ratio_interval(*arrays)]
    [0.89, 4.78, 0.1]
    """
    total, scale = n + other, other_exposure / exposure
    low = np.where(n > 0, stats.beta.ppf(TAIL, np.maximum(n, 1), other + 1), 0.0)
    high = np.where(other > 0, stats.beta.ppf(1 - TAIL, n + 1, np.maximum(other, 1)), 1.0)
    with np.errstate(divide="ignore"):
        ends = scale * low / (1 - low), scale * high / (1 - high)
    unknown = total == 0
    p = _binomial_p(n, total, exposure / (exposure + other_exposure))
    return tuple(np.where(unknown, np.nan, end) for end in (*ends, p))  # type: ignore[return-value]


def _binomial_p(n: Counts, total: Counts, share: Float) -> Float:
    """Twice the smaller tail, at most 1."""
    below, above = stats.binom.cdf(n, total, share), stats.binom.sf(n - 1, total, share)
    return np.minimum(1.0, 2 * np.minimum(below, above))


def difference_interval(
    value: Float, interval: tuple[Float, Float], other: Float, other_interval: tuple[Float, Float]
) -> tuple[Float, Float]:
    """Interval of `value - other` from the intervals of the two, which need not be symmetric.

    References
    ----------
    Zou GY, Donner A (2008) Construction of confidence limits about effect measures. Stat Med 27:1693-1702, equation 5.

    Examples
    --------
    10 (8 to 12) less 7 (6 to 8): the half widths 2 and 1 add up as squares.

    >>> low, high = difference_interval(*(np.array(10.0), (np.array(8.0), np.array(12.0))), np.array(7.0), (6.0, 8.0))
    >>> round(float(low), 3), round(float(high), 3)
    (0.764, 5.236)
    """
    (low, high), (other_low, other_high) = interval, other_interval
    difference = value - other
    return (
        difference - np.hypot(value - low, other_high - other),
        difference + np.hypot(high - value, other - other_low),
    )

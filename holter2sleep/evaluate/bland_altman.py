"""Agreement of a night's sleep measures with the reference's: bias and limits of agreement.

References
----------
Bland JM, Altman DG (1986) Statistical methods for assessing agreement between two methods of clinical measurement.
Lancet 327:307-310. Bland JM, Altman DG (1999) Measuring agreement in method comparison studies. Stat Methods Med Res
8:135-160. Bland JM, Altman DG (2007) Agreement between methods of measurement with multiple observations per
individual. J Biopharm Stat 17:571-582.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from holter2sleep.evaluate.bootstrap import DRAWS, Draws, Interval
from holter2sleep.night import Float

Z = 1.96  # Bland & Altman 1999, section 2; in 1986 they rounded it to 2
BY_T = "t (Bland & Altman 1999)"
BY_DRAWS = "subject bootstrap"


@dataclass(frozen=True)
class Agreement:
    """Test minus reference over nights: bias, SD, 95 % limits of agreement, and how the bias grows with the measure.

    With one night a subject the intervals are those of the t distribution, the limits' by the approximate variance
    s^2 (1/n + 1.96^2 / 2(n - 1)). With several nights of a subject the SD is that of one new night of a new subject
    (Bland & Altman 2007, section 3: between plus within subjects), and the intervals are drawn over subjects.
    """

    n_nights: int
    n_subjects: int
    bias: float
    sd: float | None  # None with one subject
    bias_interval: Interval
    bias_drawn: Interval  # by subject bootstrap, whatever the other intervals are
    lower_interval: Interval  # of the lower limit
    upper_interval: Interval
    slope: float | None  # of the difference on the mean of both; None where the mean does not vary
    slope_interval: Interval
    intervals_by: str

    @property
    def limits(self) -> Interval:
        """95 % limits of agreement."""
        return None if self.sd is None else (self.bias - Z * self.sd, self.bias + Z * self.sd)


def agreement(reference: Float, test: Float, subjects: Sequence[str], seed: int, draws: int = DRAWS) -> Agreement:
    """Agreement of one measure over nights.

    Examples
    --------
    >>> found = agreement(np.array([10.0, 20.0, 30.0]), np.array([11.0, 22.0, 33.0]), ["a", "b", "c"], 0)
    >>> found.bias, found.sd
    (2.0, 1.0)
    """
    difference, middle = test - reference, (test + reference) / 2
    drawn = Draws(subjects, seed, draws)
    bias_drawn = drawn.of_nights(lambda nights, _: float(difference[nights].mean()))
    bias, sd = float(difference.mean()), spread(difference, drawn.person)
    slope, slope_interval = _slope(middle, difference)
    lower = upper = bias_interval = None
    by = BY_T if drawn.n_subjects == len(difference) else BY_DRAWS
    if by == BY_DRAWS:
        bias_interval = bias_drawn
        lower, upper = (drawn.of_nights(_limit_of(difference, sign)) for sign in (-1, 1))
        slope_interval = drawn.of_nights(lambda nights, _: _slope(middle[nights], difference[nights])[0])
    elif sd is not None:
        bias_interval = _around(bias, sd, len(difference), 0.0)
        lower, upper = (_around(bias + sign * Z * sd, sd, len(difference), Z) for sign in (-1, 1))
    return Agreement(
        len(difference), drawn.n_subjects, bias, sd, bias_interval, bias_drawn, lower, upper, slope, slope_interval, by
    )


def spread(difference: Float, person: NDArray[np.int64]) -> float | None:
    """SD of the difference on one new night of a new subject; None with fewer than two subjects.

    With one night each it is the SD. Else the variance is the sum of two components of a one-way analysis of
    variance (Bland & Altman 2007): within subjects the mean square; between them the excess of the mean square between
    over it, divided by (N^2 - sum m^2) / ((n - 1) N), with m nights a subject and N in all.
    """
    _, person, nights = np.unique(person, return_inverse=True, return_counts=True)
    n, total = len(nights), len(difference)
    if n < 2:
        return None
    means = np.bincount(person, difference) / nights
    between = float((nights * (means - difference.mean()) ** 2).sum()) / (n - 1)
    if total == n:
        return math.sqrt(between)
    within = float(((difference - means[person]) ** 2).sum()) / (total - n)
    nights_each = (total**2 - float((nights**2).sum())) / ((n - 1) * total)
    return math.sqrt(max(between - within, 0.0) / nights_each + within)


def _limit_of(difference: Float, sign: int) -> Callable[[NDArray[np.int64], NDArray[np.int64]], float | None]:
    """Lower (-1) or upper (1) limit of agreement of drawn nights."""

    def limit(nights: NDArray[np.int64], person: NDArray[np.int64]) -> float | None:
        sd = spread(difference[nights], person)
        return None if sd is None else float(difference[nights].mean()) + sign * Z * sd

    return limit


def _around(value: float, sd: float, n: int, z: float) -> Interval:
    """Interval of `bias + z sd` of n differences, by the t distribution (Bland & Altman 1999, section 2.1)."""
    half = float(stats.t.ppf(0.975, n - 1)) * sd * math.sqrt(1 / n + z**2 / (2 * (n - 1)))
    return value - half, value + half


def _slope(middle: Float, difference: Float) -> tuple[float | None, Interval]:
    """Slope of the difference on the mean, with its interval by t from three nights on."""
    if np.ptp(middle) == 0:
        return None, None
    found = stats.linregress(middle, difference)
    if len(middle) < 3:
        return float(found.slope), None
    half = float(stats.t.ppf(0.975, len(middle) - 2) * found.stderr)
    return float(found.slope), (float(found.slope) - half, float(found.slope) + half)

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
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from holter2sleep.evaluate.bootstrap import DRAWS, Draws, Interval, interval_of
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
    bias, sd, slope = _figures(middle, difference, drawn.person)
    bias_drawn, lower, upper, slope_interval = _drawn_intervals(middle, difference, drawn)
    bias_interval, by, n = bias_drawn, BY_DRAWS, len(difference)
    if drawn.n_subjects == n:
        by, slope_interval = BY_T, _slope_interval(middle, difference)
        bias_interval, lower, upper = (_around(bias, sd, n, z) for z in (0.0, -Z, Z))
    return Agreement(n, drawn.n_subjects, bias, sd, bias_interval, bias_drawn, lower, upper, slope, slope_interval, by)


def _figures(middle: Float, difference: Float, person: NDArray[np.int64]) -> tuple[float, float | None, float | None]:
    """Bias, SD and slope."""
    bias, off = float(difference.mean()), middle - middle.mean()
    slope = float(off @ difference / (off @ off)) if np.ptp(middle) else None
    return bias, spread(difference, person), slope


def _drawn_intervals(middle: Float, difference: Float, draws: Draws) -> list[Interval]:
    """Intervals by subject bootstrap of the bias, the lower and the upper limit, and the slope."""
    found = [_figures(middle[nights], difference[nights], person) for nights, person in draws.nights()]
    biases, slopes = [bias for bias, _, _ in found], [slope for _, _, slope in found]
    lower, upper = ([None if sd is None else bias + z * sd for bias, sd, _ in found] for z in (-Z, Z))
    return [interval_of(biases), interval_of(lower), interval_of(upper), interval_of(slopes)]


def spread(difference: Float, person: NDArray[np.int64]) -> float | None:
    """SD of the difference on one new night of a new subject; None with fewer than two subjects.

    With one night each it is the SD. Else the variance is the sum of two components of a one-way analysis of
    variance (Bland & Altman 2007): within subjects the mean square; between them the excess of the mean square between
    over it, divided by (N^2 - sum m^2) / ((n - 1) N), with m nights a subject and N in all.

    Parameters
    ----------
    person
        Of whom each difference is, 0, 1, ... without a gap.
    """
    nights = np.bincount(person)
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


def _around(bias: float, sd: float | None, n: int, z: float) -> Interval:
    """Interval of `bias + z sd` of n differences, by the t distribution (Bland & Altman 1999, section 2.1)."""
    if sd is None:
        return None
    half = float(stats.t.ppf(0.975, n - 1)) * sd * math.sqrt(1 / n + z**2 / (2 * (n - 1)))
    return bias + z * sd - half, bias + z * sd + half


def _slope_interval(middle: Float, difference: Float) -> Interval:
    """Interval of the slope by the t distribution, from three nights on."""
    n = len(middle)
    if n < 3 or np.ptp(middle) == 0:
        return None
    found = stats.linregress(middle, difference)
    half = float(stats.t.ppf(0.975, n - 2) * found.stderr)
    return float(found.slope) - half, float(found.slope) + half

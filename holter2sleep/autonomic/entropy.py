"""Sample entropy, fuzzy entropy and multiscale entropy of NN intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import pdist

from holter2sleep.autonomic.matches import count_matches
from holter2sleep.autonomic.pieces import Runs, Whole, box_starts, in_a_row, neighbour_runs, rows_of, whole_us
from holter2sleep.night import NN, Bool, Float

M = 2  # Richman & Moorman 2000; Chen 2007
FUZZY_POWER = 2  # Chen 2007
SCALES = 20  # Costa 2002
SCALES_TOLERANCE_SD = 0.15  # ibid.; of the series itself, whatever the scale
SHORT_SCALES = 5  # Ho 2011 (PLoS One 6:e18699)
LONGEST_STRETCH = 50_000  # templates, 10 h at 80/min; pairs grow with the square, and a fortnight would take minutes


@dataclass(frozen=True)
class EntropyRules:
    """Keys of `[entropy]`."""

    tolerance_sd: float


def sample_entropy(nn: NN, rules: EntropyRules) -> float:
    """Sample entropy with m = 2; NaN for a constant series, or where no three intervals are alike.

    The negative logarithm of the chance that templates alike for m intervals (each within the tolerance) are alike
    for one more. All templates are of m + 1 neighbours; none lies across a break.

    References
    ----------
    Richman & Moorman 2000 (Am J Physiol 278:H2039).
    """
    values = whole_us(nn)
    return entropy_within(values, nn.adjacent, rules.tolerance_sd * _sd(values), M)


def entropy_within(values: Whole, adjacent: Bool, tolerance: float, m: int) -> float:
    """Sample entropy of whole numbers with a tolerance in their unit, itself included.

    Pairs are formed within stretches of at most 50,000 templates, as even as can be.
    """
    if not tolerance > 0:
        return np.nan
    first = in_a_row(adjacent, m + 1)
    stretches = np.array_split(first, len(first) // LONGEST_STRETCH + 1)
    short, whole = np.sum([count_matches(values, stretch, m + 1, int(tolerance)) for stretch in stretches], axis=0)
    return float(-np.log(whole / short)) if whole else np.nan


def fuzzy_entropy(nn: NN, rules: EntropyRules) -> float:
    """Fuzzy entropy with m = 2 and n = 2; NaN for a constant series.

    Likeness is exp(-d^2 / r), where d is the largest difference, in SD, between two templates with their own mean
    taken off: unlike sample entropy it has no edge, so short series have a value that changes little. For short series
    only: all pairs are held in memory.

    References
    ----------
    Chen 2007 (IEEE Trans Neural Syst Rehabil Eng 15:266).
    """
    deviation = _sd(whole_us(nn)) / 1000
    rows = rows_of(nn.nn_ms, nn.adjacent, M + 1)
    if not deviation > 0 or len(rows) < 2:
        return np.nan
    short, whole = (_mean_likeness(rows[:, :size] / deviation, rules.tolerance_sd) for size in (M, M + 1))
    return float(np.log(short) - np.log(whole))


def _mean_likeness(templates: Float, width: float) -> float:
    """Mean likeness of all pairs."""
    levelled = templates - templates.mean(axis=1, keepdims=True)
    apart = pdist(levelled, "chebyshev").astype(np.float32)  # exp of single precision costs an eighth
    return float(np.exp(apart**FUZZY_POWER / np.float32(-width)).mean(dtype=np.float64))


def multiscale_entropy(nn: NN) -> Float:
    """Sample entropy (m = 2) of means of 1, 2 ... 20 neighbours, r = 0.15 SD of the series. array (20,).

    The means are taken one after another within each run, so that none lies across a break. NaN at scales where no
    templates are alike.

    References
    ----------
    Costa 2002 (Phys Rev Lett 89:068102).
    """
    values, runs = whole_us(nn), neighbour_runs(nn.adjacent)
    tolerance = SCALES_TOLERANCE_SD * _sd(values)
    # sums in place of means, with the tolerance of the sum: whole numbers, so that the counts are exact
    coarse = (_sums(values, nn.adjacent, runs, scale) for scale in range(1, SCALES + 1))
    return np.array([entropy_within(*sums, scale * tolerance, M) for scale, sums in enumerate(coarse, 1)])


def multiscale_measures(nn: NN) -> dict[str, float]:
    """Complexity index and slope over the short scales of multiscale entropy."""
    entropy = multiscale_entropy(nn)
    scale = np.arange(SHORT_SCALES) - (SHORT_SCALES - 1) / 2
    return {
        "complexity_index": float(entropy.sum()),
        "mse_slope_short": float(scale @ entropy[:SHORT_SCALES] / (scale @ scale)),
    }


def _sums(values: Whole, adjacent: Bool, runs: Runs, scale: int) -> tuple[Whole, Bool]:
    """Sums of `scale` neighbours, and which follow one another."""
    total = np.r_[0, np.cumsum(values)]
    start = box_starts(runs, scale)
    return total[start + scale] - total[start], adjacent[start]


def _sd(values: Whole) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else np.nan

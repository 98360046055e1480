"""How uncertain a count of ectopic beats is: from the chance of each beat to be one, and from how they cluster."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import Bool, Float
from holter2sleep.spans import Spans, overlap_per_cell

TWO_SIDED_95 = 1.96
BLOCK_S = 300.0  # the Task Force's short-term window
LEAST_BLOCK_S = 60.0  # of analysable time, for a block to speak
LEAST_BLOCKS = 10
LEAST_EVENTS = 5


def count_interval(called: Bool, chance: NDArray[np.floating]) -> tuple[float, float] | None:
    """95 % interval of the true number, widened to hold the number called; None where the chances are unknown.

    The beats are taken as independent: their number is Poisson-binomial, here by its normal approximation. What all
    beats of a lead have in common (a shape no network has seen) is not in it.

    Examples
    --------
    A hundred beats called S, each with a chance of 0.9: 90 +- 1.96 x 3 of them are, and the 100 called are possible.

    >>> called = np.ones(100, bool)
    >>> tuple(round(x, 2) for x in count_interval(called, np.full(100, 0.9)))
    (84.12, 100.0)
    """
    if len(chance) == 0 or not np.isfinite(chance).all():
        return None
    p = chance.astype(np.float64)
    expected, spread = float(p.sum()), TWO_SIDED_95 * float(np.sqrt((p * (1 - p)).sum()))
    n = float(called.sum())
    return min(n, max(0.0, expected - spread)), max(n, min(float(len(p)), expected + spread))


def intervals_of(
    names: Iterable[str], called: Bool, chance: NDArray[np.floating], seconds: float
) -> dict[str, tuple[float, float]]:
    """Intervals of a count, of its rate per hour and of its share of all beats, by their names in this order."""
    interval = count_interval(called, chance)
    if interval is None or not seconds:
        return {}
    scales = (1.0, 3600 / seconds, 100 / len(called))
    return {name: (interval[0] * scale, interval[1] * scale) for name, scale in zip(names, scales, strict=True)}


def dispersion(time_s: Float, spans: Spans) -> float:
    """How many times the counts of 5-min blocks scatter more than Poisson counts of one constant rate would.

    Pearson's chi-squared over its degrees of freedom; NaN for fewer than 10 blocks or 5 events.

    References
    ----------
    Cox DR (1983) Some remarks on overdispersion. Biometrika 70:269-274.

    Examples
    --------
    One event in every other block: a scatter of 0 and 1 around a half.

    >>> at_s = 150.0 + 600.0 * np.arange(10)
    >>> round(dispersion(at_s, np.array([[0.0, 6000.0]])), 3)
    0.526
    """
    n_blocks = int(np.ceil(spans[-1, 1] / BLOCK_S)) if len(spans) else 0
    edges_s = BLOCK_S * np.arange(n_blocks + 1, dtype=np.float64)
    exposure_s = overlap_per_cell(spans, edges_s)
    n = np.histogram(time_s, edges_s)[0]
    seen = exposure_s >= LEAST_BLOCK_S
    if seen.sum() < LEAST_BLOCKS or n[seen].sum() < LEAST_EVENTS:
        return np.nan
    expected = n[seen].sum() * exposure_s[seen] / exposure_s[seen].sum()
    return float(((n[seen] - expected) ** 2 / expected).sum() / (seen.sum() - 1))

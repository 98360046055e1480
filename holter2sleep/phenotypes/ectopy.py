"""How uncertain a count of ectopic beats is: from the beats in doubt, and from how they cluster."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import Bool, Float
from holter2sleep.spans import Spans, overlap_per_cell

TWO_SIDED_95 = 1.96
LEAST_CHANCE = 0.05  # below it the chances of ill people's beats say too much of healthy ones
BLOCK_S = 300.0  # the Task Force's short-term window
LEAST_BLOCK_S = 60.0  # of analysable time, for a block to speak
LEAST_BLOCKS = 10
LEAST_EVENTS = 5


def doubt_of(called: Bool, chance: NDArray[np.floating]) -> Float:
    """Variance that each beat adds to the number of its kind, p (1 - p); NaN where its chance is unknown. array (n,).

    Only beats that are called, or might have been, are in doubt.
    """
    p = chance.astype(np.float64)
    return np.where(~called & (p < LEAST_CHANCE), 0.0, p * (1 - p))


def count_interval(called: Bool, chance: NDArray[np.floating], spread: float) -> tuple[float, float] | None:
    """95 % interval of the true number, around the number called; None where the chances are unknown.

    Beats of one person are mistaken together, for they look alike, so their doubts do not cancel as those of
    independent beats would: `spread` is how many roots of the summed doubt the count of a person not heard lies off
    (`heart.class_net.count_spread`).

    Examples
    --------
    A hundred beats called S, each with a chance of 0.9, and people off by up to five times the root of 9.

    >>> called = np.ones(100, bool)
    >>> tuple(round(x, 2) for x in count_interval(called, np.full(100, 0.9), 5.0))
    (85.0, 100.0)
    """
    doubt = doubt_of(called, chance)
    if len(doubt) == 0 or not np.isfinite(doubt).all():
        return None
    n, off = float(called.sum()), spread * float(np.sqrt(doubt.sum()))
    return max(0.0, n - off), min(float(len(chance)), n + off)


def intervals_of(
    names: Iterable[str], called: Bool, chance: NDArray[np.floating], spread: float, seconds: float
) -> dict[str, tuple[float, float]]:
    """Intervals of a count, of its rate per hour and of its share of all beats, by their names in this order."""
    interval = count_interval(called, chance, spread)
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

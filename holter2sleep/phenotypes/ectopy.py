"""How uncertain a count of ectopic beats is, from the chance of each beat to be one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import Bool

TWO_SIDED_95 = 1.96


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
    count: str, rate: str, share: str, called: Bool, chance: NDArray[np.floating], seconds: float
) -> dict[str, tuple[float, float]]:
    """Intervals of a count, of its rate per hour and of its share of all beats, by their names."""
    interval = count_interval(called, chance)
    if interval is None or not seconds:
        return {}
    scales = {count: 1.0, rate: 3600 / seconds, share: 100 / len(called)}
    return {name: (interval[0] * scale, interval[1] * scale) for name, scale in scales.items()}

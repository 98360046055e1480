"""Series of intervals for tests of non-linear measures."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from holter2sleep.night import NN, Float


def sinus(n: int, seed: int = 0) -> Float:
    """Slow drift, breathing and noise, in whole microseconds. array (n,), ms."""
    rng = np.random.default_rng(seed)
    drift = np.zeros(n)
    for i in range(1, n):
        drift[i] = 0.98 * drift[i - 1] + rng.normal(0, 10)
    return np.round(900 + drift + 30 * np.sin(2 * np.pi * np.arange(n) / 4.3) + rng.normal(0, 10, n), 3)


def with_breaks(nn_ms: ArrayLike, first: ArrayLike) -> NN:
    """Intervals of which the given ones follow a gap of ten seconds."""
    values = np.asarray(nn_ms, np.float64)
    adjacent = np.arange(len(values)) > 0
    adjacent[np.asarray(first, np.int64)] = False
    gap_s = 10.0 * np.cumsum(~adjacent)
    return NN(gap_s + np.cumsum(values) / 1000, values, adjacent)


def joined(*parts: NN) -> NN:
    """Series one after another, with a gap between them."""
    n = np.cumsum([0, *map(len, parts[:-1])])
    adjacent = np.concatenate([part.adjacent for part in parts])
    nn_ms = np.concatenate([part.nn_ms for part in parts])
    return with_breaks(nn_ms, np.union1d(n, np.flatnonzero(~adjacent)))


def backwards(nn: NN) -> NN:
    """The same series from its end to its start."""
    return with_breaks(nn.nn_ms[::-1], np.flatnonzero(~np.r_[False, nn.adjacent[:0:-1]]))

"""Series of dips and hills with straight flanks, whose depth and width at each height are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from holter2sleep.night import NN, Float

STEP_S = 0.5


def even_times(until_s: float) -> Float:
    """Half seconds from the tenth second on. array (n,), s."""
    return 10 + np.arange(0, until_s, STEP_S)


def triangles(time_s: Float, middle_s: Sequence[float], height: float, half_base_s: float) -> Float:
    """Triangles on zero. array (n,)."""
    away = np.abs(time_s[:, None] - np.asarray(middle_s, np.float64)).min(axis=1, initial=np.inf)
    return height * np.maximum(1 - away / half_base_s, 0)


def every_half_second(nn_ms: Float) -> NN:
    """A series of which half-second sampling takes just these values, but for the last, which ends it."""
    n = len(nn_ms)
    return NN(10 + STEP_S * np.arange(n + 1), np.r_[nn_ms, nn_ms[-1]], np.arange(n + 1) > 0)

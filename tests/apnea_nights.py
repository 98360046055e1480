"""Made intervals of nights with and without repeated apnoeas."""

from __future__ import annotations

import numpy as np
from made_nights import beats_of_rr

from holter2sleep.night import Beats

CYCLE_S = 50.0


def rr_with_cycles(hours: float, first_s: float = 0.0, last_s: float = np.inf, seed: int = 0) -> np.ndarray:
    """Intervals (s) around 1 s with breathing; between the times the rate falls and surges every 50 s."""
    rng, time_s, values = np.random.default_rng(seed), 0.0, []
    drift = np.cumsum(rng.normal(0, 0.002, int(hours * 3600 / 0.7)))
    while time_s < 3600 * hours:
        breath = 0.02 * np.sin(2 * np.pi * 0.25 * time_s)
        phase = (time_s % CYCLE_S) / CYCLE_S
        cycle = 0.08 * np.sin(2 * np.pi * phase) - 0.15 * np.exp(-(((phase - 0.8) / 0.08) ** 2) / 2)
        inside = first_s <= time_s < last_s
        slow = drift[len(values)] - 0.9995 * drift[max(len(values) - 300, 0)]
        values.append(1.0 + slow + breath + cycle * inside + rng.normal(0, 0.008))
        time_s += values[-1]
    return np.array(values)


def beats_with_cycles(hours: float, first_s: float = 0.0, last_s: float = np.inf, seed: int = 0) -> Beats:
    """The same as beats."""
    return beats_of_rr(rr_with_cycles(hours, first_s, last_s, seed))

"""The daily wave of a rate: a cosine of 24 h fitted to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from holter2sleep.night import Float

DAY_H = 24.0


@dataclass(frozen=True)
class Cosinor:
    """A fitted wave: mesor, amplitude, the hour of its crest, and how well it fits."""

    mesor: float  # unit of the values: the level around which it swings
    amplitude: float  # of the values: half of the swing
    acrophase_h: float  # 0 to 24, on the clock of the hours given
    share: float  # of the variance that it explains, 0-1
    p: float  # of an amplitude of zero, by the F test; values close in time are not independent, so it flatters
    amplitude_interval: tuple[float, float]  # 95 %, from the standard error; likewise


def fit_cosinor(hours: Float, values: Float) -> Cosinor | None:
    """The cosine of 24 h that fits the values best; None for fewer than four, or values all alike.

    Parameters
    ----------
    hours, values
        arrays (n,); time in hours, and what was measured then, both finite.

    References
    ----------
    Nelson W, Tong YL, Lee JK, Halberg F (1979) Methods for cosinor-rhythmometry. Chronobiologia 6:305-323;
    Cornelissen G (2014) Theor Biol Med Model 11:16, equations 5 to 13.

    Examples
    --------
    A wave around 70 with a crest of 80 at 15 h:

    >>> hours = np.arange(24.0)
    >>> found = fit_cosinor(hours, 70 + 10 * np.cos(2 * np.pi * (hours - 15) / 24))
    >>> round(found.mesor, 6), round(found.amplitude, 6), round(found.acrophase_h, 6)
    (70.0, 10.0, 15.0)
    """
    n = len(values)
    angle = 2 * np.pi * hours / DAY_H
    design = np.column_stack([np.ones(n), np.cos(angle), np.sin(angle)])
    if n < 4 or np.ptp(values) == 0 or np.linalg.matrix_rank(design) < 3:
        return None
    weights, *_ = np.linalg.lstsq(design, values)
    mesor, beta, gamma = (float(w) for w in weights)
    amplitude = float(np.hypot(beta, gamma))
    left = float(((values - design @ weights) ** 2).sum())
    total = float(((values - values.mean()) ** 2).sum())
    half = _half_width(design, left, np.array([beta, gamma]), amplitude)
    return Cosinor(
        mesor=mesor,
        amplitude=amplitude,
        acrophase_h=float(np.arctan2(gamma, beta) * DAY_H / (2 * np.pi) % DAY_H),
        share=1 - left / total,
        p=float(stats.f.sf((total - left) / 2 / max(left / (n - 3), 1e-300), 2, n - 3)),
        amplitude_interval=(max(0.0, amplitude - half), amplitude + half),
    )


def _half_width(design: Float, residual: float, slopes: Float, amplitude: float) -> float:
    """Half of the 95 % interval of the amplitude, by the delta method."""
    freedom = len(design) - 3
    covariance = residual / freedom * np.linalg.inv(design.T @ design)[1:, 1:]
    direction = slopes / max(amplitude, 1e-300)
    return float(stats.t.ppf(0.975, freedom) * np.sqrt(direction @ covariance @ direction))

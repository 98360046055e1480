"""Share of respiratory minutes to an apnoea-hypopnoea index, with the interval it may lie in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from holter2sleep.heart.weights import Arrays
from holter2sleep.night import Float

BANDS_PER_H = (5.0, 15.0, 30.0)  # AASM Task Force 1999 (Sleep 22:667): none below 5, mild, moderate, severe from 30
MODERATE_PER_H = BANDS_PER_H[1]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class AhiEstimate:
    """Events an hour, the interval that holds 95 of 100 new nights like those of the fit, and the chance of >= 15."""

    per_h: float
    low_per_h: float
    high_per_h: float
    chance_moderate: float

    @property
    def band(self) -> int:
        """0 below 5, 1 from 5, 2 from 15, 3 from 30 an hour."""
        return int(np.searchsorted(BANDS_PER_H, self.per_h, side="right"))


def estimate_ahi(share: float, fitted: Arrays) -> AhiEstimate:
    """The index that a mean chance of respiratory events suggests.

    The square root of the index is linear in that of the share: so fitted, nights of few and of many events miss by
    about as much. The interval is that of residuals of subjects left out, by Student's t.
    """
    root = float(fitted["intercept"] + fitted["slope"] * np.sqrt(share))
    sd, n = float(fitted["residual_sd"]), int(fitted["n_subjects"])
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 2)) * sd
    low, middle, high = (max(each, 0.0) ** 2 for each in (root - reach, root, root + reach))
    chance = float(stats.t.sf((np.sqrt(MODERATE_PER_H) - root) / sd, n - 2))
    return AhiEstimate(middle, low, high, chance)


def fit_ahi(share: Float, ahi_per_h: Float, subjects: list[str]) -> Arrays:
    """What `estimate_ahi` reads: a line through the roots, and how far subjects left out lie from it."""
    x, y, who = np.sqrt(share), np.sqrt(ahi_per_h), np.array(subjects)
    residuals = np.empty(len(y))
    for subject in np.unique(who):
        own = who == subject
        residuals[own] = y[own] - np.polyval(np.polyfit(x[~own], y[~own], 1), x[own])
    slope, intercept = np.polyfit(x, y, 1)
    facts = {
        "slope": slope,
        "intercept": intercept,
        "residual_sd": np.sqrt(np.mean(residuals**2)),
        "n_subjects": len(np.unique(who)),
    }
    return {name: np.array(value, np.float32) for name, value in facts.items()}

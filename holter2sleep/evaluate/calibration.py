"""How far chances come true.

References
----------
Guo C, Pleiss G, Sun Y, Weinberger KQ (2017) On calibration of modern neural networks. ICML, equation 3.
Brier GW (1950) Verification of forecasts expressed in terms of probability. Mon Weather Rev 78:1-3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holter2sleep.evaluate.classes import Codes
from holter2sleep.night import Bool, Float

N_BINS = 10  # Guo 2017 uses 15; ten keep hundreds of epochs in each


def reliability(said: Float, true: Bool) -> NDArray[np.float64]:
    """Over equal bins of the chance said: how many, the sum of the chances, how many came true. array (3, N_BINS)."""
    bins = np.minimum((said * N_BINS).astype(int), N_BINS - 1)
    return np.array([np.bincount(bins, weights, N_BINS) for weights in (np.ones(len(said)), said, true)])


def calibration_error(table: NDArray[np.float64]) -> float | None:
    """Expected calibration error of a reliability table: mean distance of chance and truth, bins by their content.

    Examples
    --------
    >>> said = np.array([0.75] * 4)
    >>> calibration_error(reliability(said, np.array([True, True, True, False])))
    0.0
    >>> calibration_error(reliability(said, np.ones(4, bool)))
    0.25
    """
    n, said, true = table
    return float(np.abs(said - true).sum() / n.sum()) if n.sum() else None


def brier_score(chance: Float, truth: Codes) -> float:
    """Squared distance of the chances from the truth, 0 to 2 an epoch, summed over epochs."""
    return float(((chance - np.eye(chance.shape[1])[truth]) ** 2).sum())

"""How far the chances of a stager come true, and what is gained where it may be silent.

References
----------
Guo C, Pleiss G, Sun Y, Weinberger KQ (2017) On calibration of modern neural networks. ICML, equation 3.
El-Yaniv R, Wiener Y (2010) On the foundations of noise-free selective classification. J Mach Learn Res 11:1605-1641.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from holter2sleep.evaluate.stages import kappa
from holter2sleep.night import Float

N_BINS = 10


def expected_calibration_error(chance: Float, truth: NDArray[np.int64]) -> float:
    """Mean distance between the chance of the answer and the share of right answers, over ten bins of the chance.

    Parameters
    ----------
    chance
        array (n, n_classes), rows sum to 1.
    truth
        Column of the true class; array (n,).

    Examples
    --------
    >>> chance = np.array([[0.75, 0.25]] * 4)
    >>> expected_calibration_error(chance, np.array([0, 0, 0, 1])), expected_calibration_error(chance, np.zeros(4, int))
    (0.0, 0.25)
    """
    sure, right = chance.max(axis=1), chance.argmax(axis=1) == truth
    bins = np.minimum((sure * N_BINS).astype(int), N_BINS - 1)
    count = np.bincount(bins, minlength=N_BINS)
    gap = np.abs(np.bincount(bins, sure - right, minlength=N_BINS))
    return float(gap[count > 0].sum() / count.sum())


def kappa_by_coverage(chance: Float, truth: NDArray[np.int64], coverage: Sequence[float]) -> dict[float, float | None]:
    """Kappa of the surest answers, for each share of them that is kept."""
    n_classes = chance.shape[1]
    order = np.argsort(-chance.max(axis=1), kind="stable")
    answer = chance.argmax(axis=1)
    return {
        share: kappa(counts_of(truth[kept], answer[kept], n_classes))
        for share in coverage
        for kept in [order[: round(share * len(order))]]
    }


def counts_of(truth: NDArray[np.int64], answer: NDArray[np.int64], n_classes: int) -> NDArray[np.int64]:
    """How often each class was answered for each; row = truth. array (n_classes, n_classes)."""
    counts = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(counts, (truth, answer), 1)
    return counts

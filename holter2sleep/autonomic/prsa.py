"""Deceleration and acceleration capacity by phase-rectified signal averaging."""

from __future__ import annotations

import numpy as np

from holter2sleep.autonomic.pieces import in_a_row
from holter2sleep.night import NN, Float

# Bauer 2006 (Lancet 367:1674)
MAXIMUM_CHANGE_SHARE = 0.05  # between an anchor and the interval before it: more is an artefact
WAVELET = np.array([-1, -1, 1, 1]) / 4  # (X(0) + X(1) - X(-1) - X(-2)) / 4


def capacities(nn: NN) -> dict[str, float]:
    """Deceleration and acceleration capacity, ms; NaN without an anchor.

    Examples
    --------
    One anchor, 820 after 800: (820 + 830 - 800 - 790) / 4 = 15 ms. Nothing quickens.

    >>> nn_ms = np.array([790.0, 800, 820, 830])
    >>> found = capacities(NN(np.cumsum(nn_ms) / 1000, nn_ms, np.arange(4) > 0))
    >>> {name: round(value, 2) for name, value in found.items()}
    {'deceleration_capacity': 15.0, 'acceleration_capacity': nan}

    References
    ----------
    Bauer 2006 (Lancet 367:1674; Physica A 364:423).
    """
    slowing, quickening = (averaged_signal(nn, sign, MAXIMUM_CHANGE_SHARE, half=2) for sign in (1, -1))
    return {"deceleration_capacity": capacity(slowing), "acceleration_capacity": capacity(quickening)}


def averaged_signal(nn: NN, sign: int, maximum_change_share: float, half: int) -> Float:
    """Mean of the intervals around all anchors, X(-half) to X(half - 1). array (2 half,), ms; NaN without one.

    An anchor is longer (`sign` 1) or shorter (-1) than the interval before it (T = 1), by no more than a share of that
    one; all the intervals around it are neighbours.
    """
    start = in_a_row(nn.adjacent, 2 * half)
    before_ms, anchor_ms = nn.nn_ms[start + half - 1], nn.nn_ms[start + half]
    change = np.round(sign * (anchor_ms / before_ms - 1), 9)  # 840 after 800 is 5 %, whatever its last bit
    chosen = start[(change > 0) & (change <= maximum_change_share)]
    if len(chosen) == 0:
        return np.full(2 * half, np.nan)
    return np.array([nn.nn_ms[chosen + k].mean() for k in range(2 * half)])


def capacity(averaged_ms: Float) -> float:
    """The averaged signal's step at the anchor by Haar's wavelet of scale 2, ms."""
    middle = len(averaged_ms) // 2
    return float(averaged_ms[middle - 2 : middle + 2] @ WAVELET)

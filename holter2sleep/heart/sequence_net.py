"""A small network that judges each candidate, or beat, by its shape and by its neighbours; numpy only.

Each is encoded by two dense layers; dilated convolutions along the sequence then weigh it against those before and
after. `training/sequence.py` holds the same network in torch, and fits it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

DILATIONS = (1, 2, 4)  # with 5 taps each: 14 neighbours to each side
TAPS = 5
REACH = TAPS // 2 * sum(DILATIONS)  # neighbours on either side that a judgement hangs on

Weights = Mapping[str, NDArray[np.float32]]
Rows = NDArray[np.float32]  # (n, n_channels)


def logits(weights: Weights, features: Rows, patches: Rows) -> Rows:
    """Logarithm of the odds of each class, but for a constant. array (n, n_classes).

    Parameters
    ----------
    weights
        As `training/sequence.py` writes them; dense layers (in, out), convolutions (taps, in, out).
    features
        Not yet standardised; array (n, n_features).
    patches
        The signal around each; array (n, n_samples).
    """
    known = (features - weights["mean"]) / weights["sd"]
    code = relu(np.hstack([known, patches]) @ weights["dense1.weight"] + weights["dense1.bias"])
    code = relu(code @ weights["dense2.weight"] + weights["dense2.bias"])
    context = np.hstack([code, known])
    for i, dilation in enumerate(DILATIONS):
        step = relu(convolved(context, weights[f"convs.{i}.weight"], dilation) + weights[f"convs.{i}.bias"])
        context = step if i == 0 else context + step
    return np.hstack([context, code]) @ weights["out.weight"] + weights["out.bias"]


def chances(logits: Rows) -> NDArray[np.float64]:
    """Probability of each class. array (n, n_classes), rows sum to 1."""
    odds = np.exp((logits - logits.max(axis=1, keepdims=True)).astype(np.float64))
    return odds / odds.sum(axis=1, keepdims=True)


def relu(x: Rows) -> Rows:
    """What is above 0."""
    return np.maximum(x, 0)


def convolved(rows: Rows, kernel: NDArray[np.float32], dilation: int) -> Rows:
    """Convolution along a sequence, zeros beyond its ends. array (n, n_out).

    Parameters
    ----------
    rows
        array (n, n_in)
    kernel
        array (n_taps, n_in, n_out), with an odd number of taps.
    dilation
        Rows between two taps.
    """
    reach, n = len(kernel) // 2 * dilation, len(rows)
    padded = np.pad(rows, ((reach, reach), (0, 0)))
    total = padded[:n] @ kernel[0]
    for k in range(1, len(kernel)):
        total += padded[k * dilation : k * dilation + n] @ kernel[k]
    return total

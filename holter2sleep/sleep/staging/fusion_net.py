"""The network of the fusion head: two branches, a gate between them, a sequence model over the night; numpy only.

What the beats tell of an epoch and what an encoder of the waveform makes of it are each brought to a short code. A
gate weighs the two, where both are there; where one is missing the other speaks alone. Dilated convolutions then weigh
each epoch against half an hour to each side. `training/fusion.py` holds the same network in torch, and fits it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from holter2sleep.heart.sequence_net import convolved, relu
from holter2sleep.night import Bool

DILATIONS = (1, 2, 4, 8, 16, 32)  # with 3 taps each: 63 epochs to each side
TAPS = 3
REACH = TAPS // 2 * sum(DILATIONS)  # epochs on either side that an answer hangs on

Weights = Mapping[str, NDArray[np.float32]]
Rows = NDArray[np.float32]  # (n_epochs, n_columns)


def standardised(weights: Weights, features: Rows) -> Rows:
    """Features in standard deviations of the training nights, limited; 0, the mean, where unknown."""
    known = np.clip((features - weights["mean"]) / weights["sd"], -4, 4)
    return np.where(np.isfinite(known), known, np.float32(0)).astype(np.float32)


def logits(weights: Weights, features: Rows, embedding: Rows | None = None) -> Rows:
    """Logarithm of the odds of each stage, but for a constant. array (n_epochs, n_classes).

    Parameters
    ----------
    weights
        As `training/fusion.py` writes them; dense layers (in, out), convolutions (taps, in, out).
    features
        Of the beats, not yet standardised; array (n_epochs, n_features), NaN where unknown.
    embedding
        Of the waveform; array (n_epochs, n_dimensions), rows of NaN where there is none; None without a waveform.

    Raises
    ------
    ValueError
        The embedding is not as wide as that which the network was taught with, or it knows none.
    """
    code = relu(standardised(weights, features) @ weights["beats.weight"] + weights["beats.bias"])
    if embedding is not None:
        heard = np.asarray(np.isfinite(features).any(axis=1))
        code = _fused(weights, code, heard, embedding)
    for i, dilation in enumerate(DILATIONS):
        code = code + relu(convolved(code, weights[f"convs.{i}.weight"], dilation) + weights[f"convs.{i}.bias"])
    return code @ weights["out.weight"] + weights["out.bias"]


def _fused(weights: Weights, beats: Rows, heard: Bool, embedding: Rows) -> Rows:
    """The two codes weighed by the gate; where only one branch knows the epoch, that one."""
    taught_with = len(weights["wave.weight"]) if "wave.weight" in weights else 0
    if embedding.shape[1] != taught_with:
        raise ValueError(
            f"embedding of {embedding.shape[1]} numbers an epoch, the network was taught with {taught_with}"
        )
    seen = np.asarray(np.isfinite(embedding).all(axis=1))
    known = np.where(seen[:, None], embedding, np.float32(0))
    wave = relu(known @ weights["wave.weight"] + weights["wave.bias"])
    weighed = np.hstack([beats, wave]) @ weights["gate.weight"] + weights["gate.bias"]
    gate = (1 + np.tanh(weighed / 2)) / 2  # logistic, without its overflow
    gate = np.where(seen[:, None], np.where(heard[:, None], gate, 1), 0).astype(np.float32)
    return ((1 - gate) * beats + gate * wave).astype(np.float32)

"""The network that finds apnoeas in the series of a night; numpy only.

Convolutions along the seconds see the form of a swing and its neighbours; mean and maximum of each epoch go to
convolutions along the epochs, which see how long it has been going on. `training/apnea_net.py` holds the same network
in torch, and fits it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from holter2sleep.autonomic.apnea_series import PER_EPOCH, Series
from holter2sleep.heart.sequence_net import relu

TAPS_FIRST, TAPS_SECOND, STRIDE = 5, 7, 3  # one value a second, then one in three
TAPS = 5
SECOND_DILATIONS = (1, 2, 4, 8)  # at 3 s: 90 s to either side
EPOCH_DILATIONS = (1, 2, 4, 8, 16)  # at 30 s: 31 min to either side
REACH = TAPS // 2 * sum(EPOCH_DILATIONS) + 6  # epochs to either side that a judgement hangs on
BLOCK = 2880  # epochs judged at a time: a day; two weeks fill no memory

Weights = Mapping[str, NDArray[np.float32]]
Rows = NDArray[np.float32]  # (n, n_channels)


def logits(weights: Weights, series: Series) -> NDArray[np.float32]:
    """Log odds of an apnoea or hypopnoea in each epoch. array (n_epochs,)."""
    n = series.shape[1] // PER_EPOCH
    blocks = [_block(weights, series, first, min(first + BLOCK, n)) for first in range(0, n, BLOCK)]
    return np.concatenate([np.empty(0, np.float32), *blocks])


def _block(weights: Weights, series: Series, first: int, behind: int) -> NDArray[np.float32]:
    """Of the epochs from `first` to before `behind`, with the neighbours they hang on."""
    start = max(0, first - REACH)
    rows = series[:, start * PER_EPOCH : (behind + REACH) * PER_EPOCH].T
    own: NDArray[np.float32] = _network(weights, rows)[first - start : behind - start]
    return own


def _network(weights: Weights, rows: Rows) -> NDArray[np.float32]:
    hidden = relu(_layer(weights, "first", rows, TAPS_FIRST // 2))
    hidden = relu(_layer(weights, "second", hidden, (TAPS_SECOND - STRIDE) // 2, stride=STRIDE))
    for i, dilation in enumerate(SECOND_DILATIONS):
        hidden = hidden + relu(_layer(weights, f"seconds.{i}", hidden, TAPS // 2 * dilation, dilation))
    by_epoch = hidden.reshape(-1, PER_EPOCH // STRIDE, hidden.shape[1])
    pooled = np.hstack([by_epoch.mean(axis=1), by_epoch.max(axis=1)])
    own = context = relu(_layer(weights, "epoch", pooled))
    for i, dilation in enumerate(EPOCH_DILATIONS):
        context = context + relu(_layer(weights, f"epochs.{i}", context, TAPS // 2 * dilation, dilation))
    return _layer(weights, "out", np.hstack([context, own]))[:, 0]


def _layer(weights: Weights, name: str, rows: Rows, pad: int = 0, dilation: int = 1, stride: int = 1) -> Rows:
    """Convolution along the rows, zeros beyond the ends; kernel (taps, in, out)."""
    kernel, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    padded = np.pad(rows, ((pad, pad), (0, 0)))
    n = (len(padded) - dilation * (len(kernel) - 1) - 1) // stride + 1
    taps = (padded[k * dilation : k * dilation + stride * (n - 1) + 1 : stride] @ kernel[k] for k in range(len(kernel)))
    return sum(taps, start=bias)

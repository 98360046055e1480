"""Nights as they might be of other people: slower or faster, the heart swinging more or less; for trees to grow on.

Trees learn at which size and length of swings the people at hand have apnoeas, and there are few people. The networks
are shown such nights too, other ones at each step (`training/apnea_net.py`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from holter2sleep.night import NN
from holter2sleep.training.apnea_data import ScoredNight
from holter2sleep.training.apnea_trees import PER_MINUTE

WARPS = ((1.15, 0.6), (0.87, 1.5))  # how much slower, and how much larger the swing


def with_warped(nights: Sequence[ScoredNight]) -> list[ScoredNight]:
    """The nights, and each of them warped in every way."""
    return [*nights, *(warped(night, *warp) for warp in WARPS for night in nights)]


def warped(night: ScoredNight, slower: float, larger: float) -> ScoredNight:
    """The night with all times and intervals longer by a factor, and the log of each farther from the median."""
    log_ms = np.log(night.mended.nn_ms)
    middle = np.median(log_ms) if len(log_ms) else 0.0
    nn_ms = slower * np.exp(middle + larger * (log_ms - middle))
    n_epochs = PER_MINUTE * int(slower * len(night.target) / PER_MINUTE)
    epoch = ((np.arange(n_epochs) + 0.5) / slower).astype(int)
    mended = NN(slower * night.mended.end_s, nn_ms, night.mended.adjacent)
    return dataclasses.replace(night, mended=mended, target=night.target[epoch])

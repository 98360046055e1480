"""Chances of each beat class, by a few small networks whose votes are averaged and calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.heart.beat_features import FeatureRows
from holter2sleep.heart.sequence_net import REACH, chances, logits
from holter2sleep.heart.weights import Arrays, read_weights
from holter2sleep.night import Float

WEIGHTS = Path(__file__).parent / "weights" / "classes.npz"  # made by training/classes.py
CLASSES = "NSVF"  # AAMI EC57; Q is for beats nobody can tell, and is not learnt
CALIBRATION = "calibration"
BLOCK = 1 << 15  # beats judged at a time


def class_chances(features: FeatureRows, apart: NDArray[np.float32]) -> tuple[Float, Float]:
    """Votes that decide the class, and the calibrated chance of each; two arrays (n_beats, 4) in order of CLASSES.

    The networks were taught to give rare classes more weight than their number: their votes find more of them, and
    say too much of how sure that is. The calibrated chances do not.
    """
    networks = read_weights(WEIGHTS)
    raw = raw_logits([network for name, network in networks.items() if name != CALIBRATION], features, apart)
    return chances(raw), calibrated(raw, networks[CALIBRATION])


def count_spread(label: str) -> float:
    """How far off the number of S or V beats of a person not heard may be, in roots of the summed doubt.

    Split conformal prediction with the 21 people of the fit, each judged by networks that have not heard the record:
    a new person lies within the largest of 21 with a chance of at least 21 / 22 = 95 %.

    References
    ----------
    Lei J, G'Sell M, Rinaldo A, Tibshirani RJ, Wasserman L (2018) Distribution-free predictive inference for regression.
    J Am Stat Assoc 113:1094-1111, section 2.
    """
    return float(read_weights(WEIGHTS)[CALIBRATION]["spread"][CLASSES.index(label)])


def raw_logits(networks: Sequence[Arrays], features: FeatureRows, apart: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logarithm of the mean of the networks' chances. array (n_beats, 4)."""
    parts = [_votes(networks, features, apart, first) for first in range(0, len(features), BLOCK)]
    return np.log(np.concatenate([np.empty((0, len(CLASSES))), *parts]) + 1e-6).astype(np.float32)


def _votes(networks: Sequence[Arrays], features: FeatureRows, apart: NDArray[np.float32], first: int) -> Float:
    """Mean chances of a block of beats, whose neighbours the networks see too: a month of beats fills no memory."""
    start = max(0, first - REACH)
    part = slice(start, first + BLOCK + REACH)
    votes = np.mean([chances(logits(network, features[part], apart[part])) for network in networks], axis=0)
    own: Float = votes[first - start : first - start + BLOCK]
    return own


def calibrated(raw: NDArray[np.float32], calibration: Arrays) -> Float:
    """Chances that come true as often as they say, on records like those of the fit. array (n_beats, 4)."""
    return chances(raw * calibration["scale"] + calibration["shift"])

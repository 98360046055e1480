"""NN intervals to the series in which networks and trees look for apnoeas.

An apnoea slows the heart, and the breaths that end it speed it up: a swing of 20 to 90 s, on which the breathing itself
(0.15 Hz and faster) comes and goes. Both are shown in their own size and in that of the minutes around, because a swing
of the heart rate is 5 times larger in one person than in another.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from holter2sleep.night import EPOCH_S, NN, Bool, Float

FS_HZ = 1.0
PER_EPOCH = round(EPOCH_S * FS_HZ)
CHANNELS = (
    "swing",  # log RR, 0.006 to 0.06 Hz
    "swing_local",  # the same over its size in the minutes around
    "breathing_local",  # log RR faster than that, likewise
    "breathing_envelope",  # size of the last few breaths, likewise; log
    "level",  # log RR of the minutes around above the night's median
    "swing_size_night",  # size of the swing in the minutes around, above the night's median; log
    "breathing_size_night",
    "swing_size",  # the same above that of a usual sleeper; log
    "breathing_size",
    "known",  # 1 near an NN interval, else 0
)
LEVEL_S, SWING_S, SIZE_S, BREATH_S = 60.0, 2.5, 150.0, 5.0  # SD of the smoothing
REACH_S = 1.0  # a moment is known so near to an NN interval
USUAL_SWING, USUAL_BREATHING = 0.03, 0.015  # of log RR: the middle of the training nights
UNITS = {"swing": 0.05, "level": 0.1}  # of log RR that are one
SMALLEST = 1e-3  # of log RR, 1 ms of a second: the size of a swing that is none
FARTHEST = 6.0  # of a series in its own size: an outlier says no more than this
FARTHEST_LOG = 3.0

Series = NDArray[np.float32]  # (n_channels, n_epochs x 30)


def apnea_series(nn: NN, n_epochs: int) -> Series:
    """What the network sees of a night: CHANNELS, one value a second; zeros where nothing is known."""
    at_s = (np.arange(n_epochs * PER_EPOCH, dtype=np.float64) + 0.5) / FS_HZ
    if len(nn) == 0:
        return np.zeros((len(CHANNELS), len(at_s)), np.float32)
    known = _known(nn, at_s)
    log_rr = np.interp(at_s, nn.end_s, np.log(nn.nn_ms / 1000))
    level = _smooth(log_rr, known, LEVEL_S)
    swing = _smooth(np.where(known, log_rr - level, 0.0), known, SWING_S)
    breathing = np.where(known, log_rr - level - swing, 0.0)
    swing_size, breathing_size = _size(swing, known, SIZE_S), _size(breathing, known, SIZE_S)
    rows = {
        "swing": np.clip(swing / UNITS["swing"], -FARTHEST, FARTHEST),
        "swing_local": np.clip(swing / swing_size, -FARTHEST, FARTHEST),
        "breathing_local": np.clip(breathing / breathing_size, -FARTHEST, FARTHEST),
        "breathing_envelope": _log(_size(breathing, known, BREATH_S) / breathing_size),
        "level": (level - _median(level, known)) / UNITS["level"],
        "swing_size_night": _log(swing_size / _median(swing_size, known)),
        "breathing_size_night": _log(breathing_size / _median(breathing_size, known)),
        "swing_size": _log(swing_size / USUAL_SWING),
        "breathing_size": _log(breathing_size / USUAL_BREATHING),
        "known": np.ones(len(at_s)),
    }
    return np.where(known, np.stack([rows[name] for name in CHANNELS]), 0.0).astype(np.float32)


def _known(nn: NN, at_s: Float) -> Bool:
    """Moments in an NN interval, or so near to one that nothing can have happened between. array like at_s."""
    start_s = nn.end_s - nn.nn_ms / 1000
    behind = np.searchsorted(nn.end_s, at_s)
    last, following = np.maximum(behind - 1, 0), np.minimum(behind, len(nn) - 1)
    since_s = np.where(behind > 0, at_s - nn.end_s[last], np.inf)
    until_s = np.where(behind < len(nn), start_s[following] - at_s, np.inf)
    return np.minimum(since_s, until_s) < REACH_S


def _smooth(values: Float, known: Bool, sd_s: float) -> Float:
    """Mean of the known values around, by a window of a triangle's form: two running means. array like values."""
    length = 2 * round(sd_s * FS_HZ * np.sqrt(6) / 2) + 1  # of each mean: its variance is length^2 / 12
    weight = _twice(known.astype(np.float64), length)
    return _twice(np.where(known, values, 0.0), length) / np.maximum(weight, 1e-3)


def _twice(values: Float, length: int) -> Float:
    once = ndimage.uniform_filter1d(values, length, mode="constant")
    twice: Float = ndimage.uniform_filter1d(once, length, mode="constant")
    return twice


def _size(values: Float, known: Bool, sd_s: float) -> Float:
    """Root of the mean square around."""
    return np.sqrt(np.maximum(_smooth(values**2, known, sd_s), SMALLEST**2))


def _median(values: Float, known: Bool) -> float:
    return float(np.median(values[known])) if known.any() else 1.0


def _log(ratio: Float) -> Float:
    return np.clip(np.log(ratio), -FARTHEST_LOG, FARTHEST_LOG)

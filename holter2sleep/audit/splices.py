"""Places where a lead breaks between two samples, as it does where samples were left out without a mark.

What a recorder lets through is band-limited: each sample is foretold by those before it, and by those behind it,
up to noise. Where two distant stretches are joined, both foretellings fail at the joint and nowhere near it. A QRS
complex, a spike and a burst of noise fail over many samples on one side at least.

A joint of two stretches that happen to meet in level and slope, as most do on a quiet baseline, cannot be seen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from scipy.signal import lfilter

from holter2sleep.night import Float
from holter2sleep.waveform import Signal

ORDER = 10  # samples by which the next one is foretold
SIDE_S = 0.05  # before and behind a joint, where nothing fails
FITTED_AT = 40_000  # samples to which the prediction is fitted
FIT_ROUNDS = 3
FIT_WITHIN = 4.0  # medians of the error: QRS complexes and artefacts do not teach the prediction
NOISE = 1.5  # medians of the error that count as nothing (0.7 of them are a standard deviation)
FAST_HZ = 200.0
# Times the largest error beside a joint. Development: none of 42 recordings of MIT-BIH (360 Hz, 21 h) above 3, none
# of the ICU recordings of MIMIC (125 Hz, 8 h) above 6, where a QRS complex has four samples.
ABOVE, ABOVE_SLOW = 4.0, 6.0
SURE = 8.0
STUCK = 3  # samples of one value
STUCK_S = 0.5  # either side, of which a value that sticks is the extreme: a wave that is cut off


def splices(ecg: Signal, fs: float) -> tuple[NDArray[np.int64], Float]:
    """Last sample before each joint, and how many times its error is above all beside it. arrays (n,)."""
    side = max(6, round(SIDE_S * fs))
    if np.isfinite(ecg).sum() < 4 * (side + ORDER) or not np.nanmax(ecg) > np.nanmin(ecg):
        return np.empty(0, np.int64), np.empty(0)
    score = _scores(ecg, side)
    at = np.flatnonzero(score > (ABOVE if fs >= FAST_HZ else ABOVE_SLOW))
    at = at[~_cut_off(ecg, at, round(STUCK_S * fs))]
    return at.astype(np.int64), score[at]


def _scores(ecg: Signal, side: int) -> Float:
    """Error of both foretellings at each joint over the largest beside it; 0 near missing samples. array (n - 1,)."""
    missing = ~np.isfinite(ecg)
    level = np.where(missing, 0.0, ecg - np.median(ecg[~missing])).astype(np.float64)
    taps = np.r_[1.0, -_prediction(level, missing)]
    ahead = np.abs(lfilter(taps, 1.0, level))
    back = np.abs(lfilter(taps, 1.0, level[::-1])[::-1])
    noise = max(NOISE * float(np.median(ahead)), 1e-9)
    beside = np.maximum(_largest_before(ahead, side)[:-1], _largest_behind(back, side)[1:])
    score = np.minimum(ahead[1:], back[:-1]) / np.maximum(beside, noise)
    reach = side + ORDER
    lost = missing.view(np.uint8)
    score[(_largest_before(lost, reach)[:-1] | _largest_behind(lost, reach)[1:]) > 0] = 0
    score[:reach], score[-reach:] = 0, 0
    return np.asarray(score, np.float64)


def _prediction(level: Float, missing: NDArray[np.bool_]) -> Float:
    """Weights of the samples before by which the next one is foretold, fitted to quiet places. array (ORDER,)."""
    at = np.linspace(ORDER, len(level) - 1, min(FITTED_AT, len(level) - ORDER)).astype(np.int64)
    at = at[~missing[at]]
    before = np.stack([level[at - lag] for lag in range(1, ORDER + 1)], axis=1)
    kept = np.ones(len(at), bool)
    weights = np.zeros(ORDER)
    for _ in range(FIT_ROUNDS):
        square = before[kept].T @ before[kept]
        ridge = (1e-6 * np.trace(square) / ORDER + 1e-12) * np.eye(ORDER)
        weights = np.linalg.solve(square + ridge, before[kept].T @ level[at[kept]])
        error = np.abs(level[at] - before @ weights)
        kept = error <= FIT_WITHIN * np.median(error) + 1e-9
    return weights


def _largest_before(values: NDArray, width: int) -> NDArray:
    """Largest of each value and those before it, `width` in all. array like `values`."""
    return np.asarray(maximum_filter1d(values, width, origin=(width - 1) // 2, mode="nearest"))


def _largest_behind(values: NDArray, width: int) -> NDArray:
    return _largest_before(values[::-1], width)[::-1]


def _cut_off(ecg: Signal, at: NDArray[np.int64], reach: int) -> NDArray[np.bool_]:
    """Whether the samples on one side of each joint stick at the largest or smallest value around. array (n,)."""
    found = np.zeros(len(at), bool)
    for i, joint in enumerate(at.tolist()):
        near = ecg[max(0, joint - reach) : joint + reach]
        ends = (near.min(), near.max())
        sides = (ecg[joint - STUCK + 1 : joint + 1], ecg[joint + 1 : joint + 1 + STUCK])
        found[i] = any(bool((side == end).all()) for side in sides for end in ends)
    return found

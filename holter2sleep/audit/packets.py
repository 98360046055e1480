"""What a transmitter does to a signal: the same samples twice, and steps where samples were left out.

A patch sends its samples in packets. A packet that is sent again leaves an exact copy behind; one that is left out,
a step. A heart, an electrode and an amplifier do none of this: noise
alone keeps two stretches from being equal to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.waveform import Signal

Counts = NDArray[np.uint64]

SHORT_S = 0.12  # a copy is at least as long when it follows right behind its origin
BLOCK_S = 0.25  # and as long when it comes soon
SOON_S = 10.0
FAR_BLOCK_S = 0.5  # and as long when it comes later
FAR_WINDOWS = 3  # of a copy that comes later, at least so many are found: chance agrees on one
LONGEST_COPY = 100_000  # samples compared at once
WINDOW_S = 0.08  # a copy is found by a window of it that repeats
KEPT_OF = 4  # windows are compared whose hash divides by it: the same in a copy as in its origin
FLAT_MV = 0.1  # less from peak to peak may agree by chance
DISTINCT = 10  # values in a copy; fewer may agree by chance
LIVELY = 0.5  # of the steps from sample to sample that change anything
STEP_SIDES_S = 0.04  # before and after a step, whose levels differ
ALONE = 0.25  # of a step's height, the steepest slope beside it: noise and spikes come in numbers
STEPS_QRS = 2.0  # times the steepest slope of a QRS complex
LEAST_STEP_MV = 0.5
_ODD = np.uint64(0x9E3779B97F4A7C15)  # any odd number with well mixed bits: it has an inverse modulo 2 ** 64


@dataclass(frozen=True)
class Copy:
    """Samples from `first` to before `last` appear again `lag` samples later."""

    first: int
    last: int
    lag: int


def repeated_blocks(ecg: Signal, fs: float) -> list[Copy]:
    """Exact copies of signal that is not flat: of 0.25 s within 10 s, of 0.5 s later, of 0.12 s right behind.

    Two windows are compared by a hash of their samples; those that agree are compared sample by sample and
    extended as far as they go.
    """
    width = max(4, round(WINDOW_S * fs))
    if len(ecg) < 2 * width:
        return []
    values = np.ascontiguousarray(ecg, np.float32)
    at, lag = _same_windows(values, width)
    copies: list[Copy] = []
    for step, n in zip(*np.unique(lag, return_counts=True), strict=True):
        if step <= SOON_S * fs or n >= FAR_WINDOWS:
            copies += _extended(values, at[lag == step], int(step), fs)
    return _without_echoes(sorted(copies, key=lambda copy: (copy.first, copy.lag)))


def _same_windows(values: Signal, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts of windows that come again, and how many samples later."""
    hashes = _window_hashes(values, width)
    kept = np.flatnonzero((hashes >> np.uint64(40)) % np.uint64(KEPT_OF) == 0)
    kept = kept[np.isfinite(values[kept]) & _moving(values, width)[kept]]
    order = np.argsort(hashes[kept], kind="stable")
    ranked, where = hashes[kept][order], kept[order]
    lag = np.diff(where)
    same = (ranked[1:] == ranked[:-1]) & (lag > 0)
    return where[:-1][same].astype(np.int64), lag[same].astype(np.int64)


def _window_hashes(values: Signal, width: int) -> Counts:
    """A number for each window of `width` samples, equal where the samples are. array (n - width + 1,)."""
    n = len(values)
    powers = np.cumprod(np.full(n, _ODD, np.uint64))
    inverse = np.cumprod(np.full(n, np.uint64(pow(int(_ODD), -1, 1 << 64)), np.uint64))
    total = np.r_[np.uint64(0), np.cumsum(values.view(np.uint32).astype(np.uint64) * powers)]
    hashes = (total[width:] - total[:-width]) * inverse[: n - width + 1]
    return np.asarray(hashes ^ (hashes >> np.uint64(32)), np.uint64) * _ODD


def _moving(values: Signal, width: int) -> NDArray[np.bool_]:
    """Whether a window holds no run of one value over half of it. array (n - width + 1,)."""
    still = np.r_[0, np.cumsum(values[1:] == values[:-1])]
    return still[width - 1 :] - still[: len(values) - width + 1] < width // 2


def _extended(values: Signal, at: NDArray[np.int64], lag: int, fs: float) -> list[Copy]:
    """Copies at one lag: as far as the samples agree, and only those that no chance explains."""
    found: list[Copy] = []
    behind = -1
    for start in np.sort(at).tolist():
        if start < behind:
            continue
        first, last = _agreement(values, start, lag)
        behind = last
        block = values[first:last]
        if last - first >= _least(lag, fs) and _no_chance(block):
            found.append(Copy(first, last, lag))
    return found


def _least(lag: int, fs: float) -> float:
    """Samples that a copy must have to be told from chance, the more the later it comes."""
    if lag <= BLOCK_S * fs:
        return max(SHORT_S * fs, lag)
    return BLOCK_S * fs if lag <= SOON_S * fs else FAR_BLOCK_S * fs


def _no_chance(block: Signal) -> bool:
    """Whether a stretch is so lively that two heart beats would never agree on it: not in counts of 40 uV, mostly 0."""
    lively = (block[1:] != block[:-1]).mean() >= LIVELY
    return bool(lively and np.ptp(block) >= FLAT_MV and len(np.unique(block)) >= DISTINCT)


def _agreement(values: Signal, start: int, lag: int) -> tuple[int, int]:
    """First and behind the last sample around `start` that equal those `lag` later."""
    reach = min(4 * lag + 1000, LONGEST_COPY)
    low = max(0, start - reach)
    before = values[low:start] != values[low + lag : start + lag]
    first = low + int(np.flatnonzero(before)[-1]) + 1 if before.any() else low
    high = min(len(values) - lag, start + reach)
    after = values[start:high] != values[start + lag : high + lag]
    last = start + int(np.argmax(after)) if after.any() else high
    return first, last


def _without_echoes(copies: list[Copy]) -> list[Copy]:
    """Each stretch once, with its shortest lag."""
    kept: list[Copy] = []
    for copy in copies:
        if not kept or copy.first >= kept[-1].last:
            kept.append(copy)
    return kept


def steps(ecg: Signal, fs: float, beat_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Samples at which the signal jumps to another level, far steeper than any QRS complex of it. array (n,)."""
    side = max(2, round(STEP_SIDES_S * fs))
    if len(beat_s) < 10 or len(ecg) < 4 * side:
        return np.empty(0, np.int64)
    slope = np.abs(np.diff(ecg))
    steepest = _steepest_at_beats(slope, fs, beat_s)
    limit = max(LEAST_STEP_MV, STEPS_QRS * float(np.percentile(steepest, 99)))
    at = np.flatnonzero(np.nan_to_num(slope) > limit)
    at = at[(at >= side) & (at < len(ecg) - side - 1)]
    if len(at) == 0:
        return np.empty(0, np.int64)
    window = np.arange(1, side + 1)
    levels = [np.nanmedian(ecg[at[:, None] + way], axis=1) for way in (1 - window, window)]
    beside = np.nanmax(slope[at[:, None] + np.r_[-window[:-1], window[:-1]]], axis=1)
    alone = (np.abs(levels[1] - levels[0]) > slope[at] / 2) & (beside < ALONE * slope[at])
    return at[alone].astype(np.int64)


def _steepest_at_beats(slope: Signal, fs: float, beat_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Steepest slope within 80 ms of each beat, mV a sample. array (n_beats,)."""
    reach = round(0.08 * fs)
    centre = np.round(beat_s * fs).astype(np.int64)
    centre = centre[(centre >= reach) & (centre < len(slope) - reach)]
    if len(centre) == 0:
        return np.array([np.inf])
    windows = slope[centre[:, None] + np.arange(-reach, reach + 1)]
    return np.nan_to_num(windows).max(axis=1).astype(np.float64)

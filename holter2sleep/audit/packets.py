"""What a transmitter does to a signal: the same samples twice, samples lost and filled, samples left out.

A patch sends its samples in packets. A packet that is sent again leaves an exact copy behind; one that is lost is
filled with a value, or left out, which leaves a step. A heart, an electrode and an amplifier do none of this: noise
alone keeps two stretches from being equal to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.spans import runs
from holter2sleep.waveform import Signal

Counts = NDArray[np.uint64]

BLOCK_S = 0.25  # a copy is at least as long
SOON_S = 10.0  # and comes as soon after
WINDOW_S = 0.1  # a copy is found by a window of it that repeats
KEPT_OF = 4  # windows are compared whose hash divides by it: the same in a copy as in its origin
FLAT_MV = 0.1  # less from peak to peak may agree by chance
DISTINCT = 10  # values in a copy; fewer may agree by chance
LIVELY = 0.5  # of the steps from sample to sample that change anything
HELD_S = 0.2  # a heart at rest is never so still to the last digit (development: MIMIC holds 0.11 s) ...
HELD_BELOW_S = 5.0  # longer, the electrode was off
SAME_LENGTH = 3  # packets lost are equally long, at least so many of them
SAME_SHARE = 0.5  # of all held stretches
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
    """Exact copies of 0.25 s or more of signal that is not flat, within 10 s after their origin.

    Two windows are compared by a hash of their samples; those that agree are compared sample by sample and
    extended as far as they go.
    """
    width = max(4, round(WINDOW_S * fs))
    if len(ecg) < 2 * width:
        return []
    values = np.ascontiguousarray(ecg, np.float32)
    at, lag = _same_windows(values, width, round(SOON_S * fs))
    copies: list[Copy] = []
    for step in np.unique(lag).tolist():
        copies += _extended(values, at[lag == step], step, fs)
    return _without_echoes(sorted(copies, key=lambda copy: (copy.first, copy.lag)))


def _same_windows(values: Signal, width: int, soon: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts of windows that come again, and how many samples later."""
    hashes = _window_hashes(values, width)
    kept = np.flatnonzero((hashes >> np.uint64(40)) % np.uint64(KEPT_OF) == 0)
    kept = kept[np.isfinite(values[kept]) & _moving(values, width)[kept]]
    order = np.argsort(hashes[kept], kind="stable")
    ranked, where = hashes[kept][order], kept[order]
    lag = np.diff(where)
    same = (ranked[1:] == ranked[:-1]) & (lag > 0) & (lag <= soon)
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
        if last - first >= BLOCK_S * fs and _no_chance(block):
            found.append(Copy(first, last, lag))
    return found


def _no_chance(block: Signal) -> bool:
    """Whether a stretch is so lively that two heart beats would never agree on it: not in counts of 40 uV, mostly 0."""
    lively = (block[1:] != block[:-1]).mean() >= LIVELY
    return bool(lively and np.ptp(block) >= FLAT_MV and len(np.unique(block)) >= DISTINCT)


def _agreement(values: Signal, start: int, lag: int) -> tuple[int, int]:
    """First and behind the last sample around `start` that equal those `lag` later."""
    reach = 4 * lag + 1000
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


@dataclass(frozen=True)
class Held:
    """Stretches of one value whose lengths agree: packets lost and filled."""

    first: NDArray[np.int64]  # (n,), samples
    n_samples: int  # of each, as a rule
    zero_filled: bool  # all of one value, whatever came before


def held_packets(ecg: Signal, fs: float) -> Held | None:
    """Stretches of one value and of one length, of 0.2 to 5 s within a signal that moves; None without any."""
    same = np.r_[False, ecg[1:] == ecg[:-1]]
    first, behind = runs(same)
    first = first - 1  # the value that is held
    length = behind - first
    extremes = np.isin(ecg[first], [np.nanmin(ecg), np.nanmax(ecg)]) if len(ecg) and len(first) else np.zeros(0, bool)
    zero = ecg[first] == 0 if len(first) else np.zeros(0, bool)
    fits = (length >= HELD_S * fs) & (length < HELD_BELOW_S * fs) & (~extremes | zero)
    first, length = first[fits], length[fits]
    if len(first) < SAME_LENGTH:
        return None
    usual = int(np.bincount(length).argmax())
    alike = np.abs(length - usual) <= 1  # the next sample may happen to have the value too
    if alike.sum() < max(SAME_LENGTH, SAME_SHARE * len(first)):
        return None
    return Held(first[alike].astype(np.int64), usual, len(np.unique(ecg[first[alike]])) == 1)


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

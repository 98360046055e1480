"""Packets that were lost and filled with one value: the signal stands still while everything around it moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.audit.splices import STUCK
from holter2sleep.spans import runs
from holter2sleep.waveform import Signal

SHORTEST_S, LONGEST_S = 0.1, 5.0  # longer, the electrode was off
AROUND_S = 1.0  # before and behind a hold, with which it is compared
MOST_LOOKED_AT = 3000  # stretches of one value: a coarse lead may have as many as it has beats
# Either the lead is hardly ever still around a hold, which ends with a leap; or it is at most half the time, a
# quarter as long at a time, and the hold ends with a usual step. Development: neither in 274 recordings, 32 h.
HARDLY_STILL, LEAP = 0.3, 2.0  # of the steps around; times the upper quartile of the steps around
AT_MOST_STILL, TIMES_LONGER, STEP = 0.5, 4.0, 1.0
ALIKE_S = 0.2  # holds of one length or its multiples need no leap (development: MIMIC stands still for 0.11 s)
ALIKE = 3  # at least so many of them
ALIKE_SHARE = 0.5  # of all that are so long


@dataclass(frozen=True)
class Held:
    """Stretches of one value, the last value before them or one for all."""

    first: NDArray[np.int64]  # (n,), samples
    length: NDArray[np.int64]  # (n,), samples
    zero_filled: bool  # all of one value, whatever came before


def held_packets(ecg: Signal, fs: float) -> Held | None:
    """Stretches of one value of 0.1 to 5 s within a signal that moves; None without any.

    A hold on a quiet baseline that is shorter than 0.2 s, or alone of its length, cannot be told from the baseline.
    """
    first, length = _still(ecg, fs)
    if len(first) == 0:
        return None
    found = _alike(length, fs) | _unnatural(ecg, first, length, fs)
    first, length = first[found], length[found]
    return Held(first, length, len(np.unique(ecg[first])) == 1) if len(first) else None


def _still(ecg: Signal, fs: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First sample and length of each stretch of one value that is no end of the range, unless it is 0."""
    first, behind = runs(np.r_[False, ecg[1:] == ecg[:-1]])
    first = first - 1  # the value that is held
    length = behind - first
    fits = (length >= max(SHORTEST_S * fs, STUCK)) & (length < LONGEST_S * fs)
    first, length = first[fits], length[fits]
    if len(first):
        inside = (ecg[first] == 0) | ((ecg[first] != np.nanmin(ecg)) & (ecg[first] != np.nanmax(ecg)))
        first, length = first[inside], length[inside]
    return first[:MOST_LOOKED_AT].astype(np.int64), length[:MOST_LOOKED_AT].astype(np.int64)


def _alike(length: NDArray[np.int64], fs: float) -> NDArray[np.bool_]:
    """Which are as long as most, or a multiple of it, to the sample; none where they are too few. array (n,)."""
    long = length >= ALIKE_S * fs
    if long.sum() < ALIKE:
        return np.zeros(len(length), bool)
    usual = int(np.bincount(length[long]).argmax())
    times = np.maximum(1, np.round(length / usual))
    alike = long & (np.abs(length - usual * times) <= 1)  # the next sample may happen to have the value too
    same = long & (np.abs(length - usual) <= 1)
    is_rule = same.sum() >= ALIKE and alike.sum() >= ALIKE_SHARE * long.sum()
    return alike if is_rule else np.zeros(len(length), bool)


def _unnatural(ecg: Signal, first: NDArray[np.int64], length: NDArray[np.int64], fs: float) -> NDArray[np.bool_]:
    """Which holds the lead around them does not explain. array (n,)."""
    step = np.abs(np.diff(ecg))
    reach = round(AROUND_S * fs)
    pairs = zip(first.tolist(), (first + length).tolist(), strict=True)
    return np.array([_stands_out(step, a, behind, reach) for a, behind in pairs], bool)


def _stands_out(step: Signal, first: int, behind: int, reach: int) -> bool:
    """Whether a hold from `first` to before `behind` is unlike the steps around it."""
    around = np.r_[step[max(0, first - reach) : max(0, first - 1)], step[behind : behind + reach]]
    around = around[np.isfinite(around)]
    if len(around) < reach or behind > len(step):
        return False
    still = around == 0
    leap = step[behind - 1] / max(float(np.percentile(around, 75)), 1e-9)
    if still.mean() < HARDLY_STILL and leap >= LEAP:
        return True
    start, end = runs(still)
    longest = 1 + int((end - start).max(initial=0))
    return bool(still.mean() < AT_MOST_STILL and leap >= STEP and behind - first >= TIMES_LONGER * longest)

"""Levels at which a lead stands: the ends of its range, a loose electrode, and the steps between its values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from holter2sleep.audit.looked import Stretch
from holter2sleep.heart.faults import CELL_S, STICKS
from holter2sleep.night import Bool, Flag, Float
from holter2sleep.spans import covers, runs
from holter2sleep.waveform import Signal

TOUCH_S = 0.5  # a wave that is cut off stays at the end of the range for less
NEAR_MV = 1e-3  # either side of an end of the range
QUIET_SHARE = 0.05  # of a usable second's range: what an amplifier gives without a heart
QUIET_MV = 0.03  # the same where no second is usable
QUIET_S = 10.0  # a shorter silence may be a pause
STEP_SAMPLES = 200_000
LEAST_VALUES = 5  # different ones, to tell the steps between them
FEW_STEPS = 10
WHOLE = 0.05  # of a step that a distance between values may lie beside a whole number of steps

Ends = tuple[float, float]


def rails(parts: list[Signal]) -> tuple[float | None, float | None]:
    """Lowest and highest value where the signal sticks there, mV."""
    known = [part[np.isfinite(part)] for part in parts]
    known = [part for part in known if len(part)]
    if not known:
        return None, None
    low, high = min(part.min() for part in known), max(part.max() for part in known)
    if low == high:
        return None, None
    n_low, n_high = (sum(int(((p[1:] == rail) & (p[:-1] == rail)).sum()) for p in known) for rail in (low, high))
    return float(low) if n_low >= STICKS else None, float(high) if n_high >= STICKS else None


def ends_of_range(parts: list[Signal], fs: float, said: Ends | None) -> list[float]:
    """Values at which a lead that stands still is saturated: the ends in the header, and where waves are cut off.

    A value that is only ever held for long, wherever it lies, is what the recorder gives without an electrode.
    """
    cut_off = [rail for rail in rails(parts) if rail is not None and _touches(parts, rail, fs) >= STICKS]
    return [*cut_off, *(said or ())]


def _touches(parts: list[Signal], rail: float, fs: float) -> int:
    """How often a wave is cut off at a value: for two samples or more, but not for long."""
    lengths = [np.subtract(*runs(part == rail)[::-1]) for part in parts]
    return sum(int(((length >= 2) & (length < TOUCH_S * fs)).sum()) for length in lengths)


def saturated_s(stretches: Sequence[Stretch], fs: float, ends: list[float]) -> float:
    """Seconds at the end of the range; not those that stand still elsewhere."""
    return sum(float((_saturated(stretch, fs, ends)).sum()) * CELL_S for stretch in stretches)


def _saturated(stretch: Stretch, fs: float, ends: list[float]) -> Bool:
    flags, ecg = stretch.faults.flags, stretch.recording.ecg
    saturated, still = flags & Flag.SATURATED > 0, flags & Flag.FLAT > 0
    if ecg is None:
        return saturated
    for cell in np.flatnonzero(saturated & still).tolist():
        second = ecg[round(cell * CELL_S * fs) : round((cell + 1) * CELL_S * fs)]
        level = float(np.nanmedian(second))
        saturated[cell] = any(abs(level - end) <= NEAR_MV for end in ends)
    return saturated


# --- an electrode that is off, and an amplifier that still hums softly -----------------------------


def quiet_s(stretches: Sequence[Stretch], fs: float) -> float:
    """Seconds of ten and more in a row without beats, far smaller than the lead's usual ones."""
    ranges = [_ranges(stretch, fs) for stretch in stretches]
    usable = [_usable(stretch, len(found)) for stretch, found in zip(stretches, ranges, strict=True)]
    usual = np.concatenate([found[good] for found, good in zip(ranges, usable, strict=True)])
    limit_mv = QUIET_SHARE * float(np.median(usual)) if len(usual) else QUIET_MV
    total = 0.0
    for stretch, found, good in zip(stretches, ranges, usable, strict=True):
        start, end = runs((found < limit_mv) & ~good & (stretch.faults.flags[: len(found)] == 0))
        total += float((end - start)[(end - start) * CELL_S >= QUIET_S].sum()) * CELL_S
    return total


def _ranges(stretch: Stretch, fs: float) -> Float:
    """Range from lowest to highest sample of each whole second, mV; NaN where samples are missing. array (n_s,)."""
    edges = np.floor(np.arange(int(len(stretch.ecg) / fs) + 1) * fs).astype(np.int64)
    if len(edges) < 2:
        return np.empty(0)
    ecg = stretch.ecg[: edges[-1]]
    return (np.maximum.reduceat(ecg, edges[:-1]) - np.minimum.reduceat(ecg, edges[:-1])).astype(np.float64)


def _usable(stretch: Stretch, n: int) -> Bool:
    second = np.arange(n, dtype=np.float64)
    return covers(stretch.quality.usable_spans, second, second + 1.0)


# --- resolution ------------------------------------------------------------------------------------


def value_step_mv(parts: list[Signal]) -> float | None:
    """Step of which all distances between values are multiples, mV; None where there is none.

    Examples
    --------
    >>> round(value_step_mv([np.array([1, 3, 5, 9, 13, 5, 3], np.float32) * np.float32(0.01)]), 4)
    0.02
    """
    if not parts:
        return None
    share = max(1, STEP_SAMPLES // len(parts))
    values = _different(np.concatenate([part[:share] for part in parts]))
    if len(values) < LEAST_VALUES:
        return None
    apart = np.diff(values)
    step = float(np.percentile(apart, 5))
    counts = apart[apart < FEW_STEPS * step] / step  # a float is too coarse to tell the number of many
    return step if np.abs(counts - np.round(counts)).max() <= WHOLE else None


def _different(samples: Signal) -> NDArray[np.float64]:
    return np.unique(samples[np.isfinite(samples)]).astype(np.float64)

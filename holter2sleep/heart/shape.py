"""How much each beat looks like the record's typical beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from holter2sleep.night import Bool, Float, Recording
from holter2sleep.waveform import Waveform

Rows = NDArray[np.float32]  # (n_beats, n_samples)
STRETCH = 500  # beats that share a typical beat: it drifts with posture
MARGIN = 24  # samples either side of what a spline is asked for: it forgets its borders by a factor of 0.27 a sample
SHAPE_HZ = 250.0  # shapes are compared on one time line, whatever the recorder's rate


@dataclass(frozen=True)
class ShapeRules:
    """Keys of `[shape]`."""

    before_s: float
    after_s: float
    slack_s: float
    foreign_correlation: float


@dataclass(frozen=True)
class Shape:
    """How each beat compares with the record's typical beat."""

    correlation: Float  # (n_beats,), with the typical beat, best over small shifts
    width: Float  # (n_beats,), area / height of the rectified deflection relative to the typical beat's
    twin: Float  # (n_beats,), correlation of a foreign beat with the second most like foreign beat near it, else 0
    limit: float  # of the correlation, below which a beat is foreign

    @property
    def foreign(self) -> Bool:
        """Beats unlike the typical one. array (n_beats,)."""
        return self.correlation < self.limit


def beat_shapes(recording: Recording, time_s: Float, rules: ShapeRules) -> Shape | None:
    """The shapes of the beats at the given times; None when there is no waveform, or no beat."""
    if recording.ecg is None or recording.fs is None or len(time_s) == 0:
        return None
    before, after, slack = (round(s * SHAPE_HZ) for s in (rules.before_s, rules.after_s, rules.slack_s))
    half, n = before + after, len(time_s)
    core = slice(half - before, half + after + 1)
    correlation, width, twin = np.ones(n), np.ones(n), np.zeros(n)
    for first in range(0, n, STRETCH):
        part = slice(first, first + STRETCH)
        rows = _levelled(_windows_at(recording.ecg, recording.fs, time_s[part], half))
        typical = _typical(rows[:, core])
        shifts = range(-slack, slack + 1)
        every = [_correlation(rows[:, core.start + k : core.stop + k], typical) for k in shifts]
        correlation[part] = np.max(every, axis=0)
        width[part] = _width(rows[:, core]) / _width(typical[None])[0]
        twin[part] = _twin_correlation(rows, correlation[part] < rules.foreign_correlation)
    return Shape(correlation, width, twin, rules.foreign_correlation)


def _windows_at(ecg: Waveform, fs: float, time_s: Float, half: int) -> Rows:
    """The signal `half` steps of 1 / SHAPE_HZ either side of each time, by cubic spline. array (n, 2 half + 1)."""
    at = (time_s[:, None] + np.arange(-half, half + 1) / SHAPE_HZ) * fs
    rows = np.empty(at.shape, np.float32)
    for part in _near_together(time_s):
        first, last = max(0, int(at[part.start, 0]) - MARGIN), int(at[part.stop - 1, -1]) + MARGIN + 1
        near = np.nan_to_num(ecg[first:last])
        rows[part] = ndimage.map_coordinates(near, [at[part] - first], order=3, mode="nearest")
    return rows


def _near_together(time_s: Float) -> list[slice]:
    """Beats cut where more than a minute lies between two: a day without beats is not read."""
    cuts = np.flatnonzero(np.diff(time_s) > 60.0) + 1
    return [slice(int(a), int(b)) for a, b in zip(np.r_[0, cuts], np.r_[cuts, len(time_s)], strict=True)]


def _twin_correlation(rows: Rows, foreign: Bool) -> Float:
    """Correlation of each foreign beat with the second most like of the others: the first may be chance."""
    index = np.flatnonzero(foreign)
    twin = np.zeros(len(rows))
    if len(index) >= 3:
        centred = rows[index] - rows[index].mean(axis=1, keepdims=True)
        unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.float32(1e-9))
        likeness = unit @ unit.T
        np.fill_diagonal(likeness, -1.0)
        twin[index] = np.partition(likeness, -2, axis=1)[:, -2]
    return twin


def _levelled(rows: Rows) -> Rows:
    """Windows without their baseline."""
    return rows - np.median(rows, axis=1, keepdims=True)


def _typical(rows: Rows) -> Rows:
    """The beat most others look like: median of the beats that correlate with the median beat."""
    median = np.median(rows, axis=0)
    alike = _correlation(rows, median) >= np.median(_correlation(rows, median))
    return np.median(rows[alike], axis=0)


def _correlation(rows: Rows, reference: Rows) -> Float:
    """Pearson correlation of each row with the reference. array (n_beats,)."""
    a = rows - rows.mean(axis=1, keepdims=True)
    b = reference - reference.mean()
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum())
    return np.where(scale > 0, a @ b / np.where(scale > 0, scale, 1), 0.0).astype(np.float64)


def _width(rows: Rows) -> Float:
    """Area / height of the rectified deflection, in samples: wide complexes score high. array (n_beats,)."""
    size = np.abs(rows)
    height = size.max(axis=1)
    return np.where(height > 0, size.sum(axis=1) / np.where(height > 0, height, 1), 1.0).astype(np.float64)

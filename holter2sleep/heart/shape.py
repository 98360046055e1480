"""How much each beat looks like the record's typical beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from holter2sleep.heart.intervals import near_together
from holter2sleep.heart.qrs_sizes import QrsSizes, qrs_sizes
from holter2sleep.heart.quantile import quantile_along
from holter2sleep.night import Bool, Float, Recording
from holter2sleep.waveform import Waveform

Rows = NDArray[np.float32]  # (n_beats, n_samples)
STRETCH = 500  # beats that share a typical beat: it drifts with posture
MARGIN = 24  # samples either side of what a spline is asked for: it forgets its borders by a factor of 0.27 a sample
HALF = 90  # steps of 1 / SHAPE_HZ either side of a beat, 0.36 s: from before P to behind most of T
P_S = (0.30, 0.07)  # before the R peak: where a P wave lies
PATCH_STRIDE = 4
PATCH_N = 2 * HALF // PATCH_STRIDE + 1
TINY = 1e-9
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
    """How each beat compares with the record's typical beat near it.

    Sizes are ratios to the typical beat's: free of the lead's scale, and of which side is up.
    """

    correlation: Float  # (n_beats,), with the typical beat, best over small shifts
    width: Float  # (n_beats,), area / height of the rectified deflection
    twin: Float  # (n_beats,), correlation of a foreign beat with the second most like foreign beat near it, else 0
    height: Float  # (n_beats,), of the rectified deflection
    lean: Float  # (n_beats,), signed: the beat projected on the typical beat; 1 is alike, below 0 points the other way
    steepness: Float  # (n_beats,), steepest slope
    typical_width_s: Float  # (n_beats,), area / height of the typical beat itself
    p_wave: Float  # (n_beats, 3): correlation, projection and difference of what lies before the QRS
    t_wave: Float  # (n_beats, 3): the same of what lies behind it
    kin: NDArray[np.int32]  # (n_beats,), foreign beats of one shape share a number; -1 for the others
    apart: Rows  # (n_beats, PATCH_N), the beat less the typical one from before P to behind T, in heights of its QRS
    limit: float  # of the correlation, below which a beat is foreign
    sizes: QrsSizes  # in themselves, not against the typical beat

    @property
    def foreign(self) -> Bool:
        """Beats unlike the typical one. array (n_beats,)."""
        return self.correlation < self.limit


def beat_shapes(recording: Recording, time_s: Float, rules: ShapeRules) -> Shape | None:
    """The shapes of the beats at the given times; None when there is no waveform, or no beat."""
    if recording.ecg is None or recording.fs is None or len(time_s) == 0:
        return None
    parts, sizes = [], []
    for first in range(0, len(time_s), STRETCH):
        rows = _windows_at(recording.ecg, recording.fs, time_s[first : first + STRETCH], HALF)
        level_mv = quantile_along(rows, 0.5, axis=1)
        parts.append(_shapes(rows - level_mv[:, None], rules, first))
        sizes.append(qrs_sizes(rows, level_mv, _qrs(rules), SHAPE_HZ))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Shape(**columns, limit=rules.foreign_correlation, sizes=QrsSizes.joined(sizes))


def _qrs(rules: ShapeRules) -> slice:
    """The QRS complex within a window."""
    return slice(HALF - round(rules.before_s * SHAPE_HZ), HALF + round(rules.after_s * SHAPE_HZ) + 1)


def _shapes(rows: Rows, rules: ShapeRules, first_kin: int) -> dict[str, NDArray]:
    """The columns of `Shape` for beats that share a typical beat, of windows without their baseline."""
    qrs, slack = _qrs(rules), round(rules.slack_s * SHAPE_HZ)
    usual = _typical_beat(rows, qrs)
    typical, core = usual[qrs], rows[:, qrs]
    shifts = range(-slack, slack + 1)
    every = [_correlation(rows[:, qrs.start + k : qrs.stop + k], typical) for k in shifts]
    correlation = np.max(every, axis=0)
    foreign = np.flatnonzero(correlation < rules.foreign_correlation)
    likeness = _mutual_correlation(core[foreign])
    n, size = len(rows), float(np.abs(typical).max()) or 1.0
    sign = 1.0 if typical[np.argmax(np.abs(typical))] >= 0 else -1.0
    return {
        "correlation": correlation,
        "width": _width(core) / _width(typical[None])[0],
        "twin": _spread(_second_best(likeness), foreign, n, 0.0),
        "height": np.abs(core).max(axis=1).astype(np.float64) / size,
        "lean": _projection(core, typical),
        "steepness": _steepness(core) / max(float(_steepness(typical[None])[0]), TINY),
        "typical_width_s": np.full(n, _width(typical[None])[0] / SHAPE_HZ),
        "p_wave": _wave(rows, usual, slice(HALF - round(P_S[0] * SHAPE_HZ), HALF - round(P_S[1] * SHAPE_HZ)), size),
        "t_wave": _wave(rows, usual, slice(qrs.stop - 1, 2 * HALF + 1), size),
        "kin": _spread(first_kin + _kin(likeness, rules.foreign_correlation), foreign, n, -1).astype(np.int32),
        "apart": np.clip(sign * (rows - usual)[:, ::PATCH_STRIDE] / size, -4, 4).astype(np.float32),
    }


def _spread(values: NDArray, at: NDArray[np.intp], n: int, fill: float) -> Float:
    """Values of some beats as a column of all. array (n,)."""
    column = np.full(n, fill)
    column[at] = values
    return column


def _windows_at(ecg: Waveform, fs: float, time_s: Float, half: int) -> Rows:
    """The signal `half` steps of 1 / SHAPE_HZ either side of each time, by cubic spline. array (n, 2 half + 1)."""
    at = (time_s[:, None] + np.arange(-half, half + 1) / SHAPE_HZ) * fs
    rows = np.empty(at.shape, np.float32)
    for part in near_together(time_s):
        first, last = max(0, int(at[part.start, 0]) - MARGIN), int(at[part.stop - 1, -1]) + MARGIN + 1
        near = np.nan_to_num(ecg[first:last])
        rows[part] = ndimage.map_coordinates(near, [at[part] - first], order=3, mode="nearest")
    return rows


def _mutual_correlation(rows: Rows) -> Rows:
    """Correlation of each row with each other; -1 with itself. array (n, n)."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.float32(TINY))
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -1.0)
    return likeness


def _second_best(likeness: Rows) -> Float:
    """The second highest of each row: the highest may be chance. array (n,)."""
    if len(likeness) < 3:
        return np.zeros(len(likeness))
    return np.partition(likeness, -2, axis=1)[:, -2].astype(np.float64)


def _kin(likeness: Rows, limit: float) -> NDArray[np.int64]:
    """A number for each row, shared by rows of one shape: the one with most of its kind gathers them first. (n,)."""
    alike = likeness >= limit
    kin = np.full(len(likeness), -1)
    free = np.ones(len(likeness), bool)
    number = 0
    while free.any():
        leader = int(np.argmax(np.where(free, (alike & free).sum(axis=1), -1)))
        kin[free & (alike[leader] | (np.arange(len(kin)) == leader))] = number
        free &= kin < 0
        number += 1
    return kin


def _typical_beat(rows: Rows, qrs: slice) -> Rows:
    """The beat most others look like: median of the beats whose QRS correlates with the median QRS."""
    alike = _correlation(rows[:, qrs], quantile_along(rows[:, qrs], 0.5, axis=0))
    usual: Rows = quantile_along(rows[alike >= np.median(alike)], 0.5, axis=0)
    return usual


def _wave(rows: Rows, usual: Rows, part: slice, size: float) -> Float:
    """Correlation, projection and difference (in heights of the QRS) of a part with the typical one's. (n, 3)."""
    seen, expected = rows[:, part], usual[part]
    seen, expected = seen - seen.mean(axis=1, keepdims=True), expected - expected.mean()
    apart = np.sqrt(((seen - expected) ** 2).mean(axis=1)) / size
    return np.column_stack([_correlation(seen, expected), _projection(seen, expected), apart])


def _projection(rows: Rows, reference: Rows) -> Float:
    """How much of the reference is in each row: 1 for the reference itself. array (n,)."""
    return (rows @ reference / max(float(reference @ reference), TINY)).astype(np.float64)


def _steepness(rows: Rows) -> Float:
    return np.abs(np.diff(rows, axis=1)).max(axis=1).astype(np.float64)


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

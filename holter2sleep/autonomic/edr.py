"""What the heart beats tell of breathing, as series on an even time line.

Breathing changes the size of the QRS complex (ECG-derived respiration, EDR) and the interval between beats
(respiratory sinus arrhythmia, RSA). Both are seen once a beat; between beats they are interpolated, across long holes
they are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import CubicSpline
from scipy.signal import windows

from holter2sleep.heart.qrs_sizes import QrsSizes
from holter2sleep.night import NN, Beats, Bool, Float, frozen_array

EVEN_HZ = 4.0  # breathing at 45/min has five points a cycle
LONGEST_HOLE_S = 5.0  # bridged: an ectopic beat with its pause at 40/min; longer holes would hide a whole breath
BASELINE_S = 15.0  # of the Hann window taken off: it keeps 83 % of 6 breaths a minute, and 31 % of 3 a minute
MAD_TO_SD = 1.4826  # of a normal distribution
TINY = 1e-9
RATE_BEATS = 31  # whose median interval is the heart rate here: half a minute, whatever one beat does


@dataclass(frozen=True)
class EvenSeries:
    """A series at `EVEN_HZ` from the start of the recording; NaN where the beats tell nothing."""

    value: NDArray[np.float32]  # (n_samples,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", frozen_array(self.value, np.float32))

    @property
    def time_s(self) -> Float:
        """Time of each value. array (n_samples,)."""
        return np.arange(len(self.value)) / EVEN_HZ


def nn_series(nn: NN, beats: Beats) -> EvenSeries:
    """The NN intervals of a whole recording at the beats that end them, ms, up to its last beat."""
    return evenly(nn.end_s, nn.nn_ms, beats)


def size_series(beats: Beats, sizes: QrsSizes) -> Iterator[EvenSeries]:
    """Every size of the normal QRS complexes in turn, as a share of its usual value: the ECG-derived respiration.

    The level, which may be zero, is a share of the height. One after another, for all would fill memory in a fortnight.
    The series step with posture, which `without_baseline` takes off. Whether breathing in raises or lowers them depends
    on the lead: their sign means nothing.

    Parameters
    ----------
    beats
        All beats of the recording. The usable ones labelled N tell something, in atrial fibrillation too.
    sizes
        Of the same beats (`beat_shapes(...).sizes`).

    References
    ----------
    Moody GB et al. Comput Cardiol 1985;12:113-116; Thomas RJ et al. Sleep 2005;28:1151-1161 (its use in
    cardiopulmonary coupling).
    """
    normal = _normal(beats)
    height_mv = sizes.height_mv[normal]
    for name, column in sizes.columns().items():
        values = column[normal]
        yield evenly(beats.time_s[normal], values / _usual(height_mv if name == "level_mv" else values), beats)


def repeated_noise(beats: Beats, sizes: QrsSizes) -> Float:
    """As how many sizes each size counts, itself and what of the others' noise is its own: 1 to all. array (n_sizes,).

    Noise is what changes from one normal beat to the next, outliers cut; breathing takes longer. Sums of squared
    correlations: 1 where each size has noise of its own.
    """
    normal = _normal(beats)
    successive = normal[1:] & normal[:-1] & (np.diff(beats.time_s) <= LONGEST_HOLE_S)
    steps = np.diff(np.stack(list(sizes.columns().values())), axis=1)[:, successive]
    if steps.shape[1] == 0:
        return np.ones(len(steps))
    limit = 3 * MAD_TO_SD * np.median(np.abs(steps), axis=1, keepdims=True)
    steps = np.clip(steps, -limit, limit)
    steps = steps / np.maximum(np.linalg.norm(steps, axis=1, keepdims=True), TINY)
    return np.maximum(((steps @ steps.T) ** 2).sum(axis=1), 1.0)


def _normal(beats: Beats) -> Bool:
    return beats.usable & (beats.label == "N")


def _usual(values: NDArray[np.floating]) -> float:
    return (float(np.median(values)) if len(values) else 1.0) or 1.0


def evenly(at_s: Float, values: NDArray[np.floating], beats: Beats) -> EvenSeries:
    """Values seen at some of the beats on an even time line up to the last of all beats, NaN in long holes.

    A cubic spline keeps 97 % of the power of breathing at 15/min where the heart beats 60/min, a straight line 66 %.
    In the place of beats left out lie points on a straight line, or the spline would swing out there.
    """
    n = int(beats.time_s[-1] * EVEN_HZ) + 1 if len(beats) else 0
    even = np.full(n, np.nan, np.float32)
    if len(at_s) < 2:
        return EvenSeries(even)
    hole_s = np.diff(at_s)
    time_s = np.arange(n) / EVEN_HZ
    behind = np.searchsorted(at_s, time_s, side="right")
    inside = (behind > 0) & (behind < len(at_s))
    inside[inside] = hole_s[behind[inside] - 1] <= LONGEST_HOLE_S
    place = np.r_[0, np.cumsum(_beats_in(hole_s, beats, at_s[1:]))]
    every = np.arange(place[-1] + 1)
    spline = CubicSpline(np.interp(every, place, at_s), np.interp(every, place, values))
    even[inside] = spline(time_s[inside])
    return EvenSeries(even)


def _beats_in(hole_s: Float, beats: Beats, end_s: Float) -> Float:
    """How many intervals of the heart rate there a hole holds; a long one counts as one. array (n_holes,)."""
    usual_s = 60 / heart_rate_bpm(beats, end_s)
    return np.where(hole_s <= LONGEST_HOLE_S, np.maximum(np.round(hole_s / usual_s), 1), 1)


def heart_rate_bpm(beats: Beats, at_s: Float) -> Float:
    """The usual heart rate around each time, whatever single beats do. array like `at_s`."""
    usual_s = ndimage.median_filter(np.diff(beats.time_s), RATE_BEATS, mode="nearest")
    return 60 / np.interp(at_s, beats.time_s[1:], usual_s)


def without_baseline(series: EvenSeries) -> EvenSeries:
    """The series less its mean over a Hann window, of what is known of it: posture and slow rhythms go."""
    weight = windows.hann(round(BASELINE_S * EVEN_HZ) + 1)
    known = np.isfinite(series.value)
    total = ndimage.convolve1d(np.where(known, series.value, np.float32(0)), weight, mode="constant")
    share = ndimage.convolve1d(known.astype(np.float32), weight, mode="constant")
    return EvenSeries(series.value - np.divide(total, share, out=total, where=known))

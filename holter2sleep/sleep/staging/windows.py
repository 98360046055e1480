"""Windows of a lead at another sampling rate, filtered as one signal and then cut.

The stretches between gaps are filtered each by itself, from far enough before and behind the windows that a filter has
forgotten where it began: how many windows are asked for at a time does not change them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy import signal

from holter2sleep.night import Bool, Float, Recording
from holter2sleep.spans import EMPTY, Spans, as_spans, complement, covers
from holter2sleep.waveform import Signal, Waveform

Filter = Callable[[Float, float], Float]  # signal and its sampling rate -> signal of the same length

RESAMPLING_S = 0.5  # of signal around a window that the anti-aliasing filter may see
LARGEST_FACTOR = 5000  # of the ratio of two rates; off by less than a microsecond in a window


@dataclass(frozen=True)
class Shape:
    """What windows are wanted, and how long a filter needs to forget."""

    window_s: float
    fs: float  # Hz
    settling_s: float

    @property
    def n_samples(self) -> int:
        """Samples of a window."""
        return round(self.window_s * self.fs)


def cut_windows(recording: Recording, start_s: Float, shape: Shape, smooth: Filter | None) -> tuple[Float, Bool]:
    """Windows that start at the given times, and which of them hold signal from end to end.

    A window that touches a gap, reaches beyond the record or does not vary is zeros and False. Holes of less than a
    second are bridged by straight lines. Only the stretch around the windows is read: ask in blocks.

    Parameters
    ----------
    recording
        With a waveform.
    start_s
        Ascending; array (n_windows,), s.
    smooth
        Run over each stretch before it is cut; None leaves it as it is.

    Returns
    -------
    Windows (n_windows, n_samples) mV, mask (n_windows,).
    """
    if recording.ecg is None or recording.fs is None:
        raise ValueError(f"{recording.recording_id!r} has no waveform")
    out = np.zeros((len(start_s), shape.n_samples))
    usable = np.zeros(len(start_s), bool)
    for stretch in _stretches(recording, start_s, shape):
        inside = covers(as_spans([stretch]), start_s, start_s + shape.window_s)
        if inside.any():
            signal_of = _Stretch(recording.ecg, recording.fs, *(round(edge_s * recording.fs) for edge_s in stretch))
            out[inside], usable[inside] = _cut(signal_of, start_s[inside], shape, smooth)
    return out, usable


@dataclass(frozen=True)
class _Stretch:
    """Samples `first` to before `last` of a lead, without a gap between."""

    ecg: Waveform
    fs: float
    first: int
    last: int


def _stretches(recording: Recording, start_s: Float, shape: Shape) -> Spans:
    """Stretches between gaps around the windows. array (n, 2), s."""
    if len(start_s) == 0:
        return EMPTY
    gaps = recording.gaps if recording.signal_gaps is None else recording.signal_gaps
    whole = complement(gaps, 0.0, recording.duration_s)
    return whole[(whole[:, 1] > start_s[0]) & (whole[:, 0] < start_s[-1] + shape.window_s)]


def _cut(stretch: _Stretch, start_s: Float, shape: Shape, smooth: Filter | None) -> tuple[Float, Bool]:
    """Windows that lie within one stretch."""
    fs = stretch.fs
    ratio = Fraction(shape.fs / fs).limit_denominator(LARGEST_FACTOR)
    # a whole number of steps of the ratio, so that a window starts on a sample of the new rate
    side = ratio.denominator * math.ceil(RESAMPLING_S * fs / ratio.denominator)
    length = math.ceil(shape.window_s * fs) + 1
    start = np.round(start_s * fs).astype(np.int64)
    around = side + math.ceil(shape.settling_s * fs)
    first = max(stretch.first, int(start[0]) - around)
    raw = _without_holes(stretch.ecg[first : min(stretch.last, int(start[-1]) + length + around)])
    at = np.clip(start[:, None] - first + np.arange(-side, length + side), 0, len(raw) - 1)
    varies = np.ptp(raw[at[:, side : side + length]], axis=-1) > 0
    near = (raw if smooth is None else smooth(raw, fs))[at]
    near -= near.mean(-1, keepdims=True)  # the anti-aliasing filter's gain at 0 Hz is not quite the same in each phase
    cut = signal.resample_poly(near, ratio.numerator, ratio.denominator, axis=-1)
    cut = cut[:, side * ratio.numerator // ratio.denominator :][:, : shape.n_samples]
    return np.where(varies[:, None], cut, 0), varies


def _without_holes(ecg: Signal) -> Float:
    """Samples with NaN bridged by straight lines; zeros where there is nothing else."""
    missing = np.isnan(ecg)
    x = ecg.astype(np.float64)
    if missing.all():
        return np.zeros(len(x))
    at = np.arange(len(x))
    x[missing] = np.interp(at[missing], at[~missing], x[~missing])
    return x

"""What an encoder is shown: windows of 10 s at 500 Hz, filtered and z-scored the way its training data were.

By default the record is filtered as one signal and then cut: the same second looks the same wherever the cut lies, and
a cut leaves no transient. The published encoders saw windows that were filtered one by one; near the edges of a window
the two differ by several standard deviations (correlation down to 0.87, MIT-BIH record 100). `by_window` gives that
form. Which of the two stages sleep better is not known: no labelled night with a waveform has been looked at. A head
must be used with the form it was trained with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from holter2sleep.night import Bool, Float, Recording
from holter2sleep.spans import EMPTY, Spans, as_spans, complement, covers
from holter2sleep.waveform import Signal, Waveform

Windows = NDArray[np.float32]  # (n_windows, N_SAMPLES)

FS = 500.0  # Hz, of both encoders
WINDOW_S = 10.0  # nominal input of both encoders
N_SAMPLES = round(FS * WINDOW_S)
BAND_HZ = (0.67, 40.0)
TINY_SD = 1e-8  # added to the SD in the z-score, as in training
# Of the band's slowest pole (1.3/s at order 5) 5e-12 is left after so long: less than float32 can hold.
SETTLING_S = 20.0
RESAMPLING_S = 0.5  # of signal around a window that the anti-aliasing filter may see
LARGEST_FACTOR = 5000  # of the sampling rate's ratio to FS; off by less than a microsecond in a window


@dataclass(frozen=True)
class Profile:
    """Filters of one encoder's training data. Butterworth band-pass and notch are run in both directions."""

    name: str
    order: int  # of scipy's `butter`, a band-pass of twice as many poles
    notch_hz: float | None = None
    notch_q: float | None = None
    median_s: float | None = None  # length of a running median that is subtracted
    by_window: bool = False  # filter each window alone

    def each_window_alone(self) -> Profile:
        """The same filters, on each window alone as in training."""
        return replace(self, by_window=True)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("clef", order=5),
        Profile("ecgfounder", order=4, notch_hz=50.0, notch_q=30.0, median_s=0.4),
    )
}


def encoder_windows(recording: Recording, start_s: Float, profile: Profile) -> tuple[Windows, Bool]:
    """Windows that start at the given times, and which of them hold signal from end to end.

    A window that touches a gap, reaches beyond the record or does not vary is zeros and False. Holes of less than a
    second are bridged by straight lines. Only the stretch around the given windows is read: ask in blocks.

    Parameters
    ----------
    recording
        With a waveform.
    start_s
        Ascending; array (n_windows,), s.

    Returns
    -------
    Windows (n_windows, 5000), float32, mean 0, SD 1; mask (n_windows,).
    """
    if recording.ecg is None or recording.fs is None:
        raise ValueError(f"{recording.recording_id!r} has no waveform")
    out = np.zeros((len(start_s), N_SAMPLES), np.float32)
    usable = np.zeros(len(start_s), bool)
    for stretch in _stretches(recording, start_s):
        inside = covers(as_spans([stretch]), start_s, start_s + WINDOW_S)
        if inside.any():
            out[inside], usable[inside] = _windows_of(recording.ecg, recording.fs, stretch, start_s[inside], profile)
    return out, usable


def filtered(x: Float, fs: float, profile: Profile) -> Float:
    """The profile's filters along the last axis, without the z-score."""
    if profile.notch_hz is not None and profile.notch_hz < fs / 2:
        notch = signal.tf2sos(*signal.iirnotch(profile.notch_hz, profile.notch_q, fs))
        x = signal.sosfiltfilt(notch, x)
    # Second-order sections: with (b, a) the filter of order 5 at 500 Hz is off by up to 0.02 SD.
    x = signal.sosfiltfilt(signal.butter(profile.order, _band_hz(fs), "bandpass", fs=fs, output="sos"), x)
    if profile.median_s is None:
        return x
    size = 2 * round(profile.median_s * fs / 2) + 1
    return x - ndimage.median_filter(x, (*[1] * (x.ndim - 1), size), mode="nearest")


def z_scored(x: Float) -> Float:
    """Each row with mean 0 and population SD 1."""
    return (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + TINY_SD)


def _band_hz(fs: float) -> tuple[float, float]:
    """The pass-band; below 90 Hz its upper edge is the last a filter can have."""
    return BAND_HZ[0], min(BAND_HZ[1], 0.45 * fs)


def _stretches(recording: Recording, start_s: Float) -> Spans:
    """Stretches between gaps around the windows; each is filtered by itself. array (n, 2), s."""
    gaps = recording.gaps if recording.signal_gaps is None else recording.signal_gaps
    whole = complement(gaps, 0.0, recording.duration_s)
    if len(start_s) == 0:
        return EMPTY
    return whole[(whole[:, 1] > start_s[0]) & (whole[:, 0] < start_s[-1] + WINDOW_S)]


def _windows_of(
    ecg: Waveform, fs: float, stretch: NDArray[np.float64], start_s: Float, profile: Profile
) -> tuple[Windows, Bool]:
    """Windows that lie within one stretch."""
    ratio = Fraction(FS / fs).limit_denominator(LARGEST_FACTOR)
    # a whole number of steps of the ratio, so that the window starts on a sample of the new rate
    side = ratio.denominator * math.ceil(RESAMPLING_S * fs / ratio.denominator)
    start = np.round(start_s * fs).astype(np.int64)
    length = math.ceil(WINDOW_S * fs) + 1
    first = max(round(stretch[0] * fs), int(start[0]) - math.ceil(SETTLING_S * fs) - side)
    last = min(round(stretch[1] * fs), int(start[-1]) + length + side + math.ceil(SETTLING_S * fs))
    raw = _without_holes(ecg[first:last])
    smooth = raw if profile.by_window else filtered(raw, fs, profile)
    at = np.clip(start[:, None] - first + np.arange(-side, length + side), 0, len(raw) - 1)
    near = smooth[at]
    near -= near.mean(-1, keepdims=True)  # the anti-aliasing filter's gain at 0 Hz is not quite the same in each phase
    cut = signal.resample_poly(near, ratio.numerator, ratio.denominator, axis=-1)
    cut = cut[:, side * ratio.numerator // ratio.denominator :][:, :N_SAMPLES]
    varies = np.ptp(raw[at[:, side : side + length]], axis=-1) > 0
    prepared = z_scored(filtered(cut, FS, profile) if profile.by_window else cut)
    return np.where(varies[:, None], prepared, 0).astype(np.float32), varies


def _without_holes(ecg: Signal) -> Float:
    """Samples with NaN bridged by straight lines; zeros where there is nothing else."""
    missing = np.isnan(ecg)
    x = ecg.astype(np.float64)
    if missing.all():
        return np.zeros(len(x))
    at = np.arange(len(x))
    x[missing] = np.interp(at[missing], at[~missing], x[~missing])
    return x

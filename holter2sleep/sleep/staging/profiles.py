"""What an encoder is shown: windows of 10 s at 500 Hz, filtered and z-scored the way its training data were.

By default the record is filtered as one signal and then cut: the same second looks the same wherever the cut lies, and
a cut leaves no transient. The published encoders saw windows that were filtered one by one; near the edges of a window
the two differ by several standard deviations (correlation down to 0.87, MIT-BIH record 100). `by_window` gives that
form. Which of the two stages sleep better is not known: no labelled night with a waveform has been looked at. A head
must be used with the form it was trained with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from holter2sleep.night import Bool, Float, Recording
from holter2sleep.sleep.staging.cards import ProfileName
from holter2sleep.sleep.staging.windows import Shape, cut_windows

Windows = NDArray[np.float32]  # (n_windows, 5000)

FS = 500.0  # Hz, of both encoders
WINDOW_S = 10.0  # nominal input of both encoders
BAND_HZ = (0.67, 40.0)
TINY_SD = 1e-8  # added to the SD in the z-score, as in training
# Of the slowest pole of the pass-band (1.3/s at order 5) 5e-12 is left after 20 s: less than float32 can hold.
SHAPE = Shape(window_s=WINDOW_S, fs=FS, settling_s=20.0)


@dataclass(frozen=True)
class Profile:
    """Filters of one encoder's training data. Butterworth band-pass and notch are run in both directions."""

    name: ProfileName
    order: int  # of scipy's `butter`, a band-pass of twice as many poles
    notch_hz: float | None = None
    notch_q: float | None = None
    median_s: float | None = None  # length of a running median that is subtracted
    by_window: bool = False  # filter each window alone

    def each_window_alone(self) -> Profile:
        """The same filters, on each window alone as in training."""
        return replace(self, by_window=True)


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("clef", order=5),
        Profile("ecgfounder", order=4, notch_hz=50.0, notch_q=30.0, median_s=0.4),
    )
}


def encoder_windows(recording: Recording, start_s: Float, profile: Profile) -> tuple[Windows, Bool]:
    """Windows of 10 s that start at the given times, and which of them hold signal from end to end.

    A window that touches a gap, reaches beyond the record or does not vary is zeros and False.

    Returns
    -------
    Windows (n_windows, 5000), float32, mean 0, SD 1; mask (n_windows,).
    """
    if profile.by_window:
        windows, usable = cut_windows(recording, start_s, SHAPE, None)
        windows = filtered(windows, FS, profile)
    else:
        windows, usable = cut_windows(recording, start_s, SHAPE, lambda x, fs: filtered(x, fs, profile))
    return np.where(usable[:, None], z_scored(windows), 0).astype(np.float32), usable


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

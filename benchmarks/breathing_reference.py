"""Breathing rate from a respiration signal, by two ways that know nothing of each other nor of the ECG.

References
----------
Schafer A, Kratky KW. Estimation of breathing rate from respiratory sinus arrhythmia: comparison of various methods.
Ann Biomed Eng 2008;36:476-485 (advanced counting method).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Float = NDArray[np.float64]

BAND_HZ = (0.1, 0.7)
AGREE_BPM = 2.0  # further apart, neither is believed
SMALL = 0.3  # of the upper quartile of all swings: ibid.
MOST_REPEATED = (
    0.85  # of the highest peak of the autocorrelation: the first such one is a breath, later ones are several
)
LEAST_REPEATED = 0.3  # correlation of the signal with itself a breath later
LEAST_SPAN_S = 30.0  # of whole breaths in a window
WORK_HZ = 25.0


def reference_rates(respiration: Float, fs: float, centre_s: Float, window_s: float) -> Float:
    """Mean of the counted and the repeated rate in the window around each time, breaths a minute. array (n_centres,).

    NaN where they differ by more than 2/min, where either is unknown, and where the window leaves the signal.
    """
    q = round(fs / WORK_HZ)
    work = signal.decimate(respiration - respiration.mean(), q, ftype="fir")
    work = signal.sosfiltfilt(signal.butter(3, BAND_HZ, "band", fs=fs / q, output="sos"), work)
    rates = np.full((len(centre_s), 2), np.nan)
    for row, centre in zip(rates, centre_s, strict=True):
        first, last = (round((centre + side * window_s / 2) * fs / q) for side in (-1, 1))
        if first >= 0 and last <= len(work):
            breath = work[first:last] - work[first:last].mean()
            row[:] = counted_bpm(breath, fs / q), repeated_bpm(breath, fs / q)
    agree = np.abs(rates[:, 0] - rates[:, 1]) <= AGREE_BPM
    return np.where(agree, rates.mean(axis=1), np.nan)


def counted_bpm(breath: Float, fs: float) -> float:
    """Breaths counted between extrema, once the small swings are taken out (count-adv)."""
    extrema = np.flatnonzero(np.diff(np.sign(np.diff(breath)))) + 1
    swings = np.abs(np.diff(breath[extrema]))
    if len(swings) < 3:
        return np.nan
    least = SMALL * np.percentile(swings, 75)
    while len(swings) > 2 and swings.min() < least:
        smallest = int(swings.argmin())
        extrema = np.delete(extrema, [smallest, smallest + 1])
        swings = np.abs(np.diff(breath[extrema]))
    n_breaths = (len(extrema) - 1) // 2
    span_s = (extrema[2 * n_breaths] - extrema[0]) / fs
    return 60 * n_breaths / span_s if span_s > LEAST_SPAN_S else np.nan


def repeated_bpm(breath: Float, fs: float) -> float:
    """After how long the signal repeats itself: the first high peak of the autocorrelation."""
    n = len(breath)
    spectrum = np.fft.rfft(breath, 2 * n)
    likeness = np.fft.irfft(np.abs(spectrum) ** 2)[:n] * n / np.arange(n, 0, -1)
    likeness = likeness[: int(fs / BAND_HZ[0]) + 2] / likeness[0]
    peaks = signal.find_peaks(likeness)[0]
    peaks = peaks[peaks >= int(fs / BAND_HZ[1])]
    if len(peaks) == 0 or likeness[peaks].max() < LEAST_REPEATED:
        return np.nan
    return float(60 * fs / peaks[likeness[peaks] >= MOST_REPEATED * likeness[peaks].max()][0])

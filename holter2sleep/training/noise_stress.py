"""Noise on a clean record at a known signal-to-noise ratio, as in the MIT-BIH Noise Stress Test Database.

References
----------
Moody, Muldrow, Mark 1984, "A noise stress test for arrhythmia detectors" (Computers in Cardiology 11:381), and the
manual of the WFDB program `nst`: signal power from the peak-to-peak of normal QRS, noise power from its seconds.
"""

from __future__ import annotations

import numpy as np

from holter2sleep.night import Float
from holter2sleep.waveform import Signal

QRS_REACH_S = 0.05
FIRST_BEATS, LEARNING_S = 300, 300
TRIMMED = 0.05  # of the smallest and of the largest values


def gain_for(ecg: Signal, beat_s: Float, noise: Signal, fs: float, snr_db: float) -> float:
    """Factor on the noise that gives the ratio."""
    power = signal_power(ecg, beat_s, fs) / max(noise_power(noise, fs), 1e-12)
    return float(np.sqrt(power / 10 ** (snr_db / 10)))


def signal_power(ecg: Signal, beat_s: Float, fs: float) -> float:
    """An eighth of the square of the mean peak-to-peak QRS amplitude, mV2: that of a sine of this height."""
    reach = round(QRS_REACH_S * fs)
    at = np.round(beat_s[:FIRST_BEATS] * fs).astype(np.int64)
    at = at[(at >= reach) & (at < len(ecg) - reach)]
    windows = ecg[at[:, None] + np.arange(-reach, reach + 1)]
    return _trimmed_mean(np.ptp(windows, axis=1)) ** 2 / 8


def noise_power(noise: Signal, fs: float) -> float:
    """Mean variance of the seconds of the first five minutes, mV2."""
    second = round(fs)
    part = noise[: LEARNING_S * second]
    return _trimmed_mean(part[: len(part) // second * second].reshape(-1, second).var(axis=1))


def _trimmed_mean(values: Signal | Float) -> float:
    ordered = np.sort(values)
    cut = int(TRIMMED * len(ordered))
    return float(ordered[cut : len(ordered) - cut].mean())

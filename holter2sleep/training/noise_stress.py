"""Noise on a clean record at a known signal-to-noise ratio, as in the MIT-BIH Noise Stress Test Database.

The power of the signal is that of a sine as high as its QRS complexes (peak to peak, squared, over 8), that of the
noise the square of its root mean square; of both the trimmed mean of their first 300 values is taken: beats, seconds.

References
----------
Moody, Muldrow, Mark (1984) A noise stress test for arrhythmia detectors. Computers in Cardiology 11:381-384.
Moody, WFDB Applications Guide, nst(1) and sigamp(1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import Float

HALF_QRS_S = 0.05
N_MEASURED, TRIMMED_SHARE = 300, 20  # values, one in twenty cut off at either end

Samples = NDArray[np.floating]  # (n_samples,), mV


def gain_for(ecg: Samples, beat_s: Float, noise: Samples, fs: float, level_db: float) -> float:
    """Factor of the noise for a signal-to-noise ratio."""
    return noise_gain(qrs_height(ecg, fs, beat_s), noise_rms(noise, fs), level_db)


def noise_gain(height_mv: float, rms_mv: float, level_db: float) -> float:
    """The same from the height of the QRS complexes and the size of the noise.

    Examples
    --------
    >>> noise_gain(8**0.5, 1.0, 0)  # a power of 1 on both sides
    1.0
    """
    return float(np.sqrt(height_mv**2 / 8 / 10 ** (level_db / 10)) / max(rms_mv, 1e-9))


def qrs_height(ecg: Samples, fs: float, beat_s: Float) -> float:
    """Trimmed mean of the peak-to-peak height of the QRS complexes at the given times, mV."""
    half = round(HALF_QRS_S * fs)
    at = np.round(beat_s * fs).astype(int)
    at = at[(at >= half) & (at + half < len(ecg))][:N_MEASURED]
    return trimmed_mean(np.ptp(ecg[at[:, None] + np.arange(-half, half + 1)], axis=1))


def noise_rms(noise: Samples, fs: float) -> float:
    """Trimmed mean of the root mean square of each second about its own mean, mV."""
    n = round(fs)
    seconds = noise[: len(noise) // n * n].reshape(-1, n)[:N_MEASURED]
    return trimmed_mean(seconds.std(axis=1))


def trimmed_mean(values: Samples) -> float:
    """Mean without the lowest and the highest twentieth."""
    cut = len(values) // TRIMMED_SHARE
    return float(np.sort(values)[cut : len(values) - cut].mean())

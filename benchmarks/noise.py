"""Noise-stress records, as `nst` of the WFDB package makes them.

Five clean minutes, then two noisy and two clean ones in turn. The power of the signal is that of a sine as high as the
normal QRS complexes (peak to peak, squared, over 8), that of the noise the square of its root mean square; of both the
trimmed mean of their first 300 values is taken: normal beats, and seconds.

References
----------
Moody, Muldrow, Mark (1984) A noise stress test for arrhythmia detectors. Computers in Cardiology 11:381-384.
Moody, WFDB Applications Guide, nst(1) and sigamp(1).
"""

from __future__ import annotations

import numpy as np

from benchmarks.detectors import Annotated
from holter2sleep.night import Beats, Float
from holter2sleep.spans import Spans, as_spans

CLEAN_S, SEGMENT_S = 300.0, 120.0
LEVELS_DB = (24, 18, 12, 6, 0, -6)
HALF_QRS_S = 0.05
N_MEASURED, TRIMMED_SHARE = 300, 20  # values, one in twenty cut off at either end


def noisy_spans(duration_s: float) -> Spans:
    """The stretches to which noise is added."""
    starts = np.arange(CLEAN_S, duration_s, 2 * SEGMENT_S)
    return as_spans(np.column_stack([starts, np.minimum(starts + SEGMENT_S, duration_s)]))


def trimmed_mean(values: Float) -> float:
    """Mean without the lowest and the highest twentieth."""
    cut = len(values) // TRIMMED_SHARE
    return float(np.sort(values)[cut : len(values) - cut].mean())


def qrs_height(ecg: Float, fs: float, beats: Beats) -> float:
    """Trimmed mean of the peak-to-peak height of normal QRS complexes, mV."""
    half = round(HALF_QRS_S * fs)
    at = np.round(beats.time_s[np.isin(beats.label, ["N", "S"])] * fs).astype(int)
    at = at[(at >= half) & (at + half < len(ecg))][:N_MEASURED]
    return trimmed_mean(np.ptp(ecg[at[:, None] + np.arange(-half, half + 1)], axis=1))


def noise_rms(noise: Float, fs: float) -> float:
    """Trimmed mean of the root mean square of each second about its own mean, mV."""
    n = round(fs)
    seconds = noise[: len(noise) // n * n].reshape(-1, n)[:N_MEASURED]
    return trimmed_mean(seconds.std(axis=1))


def noise_gain(height_mv: float, rms_mv: float, level_db: float) -> float:
    """Factor of the noise for a signal-to-noise ratio.

    Examples
    --------
    >>> noise_gain(8**0.5, 1.0, 0)  # a power of 1 on both sides
    1.0
    """
    return float(np.sqrt(height_mv**2 / 8 / 10 ** (level_db / 10)) / rms_mv)


def with_noise(record: Annotated, noise: Float, level_db: float) -> Annotated:
    """The record with noise of the given level in its noisy stretches, without steps at their borders."""
    ecg, fs = np.asarray(record.recording.ecg, np.float64), float(record.recording.fs or 0)
    gain = noise_gain(qrs_height(ecg, fs, record.reference.beats), noise_rms(noise, fs), level_db)
    added = np.zeros(len(ecg))
    for start_s, end_s in noisy_spans(len(ecg) / fs):
        first, behind = round(start_s * fs), min(round(end_s * fs), len(ecg), len(noise))
        if behind > first:
            added[first:behind] = added[first - 1] + gain * (noise[first:behind] - noise[first])
            added[behind:] = added[behind - 1]
    recording = record.recording.but(ecg=(ecg + added).astype(np.float32))
    return Annotated(record.name, recording, record.reference)

"""Whether two ECG channels are leads, or electrodes that were recorded against one far reference.

A sleep amplifier may record each chest electrode against a reference on the head (Compumedics: `ECG1` and `ECG2`
against Fpz). Each channel then is heart at the electrode minus whatever the reference picks up: EEG, eyes, sweat,
hum. That part enters both channels with the same weight, and only their difference is a lead of the heart. Two
true leads have electrodes of their own; what is not heart differs between them, and their difference has
more noise for its QRS, not less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from holter2sleep.io.ecg_likeness import TAKEN_FROM, Float, bursts, ecg_likeness

LEAST_SHARED = 0.5  # of what is not heart, in both channels with equal weight
LEAST_GAIN = 1.5  # QRS over noise, of the difference against the better channel; leads reach 1.3 (MIT-BIH, CPSC 2021)
BAND_HZ = (0.5, 40.0)
AROUND_S = 0.3
QRS_S = 0.08  # either side of a burst: left out of the noise, for a beat placed a sample off leaves its slope there
LEAST_BEATS = 20


@dataclass(frozen=True)
class Pair:
    """Share of the noise that both channels have in common, and how much clearer their difference is."""

    shared: float
    gain: float
    difference_score: float

    @property
    def is_electrodes(self) -> bool:
        """Whether the evidence says two electrodes with one reference."""
        return self.shared >= LEAST_SHARED and self.gain >= LEAST_GAIN and self.difference_score >= TAKEN_FROM


def compare_channels(first: NDArray[np.floating], second: NDArray[np.floating], fs: float) -> Pair:
    """Evidence that two channels are electrodes with one reference.

    Parameters
    ----------
    first, second
        The same minutes of both channels, arrays (n_samples,) in one unit; NaN where a sample is missing.
    fs
        Sampling rate of both, Hz.
    """
    n = min(len(first), len(second))
    a, b = np.asarray(first[:n], np.float64), np.asarray(second[:n], np.float64)
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < 2 * fs:
        return Pair(0.0, 0.0, 0.0)
    a, b = _filtered(a, known, fs), _filtered(b, known, fs)
    scores = [ecg_likeness(x, fs).score for x in (a, b, a - b)]
    beats = bursts((a, b, a - b)[int(np.argmax(scores))], fs)
    side = round(AROUND_S * fs)
    beats = beats[(beats >= side) & (beats < n - side)]
    if len(beats) < LEAST_BEATS:
        return Pair(0.0, 0.0, scores[2])
    (a_noise, a_clear), (b_noise, b_clear), (d_noise, d_clear) = (_noise(x, beats, fs) for x in (a, b, a - b))
    power = a_noise**2 + b_noise**2
    shared = 1.0 - float(np.median(np.mean(d_noise**2, axis=1) / (np.mean(power, axis=1) + 1e-30)))
    return Pair(shared, d_clear / max(a_clear, b_clear, 1e-30), scores[2])


def _noise(values: Float, beats: NDArray[np.int64], fs: float) -> tuple[Float, float]:
    """What no beat has in common with the others, (n_beats, n), and the height of the QRS over it."""
    side, qrs = round(AROUND_S * fs), round(QRS_S * fs)
    rows = values[beats[:, None] + np.arange(-side, side + 1)]
    typical = np.median(rows, axis=0)
    outside = np.abs(np.arange(-side, side + 1)) > qrs
    noise = (rows - typical)[:, outside]
    height = float(np.ptp(typical[side - qrs : side + qrs + 1]))
    return noise, height / (float(np.median(np.std(noise, axis=1))) + 1e-30)


def _filtered(values: Float, known: NDArray[np.bool_], fs: float) -> Float:
    whole = np.interp(np.arange(len(values)), np.flatnonzero(known), values[known])
    band = (BAND_HZ[0], min(BAND_HZ[1], 0.45 * fs))
    return signal.sosfiltfilt(signal.butter(2, band, "bandpass", fs=fs, output="sos"), whole)

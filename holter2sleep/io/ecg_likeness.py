"""How much a signal looks like an ECG, whatever its label, unit and polarity.

Judged in windows of 10 s, each by what tells a QRS complex from everything else in a sleep recording:

* **contrast**: the energy at 8-20 Hz stands in short bursts far above what lies between (EEG, EMG, hum: it does not);
* **alike**: the bursts have one shape (electrode motion, EOG, snoring: they do not);
* **sharp**: most of the slope lies within 70 ms of the burst (a pulse wave rises for 150 ms and falls for 500 ms);
* **fast**: the burst's share of the amplitude at 8-20 Hz (0.2-0.8 in ECG; 0.01-0.02 in a pulse wave or breathing);
* **rate**: 30-180 bursts a minute, and the signal comes back to where it was (an edge of a square wave does not).

A window's score is the product of how far each is met, a signal's score the mean over its windows.
Bursts that repeat to the last digit are made by a machine: a calibration or a trigger, no heart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

Float = NDArray[np.float64]

# The score from which a signal is taken for an ECG without a label. Development: MIT-BIH DS1 and 13 MIMIC records.
TAKEN_FROM = 0.35

WINDOW_S = 10.0
LEAST_S = 8.0  # a shorter signal is not judged
WORKING_HZ = 125.0  # a QRS has nothing to say above 60 Hz; faster signals are thinned to about this
QRS_BAND_HZ = (8.0, 20.0)  # Elgendi 2013, as in heart.detect
WAVE_BAND_HZ = (0.5, 30.0)
RATE_BPM = (30.0, 180.0)
BURST_S = 0.1  # a QRS complex
SHORTEST_RR_S = 0.25
SIDE_S = 0.25  # of a burst's surroundings that are compared
CORE_S = 0.12
SLACK_S = 0.04
NEAR_S = 0.07
LARGEST_STEP = 0.7  # of the burst's height, between the level before and after it
LARGEST_HOLE = 0.2  # of a window without samples
MOST_LEVELS = 16  # an ECG of 8 bits has more
MACHINE_CORRELATION = 0.99999
# Where each kind of evidence begins and where it is complete. Development: see TAKEN_FROM.
CONTRAST, ALIKE, SHARP, FAST = (5.0, 10.0), (0.60, 0.95), (0.60, 0.85), (0.06, 0.15)


@dataclass(frozen=True)
class Likeness:
    """Score from 0 (no ECG) to 1, the rate of the bursts, and in words what spoke against an ECG."""

    score: float
    rate_bpm: float | None
    against: str | None


def ecg_likeness(values: NDArray[np.floating], fs: float) -> Likeness:
    """How much a signal looks like an ECG.

    Parameters
    ----------
    values
        Some minutes of the signal, array (n_samples,), any unit; NaN where a sample is missing.
    fs
        Sampling rate, Hz.
    """
    if len(np.unique(values[np.isfinite(values)])) <= MOST_LEVELS:
        return Likeness(0.0, None, f"no more than {MOST_LEVELS} levels: a marker, a trigger or a position")
    windows = [window for window in _windows(values, fs) if window is not None]
    if not windows:
        return Likeness(0.0, None, f"no {LEAST_S:.0f} s of varying signal")
    evidence = np.array([list(window[:-1]) for window in windows])
    machine = bool(np.mean([window[-1] for window in windows]) > 0.5)
    rate, step, *kinds = evidence.T
    steps = [_ramp(kind, *limits) for kind, limits in zip(kinds, (CONTRAST, ALIKE, SHARP, FAST), strict=True)]
    in_range = (rate >= RATE_BPM[0]) & (rate <= RATE_BPM[1])
    returns = step <= LARGEST_STEP
    shares = {
        "beat to beat without any change, as no heart does": 0.0 if machine else 1.0,
        f"bursts not at {RATE_BPM[0]:.0f}-{RATE_BPM[1]:.0f} a minute": float(in_range.mean()),
        "too smooth for QRS complexes": float(np.mean(steps[3])),
        "no bursts that stand out": float(np.mean(steps[0])),
        "bursts not sharp": float(np.mean(steps[2])),
        "bursts of ever other shape": float(np.mean(steps[1])),
        "edges of a square wave": float(returns.mean()),
    }
    score = 0.0 if machine else float(np.mean(np.prod(steps, axis=0) * in_range * returns))
    weakest = min(shares, key=lambda name: shares[name])
    return Likeness(round(score, 3), float(np.median(rate)), weakest if score < TAKEN_FROM else None)


def bursts(values: Float, fs: float) -> NDArray[np.int64]:
    """Samples at which the energy of the QRS band peaks, as of a stretch of some seconds. array (n_bursts,)."""
    return _peaks(_envelope(values, fs), fs)


def _windows(values: NDArray[np.floating], fs: float) -> list[tuple[float, ...] | None]:
    """Evidence of each window: rate, step, contrast, alike, sharp, fast, machine; None where there is no signal."""
    known = np.isfinite(values)
    thin = max(1, round(fs / WORKING_HZ))
    length = round(min(WINDOW_S * fs, len(values)) / thin - 0.5)
    if length < LEAST_S * fs / thin - 1 or not known.any():
        return []
    whole = np.interp(np.arange(len(values)), np.flatnonzero(known), values[known].astype(np.float64))
    whole = (whole - np.median(whole)) / (np.ptp(whole) or 1.0)
    if thin > 1:
        whole = signal.decimate(whole, thin, ftype="fir", zero_phase=True)
    fs /= thin
    wave, energy = _band(whole, fs, WAVE_BAND_HZ), _envelope(whole, fs)
    present = np.add.reduceat(known, np.arange(0, len(known), length * thin)) / (length * thin)
    return [
        _evidence(wave[first : first + length], energy[first : first + length], whole[first : first + length], fs)
        if present[i] >= 1 - LARGEST_HOLE
        else None
        for i, first in enumerate(range(0, len(whole) - length + 1, length))
    ]


def _evidence(wave: Float, energy: Float, raw: Float, fs: float) -> tuple[float, ...] | None:
    if np.ptp(raw) == 0:
        return None
    side = round(SIDE_S * fs)
    peaks = _peaks(energy, fs)
    peaks = peaks[(peaks >= side) & (peaks < len(wave) - side)]
    rate = 60.0 * len(peaks) / (len(wave) / fs - 2 * SIDE_S)
    if len(peaks) < 4:
        return rate, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    around = peaks[:, None] + np.arange(-side, side + 1)
    beats = wave[around]
    typical = np.median(beats, axis=0)
    contrast = float(np.median(energy[peaks]) / (np.percentile(energy, 25) + 1e-12))
    slope, near = np.diff(typical) ** 2, round(NEAR_S * fs)
    sharp = float(slope[side - near : side + near].sum() / (slope.sum() + 1e-30))
    fast = float(np.std(_band(wave, fs, QRS_BAND_HZ)[around], axis=1).mean() / (np.std(beats, axis=1).mean() + 1e-30))
    edge = round(0.08 * fs)
    step = float(abs(np.median(typical[-edge:]) - np.median(typical[:edge])) / (np.ptp(typical) + 1e-30))
    alike = _likeness_of_shapes(beats, typical, fs)
    machine = float(alike > MACHINE_CORRELATION and np.ptp(np.diff(peaks)) <= 1)
    return rate, step, contrast, alike, sharp, fast, machine


def _likeness_of_shapes(beats: Float, typical: Float, fs: float) -> float:
    """Median over the bursts of their correlation with the typical one, each at its best shift."""
    middle, core, slack = len(typical) // 2, round(CORE_S * fs), max(1, round(SLACK_S * fs))
    pattern = _unit(typical[middle - core : middle + core + 1])
    views = np.lib.stride_tricks.sliding_window_view(beats, len(pattern), axis=1)
    near = views[:, middle - core - slack : middle - core + slack + 1]
    return float(np.median((_unit(near) @ pattern).max(axis=1)))


def _unit(rows: Float) -> Float:
    """Rows without mean, of length 1."""
    centred = rows - rows.mean(axis=-1, keepdims=True)
    return centred / (np.linalg.norm(centred, axis=-1, keepdims=True) + 1e-30)


def _band(values: Float, fs: float, band_hz: tuple[float, float]) -> Float:
    top = min(band_hz[1], 0.45 * fs)
    return signal.sosfiltfilt(signal.butter(2, (band_hz[0], top), "bandpass", fs=fs, output="sos"), values)


def _envelope(values: Float, fs: float) -> Float:
    """Root of the energy of the QRS band, smoothed over a burst."""
    squared = _band(values, fs, QRS_BAND_HZ) ** 2
    return np.sqrt(np.maximum(ndimage.uniform_filter1d(squared, max(1, round(BURST_S * fs))), 0))


def _peaks(energy: Float, fs: float) -> NDArray[np.int64]:
    """Peaks of at least 0.4 of the usual height of the tallest in 2 s."""
    tallest = [part.max() for part in np.array_split(energy, max(1, round(len(energy) / (2 * fs))))]
    least = 0.4 * float(np.median(tallest))
    peaks, _ = signal.find_peaks(energy, height=least, distance=max(1, round(SHORTEST_RR_S * fs)))
    return peaks.astype(np.int64)


def _ramp(value: Float, low: float, high: float) -> Float:
    """0 up to `low`, 1 from `high`, straight between."""
    return np.clip((value - low) / (high - low), 0.0, 1.0)

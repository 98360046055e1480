"""Two minutes of each signal that a sleep recording holds, made in closed form from a seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Float = NDArray[np.float64]

FS = 128.0
SECONDS = 120.0


def times() -> Float:
    return np.arange(round(SECONDS * FS)) / FS


def beat_times(seed: int, bpm: float = 70.0) -> Float:
    """Beats with the irregularity of sinus rhythm."""
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.normal(60 / bpm, 0.03, round(2 * SECONDS * bpm / 60)))


def at_beats(beats_s: Float, offset_s: float, width_s: float, height: float) -> Float:
    """A bell at a fixed offset from each beat."""
    inside = beats_s[beats_s < SECONDS]
    distance = times()[:, None] - inside[None, :] - offset_s
    return height * np.exp(-0.5 * (distance / width_s) ** 2).sum(axis=1)


def ecg(seed: int, bpm: float = 70.0, noise: float = 0.02) -> Float:
    """P, Q, R, S and T as bells, 1 mV, with noise."""
    beats_s = beat_times(seed, bpm)
    waves = ((-0.16, 0.02, 0.1), (-0.03, 0.008, -0.1), (0.0, 0.011, 1.0), (0.03, 0.01, -0.2), (0.25, 0.05, 0.25))
    heart = sum(at_beats(beats_s, *wave) for wave in waves)
    return heart + np.random.default_rng(seed).normal(0, noise, len(times()))


def pulse(seed: int, bpm: float = 70.0) -> Float:
    """A finger pulse: a rise of 150 ms, a slow fall, a second wave; as regular as the ECG it belongs to."""
    beats_s = beat_times(seed, bpm)
    waves = at_beats(beats_s, 0.2, 0.07, 1.0) + at_beats(beats_s, 0.35, 0.1, 0.6) + at_beats(beats_s, 0.55, 0.1, 0.3)
    return waves + np.random.default_rng(seed).normal(0, 0.005, len(times()))


def respiration(seed: int) -> Float:
    """Effort at 15 a minute, never quite regular."""
    phase = 2 * np.pi * np.cumsum(np.random.default_rng(seed).normal(0.25, 0.02, len(times()))) / FS
    return np.sin(phase) + 0.2 * np.sin(2 * phase) + np.random.default_rng(seed).normal(0, 0.01, len(times()))


def band_noise(seed: int, low_hz: float, high_hz: float) -> Float:
    """Noise of one band, of standard deviation 1."""
    sos = signal.butter(2, (low_hz, high_hz), "bandpass", fs=FS, output="sos")
    noise = signal.sosfilt(sos, np.random.default_rng(seed).normal(size=len(times())))
    return noise / noise.std()


def eeg(seed: int) -> Float:
    """Slow waves, theta, alpha and spindles."""
    spindles = (np.sin(2 * np.pi * times() / 9) > 0.9) * band_noise(seed + 100, 12, 15)
    return band_noise(seed, 0.5, 4) + 0.5 * band_noise(seed + 1, 4, 12) + spindles


def emg(seed: int) -> Float:
    """Muscle noise with twitches of ever other shape."""
    rng = np.random.default_rng(seed)
    twitches = np.zeros(len(times()))
    for at in rng.integers(0, len(times()) - 40, 150):
        twitches[at : at + 40] += rng.normal(0, rng.uniform(1, 8), 40)
    return rng.normal(0, 1, len(times())) + twitches


def eog(seed: int) -> Float:
    """Jumps of the eyes and slow drifts."""
    rng = np.random.default_rng(seed)
    jumps = np.repeat(rng.normal(0, 1, 400), rng.integers(10, 120, 400))[: len(times())]
    return signal.sosfilt(signal.butter(2, 12, fs=FS, output="sos"), jumps) + 0.05 * eeg(seed)


def snore(seed: int) -> Float:
    """Bursts of sound with each breath in."""
    return band_noise(seed, 20, 60) * (np.sin(2 * np.pi * times() / 4) > 0.4)

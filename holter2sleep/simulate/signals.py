"""Random signals and slow courses on the body's time grid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from holter2sleep.night import Float, Hypnogram

GRID_HZ = 4.0  # the body's slow signals; breathing at 0.4 Hz still has ten points a cycle


def body_time_s(duration_s: float) -> Float:
    """Times of the slow grid, one point past the end."""
    return np.arange(int(np.ceil(duration_s * GRID_HZ)) + 2) / GRID_HZ


def band_noise(
    rng: np.random.Generator, n: int, fs: float, low_hz: float, high_hz: float, exponent: float = 0.0
) -> Float:
    """Gaussian noise of unit variance with power proportional to `f ** -exponent` in a band. array (n,)."""
    n_cycle = next_fast_len(
        n + int(3 * fs / high_hz), real=True
    )  # the inverse transform is periodic: its end must not meet its beginning
    freqs_hz = np.fft.rfftfreq(n_cycle, 1 / fs)
    inside = (freqs_hz >= low_hz) & (freqs_hz <= high_hz)
    if not inside.any():  # shorter than one cycle of the band
        return np.zeros(n)
    weight = np.where(inside, np.maximum(freqs_hz, low_hz) ** (-exponent / 2), 0.0)
    shape = (2, len(freqs_hz))
    real, imaginary = rng.standard_normal(shape)
    noise = np.fft.irfft(weight * (real + 1j * imaginary), n_cycle)
    return noise[:n] * n_cycle / (2 * np.sqrt((weight**2).sum()))


def stage_course(hypnogram: Hypnogram, value_of_stage: Mapping[str, float], time_s: Float) -> Float:
    """A value per stage as a course in time, sliding from epoch centre to epoch centre."""
    values = np.array([value_of_stage[stage] for stage in hypnogram.stage.tolist()])
    return np.interp(time_s, hypnogram.grid.onset_s + 15.0, values)


def since_last(time_s: Float, event_s: Float) -> Float:
    """Seconds since the latest event, infinite before the first. array like `time_s`."""
    if len(event_s) == 0:
        return np.full(len(time_s), np.inf)
    index = np.searchsorted(event_s, time_s, side="right") - 1
    return np.where(index >= 0, time_s - event_s[np.maximum(index, 0)], np.inf)


def bout_onsets_s(hypnogram: Hypnogram, stage: str) -> Float:
    """Where runs of a stage begin, the one at the start of the night left out."""
    is_stage: NDArray[np.bool_] = hypnogram.stage == stage
    return hypnogram.grid.onset_s[1:][is_stage[1:] & ~is_stage[:-1]]

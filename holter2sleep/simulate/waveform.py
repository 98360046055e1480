"""Beats drawn as an ECG: each wave is a Gaussian placed against the R peak.

References
----------
McSharry PE, Clifford GD, Tarassenko L, Smith LA. A dynamical model for generating synthetic electrocardiogram
signals. IEEE Trans Biomed Eng 2003;50:289-294 (the sum of Gaussians).
Fridericia LS. Acta Med Scand 1920;53:469-486 (QT proportional to the cube root of RR).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import Float
from holter2sleep.simulate.rhythm import ATRIAL, FIBRILLATING, SINUS, VENTRICULAR, Rhythm
from holter2sleep.simulate.signals import GRID_HZ, band_noise

Signal = NDArray[np.float32]

REACH_SIGMA = 4.5  # a wave is drawn as far as 4 in 100 000 of its height
BLOCK_BEATS = 4096  # bounds the memory of drawing
QT_MEMORY_BEATS = 30  # QT follows RR with a delay of about half a minute
MARGIN_S = 2.0  # room for waves of beats at the borders
F_WAVE_HZ = (4.5, 7.5)
F_WAVE_MV = 0.04  # standard deviation


@dataclass(frozen=True)
class Wave:
    """One Gaussian: place against R, width and height; `follows_qt` waves move and widen with RR."""

    centre_s: float
    sigma_s: float
    height_mv: float
    follows_qt: bool = False


NARROW_QRS = (Wave(-0.028, 0.008, -0.09), Wave(0.0, 0.0105, 1.15), Wave(0.030, 0.010, -0.26))
UPRIGHT_T = (Wave(0.285, 0.036, 0.20, True), Wave(0.245, 0.058, 0.13, True))  # the rise slower than the fall
WAVES: dict[str, tuple[Wave, ...]] = {
    SINUS: (Wave(-0.160, 0.021, 0.12), *NARROW_QRS, *UPRIGHT_T),
    ATRIAL: (Wave(-0.150, 0.016, -0.05), Wave(-0.122, 0.016, 0.07), *NARROW_QRS, *UPRIGHT_T),
    FIBRILLATING: (*NARROW_QRS, *UPRIGHT_T),
    VENTRICULAR: (
        Wave(-0.062, 0.018, -0.18),
        Wave(0.0, 0.028, 1.55),
        Wave(0.052, 0.020, 0.35),
        Wave(0.105, 0.030, -0.55),
        Wave(0.300, 0.062, -0.50, True),
    ),
}


def draw_ecg(
    n_samples: int, fs: float, rhythm: Rhythm, time_s: Float, effort: Float, posture: Float, rng: np.random.Generator
) -> Signal:
    """The noiseless lead, mV. `effort` (breathing) and `posture` scale the beats; both lie on `time_s`."""
    gain = np.interp(rhythm.time_s, time_s, (1 + 0.06 * effort) * posture)
    gain = gain * rng.normal(1, 0.01, len(gain))
    stretch = np.cbrt(_remembered_rr_s(rhythm))
    margin = round(MARGIN_S * fs)
    ecg = np.zeros(n_samples + 2 * margin, np.float32)
    for source, waves in WAVES.items():
        chosen = rhythm.origin == source
        beat_s, height, width = rhythm.time_s[chosen] + margin / fs, gain[chosen], stretch[chosen]
        for wave in waves:
            scale = width if wave.follows_qt else np.ones_like(width)
            _add_gaussians(ecg, fs, beat_s + wave.centre_s * scale, wave.sigma_s * scale, wave.height_mv * height)
    ecg = ecg[margin : margin + n_samples]
    for start_s, end_s in rhythm.af_spans:
        first, last = round(start_s * fs), min(round(end_s * fs), n_samples)
        ecg[first:last] += _f_waves(last - first, fs, rng)
    return ecg


def posture_course(time_s: Float, change_s: Float, rng: np.random.Generator) -> Float:
    """Gain of the lead: it steps, within some seconds, whenever the sleeper turns."""
    if len(change_s) == 0:
        return np.ones(len(time_s))
    level = np.concatenate([[1.0], rng.uniform(0.82, 1.15, len(change_s))])
    steps = level[np.searchsorted(change_s, time_s, side="right")]
    kernel = np.hanning(int(8 * GRID_HZ) + 2)
    padded = np.pad(steps, len(kernel), mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="same")[len(kernel) : -len(kernel)]


def _remembered_rr_s(rhythm: Rhythm) -> Float:
    """Running mean of the intervals before each beat, s, to which repolarisation has adapted."""
    rr_s = np.diff(rhythm.time_s, prepend=rhythm.time_s[0] - 1.0)
    rr_s = np.concatenate([np.full(QT_MEMORY_BEATS, rr_s[: QT_MEMORY_BEATS + 1].mean()), rr_s])
    total = np.cumsum(rr_s)
    return (total[QT_MEMORY_BEATS:] - total[:-QT_MEMORY_BEATS]) / QT_MEMORY_BEATS


def _add_gaussians(ecg: Signal, fs: float, centre_s: Float, sigma_s: Float, height_mv: Float) -> None:
    """Add one Gaussian a beat to the signal, only where it differs from zero."""
    for first in range(0, len(centre_s), BLOCK_BEATS):
        block = slice(first, first + BLOCK_BEATS)
        centre, sigma = centre_s[block] * fs, sigma_s[block] * fs
        nearest = np.rint(centre).astype(np.int64)
        reach = int(np.ceil(REACH_SIGMA * sigma.max()))
        offset = np.arange(-reach, reach + 1)
        distance = (offset - (centre - nearest)[:, np.newaxis]) / sigma[:, np.newaxis]
        values = height_mv[block, np.newaxis] * np.exp(-0.5 * distance**2)
        np.add.at(ecg, (nearest[:, np.newaxis] + offset).ravel(), values.ravel().astype(np.float32))


def _f_waves(n: int, fs: float, rng: np.random.Generator) -> Float:
    """Fibrillatory waves: a band of 4.5-7.5 Hz, waxing and waning by itself."""
    return F_WAVE_MV * band_noise(rng, n, fs, *F_WAVE_HZ)

"""Every deflection of an ECG that could be a QRS complex, with what can be seen of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from holter2sleep.night import Float
from holter2sleep.waveform import Signal

WORK_HZ = 128.0  # keeps the QRS (to 40 Hz) and makes every recorder look alike
QRS_HZ = (8.0, 20.0)  # Elgendi 2013 (PLoS ONE 8:e73557): the band in which a QRS stands out most
SHAPE_HZ = (1.0, 30.0)
QRS_S = 0.1
CLOSEST_S = 0.16  # two QRS complexes do not come closer: 370/min
LEAST_SHARE = 0.12  # of the usual height of a beat near by; smaller waves are no candidates
LEAST_HEIGHT = 2e-3  # of the range of a usual second: in bridged gaps filters ring, and nothing else is there
LEVEL_REACH_S, LEVEL_PERCENTILE = 8, 60  # the usual height: of the highest of each second, this percentile
PATCH_STEPS, PATCH_STRIDE = 16, 2  # a patch reaches 0.25 s to each side, at 64 Hz
PATCH_SCALE = 3.0  # patches are in units of so many levels, about the height of a QRS
TINY = 1e-9


@dataclass(frozen=True)
class Candidates:
    """Where a QRS complex could be, and what is seen there; all free of the lead's scale."""

    time_s: Float  # (n,), from the first sample
    features: NDArray[np.float32]  # (n, 9)
    patches: NDArray[np.float32]  # (n, 33), the signal around, in units of a beat

    def __len__(self) -> int:
        return len(self.time_s)


def resampled(ecg: Signal | Float, fs: float) -> Signal:
    """The signal at `WORK_HZ`. array (n,) float32."""
    ratio = Fraction(WORK_HZ / fs).limit_denominator(400)
    if ratio == 1:
        return ecg.astype(np.float32)
    middle = np.float32(np.median(ecg[:: max(1, len(ecg) // 4096)]))  # the filter meets zeros beyond the ends
    return signal.resample_poly(ecg.astype(np.float32) - middle, ratio.numerator, ratio.denominator).astype(np.float32)


def qrs_energy(ecg: Signal) -> Float:
    """Square of the signal in the QRS band. array (n,), mV2, for a signal at `WORK_HZ`."""
    return _bandpassed(ecg, QRS_HZ) ** 2


def qrs_height(energy: Float) -> Float:
    """Root mean square over the length of a QRS. array (n,), mV, from `qrs_energy`."""
    smooth = ndimage.uniform_filter1d(energy, round(QRS_S * WORK_HZ))
    return np.sqrt(np.maximum(ndimage.uniform_filter1d(smooth, 5), 0))


def find_candidates(ecg: Signal, height: Float) -> Candidates:
    """The candidates of a stretch of signal.

    Parameters
    ----------
    ecg
        At `WORK_HZ`, gapless, in units of its usual range; which side is up should be settled before.
    height
        From `qrs_height`.
    """
    at, _ = signal.find_peaks(height, distance=round(CLOSEST_S * WORK_HZ))
    level = np.interp(at / WORK_HZ - 0.5, *_level(height))
    high = height[at] > np.maximum(LEAST_SHARE * level, LEAST_HEIGHT)
    at, level = at[high], level[high] + TINY
    shape = _bandpassed(ecg, SHAPE_HZ).astype(np.float32)
    patches = _patches(shape, at) / (PATCH_SCALE * level[:, None])
    features = np.column_stack(
        [_heights(height[at], level), _surroundings(ecg, shape, height, at, level), _spacing(at)]
    )
    return Candidates(
        at / WORK_HZ, np.clip(features, -6, 6).astype(np.float32), np.clip(patches, -8, 8).astype(np.float32)
    )


def _bandpassed(ecg: Signal, band_hz: tuple[float, float]) -> Float:
    return signal.sosfiltfilt(_bandpass(band_hz), ecg)


@cache
def _bandpass(band_hz: tuple[float, float]) -> Float:
    """Second-order sections, worked out once: a tenth of the time of a night's detection otherwise."""
    return signal.butter(2, band_hz, "bandpass", fs=WORK_HZ, output="sos")


def _level(height: Float) -> tuple[Float, Float]:
    """The usual height of a beat near each second: seconds and heights."""
    second = int(WORK_HZ)
    n = max(1, len(height) // second)
    highest = height[: n * second].reshape(n, -1).max(axis=1)
    usual = ndimage.percentile_filter(highest, LEVEL_PERCENTILE, 2 * LEVEL_REACH_S + 1, mode="nearest")
    return np.arange(n, dtype=np.float64), usual


def _patches(shape: Signal, at: NDArray[np.int64]) -> NDArray[np.float32]:
    half = PATCH_STEPS * PATCH_STRIDE
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(shape, half), 2 * half + 1)
    return windows[at, ::PATCH_STRIDE]


def _heights(height: Float, level: Float) -> Float:
    """Logarithms of the height against the level, the candidates around, the one before and the one after. (n, 4)."""
    log = np.log(height + TINY)
    if len(log) == 0:
        return np.empty((0, 4))
    around = ndimage.percentile_filter(log, 80, 31, mode="nearest")
    return np.column_stack(
        [log - np.log(level), log - around, np.diff(log, prepend=log[0]), -np.diff(log, append=log[-1])]
    )


def _surroundings(ecg: Signal, shape: Signal, height: Float, at: NDArray[np.int64], level: Float) -> Float:
    """Logarithms of hiss, of wave energy and of QRS energy around, against the level. array (n, 3)."""
    hiss = np.diff(ecg, n=2, prepend=ecg[:1], append=ecg[-1:])
    parts = ((hiss, 64), (shape, 128), (height, 128))
    around = [
        np.sqrt(np.maximum(ndimage.uniform_filter1d(x.astype(np.float64) ** 2, size)[at], 0)) for x, size in parts
    ]
    return np.log(np.column_stack(around) / level[:, None] + 1e-6)


def _spacing(at: NDArray[np.int64]) -> Float:
    """Logarithms of the seconds to the candidate before and the one after. array (n, 2)."""
    step_s = np.clip(np.diff(at) / WORK_HZ, 0.1, 4.0)
    return np.log(np.column_stack([np.r_[1.0, step_s], np.r_[step_s, 1.0]])[: len(at)])

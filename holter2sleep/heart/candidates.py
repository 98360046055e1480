"""Every deflection of an ECG that could be a QRS complex, with what can be seen of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, signal

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
LARGEST_FACTOR = 100_000  # of the ratio of two rates: exact for whole ones, a stretch of 10 min off by some ms at most
PAD_S = 2.0  # of mirrored signal at either end: the slowest filter forgets within it


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
    ratio = Fraction(WORK_HZ / fs).limit_denominator(LARGEST_FACTOR)
    if ratio == 1:
        return ecg.astype(np.float32)
    middle = np.float32(np.median(ecg[:: max(1, len(ecg) // 4096)]))  # the filter meets zeros beyond the ends
    up, down = ratio.numerator, ratio.denominator
    return signal.resample_poly(ecg.astype(np.float32) - middle, up, down, window=_antialias(max(up, down)))


@cache
def _antialias(factor: int) -> Signal:
    """A filter that reaches 6 samples of the slower rate to each side; scipy's own reaches 10."""
    return signal.firwin(12 * factor + 1, 1 / factor, window=("kaiser", 5.0)).astype(np.float32)


def in_bands(ecg: Signal) -> tuple[Signal, Signal]:
    """The signal in the QRS band, squared, mV2, and in the band of shapes, mV; arrays (n,), for a signal at `WORK_HZ`.

    Butterworth filters run forward and backward, as their squared gains on one spectrum.
    """
    half = round(PAD_S * WORK_HZ)
    padded = np.pad(ecg - ecg.mean(), half, mode="reflect" if len(ecg) > half else "edge")
    n = fft.next_fast_len(len(padded), real=True)
    spectrum = fft.rfft(padded, n)
    qrs, shape = (
        fft.irfft(spectrum * _squared_gain(band, n), n)[half : half + len(ecg)] for band in (QRS_HZ, SHAPE_HZ)
    )
    return qrs**2, shape


def qrs_height(energy: Signal) -> Signal:
    """Root mean square over the length of a QRS. array (n,), mV, from the energy of `in_bands`."""
    smooth = ndimage.uniform_filter1d(energy, round(QRS_S * WORK_HZ))
    return np.sqrt(np.maximum(ndimage.uniform_filter1d(smooth, 5), 0))


def find_candidates(ecg: Signal, height: Signal, shape: Signal) -> Candidates:
    """The candidates of a stretch of signal.

    Parameters
    ----------
    ecg
        At `WORK_HZ`, gapless, in units of its usual range; which side is up should be settled before.
    height, shape
        From `qrs_height`, and from `in_bands`.
    """
    at, _ = signal.find_peaks(height, distance=round(CLOSEST_S * WORK_HZ))
    level = np.interp(at / WORK_HZ - 0.5, *_level(height))
    high = height[at] > np.maximum(LEAST_SHARE * level, LEAST_HEIGHT)
    at, level = at[high], level[high] + TINY
    patches = _patches(shape, at) / (PATCH_SCALE * level[:, None])
    features = np.column_stack(
        [_heights(height[at], level), _surroundings(ecg, shape, height, at, level), _spacing(at)]
    )
    return Candidates(
        at / WORK_HZ, np.clip(features, -6, 6).astype(np.float32), np.clip(patches, -8, 8).astype(np.float32)
    )


@cache
def _squared_gain(band_hz: tuple[float, float], n: int) -> Signal:
    """Of the band-pass at each frequency of a spectrum of `n` samples; stretches of one length share it."""
    sos = signal.butter(2, band_hz, "bandpass", fs=WORK_HZ, output="sos")
    _, gain = signal.sosfreqz(sos, fft.rfftfreq(n, 1 / WORK_HZ), fs=WORK_HZ)
    return (np.abs(gain) ** 2).astype(np.float32)


def _level(height: Signal) -> tuple[Float, Float]:
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


def _heights(height: Signal, level: Float) -> Float:
    """Logarithms of the height against the level, the candidates around, the one before and the one after. (n, 4)."""
    log = np.log(height + TINY)
    if len(log) == 0:
        return np.empty((0, 4))
    around = ndimage.percentile_filter(log, 80, 31, mode="nearest")
    return np.column_stack(
        [log - np.log(level), log - around, np.diff(log, prepend=log[0]), -np.diff(log, append=log[-1])]
    )


def _surroundings(ecg: Signal, shape: Signal, height: Signal, at: NDArray[np.int64], level: Float) -> Float:
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

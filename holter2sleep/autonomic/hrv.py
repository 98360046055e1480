"""Heart-rate variability by the Task Force's definitions: time domain, 5-min windows, spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate, signal

from holter2sleep.night import NN, Float

# Task Force 1996 (Circulation 93:1043-1065), tables 1 and 2; VLF starts where 5 min still hold one cycle
BANDS_HZ = {"vlf": (0.0033, 0.04), "lf": (0.04, 0.15), "hf": (0.15, 0.4)}
WINDOW_S = 300.0  # ibid., short-term recording
BIN_MS = 1000 / 128  # ibid., bins of the triangular index


@dataclass(frozen=True)
class HrvRules:
    """Keys of `[hrv]`."""

    minimum_window_share: float
    resample_hz: float


def time_measures(nn: NN) -> dict[str, float]:
    """Time-domain measures of all intervals together; NaN where there are too few.

    Examples
    --------
    NN 800, 810, 790 ms: differences 10 and -20, so RMSSD = sqrt((100 + 400) / 2) = 15.81 ms.

    >>> nn = NN(np.array([0.8, 1.61, 2.4]), np.array([800.0, 810, 790]), np.array([False, True, True]))
    >>> round(time_measures(nn)["rmssd"], 2)
    15.81

    References
    ----------
    Task Force 1996, table 1.
    """
    differences = nn.differences_ms
    return {
        "nn_mean": _mean(nn.nn_ms),
        "sdnn": _sd(nn.nn_ms),
        "rmssd": float(np.sqrt(_mean(differences**2))),
        "sdsd": _sd(differences),
        "pnn50": 100 * _mean(np.abs(differences) > 50),
        "triangular_index": _triangular_index(nn.nn_ms),
    }


@dataclass(frozen=True)
class Windows:
    """NN intervals cut into 5-min windows, the valid ones only."""

    start_s: Float  # (n_windows,)
    parts: tuple[NN, ...]


def five_minute_windows(nn: NN, rules: HrvRules) -> Windows:
    """The windows of the recording's 5-min grid that NN intervals fill to at least the minimum share.

    In a part of a night (`night.within("rem")`) a window is filled by that part alone, so it is stage-pure
    up to the minimum share.
    """
    n_windows = int(nn.end_s[-1] // WINDOW_S) + 1 if len(nn) else 0
    borders = np.searchsorted(nn.end_s, WINDOW_S * np.arange(n_windows + 1))
    total_ms = np.r_[0.0, np.cumsum(nn.nn_ms)]
    valid = np.flatnonzero(np.diff(total_ms[borders]) >= 1000 * WINDOW_S * rules.minimum_window_share)
    parts = []
    for window in valid:
        here = slice(borders[window], borders[window + 1])
        adjacent = nn.adjacent[here].copy()
        adjacent[0] = False  # its neighbour lies in the window before
        parts.append(NN(nn.end_s[here], nn.nn_ms[here], adjacent))
    return Windows((valid * WINDOW_S).astype(np.float64), tuple(parts))


def segment_measures(windows: Windows) -> dict[str, float]:
    """SDANN and SDNN index, ms.

    References
    ----------
    Task Force 1996, table 1.
    """
    means = np.array([part.nn_ms.mean() for part in windows.parts])
    deviations = np.array([_sd(part.nn_ms) for part in windows.parts])
    return {"sdann": _sd(means), "sdnn_index": _mean(deviations)}


def frequency_measures(windows: Windows, rules: HrvRules) -> dict[str, float]:
    """Band powers in ms2, mean over the windows, and their ratios; NaN without a window.

    Each window is interpolated by a cubic spline at `resample_hz`, its mean removed, and its power taken from one
    Hann-weighted periodogram; a band's power is the sum of the bins within `(low, high]` times their width.

    References
    ----------
    Task Force 1996, table 2.
    """
    if not windows.parts:
        names = ("total_power", *BANDS_HZ, "lf_nu", "hf_nu", "lf_hf")
        return dict.fromkeys(names, np.nan)
    fs = rules.resample_hz
    rows = np.stack([_resampled(part, start, fs) for part, start in zip(windows.parts, windows.start_s, strict=True)])
    hz, density = signal.periodogram(rows, fs, window="hann", detrend="constant", axis=1)
    power = {name: _band_power(hz, density, *band) for name, band in BANDS_HZ.items()}
    total = _band_power(hz, density, 0.0, BANDS_HZ["hf"][1])
    lf, hf = power["lf"], power["hf"]
    known = lf + hf > 0  # a rate without any variability has no ratio
    return {
        "total_power": total,
        **power,
        "lf_nu": 100 * lf / (lf + hf) if known else np.nan,
        "hf_nu": 100 * hf / (lf + hf) if known else np.nan,
        "lf_hf": lf / hf if hf > 0 else np.nan,
    }


def _resampled(part: NN, start_s: float, fs: float) -> Float:
    """NN on a regular time line. array (n_samples,)."""
    return _spline(part.end_s.tobytes(), part.nn_ms.tobytes(), start_s, fs)


@lru_cache(maxsize=1024)  # the windows of a night are those of its hours, and mostly of its stages, again
def _spline(end: bytes, nn: bytes, start_s: float, fs: float) -> Float:
    """A cubic spline through the ends and lengths of intervals, straight over holes, level beyond the ends.

    A straight line from beat to beat would keep only sinc(f RR) ** 4 of the power at f: 66 % of breathing at 0.25 Hz
    and 60/min. A spline alone would swing out in holes, so a hole is filled with beats on a straight line first.
    """
    end_s, nn_ms = np.frombuffer(end), np.frombuffer(nn)
    at_s = start_s + np.arange(round(WINDOW_S * fs)) / fs
    n_beats = np.maximum(np.round(np.diff(end_s) / np.median(np.diff(end_s))), 1)
    place = np.r_[0, np.cumsum(n_beats)]
    beat_s = np.interp(np.arange(place[-1] + 1), place, end_s)
    spline = interpolate.CubicSpline(beat_s, np.interp(beat_s, end_s, nn_ms))
    values = spline(np.clip(at_s, end_s[0], end_s[-1]))
    values.flags.writeable = False
    return values


def _band_power(hz: Float, density: NDArray[np.float64], low: float, high: float) -> float:
    inside = (hz > low) & (hz <= high)
    return float(density[:, inside].sum(axis=1).mean() * hz[1])


def _triangular_index(nn_ms: Float) -> float:
    if len(nn_ms) == 0:
        return np.nan
    return len(nn_ms) / float(np.bincount((nn_ms / BIN_MS).astype(np.int64)).max())


def _mean(values: NDArray[np.generic]) -> float:
    return float(values.mean()) if len(values) else np.nan


def _sd(values: Float) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else np.nan

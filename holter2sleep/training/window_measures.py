"""What can be measured by hand in a window of 10 s: its intervals, its beats beside their template, its spectrum.

The features that an encoder is held against (`benchmarks/probes.py`), and part of what it is taught to tell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal, stats
from scipy.spatial.distance import cdist

from holter2sleep.night import Float
from holter2sleep.sleep.staging.profiles import FS, Windows

RR_NAMES = (
    "rr_mean",
    "rr_spread",
    "rr_change",
    "rr_pnn50",
    "rr_median_change",
    "rr_shortest",
    "rr_longest",
    "rr_skew",
)
TEMPLATE_NAMES = ("template_width", "likeness", "least_likeness", "p_part", "t_part", "r_height")
BANDS_HZ = ((0.67, 3), (3, 8), (8, 15), (15, 25), (25, 40))
SPECTRUM_NAMES = (*(f"band_{low:g}_{high:g}" for low, high in BANDS_HZ), "kurtosis", "near_zero")

TEMPLATE_S = 0.3  # about a beat
LEAST_RANGE = 1e-6  # below, values do not vary


def rr_statistics(beat_s: Float) -> list[float]:
    """Mean, SD, RMSSD, pNN50, entropy-like spread and extremes of the RR intervals; NaN with too few beats."""
    rr_s = np.diff(beat_s)
    if len(rr_s) < 3:
        return [np.nan] * len(RR_NAMES)
    change_s = np.diff(rr_s)
    rmssd_s = np.sqrt((change_s**2).mean())
    return [
        rr_s.mean(),
        np.log(rr_s.std() / rr_s.mean() + 0.005),
        np.log(rmssd_s / rr_s.mean() + 0.005),
        (np.abs(change_s) > 0.05).mean(),
        np.log(np.median(np.abs(change_s)) / np.median(rr_s) + 0.005),
        rr_s.min() / np.median(rr_s),
        rr_s.max() / np.median(rr_s),
        stats.skew(rr_s) if np.ptp(rr_s) > LEAST_RANGE else 0.0,
    ]


def template_statistics(window: NDArray[np.floating], beat_s: Float) -> list[float]:
    """Width of the median beat at half its height, its P and T parts, and how far the beats are like it."""
    half = round(TEMPLATE_S * FS)
    at = np.rint(beat_s * FS).astype(int)
    at = at[(at >= half) & (at < len(window) - half)]
    if len(at) < 3:
        return [np.nan] * len(TEMPLATE_NAMES)
    beats = window[at[:, None] + np.arange(-half, half + 1)].astype(np.float64)
    template = np.median(beats, axis=0)
    likeness = correlations(beats, template)
    height = np.abs(template).max() + 1e-6
    before, after = template[: half - 50], template[half + 60 :]
    wide = (np.abs(template[half - 75 : half + 76]) > height / 2).mean()
    return [wide, np.mean(likeness), np.min(likeness), np.ptp(before) / height, np.ptp(after) / height, template[half]]


def correlations(rows: Float, other: Float) -> Float:
    """Pearson's, of each row with another one; NaN where a row does not vary. array (n_rows,)."""
    return 1 - cdist(rows, other[None], "correlation")[:, 0]


def spectrum(windows: Windows) -> Float:
    """Logarithms of the share of each band, kurtosis, and the share of samples near zero."""
    if len(windows) == 0:
        return np.empty((0, len(SPECTRUM_NAMES)))
    hz, power = signal.welch(windows, FS, nperseg=1024)
    total = power[:, hz < BANDS_HZ[-1][1]].sum(axis=1) + 1e-9
    shares = [np.log(power[:, (hz >= low) & (hz < high)].sum(axis=1) / total + 1e-6) for low, high in BANDS_HZ]
    kurtosis = np.log(stats.kurtosis(windows, axis=1, fisher=False) + 1)
    return np.column_stack([*shares, kurtosis, (np.abs(windows) < 0.1).mean(axis=1)])

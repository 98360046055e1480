"""Where exactly a beat's dominant deflection has its summit, and how high it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import Float
from holter2sleep.waveform import Signal, Waveform

BATCH = 2000  # beats whose windows are gathered at a time: a day at 1,000 Hz must not be in memory twice
BASELINE_S = 0.3  # either side of a beat
BASELINE_STEP_S = 0.016  # samples this far apart are enough for a median of it


def on_dominant_deflection(ecg: Waveform, fs: float, coarse_s: Float, reach_s: float) -> tuple[Float, Float]:
    """Times moved to the record's dominant deflection within reach, and its signed height above the baseline, mV."""
    if len(coarse_s) == 0:
        return np.empty(0), np.empty(0)
    centre = np.clip(np.round(coarse_s * fs).astype(np.int64), 0, len(ecg) - 1)
    reach = max(1, round(reach_s * fs))
    batches = [_summits(ecg, centre[i : i + BATCH], reach, fs) for i in range(0, len(centre), BATCH)]
    # which way the record's beats point is known only after the last: both summits of each are kept until then
    up, down = (np.concatenate(side, axis=1) for side in zip(*batches, strict=True))
    chosen = up if np.median(up[1]) >= np.median(-down[1]) else down
    return (centre + chosen[0]) / fs, chosen[1]


def _summits(ecg: Waveform, centre: NDArray[np.int64], reach: int, fs: float) -> tuple[Float, Float]:
    """Highest and lowest point near each centre: offset in samples and height. Two arrays (2, n)."""
    near = _near(ecg, centre, reach, fs)
    row = np.arange(len(near))
    summits = []
    for sign in (1.0, -1.0):
        peak = np.argmax(sign * near, axis=1)
        summits.append(np.array([peak - reach + parabola_shift(sign * near, peak), near[row, peak]]))
    return summits[0], summits[1]


def _near(ecg: Waveform, centre: NDArray[np.int64], reach: int, fs: float) -> Signal:
    """The signal around each centre above the median of the 0.6 s around it. array (n, 2 reach + 1)."""
    wide = max(reach, 2, round(BASELINE_S * fs))
    windows = ecg.around(centre, wide)
    baseline = _medians(windows[:, :: max(1, round(BASELINE_STEP_S * fs))])
    return np.nan_to_num(windows[:, wide - reach : wide + reach + 1] - baseline[:, None])


def _medians(rows: Signal) -> Signal:
    """Median of what is there of each row, 0 where nothing is. array (n,)."""
    finite = np.isfinite(rows)
    medians = np.median(rows, axis=1)  # ten times as fast as where NaN must be passed over
    holey = ~finite.all(axis=1)
    if holey.any():
        known = np.where(finite[holey].any(axis=1, keepdims=True), rows[holey], 0)
        medians[holey] = np.nanmedian(known, axis=1)
    return np.asarray(medians)


def parabola_shift(rows: NDArray[np.floating], peak: NDArray[np.int64]) -> Float:
    """Offset of the vertex of the parabola through each peak and its neighbours, in samples (-0.5 to 0.5)."""
    inner = np.clip(peak, 1, rows.shape[1] - 2)
    n = np.arange(len(rows))
    left, top, right = rows[n, inner - 1], rows[n, inner], rows[n, inner + 1]
    bend = (left - 2 * top + right).astype(np.float64)
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1), 0.0)
    return np.where(inner == peak, np.clip(shift, -0.5, 0.5), 0.0)

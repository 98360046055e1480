"""Whether a P wave comes before the beats: what speaks against atrial fibrillation, or for it.

The signal before the R waves of some thirty beats is averaged. A P wave stands at the same place before each and
stays; fibrillatory waves and noise do not and cancel. How large the average is against what chance leaves of it says
whether there is a P wave; how much chance leaves says whether a small one could have been seen at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from holter2sleep.heart.intervals import near_together
from holter2sleep.night import Beats, Bool, Float, Recording
from holter2sleep.waveform import Waveform

# Before R: the QRS begins some 40 ms, with a deep Q 75 ms before R; the P wave 120 to 200 ms before the QRS.
LAG_S = np.arange(-0.25, -0.085, 0.01)
SMOOTHING_S = 0.012  # of the signal, about one step of LAG_S
SHORTEST_RR_S = 0.55  # after less, the T wave of the beat before reaches into the P wave (QT 0.4 s sqrt(RR), Bazett)
WINDOW = 30  # beats averaged, as many as the intervals looked at
FEWEST_BEATS = 10  # in a window, for an average that means anything
TYPICAL_P = 0.02  # root mean square of the stretch, of the R wave's height: a P wave of 0.1 mV before an R of 1.5 mV
LARGEST_EVIDENCE = 4.0  # log of signal to noise: beyond it the question is settled
OUTLIER = 3.0  # beats whose stretch ranges so many times wider than their neighbours' are left out: noise, T waves
BATCH = 4096  # beats looked at together
MARGIN = 64  # beats either side that a window, and what it is compared with, can reach


@dataclass(frozen=True)
class PWaves:
    """What the signal before each beat says; both 0 where it says nothing. arrays (n_beats,), 0 to 2."""

    absent: Float
    present: Float

    @classmethod
    def unknown(cls, n_beats: int) -> PWaves:
        """No evidence."""
        return cls(np.zeros(n_beats), np.zeros(n_beats))


def p_waves(recording: Recording, beats: Beats) -> PWaves | None:
    """Evidence of P waves around each beat; None without a waveform.

    Beats that are not usable, V, or soon after the one before take no part in an average.
    """
    if recording.ecg is None or recording.fs is None:
        return None
    taken = beats.usable & (beats.label != "V") & (beats.rr_s >= SHORTEST_RR_S)
    found = PWaves.unknown(len(beats))
    for first in range(0, len(beats), BATCH):
        near = slice(max(0, first - MARGIN), first + BATCH + MARGIN)
        rows, whole = rows_before(recording.ecg, recording.fs, beats.time_s[near])
        batch = _evidence(rows, whole & taken[near], beats.amplitude_mv[near])
        own = slice(first, min(first + BATCH, len(beats)))
        inside = slice(first - near.start, first - near.start + own.stop - own.start)
        found.absent[own], found.present[own] = batch.absent[inside], batch.present[inside]
    return found


def rows_before(ecg: Waveform, fs: float, time_s: Float) -> tuple[Float, Bool]:
    """The signal at LAG_S before each R, levelled and without slope, mV, and whether all of it is there.

    array (n_beats, n_lags), array (n_beats,)
    """
    at = np.rint((time_s[:, None] + LAG_S) * fs).astype(np.int64)
    width = max(1, round(SMOOTHING_S * fs))
    rows = np.full(at.shape, np.nan)
    for part in near_together(time_s):
        first = max(0, int(at[part.start, 0]) - width)
        piece = np.asarray(ecg[first : int(at[part.stop - 1, -1]) + width + 1], np.float64)
        if len(piece):
            smooth = ndimage.uniform_filter1d(piece, width) if np.isfinite(piece).all() else _gappy(piece, width)
            rows[part] = smooth[np.clip(at[part] - first, 0, len(piece) - 1)]
    whole = np.isfinite(rows).all(axis=1) & (at[:, 0] >= 0) & (at[:, -1] < len(ecg))
    return np.where(whole[:, None], _without_slope(rows), 0.0), whole


def _gappy(piece: Float, width: int) -> Float:
    """The smoothed signal, NaN where a sample it needs is missing."""
    known = np.isfinite(piece)
    smooth = ndimage.uniform_filter1d(np.where(known, piece, 0.0), width)
    return np.where(ndimage.minimum_filter1d(known.astype(np.uint8), width) > 0, smooth, np.nan)


def _without_slope(rows: Float) -> Float:
    lag = LAG_S - LAG_S.mean()
    level = rows - rows.mean(axis=1, keepdims=True)
    return level - ((level @ lag) / (lag @ lag))[:, None] * lag


def _evidence(rows: Float, taken: Bool, amplitude_mv: np.ndarray) -> PWaves:
    span = np.ptp(rows, axis=1)
    taken = taken & (span <= OUTLIER * ndimage.median_filter(span, 2 * WINDOW + 1, mode="nearest"))
    signal, noise, n = averaged_power(rows, taken)
    height = ndimage.median_filter(np.abs(np.nan_to_num(amplitude_mv)).astype(np.float64), WINDOW + 1, mode="nearest")
    known = (n >= FEWEST_BEATS) & (height > 0) & (noise > 0)
    safe_noise = np.where(known, noise, 1.0)
    found = np.log(np.maximum(signal / safe_noise, 1.0))
    expected = np.log1p((TYPICAL_P * height) ** 2 / safe_noise)
    share = found / np.maximum(expected, 1e-9)  # 0: what chance leaves; 1: a typical P wave
    weight = np.where(known, np.minimum(expected, LARGEST_EVIDENCE), 0.0)
    return PWaves(weight * np.clip(0.5 - share, 0, 0.5), weight * np.clip(share - 0.5, 0, 0.5))


def averaged_power(rows: Float, taken: Bool) -> tuple[Float, Float, Float]:
    """Power of the average of the rows around each, what chance alone leaves in it, and how many were taken.

    arrays (n,): mV2, mV2, count. For rows that are noise alone the two powers are equal on average.
    """

    def total(values: Float) -> Float:
        return ndimage.uniform_filter1d(values, WINDOW, axis=0, mode="constant") * WINDOW

    n = np.rint(total(taken.astype(np.float64)))
    rows = np.where(taken[:, None], rows, 0.0)
    count = np.maximum(n, 2.0)[:, None]
    mean = total(rows) / count
    variance = np.maximum(total(rows**2) / count - mean**2, 0.0) * count / (count - 1)
    return (mean**2).mean(axis=1), (variance / count).mean(axis=1), n

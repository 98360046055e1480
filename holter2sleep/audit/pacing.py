"""Spikes of a pacemaker before the beats: steep, gone within milliseconds, and always as long before the R wave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holter2sleep.audit.looked import Stretch

LOWEST_HZ = 200.0  # below, the filter of the recorder leaves nothing of a spike of 2 ms
BEATS = 500  # of a stretch that are looked at
BEFORE_S = (0.3, 0.03)  # a spike lies so long before the R wave
RISE_S = 0.004  # within which a spike rises, whatever the rate
GONE_S = 0.008  # after which it is gone
SLOPE = 0.5  # of the QRS complex's steepest rise
BACK = 0.5  # of the spike that is gone
PACE_SHARE = 0.3  # of the beats
LOCKED_S = 0.01  # either side of the usual time before the R wave: noise is not locked to it


def pacing_share(stretches: tuple[Stretch, ...], fs: float) -> float | None:
    """Share of beats with a spike at the usual time before the QRS complex; None below 200 Hz.

    Spikes that a recorder has smoothed into the QRS complex, as in the paced records of the MIT-BIH Arrhythmia
    Database, are not found.
    """
    if fs < LOWEST_HZ:
        return None
    found = [_spikes(stretch, fs) for stretch in stretches]
    n_beats = sum(n for _, n in found)
    before = np.concatenate([at for at, _ in found])
    if n_beats == 0 or len(before) == 0:
        return 0.0 if n_beats else None
    usual = np.median(before)
    return float((np.abs(before - usual) <= LOCKED_S * fs).sum() / n_beats)


def _spikes(stretch: Stretch, fs: float) -> tuple[NDArray[np.int64], int]:
    """How many samples before the R wave each spike lies, and the number of beats looked at."""
    ecg = stretch.recording.ecg
    beat_s = stretch.beat_s[stretch.usable]
    beat_s = beat_s[:: max(1, len(beat_s) // BEATS)]
    if ecg is None or len(beat_s) == 0:
        return np.empty(0, np.int64), 0
    rise, gone = max(1, round(RISE_S * fs)), max(2, round(GONE_S * fs))
    first, last = (round(s * fs) for s in BEFORE_S)
    centre = first + rise + gone
    rows = np.nan_to_num(ecg.around(np.round(beat_s * fs).astype(np.int64), centre))
    slope = np.abs(rows[:, rise:] - rows[:, :-rise])
    qrs = slope[:, centre - last + 2 * rise :].max(axis=1)
    at = slope[:, centre - first : centre - last].argmax(axis=1) + centre - first
    row = np.arange(len(rows))
    back = np.abs(rows[row, at + rise + gone] - rows[row, at - rise])
    is_spike = (slope[row, at] > SLOPE * qrs) & (back < BACK * slope[row, at])
    return (centre - at[is_spike]).astype(np.int64), len(rows)

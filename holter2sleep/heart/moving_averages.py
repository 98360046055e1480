"""A second opinion on beats that knows nothing of shapes: energy of a QRS against that of a whole beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from holter2sleep.heart.candidates import WORK_HZ
from holter2sleep.night import Float
from holter2sleep.spans import runs
from holter2sleep.waveform import Signal

QRS_S, BEAT_S, OFFSET = 0.097, 0.611, 0.08  # Elgendi 2013 (PLoS ONE 8:e73557), table 3


def beats_by_energy(energy: Signal) -> Float:
    """R peaks after Elgendi 2013, s from the first sample. array (n_beats,).

    Parameters
    ----------
    energy
        From `in_bands`, at `WORK_HZ`.
    """
    qrs = ndimage.uniform_filter1d(energy, round(QRS_S * WORK_HZ))
    beat = ndimage.uniform_filter1d(energy, round(BEAT_S * WORK_HZ))
    # the offset (of the mean energy) from the median over seconds: a burst must not hide the beats around it
    second = int(WORK_HZ)
    level = np.median(energy[: len(energy) // second * second].reshape(-1, second).mean(axis=1))
    start, end = runs(qrs > beat + OFFSET * level)
    wide = end - start >= round(QRS_S * WORK_HZ)
    return _highest(energy, start[wide], end[wide]) / WORK_HZ


def _highest(values: Signal, first: NDArray[np.intp], behind: NDArray[np.intp]) -> NDArray[np.int64]:
    """Index of the first of the highest values within each of some stretches, one after another. array (n,)."""
    if len(first) == 0:
        return np.empty(0, np.int64)
    length = behind - first
    within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    index = np.repeat(first, length) + within
    top = np.maximum.reduceat(values[index], np.cumsum(length) - length)
    at = index[values[index] == np.repeat(top, length)]
    return at[np.searchsorted(at, first)].astype(np.int64)

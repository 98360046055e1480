"""The waveform in pieces small enough for a screen: samples, or their smallest and largest where there are too many."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.waveform import Waveform

BIN_S = 0.05  # of the ladder's first rung: 20 an RR interval of a second, and 5 MB for 8 h
MOST_POINTS = 8000  # in one piece: two a pixel of the widest screen
LONGEST_RAW_S = 120.0  # as long a stretch is read from the file within the time of a frame; longer ones take the ladder

Signal = NDArray[np.float32]


@dataclass(frozen=True)
class Piece:
    """A stretch of the lead, mV: samples, or pairs of smallest and largest; NaN where there is none."""

    start_s: float
    step_s: float  # of a sample, or of a pair
    values: Signal  # (n,) or (n, 2)


class Pieces:
    """The lead of a night in pieces; the ladder of smallest and largest is built once, in the background."""

    def __init__(self, ecg: Waveform, fs: float) -> None:
        self._ecg, self._fs = ecg, fs
        self._bin = max(1, round(BIN_S * fs))
        self._lock = threading.Lock()  # the waveform's cache is no place for two
        self._ladder: Signal | None = None
        threading.Thread(target=self._build, daemon=True).start()

    @property
    def duration_s(self) -> float:
        """Length of the lead."""
        return len(self._ecg) / self._fs

    def piece(self, start_s: float, end_s: float, n_points: int) -> Piece | None:
        """A stretch in at most `n_points` columns; None while the ladder for so long a stretch is being built."""
        n_points = max(1, min(n_points, MOST_POINTS))
        if end_s - start_s > LONGEST_RAW_S:
            return self._of_ladder(start_s, end_s, n_points)
        first, last = max(0, int(start_s * self._fs)), min(len(self._ecg), int(np.ceil(end_s * self._fs)) + 1)
        with self._lock:
            samples = self._ecg[first:last]
        if len(samples) <= 2 * n_points:
            return Piece(first / self._fs, 1 / self._fs, samples)
        width = -(-len(samples) // n_points)
        return Piece(first / self._fs, width / self._fs, extremes(samples, width))

    def _of_ladder(self, start_s: float, end_s: float, n_points: int) -> Piece | None:
        ladder, step_s = self._ladder, self._bin / self._fs
        if ladder is None:
            return None
        first, last = max(0, int(start_s / step_s)), min(len(ladder), int(np.ceil(end_s / step_s)) + 1)
        width = max(1, -(-(last - first) // n_points))
        rungs = ladder[first:last]
        low, high = (extremes(rungs[:, side], width)[:, side] for side in (0, 1))
        return Piece(first * step_s, width * step_s, np.column_stack([low, high]))

    def _build(self) -> None:
        blocks = []
        size = self._bin * (1 << 16) // 4
        for first in range(0, len(self._ecg), size):
            with self._lock:
                samples = self._ecg[first : first + size]
            blocks.append(extremes(samples, self._bin))
        self._ladder = np.concatenate(blocks) if blocks else np.empty((0, 2), np.float32)


def extremes(samples: Signal, width: int) -> Signal:
    """Smallest and largest of each `width` samples, NaN of none. array (n, 2).

    Examples
    --------
    >>> extremes(np.array([1, 3, 2, np.nan, 5], np.float32), 2).tolist()
    [[1.0, 3.0], [2.0, 2.0], [5.0, 5.0]]
    """
    if len(samples) == 0:
        return np.empty((0, 2), np.float32)
    first = np.arange(0, len(samples), width)
    pairs = np.column_stack([np.fmin.reduceat(samples, first), np.fmax.reduceat(samples, first)])
    return pairs.astype(np.float32, copy=False)

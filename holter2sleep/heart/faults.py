"""Seconds of ECG that hold no signal: missing, flat or saturated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import Flag, Recording
from holter2sleep.spans import Spans, as_spans, runs, spans_of_mask

CELL_S = 1.0  # a lost electrode shows within a second; shorter cells cut through T waves that are truly flat


@dataclass(frozen=True)
class FaultRules:
    """Keys of `[faults]`."""

    flat_mv: float
    flat_s: float
    saturated_share: float
    missing_share: float


@dataclass(frozen=True)
class Faults:
    """What is wrong with each second. `flags` has the bits of `Flag`."""

    flags: NDArray[np.uint16]  # (n_cells,)
    duration_s: float

    @property
    def spans(self) -> Spans:
        """Time without signal."""
        spans = spans_of_mask(self.flags > 0, CELL_S)
        return as_spans(np.minimum(spans, self.duration_s))


def find_faults(recording: Recording, rules: FaultRules) -> Faults:
    """Missing, flat and saturated seconds of a recording; none for a beat file."""
    if recording.ecg is None or recording.fs is None:
        return Faults(np.zeros(int(np.ceil(recording.duration_s / CELL_S)), np.uint16), recording.duration_s)
    ecg = recording.ecg
    n_cells = max(1, int(np.ceil(len(ecg) / recording.fs / CELL_S - 1e-9)))
    # each cell's own borders: with cells of 62 samples at 62.5 Hz, a night would drift by four minutes
    edges = np.append(np.floor(CELL_S * recording.fs * np.arange(n_cells)), len(ecg)).astype(np.int64)
    low, high = _rails(ecg)
    flags = np.zeros(n_cells, np.uint16)
    # 1,000 cells at a time: memory grows with the block, not with the recording
    for first in range(0, n_cells, 1000):
        flags[first : first + 1000] = _cell_flags(ecg, edges[first : first + 1001], low, high, rules)
    return Faults(_without_short_flats(flags, rules.flat_s), recording.duration_s)


def _without_short_flats(flags: NDArray[np.uint16], flat_s: float) -> NDArray[np.uint16]:
    """Flat stretches shorter than `flat_s` cleared: asystole is flat too, and must stay visible as a pause."""
    for start, end in zip(*runs(flags & Flag.FLAT > 0), strict=True):
        if (end - start) * CELL_S < flat_s:
            flags[start:end] &= ~np.uint16(Flag.FLAT)
    return flags


def _rails(ecg: NDArray[np.float32]) -> tuple[float, float]:
    """Lowest and highest value, if the signal sticks there; infinite when it never does."""
    if not np.isfinite(ecg).any():
        return -np.inf, np.inf
    low, high = float(np.nanmin(ecg)), float(np.nanmax(ecg))
    # A clipped amplifier repeats its extreme in a row; a tall R wave touches it once.
    sticks = [bool(((ecg[:-1] == rail) & (ecg[1:] == rail)).sum() >= 5) for rail in (low, high)]
    return (low if sticks[0] else -np.inf), (high if sticks[1] else np.inf)


def _cell_flags(
    ecg: NDArray[np.float32], edges: NDArray[np.int64], low: float, high: float, rules: FaultRules
) -> NDArray[np.uint16]:
    length = np.diff(edges)  # the last second of a record may be cut short
    index = edges[:-1, None] + np.arange(length.max())
    x = np.where(index < edges[1:, None], ecg[np.minimum(index, len(ecg) - 1)], np.float32(np.nan))
    finite = np.isfinite(x)
    top = np.where(finite, x, -np.inf).max(axis=1)
    bottom = np.where(finite, x, np.inf).min(axis=1)
    present = finite.sum(axis=1) / length
    railed = ((x <= low) | (x >= high)).sum(axis=1) / length
    flags = np.where(present < 1 - rules.missing_share, Flag.MISSING, 0)
    flags |= np.where((present > 0) & (top - bottom < rules.flat_mv), Flag.FLAT, 0)
    flags |= np.where(railed > rules.saturated_share, Flag.SATURATED, 0)
    return flags.astype(np.uint16)

"""Seconds of ECG that hold no signal: missing, flat or saturated."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from holter2sleep.io.ecg_likeness import TAKEN_FROM, ecg_likeness
from holter2sleep.night import Bool, Flag, Float, Recording
from holter2sleep.spans import Spans, as_spans, covers, runs, spans_of_mask
from holter2sleep.waveform import Signal, Waveform

BATCH = 1000  # cells looked at together
STICKS = 5  # times that two samples in a row lie at the extreme
CELL_S = 1.0  # a lost electrode shows within a second; shorter cells cut through T waves that are truly flat
LARGEST_TYPICAL_MV = 50.0  # range of a usual second: ten times the tallest R wave; beyond, the unit is wrong
TINY = 10.0  # times `flat_mv`: nine tenths of a lead's seconds stay below when its unit is wrong by 1000 or more
GLANCE_S = 60.0  # of signal, in three places, to tell a tiny ECG from the noise of a lead that is off


@dataclass(frozen=True)
class FaultRules:
    """Keys of `[faults]`."""

    flat_mv: float
    flat_share: float
    flat_s: float
    saturated_share: float
    missing_share: float


@dataclass(frozen=True)
class Faults:
    """What is wrong with each second. `flags` has the bits of `Flag`."""

    flags: NDArray[np.uint16]  # (n_cells,)
    duration_s: float

    @cached_property
    def spans(self) -> Spans:
        """Time without signal; asked for once for every ten minutes of it."""
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
    # a gap is not looked at: days may lie between two stretches of a file
    in_gap = covers(recording.gaps, edges[:-1] / recording.fs, edges[1:] / recording.fs)
    there = [(first, min(first + BATCH, behind)) for a, behind in _runs(~in_gap) for first in range(a, behind, BATCH)]
    rails = _rails(ecg, [(int(edges[first]), int(edges[behind])) for first, behind in there])
    flags = np.full(n_cells, Flag.MISSING, np.uint16)
    range_mv = np.full(n_cells, np.nan)
    for first, behind in there:
        part, cells = edges[first : behind + 1], slice(first, behind)
        flags[cells], range_mv[cells] = _cell_flags(ecg[part[0] : part[-1]], part - part[0], rails, rules)
    flat_below_mv = _flat_below(ecg, recording.fs, range_mv, rules)
    flags |= np.where(range_mv < flat_below_mv, Flag.FLAT, 0).astype(np.uint16)
    return Faults(_without_short_flats(flags, rules.flat_s), recording.duration_s)


def _without_short_flats(flags: NDArray[np.uint16], flat_s: float) -> NDArray[np.uint16]:
    """Flat stretches shorter than `flat_s` cleared: asystole is flat too, and must stay visible as a pause."""
    for start, end in zip(*runs(flags & Flag.FLAT > 0), strict=True):
        if (end - start) * CELL_S < flat_s:
            flags[start:end] &= ~np.uint16(Flag.FLAT)
    return flags


def _runs(mask: Bool) -> list[tuple[int, int]]:
    """First cell of each run of true ones, and the cell behind its last."""
    return [(int(first), int(behind)) for first, behind in zip(*runs(mask), strict=True)]


def _rails(ecg: Waveform, pieces: list[tuple[int, int]]) -> tuple[float, float]:
    """Lowest and highest value of the pieces, if the signal sticks there; infinite when it never does."""
    known = (block[np.isfinite(block)] for block in (ecg[first:behind] for first, behind in pieces))
    extremes = [(np.min(values), np.max(values)) for values in known if len(values)]
    if not extremes:
        return -np.inf, np.inf
    low, high = float(min(low for low, _ in extremes)), float(max(high for _, high in extremes))
    # A clipped amplifier repeats its extreme in a row; a tall R wave touches it once.
    n_low, n_high = (sum(_repeats(ecg[first : behind + 1], rail) for first, behind in pieces) for rail in (low, high))
    return (low if n_low >= STICKS else -np.inf), (high if n_high >= STICKS else np.inf)


def _repeats(ecg: Signal, value: float) -> int:
    """How often two samples in a row have the value."""
    return int(((ecg[:-1] == value) & (ecg[1:] == value)).sum())


def _cell_flags(
    ecg: Signal, edges: NDArray[np.int64], rails: tuple[float, float], rules: FaultRules
) -> tuple[NDArray[np.uint16], Float]:
    """Flags of each cell but FLAT, and its range from lowest to highest sample, mV; NaN in a cell without samples."""
    length = np.diff(edges)  # the last second of a record may be cut short
    index = edges[:-1, None] + np.arange(length.max())
    x = np.where(index < edges[1:, None], ecg[np.minimum(index, len(ecg) - 1)], np.float32(np.nan))
    finite = np.isfinite(x)
    top = np.where(finite, x, -np.inf).max(axis=1)
    bottom = np.where(finite, x, np.inf).min(axis=1)
    present = finite.sum(axis=1) / length
    railed = ((x <= rails[0]) | (x >= rails[1])).sum(axis=1) / length
    flags = np.where(present < 1 - rules.missing_share, Flag.MISSING, 0)
    flags |= np.where(railed > rules.saturated_share, Flag.SATURATED, 0)
    return flags.astype(np.uint16), np.where(present > 0, top - bottom, np.nan).astype(np.float64)


def _flat_below(ecg: Waveform, fs: float, range_mv: Float, rules: FaultRules) -> float:
    """The range below which a second is flat, mV: that of the rules, or where the unit must be wrong, of the lead.

    A lead whose unit is wrong by a thousand would be flat, or never flat, throughout. Tiny ranges alone do not make
    a wrong unit: they are also what a lead gives that is not connected. It must show beats.
    """
    varying = range_mv[range_mv > 0]
    if len(varying) == 0:
        return rules.flat_mv
    typical_mv = float(np.median(varying))
    tiny = typical_mv < 2 * rules.flat_mv and np.quantile(varying, 0.9) < TINY * rules.flat_mv
    if typical_mv > LARGEST_TYPICAL_MV or (tiny and _shows_beats(ecg, fs)):
        return rules.flat_share * typical_mv
    return rules.flat_mv


def _shows_beats(ecg: Waveform, fs: float) -> bool:
    """Whether a minute at a quarter, half or three quarters of the lead looks like an ECG."""
    n, glance = len(ecg), round(GLANCE_S * fs)
    starts = (max(0, n * quarter // 4 - glance // 2) for quarter in (2, 1, 3))
    return any(ecg_likeness(ecg[start : start + glance], fs).score >= TAKEN_FROM for start in starts)

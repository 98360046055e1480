"""Cyclic variation of heart rate: the trace that repeated apnoeas leave in the intervals. First form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from holter2sleep.autonomic.even_pieces import even_pieces
from holter2sleep.night import NN, Episodes, Float

STEP_S = 0.5  # of the resampled interval series: dips last 10 s and more

# Hayano 2011 (Circ Arrhythm Electrophysiol 4:64-72): what makes a dip, and a train of dips
WIDTH_S = (10.0, 120.0)
CYCLE_S = (25.0, 130.0)
TRAIN = 4  # dips in a row
SHAPE_S = 25.0  # either side of a dip whose shape is compared: half the shortest train's spacing
EQUIVALENCE = 0.6  # of three successive cycle lengths


@dataclass(frozen=True)
class CvhrRules:
    """Keys of `[cvhr]`."""

    smoothing_s: float
    minimum_slope_ms_per_s: float
    minimum_depth_ms: float
    minimum_similarity: float
    largest_hole_s: float


def find_cvhr(nn: NN, rules: CvhrRules) -> Episodes:
    """Dips of the interval series that belong to a train of like cycles, one episode (`CVHR`) each.

    A dip counts when it is 10-120 s wide, deep enough in itself and for its width, and one of at least
    four in a row, 25-130 s apart, alike in shape and cycle length. Intervals are smoothed first, so that
    breathing itself makes no dip. Nothing is said across a hole in the NN series.
    """
    found = [_trains(time_s, smooth_ms, rules) for time_s, smooth_ms in _smooth_pieces(nn, rules)]
    spans = np.concatenate([np.empty((0, 2)), *found])
    n = len(spans)
    unknown = np.full(n, np.nan)
    n_beats = np.searchsorted(nn.end_s, spans[:, 1]) - np.searchsorted(nn.end_s, spans[:, 0])
    return Episodes(spans[:, 0], spans[:, 1], np.full(n, "CVHR"), n_beats, unknown, unknown)


def _smooth_pieces(nn: NN, rules: CvhrRules) -> list[tuple[Float, Float]]:
    """Stretches of NN without a long hole, on a regular time line and smoothed."""
    pieces = even_pieces(nn, STEP_S, rules.largest_hole_s, TRAIN * CYCLE_S[0])
    return [(time_s, ndimage.gaussian_filter1d(even_ms, rules.smoothing_s / STEP_S)) for time_s, even_ms in pieces]


def _trains(time_s: Float, smooth_ms: Float, rules: CvhrRules) -> Float:
    """Spans of the dips that are part of a train. array (n, 2), s."""
    bottom, width_s = _dips(smooth_ms, rules)
    bottom_s, shape = time_s[bottom], _shapes(smooth_ms, bottom)
    member = np.zeros(len(bottom), bool)
    for first in range(len(bottom) - TRAIN + 1):
        train = slice(first, first + TRAIN)
        if _equivalent(np.diff(bottom_s[train])) and _similarity(shape[train]) >= rules.minimum_similarity:
            member[train] = True
    half_s = width_s[member] / 2
    return np.column_stack([bottom_s[member] - half_s, bottom_s[member] + half_s])


def _dips(smooth_ms: Float, rules: CvhrRules) -> tuple[NDArray[np.int64], Float]:
    """Index of the bottom and width (s) of each dip of a smoothed interval series."""
    bottom, facts = signal.find_peaks(
        -smooth_ms,
        prominence=rules.minimum_depth_ms,
        width=(WIDTH_S[0] / STEP_S, WIDTH_S[1] / STEP_S),
        rel_height=0.8,
        wlen=round(2 * WIDTH_S[1] / STEP_S) | 1,
    )
    width_s = facts["widths"] * STEP_S
    steep = facts["prominences"] / width_s >= rules.minimum_slope_ms_per_s
    return bottom[steep], width_s[steep]


def _shapes(smooth_ms: Float, bottom: NDArray[np.int64]) -> Float:
    """The series around each bottom, levelled and of unit norm; zeros at the ends. array (n_dips, n_samples)."""
    half = round(SHAPE_S / STEP_S)
    rows = np.zeros((len(bottom), 2 * half + 1))
    for row, middle in zip(rows, bottom, strict=True):
        if half <= middle < len(smooth_ms) - half:
            row[:] = smooth_ms[middle - half : middle + half + 1]
    rows -= rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def _similarity(shape: Float) -> float:
    """Mean correlation between the dips of a train."""
    return float(((shape @ shape.T).sum() - TRAIN) / (TRAIN * (TRAIN - 1)))


def _equivalent(cycles_s: Float) -> bool:
    """Whether cycle lengths lie in range and are nearly equal (Hayano's product of 3 - 2 I / mean I)."""
    factors = 3 - 2 * cycles_s / cycles_s.mean()
    in_range = (cycles_s >= CYCLE_S[0]).all() and (cycles_s <= CYCLE_S[1]).all()
    return bool(in_range and factors.prod() > EQUIVALENCE)  # of three, at most one is negative

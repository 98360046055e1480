"""Heart rate epoch by epoch."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.night import Beats, EpochGrid, Float
from holter2sleep.spans import Spans


@dataclass(frozen=True)
class EpochRates:
    """Of each epoch mean rate, and median, 5th and 95th percentile of beat-to-beat rates; NaN without an interval."""

    mean_bpm: Float  # (n_epochs,)
    median_bpm: Float  # (n_epochs,)
    p05_bpm: Float  # (n_epochs,)
    p95_bpm: Float  # (n_epochs,)


def mean_rates(beats: Beats, usable_spans: Spans, grid: EpochGrid) -> Float:
    """Mean rate of each epoch, from the intervals between successive usable beats of any class. array (n_epochs,).

    An interval belongs to its second beat.
    """
    rr_s, borders = _intervals(beats, usable_spans, grid)
    total_s = np.diff(np.r_[0.0, np.cumsum(rr_s)][borders])
    n = np.diff(borders)
    return np.where(n > 0, 60 * n / np.where(n > 0, total_s, 1.0), np.nan)


def epoch_rates(beats: Beats, usable_spans: Spans, grid: EpochGrid) -> EpochRates:
    """The mean rates, and how the rates from beat to beat spread around them."""
    rr_s, borders = _intervals(beats, usable_spans, grid)
    found = np.full((3, grid.n), np.nan)
    for epoch, (first, last) in enumerate(itertools.pairwise(borders)):
        if last > first:
            found[:, epoch] = 60 / _quantiles(np.sort(rr_s[first:last]))
    return EpochRates(mean_rates(beats, usable_spans, grid), *found)


def _intervals(beats: Beats, usable_spans: Spans, grid: EpochGrid) -> tuple[Float, NDArray[np.intp]]:
    """Trusted intervals, and where each epoch's begin among them; the last border is their number."""
    trusted = trusted_rr(beats, usable_spans)
    return beats.rr_s[trusted], np.searchsorted(beats.time_s[trusted], grid.edges_s)


def _quantiles(ordered: Float) -> Float:
    """Median, 95th and 5th percentile of sorted values (numpy's is slow for a thousand small groups). array (3,)."""
    position = np.array([0.5, 0.95, 0.05]) * (len(ordered) - 1)
    return np.interp(position, np.arange(len(ordered)), ordered)

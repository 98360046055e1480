"""Heart rate epoch by epoch."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.night import Beats, EpochGrid, Float
from holter2sleep.spans import Spans


@dataclass(frozen=True)
class EpochRates:
    """Mean rate of each epoch, and the 5th and 95th percentile of its beat-to-beat rates; NaN without an interval."""

    mean_bpm: Float  # (n_epochs,)
    p05_bpm: Float  # (n_epochs,)
    p95_bpm: Float  # (n_epochs,)


def epoch_rates(beats: Beats, usable_spans: Spans, grid: EpochGrid) -> EpochRates:
    """Rates from the intervals between successive usable beats of any class; each belongs to its second beat."""
    trusted = trusted_rr(beats, usable_spans)
    rr_s, end_s = beats.rr_s[trusted], beats.time_s[trusted]
    borders = np.searchsorted(end_s, grid.edges_s)
    rates = np.full((3, grid.n), np.nan)
    for epoch, (first, last) in enumerate(itertools.pairwise(borders)):
        if last > first:
            rr = np.sort(rr_s[first:last])
            rates[:, epoch] = 60 / np.array([rr.mean(), *_quantiles(rr)])
    return EpochRates(*rates)


def _quantiles(ordered: Float) -> tuple[float, float]:
    """95th and 5th percentile of sorted values (numpy's is slow for a thousand small groups)."""
    position = np.array([0.95, 0.05]) * (len(ordered) - 1)
    high, low = np.interp(position, np.arange(len(ordered)), ordered)
    return float(high), float(low)

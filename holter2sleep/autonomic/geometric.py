"""Heart-rate variability by the shape of the histogram of intervals: triangular index, TINN, median."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holter2sleep.autonomic.blocks import MINIMUM_BLOCKS, Estimates, block_of, estimates, ratio
from holter2sleep.night import NN, Float

BIN_MS = 1000 / 128  # Task Force 1996, section on geometric methods: the sampling of its time
LAST_BIN = round(4000 / BIN_MS)  # what is longer, below 15/min, is put in with it: no rhythm is so slow


def geometric_measures(nn: NN) -> Estimates:
    """Measures of the histogram with bins of 1/128 s; NaN without intervals.

    TINN is the base of the triangle with the height and the place of the highest bin that comes nearest to the
    histogram (least squares); its feet lie on middles of bins. The median is that of the intervals themselves.

    References
    ----------
    Task Force 1996, table 1 and the section on geometric methods.
    """
    names = ("nn_median", "triangular_index", "tinn")
    if len(nn) == 0:
        return Estimates(dict.fromkeys(names, np.nan))
    place = np.minimum(np.floor(nn.nn_ms / BIN_MS), LAST_BIN).astype(np.int64)
    found = estimates(_histograms(nn, place - place.min()), _of_histogram)
    return _about(found, "nn_median", float(np.median(nn.nn_ms)))


def _histograms(nn: NN, place: NDArray[np.int64]) -> Float:
    """Histogram of each block. array (n_blocks, n_bins)."""
    block, n_bins = block_of(nn.end_s), int(place.max()) + 1
    n_blocks = int(block[-1]) + 1
    if n_blocks < MINIMUM_BLOCKS:  # no interval: one histogram will do
        block, n_blocks = np.zeros_like(block), 1
    return np.bincount(block * n_bins + place, minlength=n_blocks * n_bins).reshape(n_blocks, n_bins).astype(np.float64)


def _of_histogram(counts: Float) -> dict[str, Float]:
    """The measures of a histogram; the median above its first bin."""
    whole = counts.astype(np.int64)  # running sums of whole numbers take a third of the time
    top = np.argmax(whole, axis=-1)[..., None]
    feet = _foot(whole, top) + _foot(whole[..., ::-1], counts.shape[-1] - 1 - top)
    return {
        "nn_median": BIN_MS * _median_bin(whole),
        "triangular_index": ratio(counts.sum(axis=-1), counts.max(axis=-1)),
        "tinn": BIN_MS * feet,
    }


def _median_bin(counts: NDArray[np.int64]) -> Float:
    """Where half of the counts lie below, in bins, straight within a bin. array (...)."""
    below = np.cumsum(counts, axis=-1)
    half = below[..., -1:] / 2
    at = np.argmax(below >= half, axis=-1)[..., None]
    inside = np.take_along_axis(counts, at, -1)
    median: Float = (at + (half - np.take_along_axis(below, at, -1)) / inside + 1)[..., 0]
    return median


def _foot(counts: NDArray[np.int64], top: NDArray[np.int64]) -> Float:
    """Bins from the highest bin down to the foot of the best side of a triangle. array (...).

    A side with its foot w bins away holds 1 - j / w of the height at distance j. What its square error owes to w are
    sums over j < w, and these are running sums along the histogram. With n counts and the height h, no foot is farther
    than 6 n / h: what the side holds of the square error, more than h w / 3, would outweigh all it can gain, 2 n.
    """
    farthest = int((6 * counts.sum(axis=-1) / counts.max(axis=-1)).max()) + 1
    distance = np.arange(min(farthest, counts.shape[-1]))
    down = np.take_along_axis(counts, np.maximum(top - distance, 0), -1) * (distance <= top)
    height, foot = down[..., :1], distance + 1.0
    along = np.cumsum(down, -1) - np.cumsum(distance * down, -1) / foot
    own = 1 + distance * (2 * foot - 1) / (6 * foot)  # sum of (1 - j / w) ** 2
    return np.argmin(height * own - 2 * along, axis=-1) + 1.0


def _about(found: Estimates, name: str, value: float) -> Estimates:
    """A value in place of its estimate from the histogram, whose interval moves along."""
    shift = value - found.values[name]
    intervals = dict(found.intervals)
    if name in intervals:
        low, high = intervals[name]
        intervals[name] = (low + shift, high + shift)
    return Estimates({**found.values, name: value}, intervals)

"""Half-open time intervals as arrays: `(n, 2)` float64 seconds, sorted, disjoint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Spans = NDArray[np.float64]  # (n, 2), s

EMPTY: Spans = np.empty((0, 2))


def as_spans(pairs: object) -> Spans:
    """Spans from any sequence of `(start, end)`, sorted, touching and overlapping ones merged."""
    spans = np.asarray(pairs, dtype=np.float64).reshape(-1, 2)
    spans = spans[spans[:, 1] > spans[:, 0]]
    if len(spans) == 0:
        return EMPTY
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    reach = np.maximum.accumulate(spans[:, 1])
    first = np.r_[True, spans[1:, 0] > reach[:-1]]
    last = np.r_[first[1:], True]
    return np.column_stack([spans[first, 0], reach[last]])


def runs(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Index of the first true value of each run of them, and the index behind its last.

    Examples
    --------
    >>> first, behind = runs(np.array([True, True, False, True]))
    >>> first.tolist(), behind.tolist()
    ([0, 3], [2, 4])
    """
    edges = np.diff(np.r_[0, np.asarray(mask, dtype=np.int8), 0])
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def spans_of_mask(mask: NDArray[np.bool_], step_s: float, offset_s: float = 0.0) -> Spans:
    """Spans covered by the true cells of a regular grid with cells of `step_s` seconds."""
    return np.column_stack(runs(mask)).astype(np.float64) * step_s + offset_s


def duration(spans: Spans) -> float:
    """Total length in seconds."""
    return float((spans[:, 1] - spans[:, 0]).sum())


def intersection(a: Spans, b: Spans) -> Spans:
    """The time that lies in both.

    Examples
    --------
    >>> intersection(as_spans([(0, 10), (20, 30)]), as_spans([(5, 25)])).tolist()
    [[5.0, 10.0], [20.0, 25.0]]
    """
    if len(a) == 0 or len(b) == 0:
        return EMPTY
    edges = np.unique(np.r_[a.ravel(), b.ravel()])
    middle = (edges[:-1] + edges[1:]) / 2
    both = contains(a, middle) & contains(b, middle)
    return as_spans(np.column_stack([edges[:-1], edges[1:]])[both])


def complement(spans: Spans, start_s: float, end_s: float) -> Spans:
    """The time in `[start_s, end_s)` that no span covers.

    Examples
    --------
    >>> complement(as_spans([(2, 3)]), 0, 5).tolist()
    [[0.0, 2.0], [3.0, 5.0]]
    """
    inside = intersection(spans, as_spans([(start_s, end_s)]))
    return as_spans(np.column_stack([np.r_[start_s, inside[:, 1]], np.r_[inside[:, 0], end_s]]))


def subtraction(a: Spans, b: Spans) -> Spans:
    """The time of `a` that lies outside `b`.

    Examples
    --------
    >>> subtraction(as_spans([(0, 10)]), as_spans([(2, 3), (8, 12)])).tolist()
    [[0.0, 2.0], [3.0, 8.0]]
    """
    return intersection(a, complement(b, a[0, 0], a[-1, 1])) if len(a) else a


def contains(spans: Spans, time_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each time lies in a span; array shaped like `time_s`."""
    if len(spans) == 0:
        return np.zeros(np.shape(time_s), dtype=bool)
    index = np.searchsorted(spans[:, 0], time_s, side="right") - 1
    return (index >= 0) & (np.asarray(time_s) < spans[np.maximum(index, 0), 1])


def covers(spans: Spans, start_s: NDArray[np.float64], end_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each `[start, end]` lies within one single span, so that nothing is missing between."""
    if len(spans) == 0:
        return np.zeros(np.shape(start_s), dtype=bool)
    index = np.searchsorted(spans[:, 0], start_s, side="right") - 1
    return (index >= 0) & (np.asarray(end_s) <= spans[np.maximum(index, 0), 1])


def overlap_per_cell(spans: Spans, edges_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds of span within each cell between successive edges; array `(len(edges) - 1,)`.

    Examples
    --------
    >>> overlap_per_cell(as_spans([(20, 40)]), np.array([0.0, 30.0, 60.0])).tolist()
    [10.0, 10.0]
    """
    if len(spans) == 0:
        return np.zeros(len(edges_s) - 1)
    corners = spans.ravel()
    covered = np.concatenate([[0.0], np.cumsum(np.diff(corners) * (np.arange(len(corners) - 1) % 2 == 0))])
    return np.diff(np.interp(edges_s, corners, covered))

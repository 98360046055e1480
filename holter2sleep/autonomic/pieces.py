"""Runs of NN intervals without a break, and what is cut from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import NN, Bool

Index = NDArray[np.int64]
Whole = NDArray[np.int64]
Runs = tuple[Index, Index]  # first index and length of each run


def whole_us(nn: NN) -> Whole:
    """NN in whole microseconds: sums, differences and comparisons with a tolerance are exact. array (n,)."""
    return np.round(1000 * nn.nn_ms).astype(np.int64)


def runs_from(begins: Bool) -> Runs:
    """Runs that last from where each begins to where the next does."""
    first = np.flatnonzero(begins)
    return first, np.diff(first, append=len(begins))


def neighbour_runs(adjacent: Bool) -> Runs:
    """Runs of intervals without a break.

    Examples
    --------
    >>> first, length = neighbour_runs(np.array([False, True, True, True, True, False, True]))
    >>> first.tolist(), length.tolist()
    ([0, 5], [5, 2])
    """
    begins = ~adjacent
    begins[:1] = True
    return runs_from(begins)


def box_starts(runs: Runs, size: int) -> Index:
    """First interval of each box of `size` neighbours, cut one after another from the start of every run.

    What is left at the end of a run is in no box, so that no box lies across a break. array (n_boxes,).

    Examples
    --------
    Runs of five and of two, in boxes of two:

    >>> box_starts((np.array([0, 5]), np.array([5, 2])), 2).tolist()
    [0, 2, 5]
    """
    first, length = runs
    n_boxes = length // size
    n_before = np.cumsum(n_boxes) - n_boxes
    return np.repeat(first - size * n_before, n_boxes) + size * np.arange(n_boxes.sum())


def in_a_row(adjacent: Bool, size: int) -> Index:
    """First interval of every `size` neighbours in a row, overlapping. array (n_rows,).

    Examples
    --------
    >>> in_a_row(np.array([False, True, True, False, True]), 2).tolist()
    [0, 1, 3]
    """
    n_rows = max(0, len(adjacent) - size + 1)
    n_breaks = np.cumsum(~adjacent)
    return np.flatnonzero(n_breaks[size - 1 :][:n_rows] == n_breaks[:n_rows])


def rows_of(values: NDArray, adjacent: Bool, size: int) -> NDArray:
    """Every `size` neighbours in a row. array (n_rows, size)."""
    return values[in_a_row(adjacent, size)[:, None] + np.arange(size)]

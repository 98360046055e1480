"""95 % intervals of what is measured over a night, by drawing its 5-min blocks again.

Beats that follow one another resemble one another, so they are not drawn one by one (Kuensch 1989, Ann Stat 17:1217);
blocks of 5 min outlast breathing and the waves of blood pressure. What a stage or a cycle of sleep does to the heart
lasts longer, and the interval does not hold it: it speaks of this night's measure, not of another night's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import Float

BLOCK_S = 300.0  # Task Force 1996: the short-term recording
MINIMUM_BLOCKS = 10  # fewer say little of how blocks differ
MAXIMUM_BLOCKS = 288  # a day; longer recordings are cut into as many longer blocks
RESAMPLES = 1000  # Efron & Tibshirani 1993, section 13.3: percentile intervals
TAIL = 25  # of the resamples beyond either end: 2.5 %
SEED = 1996  # any: the same night must give the same table

Interval = tuple[float, float]
Formula = Callable[[Float], dict[str, Float]]  # totals (..., n_columns) to values (...)


@dataclass(frozen=True)
class Estimates:
    """Measures by name, NaN where there is too little, and the 95 % interval of those that have one."""

    values: dict[str, float]
    intervals: dict[str, Interval] = field(default_factory=dict)


def estimates(sums: Float, formula: Formula) -> Estimates:
    """What a formula makes of the totals over all blocks, with the intervals (`intervals_of`) that hold it.

    A measure that drawing again pushes one way (the height of a histogram of few intervals) has none.
    """
    values = {name: float(value) for name, value in formula(sums.sum(axis=0)).items()}
    intervals = intervals_of(sums, formula)
    holding = {name: (low, high) for name, (low, high) in intervals.items() if low <= values[name] <= high}
    return Estimates(values, holding)


def block_of(time_s: Float) -> NDArray[np.int64]:
    """Number of the block that holds each of ascending times, counted without empty blocks. array (n,)."""
    number = np.floor(time_s / BLOCK_S)
    block = np.cumsum(np.diff(number, prepend=number[:1]) > 0, dtype=np.int64)
    n_blocks = int(block[-1]) + 1 if len(block) else 0
    return block * MAXIMUM_BLOCKS // n_blocks if n_blocks > MAXIMUM_BLOCKS else block


def block_sums(columns: Float, time_s: Float) -> Float:
    """Sums over each block of the rows of `columns` (n, n_columns), at ascending times. array (n_blocks, n_columns)."""
    block = block_of(time_s)
    first = np.flatnonzero(np.diff(block, prepend=-1))
    return np.add.reduceat(columns, first, axis=0) if len(first) else np.zeros((0, columns.shape[1]))


def intervals_of(sums: Float, formula: Formula) -> dict[str, Interval]:
    """95 % intervals of measures that a formula makes of totals.

    Parameters
    ----------
    sums
        Contribution of each block to the totals. array (n_blocks, n_columns).
    formula
        The measures, by name, of totals over all blocks; the last axis is the columns.

    Returns
    -------
    The 2.5th and 97.5th percentile of 1000 draws of the blocks, with replacement. A measure that some draw leaves
    undefined has no interval, and none has with fewer than ten blocks.

    References
    ----------
    Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapters 8 (blocks) and 13 (percentiles).

    Examples
    --------
    Ten blocks alike leave nothing to doubt.

    >>> intervals_of(np.full((10, 1), 4.0), lambda totals: {"mean": totals[..., 0] / 10})
    {'mean': (4.0, 4.0)}
    """
    if len(sums) < MINIMUM_BLOCKS:
        return {}
    drawn = formula(draws(len(sums)) @ sums)
    known = {name: values for name, values in drawn.items() if np.isfinite(values).all()}
    if not known:
        return {}
    ordered = np.sort(np.stack(list(known.values())), axis=1)
    low, high = ordered[:, TAIL - 1], ordered[:, RESAMPLES - TAIL]
    return {name: (float(a), float(b)) for name, a, b in zip(known, low, high, strict=True)}


def interval_of_mean(values: Float) -> Interval | None:
    """95 % interval of the mean of one value a block; None with fewer than ten."""
    n = len(values)
    return intervals_of(values[:, None], lambda totals: {"mean": totals[..., 0] / n}).get("mean")


@lru_cache(maxsize=32)  # strata of equal length, and the three ways of handling ectopic beats, share their draws
def draws(n_blocks: int) -> Float:
    """How often each block is drawn in each resample. array (n_resamples, n_blocks)."""
    drawn = np.random.default_rng(SEED).integers(0, n_blocks, (RESAMPLES, n_blocks))
    cell = drawn + n_blocks * np.arange(RESAMPLES)[:, None]
    return np.bincount(cell.ravel(), minlength=RESAMPLES * n_blocks).reshape(RESAMPLES, n_blocks).astype(np.float64)


def ratio(above: Float, below: Float) -> Float:
    """Their quotient; NaN where the lower one is not above 0."""
    above, below = np.broadcast_arrays(above, below)
    return np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)


def spread(n: Float, total: Float, squares: Float) -> Float:
    """Standard deviation (n - 1) of n values, of their total and the total of their squares."""
    return np.sqrt(np.maximum(ratio(squares - total * ratio(total, n), n - 1), 0.0))

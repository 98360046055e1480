"""Detrended fluctuation analysis: how far the sum of NN intervals strays from straight lines, by their length."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from holter2sleep.autonomic.pieces import box_starts, neighbour_runs
from holter2sleep.night import NN, Bool, Float

# Peng 1995 (Chaos 5:82): the short and the long range of box sizes, in beats; sizes of the PhysioNet program `dfa`,
# a factor of 2^(1/8) apart, so that every octave weighs alike in the fit
RANGES_BEATS = {"dfa_alpha1": (4, 16), "dfa_alpha2": (16, 64)}
SIZE_RATIO = 2 ** (1 / 8)
LEAST_BOXES = 4  # of any size: the program's largest box is a quarter of the series


def scaling_exponents(nn: NN) -> dict[str, float]:
    """Slopes of log F(n) over log n in the two ranges of box sizes; NaN without four boxes of the largest.

    References
    ----------
    Peng 1995 (Chaos 5:82).
    """
    sizes = {name: box_sizes(*limits) for name, limits in RANGES_BEATS.items()}
    every = np.unique(np.concatenate(list(sizes.values())))
    found = dict(zip(every.tolist(), fluctuation(nn.nn_ms, nn.adjacent, every), strict=True))
    return {name: _slope(own, np.array([found[size] for size in own.tolist()])) for name, own in sizes.items()}


def box_sizes(smallest: int, largest: int) -> NDArray[np.int64]:
    """Whole numbers about a factor of 2^(1/8) apart, both limits included."""
    n_steps = int(np.ceil(np.log(largest / smallest) / np.log(SIZE_RATIO)))
    sizes = np.floor(smallest * SIZE_RATIO ** np.arange(n_steps + 1) + 0.5)
    return np.unique(np.minimum(sizes, largest)).astype(np.int64)


def fluctuation(nn_ms: Float, adjacent: Bool, sizes: NDArray[np.int64]) -> Float:
    """F(n): root mean square distance of the summed series from a line fitted in each box. array (n_sizes,), ms.

    The boxes are cut from the start of every run of neighbours, so that none lies across a break, and the squares
    of all boxes of all runs are averaged together. NaN where there are fewer than four boxes.
    """
    if len(nn_ms) == 0:
        return np.full(len(sizes), np.nan)
    profile = np.cumsum(nn_ms - nn_ms.mean())
    runs = neighbour_runs(adjacent)
    return np.array([_distance(profile, box_starts(runs, int(size)), int(size)) for size in sizes])


def _distance(profile: Float, start: NDArray[np.int64], size: int) -> float:
    if len(start) < LEAST_BOXES:
        return np.nan
    boxes = profile[start[:, None] + np.arange(size)]
    boxes -= boxes[:, :1]  # small numbers: their squares are subtracted below
    fitted = boxes @ _line(size)
    return float(np.sqrt(max(0.0, np.vdot(boxes, boxes) - np.vdot(fitted, fitted)) / boxes.size))


@lru_cache(maxsize=64)  # every part of a night has boxes of the same sizes
def _line(size: int) -> Float:
    """A constant and a straight line over a box, orthonormal. array (size, 2)."""
    at = np.arange(size) - (size - 1) / 2
    return np.column_stack([np.full(size, size**-0.5), at / np.linalg.norm(at)])


def _slope(sizes: NDArray[np.int64], distance: Float) -> float:
    if not (distance > 0).all():  # NaN is not
        return np.nan
    return float(np.polyfit(np.log(sizes), np.log(distance), 1)[0])

"""Points coloured by the kind of their beat, as a picture: as drawn points they would be half of the file."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from numpy.typing import NDArray

from holter2sleep.night import Float, Text
from holter2sleep.report.axes import BEAT_COLOURS

# Drawn in this order; pixels to either side of a point: what is rare must be seen.
REACH = {"N": 0, "F": 1, "S": 1, "V": 1}

Extent = tuple[float, float, float, float]  # left, right, bottom, top


def draw_points(ax: Axes, x: Float, y: Float, kind: Text, extent: Extent, shape: tuple[int, int]) -> None:
    """A picture of `shape` (rows, columns) over the extent; what lies beyond is drawn on the edge."""
    left, right, bottom, top = extent
    row, column = _pixel(y, bottom, top, shape[0]), _pixel(x, left, right, shape[1])
    picture = np.zeros((*shape, 4))
    for name, reach in REACH.items():
        own = kind == name
        _stamp(picture, row[own], column[own], reach, to_rgba(BEAT_COLOURS[name]))
    ax.imshow(picture, extent=extent, origin="lower", aspect="auto", interpolation="nearest", zorder=1)


def _pixel(value: Float, low: float, high: float, n: int) -> NDArray[np.int64]:
    return np.clip((value - low) / (high - low) * n, 0, n - 1).astype(np.int64)


def _stamp(
    picture: Float, row: NDArray[np.int64], column: NDArray[np.int64], reach: int, colour: tuple[float, ...]
) -> None:
    """Squares of a colour around the given pixels."""
    n_rows, n_columns = picture.shape[:2]
    steps = range(-reach, reach + 1)
    for up in steps:
        for right in steps:
            picture[np.clip(row + up, 0, n_rows - 1), np.clip(column + right, 0, n_columns - 1)] = colour

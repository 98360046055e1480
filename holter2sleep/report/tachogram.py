"""Draw every RR interval of a night as a picture of points, coloured by the kind of its beat."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from numpy.typing import NDArray

from holter2sleep.night import Float
from holter2sleep.report.axes import BEAT_COLOURS, HOUR_S, end_ticks
from holter2sleep.report.tables import ReportNight

# A point each 0.1 mm: eight hours are 30,000 intervals, which as drawn points would be half of the file.
COLUMNS, ROWS = 1400, 110
POINT = {"N": 0, "F": 1, "S": 1, "V": 1}  # columns and rows to either side: what is rare must be seen
LIMITS_S = (0.3, 2.0)  # widest that is shown; what lies beyond is drawn on the edge
STEP_S = 0.1


def draw_tachogram(ax: Axes, night: ReportNight) -> str | None:
    """RR intervals by time; ectopic beats larger and on top, intervals beyond the limits on the edge."""
    beats = night.beats.drop_nulls("rr_ms")
    rr_s = beats["rr_ms"].to_numpy() / 1000
    if len(rr_s) == 0:
        return "not enough data: no interval"
    low_s, high_s = limits_s(rr_s)
    ax.set_ylim(low_s, high_s)
    end_ticks(ax, [low_s, high_s])
    hours, label = beats["time_s"].to_numpy() / HOUR_S, beats["label"].to_numpy()
    picture = np.zeros((ROWS, COLUMNS, 4))
    for kind, reach in POINT.items():
        own = label == kind
        column = np.clip(hours[own] / night.duration_h * COLUMNS, 0, COLUMNS - 1).astype(np.int64)
        row = np.clip((rr_s[own] - low_s) / (high_s - low_s) * ROWS, 0, ROWS - 1).astype(np.int64)
        _stamp(picture, row, column, reach, to_rgba(BEAT_COLOURS[kind]))
    extent = (0.0, night.duration_h, low_s, high_s)
    ax.imshow(picture, extent=extent, origin="lower", aspect="auto", interpolation="nearest", zorder=1)
    return None


def limits_s(rr_s: Float) -> tuple[float, float]:
    """Whole tenths of a second around all but one interval in a thousand at either end, within what is shown at most.

    Examples
    --------
    >>> limits_s(np.array([0.81, 0.95, 1.04]))
    (0.8, 1.1)
    """
    low, high = np.quantile(rr_s, [0.001, 0.999])
    bottom = float(np.clip(np.floor(low / STEP_S), 3, 19)) * STEP_S
    top = float(np.clip(np.ceil(high / STEP_S), bottom / STEP_S + 1, 20)) * STEP_S
    return round(bottom, 1), round(top, 1)


def _stamp(
    picture: Float, row: NDArray[np.int64], column: NDArray[np.int64], reach: int, colour: tuple[float, ...]
) -> None:
    """Squares of a colour around the given points."""
    steps = range(-reach, reach + 1)
    for down in steps:
        for right in steps:
            at = np.clip(row + down, 0, ROWS - 1), np.clip(column + right, 0, COLUMNS - 1)
            picture[at] = colour

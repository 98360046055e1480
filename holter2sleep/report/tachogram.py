"""Draw every RR interval of a night, coloured by the kind of its beat."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from holter2sleep.night import Float
from holter2sleep.report.axes import HOUR_S, end_ticks
from holter2sleep.report.point_cloud import draw_points
from holter2sleep.report.tables import ReportNight

SHAPE = (110, 1400)  # a pixel each 0.1 mm
STEP_S = 0.1
LOWEST, HIGHEST = 3, 20  # steps: 0.3 to 2 s are shown at most


def draw_tachogram(ax: Axes, night: ReportNight) -> str | None:
    """RR intervals by time; ectopic beats larger and on top, intervals beyond the limits on the edge."""
    beats = night.beats.drop_nulls("rr_ms")
    rr_s = beats["rr_ms"].to_numpy() / 1000
    if len(rr_s) == 0:
        return night.words("empty.no_interval")
    low_s, high_s = limits_s(rr_s)
    hours, kind = beats["time_s"].to_numpy() / HOUR_S, beats["label"].to_numpy()
    draw_points(ax, hours, rr_s, kind, (0.0, night.duration_h, low_s, high_s), SHAPE)
    ax.set_ylim(low_s, high_s)
    end_ticks(ax, [low_s, high_s], night.words)
    return None


def limits_s(rr_s: Float) -> tuple[float, float]:
    """Whole tenths of a second around all but one interval in a thousand at either end, within what is shown at most.

    Examples
    --------
    >>> limits_s(np.array([0.81, 0.95, 1.04]))
    (0.8, 1.1)
    """
    low, high = np.quantile(rr_s, [0.001, 0.999]) / STEP_S
    bottom = int(np.clip(np.floor(low), LOWEST, HIGHEST - 1))
    top = int(np.clip(np.ceil(high), bottom + 1, HIGHEST))
    return round(bottom * STEP_S, 1), round(top * STEP_S, 1)

"""NN intervals on a regular time line, stretch by stretch."""

from __future__ import annotations

import numpy as np

from holter2sleep.night import NN, Float


def even_pieces(nn: NN, step_s: float, largest_hole_s: float, shortest_s: float) -> list[tuple[Float, Float]]:
    """Times (s) and intervals (ms, straight from beat to beat) of each stretch without a longer hole.

    Stretches shorter than `shortest_s` are left out; nothing is said across a hole.
    """
    if len(nn) == 0:
        return []
    holes = np.flatnonzero(np.diff(nn.end_s) - nn.nn_ms[1:] / 1000 > largest_hole_s) + 1
    pieces = []
    for index in np.split(np.arange(len(nn)), holes):
        time_s = np.arange(nn.end_s[index[0]], nn.end_s[index[-1]], step_s)
        if len(time_s) * step_s >= shortest_s:
            pieces.append((time_s, np.interp(time_s, nn.end_s[index], nn.nn_ms[index])))
    return pieces

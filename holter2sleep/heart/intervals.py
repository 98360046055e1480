"""RR intervals that may be trusted."""

from __future__ import annotations

import numpy as np

from holter2sleep.night import Beats, Bool, Float
from holter2sleep.spans import Spans, covers

HOLE_S = 60.0
BATCH = 1 << 16  # windows looked at together: those of a month of beats would fill the memory


def trusted_rr(beats: Beats, usable_spans: Spans) -> Bool:
    """Whether the interval that ends at each beat lies between two usable beats in unbroken usable time.

    array (n_beats,); the first beat has no interval.
    """
    if len(beats) == 0:
        return np.zeros(0, bool)
    before_s = np.r_[beats.time_s[0], beats.time_s[:-1]]
    trusted = covers(usable_spans, before_s, beats.time_s)
    trusted &= beats.usable & np.r_[False, beats.usable[:-1]]
    return trusted


def local_median(values: Float, reach: int) -> Float:
    """Median of the `reach` values before and after each, itself left out; NaN values are skipped. array (n,).

    Examples
    --------
    >>> local_median(np.array([1.0, 9.0, 1.0, 1.0]), 1).tolist()
    [9.0, 1.0, 5.0, 1.0]
    """
    if len(values) == 0:
        return values
    padded = np.pad(values, reach, constant_values=np.nan)
    rows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    return np.concatenate([_median_of_others(rows[at : at + BATCH], reach) for at in range(0, len(rows), BATCH)])


def _median_of_others(windows: Float, own: int) -> Float:
    """Median of what is known in each row, the value at `own` left out. array (n,)."""
    rows = windows.copy()
    rows[:, own] = np.nan
    # sorting puts NaN last, so the median of what is there sits at a known place in each row
    rows.sort(axis=1)
    count = np.isfinite(rows).sum(axis=1)
    row = np.arange(len(rows))
    low, high = rows[row, np.maximum((count - 1) // 2, 0)], rows[row, count // 2]
    return np.where(count > 0, (low + high) / 2, np.nan)


def near_together(time_s: Float) -> list[slice]:
    """Beats cut where more than a minute lies between two: a day without beats is not read."""
    cuts = np.flatnonzero(np.diff(time_s) > HOLE_S) + 1
    return [slice(int(a), int(b)) for a, b in zip(np.r_[0, cuts], np.r_[cuts, len(time_s)], strict=True)]


def touches_v(beats: Beats) -> Bool:
    """Intervals that begin or end with a V: a ventricular premature beat is irregular by itself. array (n_beats,)."""
    is_v = beats.label == "V"
    return is_v | np.r_[False, is_v[:-1]]

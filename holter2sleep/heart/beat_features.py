"""What tells a beat's class: its timing among its neighbours, its shape beside the typical beat, its kin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from holter2sleep.heart.intervals import local_median, trusted_rr
from holter2sleep.heart.shape import Shape
from holter2sleep.night import Beats, Float
from holter2sleep.spans import Spans

NEAR, FAR = 4, 16  # intervals on each side whose median is the usual interval
RESTLESS = 31  # intervals that say how irregular the rhythm is
TINY = 1e-3
FeatureRows = NDArray[np.float32]  # (n_beats, n_features)


def beat_features(beats: Beats, shape: Shape, usable_spans: Spans) -> FeatureRows:
    """Features of each beat, free of the lead's scale and of which side is up. array (n_beats, n_features)."""
    times = timing(beats, usable_spans)
    parts = (times, _shapes(shape), _kin(shape, times[:, 0], times[:, 1]))
    rows = np.hstack([part.astype(np.float32) for part in parts])  # single precision: a month has two million beats
    np.nan_to_num(rows, copy=False)
    return np.clip(rows, -6, 6, out=rows)


def timing(beats: Beats, usable_spans: Spans) -> Float:
    """Logarithms of intervals against their neighbours; 0 where an interval is not trusted. array (n_beats, 10).

    The interval before and after each beat against the usual one (of nearer and of farther neighbours), against each
    other and against the ones next to them, both together, the usual interval itself, and how irregular it is.
    """
    log_rr = np.log(np.where(trusted_rr(beats, usable_spans), beats.rr_s, np.nan))
    after = np.r_[log_rr[1:], np.nan]
    near, far = local_median(log_rr, NEAR), local_median(log_rr, FAR)
    step = np.diff(log_rr, prepend=np.nan)
    both = np.log((np.exp(log_rr) + np.exp(after)) / 2)
    restless = ndimage.median_filter(np.nan_to_num(np.abs(step)), RESTLESS, mode="nearest")
    return np.nan_to_num(
        np.column_stack(
            [
                *(log_rr - near, after - near, log_rr - far, after - far, both - far),
                *(step, after - log_rr, np.r_[step[1:], np.nan] - step, far),
                np.log(restless + TINY),
            ]
        )
    )


def _shapes(shape: Shape) -> Float:
    """Shape beside the typical beat. array (n_beats, 14)."""
    return np.column_stack(
        [
            *(shape.correlation, shape.twin, np.log(shape.width + TINY), np.log(shape.height + TINY)),
            *(np.clip(shape.lean, -3, 3), np.log(shape.steepness + TINY), np.log(shape.typical_width_s + TINY)),
            *np.clip(shape.p_wave, -3, 3).T,
            *np.clip(shape.t_wave, -3, 3).T,
            shape.foreign,
        ]
    )


def _kin(shape: Shape, early: Float, pause: Float) -> Float:
    """Of the foreign beats of one shape: how many, how early on the whole, how long the pause; 0 for others. (n, 3)."""
    out = np.zeros((len(early), 3))
    foreign = np.flatnonzero(shape.kin >= 0)
    if len(foreign):
        _, number = np.unique(shape.kin[foreign], return_inverse=True)
        count = np.bincount(number)
        mean_early, mean_pause = (np.bincount(number, x[foreign]) / count for x in (early, pause))
        out[foreign] = np.column_stack([np.log(count), mean_early, mean_pause])[number]
    return out

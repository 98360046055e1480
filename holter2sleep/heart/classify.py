"""Beats to AAMI classes N, S, V, from timing and shape: first form.

The record's own typical beat is the reference. A beat of foreign shape is V when the same foreign shape comes
again (noise does not repeat itself) and is early, wide or very unlike; or when it is early, wide and followed by a
pause. A beat of typical shape that comes early is S. Fusion (F) and unclassifiable (Q) are not called yet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.heart.intervals import local_median, trusted_rr
from holter2sleep.heart.shape import Shape
from holter2sleep.night import Beats, Float
from holter2sleep.spans import Spans


@dataclass(frozen=True)
class ClassRules:
    """Keys of `[classes]`."""

    neighbours: int
    v_twin_correlation: float
    v_strange: float
    v_width_ratio: float
    v_early: float
    v_pause: float
    s_early: float
    s_correlation: float
    minimum_beats: int


def classify_beats(beats: Beats, shape: Shape, usable_spans: Spans, rules: ClassRules) -> Beats:
    """The beats with classes N, S or V and a confidence that grows with the distance from the border.

    Without waveform, or with too few beats for a typical one, all stay N with unknown confidence.
    """
    if beats.usable.sum() < rules.minimum_beats:
        return beats
    early = prematurity(beats, usable_spans, rules)
    is_early, is_wide = early < rules.v_early, shape.width > rules.v_width_ratio
    paused = np.r_[early[1:], 1.0] > rules.v_pause
    repeated = shape.twin >= rules.v_twin_correlation
    is_v = repeated & (is_early | is_wide | (shape.correlation < rules.v_strange))
    is_v |= is_early & is_wide & paused
    is_v &= shape.foreign
    is_s = ~is_v & (early < rules.s_early) & (shape.correlation >= rules.s_correlation)
    label = np.where(is_v, "V", np.where(is_s, "S", "N"))
    label[~beats.usable] = "N"  # a beat in noise is not called ectopic
    return beats.but(label=label, confidence=_confidence(label, early, shape, rules))


def prematurity(beats: Beats, usable_spans: Spans, rules: ClassRules) -> Float:
    """RR interval of each beat / median of its neighbours' intervals; 1 where it is unknown. array (n_beats,)."""
    rr_s = np.where(trusted_rr(beats, usable_spans), beats.rr_s, np.nan)
    ratio = rr_s / local_median(rr_s, rules.neighbours)
    return np.where(np.isfinite(ratio), ratio, 1.0)


def _confidence(label: NDArray[np.str_], early: Float, shape: Shape, rules: ClassRules) -> NDArray[np.float32]:
    """0.5 at the border of a class, towards 1 far from it; not yet calibrated."""
    to_v = np.clip((shape.limit - shape.correlation) / 0.3, -1, 1)
    to_s = np.clip((rules.s_early - early) / 0.2, -1, 1)
    margin = np.select([label == "V", label == "S"], [np.maximum(to_v, 0), to_s], -np.maximum(to_v, to_s))
    return (0.5 + 0.5 * np.clip(margin, 0, 1)).astype(np.float32)

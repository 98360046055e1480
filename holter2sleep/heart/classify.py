"""Beats to AAMI classes N, S, V, from timing and shape: first form.

The record's own typical beat is the reference. A beat whose shape is foreign and that comes early, or is
wide, is V; one that looks normal and comes early is S. Fusion (F) and unclassifiable (Q) are not called yet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.heart.detect import windows_around
from holter2sleep.heart.intervals import local_median, trusted_rr
from holter2sleep.night import Beats, Bool, Float, Recording
from holter2sleep.spans import Spans

Rows = NDArray[np.float32]  # (n_beats, n_samples)


@dataclass(frozen=True)
class ClassRules:
    """Keys of `[classes]`."""

    before_s: float
    after_s: float
    neighbours: int
    v_correlation: float
    v_strange: float
    v_width_ratio: float
    v_early: float
    s_early: float
    s_correlation: float
    minimum_beats: int


@dataclass(frozen=True)
class Shape:
    """How each beat compares with the record's typical beat."""

    correlation: Float  # (n_beats,), with the typical beat, best over small shifts
    width: Float  # (n_beats,), area / height of the rectified deflection relative to the typical beat's


def classify_beats(recording: Recording, beats: Beats, usable_spans: Spans, rules: ClassRules) -> Beats:
    """The beats with classes N, S or V and a confidence that grows with the distance from the border.

    Without waveform, or with too few beats for a typical one, all stay N with unknown confidence.
    """
    if recording.ecg is None or recording.fs is None or beats.usable.sum() < rules.minimum_beats:
        return beats
    early = prematurity(beats, usable_spans, rules)
    shape = _shape(recording.ecg, recording.fs, beats, rules)
    foreign = shape.correlation < rules.v_correlation
    is_v = foreign & ((early < rules.v_early) | (shape.width > rules.v_width_ratio))
    is_v |= shape.correlation < rules.v_strange
    is_s = ~is_v & (early < rules.s_early) & (shape.correlation >= rules.s_correlation)
    label = np.where(is_v, "V", np.where(is_s, "S", "N"))
    label[~beats.usable] = "N"  # a beat in noise is not called ectopic
    return beats.but(label=label, confidence=_confidence(label, early, shape, rules))


def prematurity(beats: Beats, usable_spans: Spans, rules: ClassRules) -> Float:
    """RR interval of each beat / median of its neighbours' intervals; 1 where it is unknown. array (n_beats,)."""
    rr_s = np.where(trusted_rr(beats, usable_spans), beats.rr_s, np.nan)
    ratio = rr_s / local_median(rr_s, rules.neighbours)
    return np.where(np.isfinite(ratio), ratio, 1.0)


def _shape(ecg: NDArray[np.float32], fs: float, beats: Beats, rules: ClassRules) -> Shape:
    half = round((rules.before_s + rules.after_s) * fs)
    before, after, slack = round(rules.before_s * fs), round(rules.after_s * fs), max(1, round(0.02 * fs))
    centre = np.round(beats.time_s * fs).astype(np.int64)
    correlation, width = np.ones(len(beats)), np.ones(len(beats))
    # the typical beat drifts with posture: one for each stretch of some 500 beats
    for first in range(0, len(beats), 500):
        part = slice(first, first + 500)
        rows = _levelled(windows_around(ecg, centre[part], half))
        core = slice(half - before, half + after + 1)
        typical = _typical(rows[:, core], beats.usable[part])
        shifts = range(-slack, slack + 1)
        every = [_correlation(rows[:, core.start + k : core.stop + k], typical) for k in shifts]
        correlation[part] = np.max(every, axis=0)
        width[part] = _width(rows[:, core]) / _width(typical[None])[0]
    return Shape(correlation, width)


def _levelled(rows: Rows) -> Rows:
    """Windows without their baseline; missing samples become 0."""
    known = np.isfinite(rows).any(axis=1, keepdims=True)
    rows = np.where(known, rows, np.float32(0))
    return np.nan_to_num(rows - np.nanmedian(rows, axis=1, keepdims=True))


def _typical(rows: Rows, usable: Bool) -> Rows:
    """The beat most others look like: median of the beats that correlate with the median beat."""
    rows = rows[usable] if usable.any() else rows
    median = np.median(rows, axis=0)
    alike = _correlation(rows, median) >= np.median(_correlation(rows, median))
    return np.median(rows[alike], axis=0)


def _correlation(rows: Rows, reference: Rows) -> Float:
    """Pearson correlation of each row with the reference. array (n_beats,)."""
    a = rows - rows.mean(axis=1, keepdims=True)
    b = reference - reference.mean()
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum())
    return np.where(scale > 0, a @ b / np.where(scale > 0, scale, 1), 0.0).astype(np.float64)


def _width(rows: Rows) -> Float:
    """Area / height of the rectified deflection, in samples: wide complexes score high. array (n_beats,)."""
    size = np.abs(rows)
    height = size.max(axis=1)
    return np.where(height > 0, size.sum(axis=1) / np.where(height > 0, height, 1), 1.0).astype(np.float64)


def _confidence(label: NDArray[np.str_], early: Float, shape: Shape, rules: ClassRules) -> NDArray[np.float32]:
    """0.5 at the border of a class, towards 1 far from it; not yet calibrated."""
    to_v = np.clip((rules.v_correlation - shape.correlation) / 0.3, -1, 1)
    to_s = np.clip((rules.s_early - early) / 0.2, -1, 1)
    margin = np.select([label == "V", label == "S"], [np.maximum(to_v, 0), to_s], -np.maximum(to_v, to_s))
    return (0.5 + 0.5 * np.clip(margin, 0, 1)).astype(np.float32)

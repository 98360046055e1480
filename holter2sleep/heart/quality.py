"""Which time of a recording can be trusted: faults of the signal, agreement of two detectors, holes in the beats."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.heart.detect import Detection
from holter2sleep.heart.faults import CELL_S, Faults
from holter2sleep.heart.shape import Shape
from holter2sleep.night import WARN_SHARE, Bool, EpochGrid, Flag, Float, Quality, Recording
from holter2sleep.spans import (
    EMPTY,
    Spans,
    as_spans,
    complement,
    covers,
    duration,
    intersection,
    overlap_per_cell,
    spans_of_mask,
)

log = logging.getLogger(__name__)

AFTER_T_S, BEFORE_P_S = 0.5, 0.25  # of a pause: its silence begins behind the T wave and ends before the P wave


@dataclass(frozen=True)
class QualityRules:
    """Keys of `[quality]`."""

    window_s: float
    tolerance_s: float
    minimum_sqi: float
    no_beat_s: float
    minimum_usable_share: float
    pause_s: float
    pause_swing: float


def assess_quality(
    recording: Recording,
    grid: EpochGrid,
    faults: Faults,
    beat_s: Float,
    detection: Detection,
    shape: Shape | None,
    rules: QualityRules,
) -> Quality:
    """Flags, signal quality index and usable time on the epoch grid.

    The index (0-1) is, in windows of `window_s`, the better of two kinds of evidence: the bSQI of the PhysioNet
    Cardiovascular Signal Toolbox (beats on which two independent detectors agree / all that either found), and
    the likeness of the detected beats to the record's typical beat (after Orphanidou 2015). Either alone condemns good
    signal: the detectors part over a tall T wave, the shapes over frequent ectopy. The better one is multiplied by how
    sure the detector's networks are of their beats: moving electrodes can make waves on which all agree. A beat file
    has no signal to judge: its index is NaN, and only holes between its beats make time unusable.
    """
    bad: dict[Flag, Spans] = {
        flag: spans_of_mask(faults.flags & flag > 0, CELL_S) for flag in (Flag.MISSING, Flag.FLAT, Flag.SATURATED)
    }
    bad[Flag.MISSING] = as_spans(np.concatenate([bad[Flag.MISSING], recording.gaps]))
    bad[Flag.NO_BEATS] = _holes(beat_s, recording.duration_s, rules.no_beat_s)
    sqi = np.full(grid.n, np.nan, np.float32)
    if recording.ecg is not None:
        agreed = agreement(detection.time_s, detection.second_s, recording.duration_s, rules)
        index = np.fmax(agreed, _likeness(beat_s, shape, recording.duration_s, rules))
        index = index * _sureness(detection, recording.duration_s, rules)
        noisy = spans_of_mask(index < rules.minimum_sqi, rules.window_s)
        bad[Flag.NOISE] = as_spans(np.concatenate([noisy, _moved_pauses(recording, beat_s, detection, rules)]))
        sqi = _per_epoch(index, rules.window_s, grid)
    unusable = as_spans(np.concatenate(list(bad.values())))
    usable_spans = complement(unusable, 0.0, recording.duration_s)
    flags = np.zeros(grid.n, np.uint16)
    for flag, spans in bad.items():
        flags[overlap_per_cell(spans, grid.edges_s) > 0] |= np.uint16(flag)
    share = overlap_per_cell(usable_spans, grid.edges_s) / np.maximum(np.diff(grid.edges_s), 1e-9)
    quality = Quality(flags, sqi, share >= rules.minimum_usable_share, usable_spans)
    _report(recording.recording_id, quality.usable)
    return quality


def agreement(first_s: Float, second_s: Float, duration_s: float, rules: QualityRules) -> Float:
    """Share of beats both detectors found, per window; NaN where neither found any. array (n_windows,).

    Examples
    --------
    Three beats in common and one that only the second has seen:

    >>> rules = QualityRules(10.0, 0.1, 0.8, 8.0, 0.5, 2.0, 0.7)
    >>> agreement(np.array([1.0, 2, 3]), np.array([1.0, 2, 2.5, 3]), 10.0, rules)
    array([0.75])
    """
    n_windows = int(np.ceil(duration_s / rules.window_s))
    edges = rules.window_s * np.arange(n_windows + 1)
    shared = _mutually_nearest(first_s, second_s, rules.tolerance_s)
    # a pair counts where its first beat lies, so that one astride a border cannot bring the ratio above 1
    second_only_s = second_s[~_mutually_nearest(second_s, first_s, rules.tolerance_s)]
    matched, found, missed = (np.histogram(times, edges)[0] for times in (first_s[shared], first_s, second_only_s))
    either = found + missed
    return np.where(either > 0, matched / np.maximum(either, 1), np.nan)


def _likeness(time_s: Float, shape: Shape | None, duration_s: float, rules: QualityRules) -> Float:
    """Likeness of the beats to the typical beat, per window; NaN without beats. array (n_windows,).

    From the median correlation: 0.5, which noise reaches by chance, counts as 0, and 1 as 1.
    """
    n_windows = int(np.ceil(duration_s / rules.window_s))
    likeness = np.full(n_windows, np.nan)
    if shape is not None:
        borders = np.searchsorted(time_s, rules.window_s * np.arange(n_windows + 1))
        some = np.diff(borders) > 0
        likeness[some] = np.maximum(0.0, 2 * _medians_between(shape.correlation, borders)[some] - 1)
    return likeness


def _medians_between(values: Float, borders: NDArray[np.intp]) -> Float:
    """Median of the values between each two borders; NaN where there is none. array (n_borders - 1,)."""
    first, n = borders[:-1], np.diff(borders)
    inside = np.arange(borders[0], borders[-1])
    order = np.lexsort((values[inside], np.repeat(np.arange(len(n)), n)))
    ranked = np.append(values[inside][order], np.nan)
    at = first - borders[0]
    middle = (ranked[at + np.maximum(n - 1, 0) // 2] + ranked[at + n // 2]) / 2
    return np.where(n > 0, middle, np.nan)


def _sureness(detection: Detection, duration_s: float, rules: QualityRules) -> Float:
    """Mean chance of the detected beats to be QRS complexes, per window; NaN without beats. array (n_windows,)."""
    n_windows = int(np.ceil(duration_s / rules.window_s))
    edges = rules.window_s * np.arange(n_windows + 1)
    n, total = (np.histogram(detection.time_s, edges, weights=weights)[0] for weights in (None, detection.chance))
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def _mutually_nearest(a: Float, b: Float, tolerance_s: float) -> Bool:
    """For each time of `a`: whether it and its nearest in `b` choose each other, within the tolerance."""
    if len(a) == 0 or len(b) == 0:
        return np.zeros(len(a), bool)
    to_b = nearest(a, b)
    to_a = nearest(b, a)
    return (np.abs(b[to_b] - a) <= tolerance_s) & (to_a[to_b] == np.arange(len(a)))


def nearest(times: Float, among: Float) -> NDArray[np.int64]:
    """Index of the nearest of `among` (sorted, not empty) for each time."""
    right = np.clip(np.searchsorted(among, times), 1, max(len(among) - 1, 1))
    right = np.minimum(right, len(among) - 1)
    left = np.maximum(right - 1, 0)
    return np.where(times - among[left] <= among[right] - times, left, right)


def _holes(beat_s: Float, duration_s: float, longest_s: float) -> Spans:
    """Stretches without a beat that are too long to be a pause."""
    edges = np.concatenate([[0.0], beat_s, [duration_s]])
    long = np.diff(edges) > longest_s
    return as_spans(np.column_stack([edges[:-1], edges[1:]])[long])


def _moved_pauses(recording: Recording, beat_s: Float, detection: Detection, rules: QualityRules) -> Spans:
    """Long intervals without a beat in which the lead swings further than a QRS is high: it was moved, not silent."""
    if recording.ecg is None or recording.fs is None or len(detection.amplitude_mv) == 0:
        return EMPTY
    height_mv = float(np.median(np.abs(detection.amplitude_mv)))
    long = np.flatnonzero(np.diff(beat_s) >= rules.pause_s)
    moved = []
    for start_s, end_s in zip(beat_s[long] + AFTER_T_S, beat_s[long + 1] - BEFORE_P_S, strict=True):
        between = recording.ecg[round(start_s * recording.fs) : round(end_s * recording.fs)]
        known = between[np.isfinite(between)]
        if len(known) and np.ptp(known) > rules.pause_swing * height_mv:
            moved.append((start_s, end_s))
    return as_spans(moved)


def holes_with_signal(recording: Recording, faults: Faults, beat_s: Float, rules: QualityRules) -> Spans:
    """Long stretches without a beat, less than half of which is missing, flat or saturated: beats lost, or asystole."""
    no_signal = as_spans(np.concatenate([faults.spans, recording.gaps]))
    holes = _holes(beat_s, recording.duration_s, rules.no_beat_s)
    return as_spans([hole for hole in holes if duration(intersection(no_signal, as_spans([hole]))) < np.ptp(hole) / 2])


def _per_epoch(index: Float, window_s: float, grid: EpochGrid) -> NDArray[np.float32]:
    """Mean index of the windows whose middle lies in the epoch."""
    known = np.isfinite(index)
    epoch = grid.epoch_of(window_s * (np.arange(len(index)) + 0.5))[known]
    total = np.bincount(epoch, index[known], grid.n)
    count = np.bincount(epoch, minlength=grid.n)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _report(recording_id: str, usable: Bool) -> None:
    lost = int((~usable).sum())
    level = logging.WARNING if lost > WARN_SHARE * len(usable) else logging.INFO
    log.log(
        level, "%s: %d of %d epochs (%.0f %%) not usable", recording_id, lost, len(usable), 100 * lost / len(usable)
    )


def usable_beats(time_s: Float, quality: Quality) -> Bool:
    """Whether each beat lies in usable time; the beat at which a hole begins or ends does. array (n_beats,)."""
    return covers(quality.usable_spans, time_s, time_s)

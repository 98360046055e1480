"""What a window of 10 s shows of heart and signal, measured by the package itself: proxies of a patient's risk.

Headers hold little of what a risk score needs. What the pipeline can measure takes its place, as in physiology-guided
self-supervised learning (arXiv 2602.04266): rate, irregularity, ectopy, width of the QRS complex, share of noise.
The classes of beats and the episodes of AF come from models of ours that were fitted on annotated records of MIT-BIH
DS1 (`training/classes.py`, `training/fibrillation.py`): through them, labels of DS1 reach whatever learns from this.
"""

from __future__ import annotations

import math

import numpy as np

from holter2sleep.heart.classify import classify_beats
from holter2sleep.heart.detect import detect_beats
from holter2sleep.heart.faults import find_faults
from holter2sleep.heart.p_waves import p_waves
from holter2sleep.heart.quality import assess_quality, usable_beats
from holter2sleep.heart.rhythm import find_episodes
from holter2sleep.heart.shape import beat_shapes
from holter2sleep.night import AF_KINDS, Beats, EpochGrid, Float, Recording
from holter2sleep.recipe import Recipe
from holter2sleep.sleep.staging.profiles import FS, WINDOW_S, Windows
from holter2sleep.spans import Spans, covers, intersection

NAMES = ("heart_rate", "irregularity", "share_s", "share_v", "qrs_width", "high_frequency", "af")

FEWEST_BEATS = 4  # in a window: two differences of intervals
HALF_QRS_S = 0.12  # about a beat: holds the widest QRS complex
STEADY = 0.005  # added to a share before its logarithm: 4 ms at 75/min, the error of a beat's place
SHORTEST_S = 60.0  # of a recording in which "no AF found" means that there is none


def heard_by_pipeline(recording: Recording, recipe: Recipe) -> tuple[Beats, Spans]:
    """Usable beats with their classes, and the time in AF, by the steps of the one path."""
    faults = find_faults(recording, recipe.faults)
    detection = detect_beats(recording, faults, recipe.beats)
    found = Beats.at(detection.time_s).but(amplitude_mv=detection.amplitude_mv, chance_qrs=detection.chance)
    grid = EpochGrid.covering(recording.duration_s)
    shape = beat_shapes(recording, found.time_s, recipe.shape)
    if shape is None:
        return found, np.empty((0, 2))
    quality = assess_quality(recording, grid, faults, found.time_s, detection, shape, recipe.quality)
    found = found.but(usable=found.usable & usable_beats(found.time_s, quality))
    found = classify_beats(found, shape, quality.usable_spans, recipe.classes)
    episodes = find_episodes(found, quality.usable_spans, recipe.rhythm, p_waves(recording, found))
    return found, episodes.of(*AF_KINDS).spans


def window_physiology(windows: Windows, start_s: Float, beats: Beats, af: Spans, duration_s: float) -> Float:
    """What each window shows, NaN where it cannot be told. array (n_windows, len(NAMES)).

    Rate (ln of 1/min), irregularity (ln of the median difference of successive RR over the median RR), shares of S
    and V beats, width of the QRS complex (ln of ms), high frequencies between the beats (ln of SD a sample), AF (0, 1).

    Parameters
    ----------
    windows
        z-scored, 500 Hz; array (n_windows, 5000).
    start_s
        When each begins; array (n_windows,), s.
    """
    first, last = np.searchsorted(beats.time_s, start_s), np.searchsorted(beats.time_s, start_s + WINDOW_S)
    rows = [
        _of_beats(beats.where(slice(i, j)), begin) + _of_shape(window, beats.time_s[i:j] - begin)
        for window, begin, i, j in zip(windows, start_s.tolist(), first.tolist(), last.tolist(), strict=True)
    ]
    return np.column_stack([np.array(rows).reshape(len(start_s), -1), _in_af(start_s, af, duration_s)])


def _of_beats(beats: Beats, begin_s: float) -> list[float]:
    """Rate, irregularity, shares of S and V."""
    if len(beats) < FEWEST_BEATS or not beats.usable.all():
        return [math.nan] * 4
    rr_s = np.diff(beats.time_s)
    typical_s = float(np.median(rr_s))
    change = float(np.median(np.abs(np.diff(rr_s)))) / typical_s
    return [
        math.log(60 / typical_s),
        math.log(change + STEADY),
        *(float((beats.label == kind).mean()) for kind in "SV"),
    ]


def _of_shape(window: Windows, beat_s: Float) -> list[float]:
    """Width of the QRS complex, and high frequencies between the beats."""
    slope = np.diff(window.astype(np.float64))
    half = round(HALF_QRS_S * FS)
    at = np.rint(beat_s * FS).astype(int)
    at = at[(at >= half) & (at < len(slope) - half)]
    if len(at) < FEWEST_BEATS:
        return [math.nan] * 2
    near = at[:, None] + np.arange(-half, half + 1)
    between = np.ones(len(slope), bool)
    between[near.ravel()] = False
    return [
        math.log(_width_ms(slope[near])),
        math.log(float(slope[between].std()) + 1e-3) if between.any() else math.nan,
    ]


def _width_ms(slope: Float) -> float:
    """Twice the spread about its middle of the squared slope around each beat, the median of the beats."""
    energy = slope**2 / np.maximum((slope**2).sum(axis=1, keepdims=True), 1e-12)
    place_ms = np.arange(slope.shape[1]) * 1000 / FS
    middle_ms = energy @ place_ms
    spread_ms = np.sqrt((energy * (place_ms - middle_ms[:, None]) ** 2).sum(axis=1))
    return max(2 * float(np.median(spread_ms)), 1.0)


def _in_af(start_s: Float, af: Spans, duration_s: float) -> Float:
    """1 in AF from end to end, 0 wholly outside, NaN between and in a recording too short to tell."""
    if duration_s < SHORTEST_S:
        return np.full(len(start_s), np.nan)
    inside = covers(af, start_s, start_s + WINDOW_S)
    touched = np.array([len(intersection(af, np.array([[one, one + WINDOW_S]]))) > 0 for one in start_s], bool)
    return np.where(inside, 1.0, np.where(touched, np.nan, 0.0))

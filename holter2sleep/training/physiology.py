"""What a window of 10 s shows of heart and signal, measured by the package itself: proxies of a patient's risk.

Headers hold little of what a risk score needs. What the pipeline can measure takes its place, as in physiology-guided
self-supervised learning (arXiv 2602.04266): rate, irregularity, ectopy, width of the QRS complex, share of noise.
The classes of beats and the episodes of AF come from models of ours that were fitted on annotated records of MIT-BIH
DS1 (`training/classes.py`, `training/fibrillation.py`): through them, labels of DS1 reach whatever learns from this.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

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
from holter2sleep.training.window_measures import (
    RR_NAMES,
    SPECTRUM_NAMES,
    TEMPLATE_NAMES,
    rr_statistics,
    spectrum,
    template_statistics,
)

CORE = ("heart_rate", "irregularity", "share_s", "share_v", "qrs_width", "high_frequency", "af")  # stand for a risk
ECTOPY = ("any_s", "any_v", "share_early", "share_late", "repeat_1", "repeat_2", "repeat_3")
SHAPE = ("widest_qrs",)
NAMES = (*CORE, *ECTOPY, *SHAPE, *RR_NAMES, *TEMPLATE_NAMES, *SPECTRUM_NAMES)

EARLY, LATE = 0.85, 1.2  # an interval over the median one: a premature beat, a compensatory pause
STEADY_SD = 0.02  # of the intervals over their median: below, their order tells nothing

FEWEST_BEATS = 4  # in a window: two differences of intervals
HALF_QRS_S = 0.12  # about a beat: holds the widest QRS complex
STEADY = 0.005  # added to a share before its logarithm: 4 ms at 75/min, the error of a beat's place
STILL_SD = 1e-3  # added to the SD of a sample's step before its logarithm: a line at rest
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
    and V beats, width of the QRS complex (ln of ms), high frequencies between the beats (ln of SD a sample), AF (0, 1);
    whether there is an S or a V (0, 1), shares of early and of late intervals, how far intervals repeat after one, two
    and three beats (-1 to 1: bigeminy, trigeminy); ln of the widest QRS complex over the median
    one; and what `window_measures` tells.

    Parameters
    ----------
    windows
        z-scored, 500 Hz; array (n_windows, 5000).
    start_s
        When each begins; array (n_windows,), s.
    """
    return physiology_of_leads([windows], start_s, beats, af, duration_s)[0]


def physiology_of_leads(
    leads: Sequence[Windows], start_s: Float, beats: Beats, af: Spans, duration_s: float
) -> list[Float]:
    """`window_physiology` of the same windows in several leads."""
    first, last = np.searchsorted(beats.time_s, start_s), np.searchsorted(beats.time_s, start_s + WINDOW_S)
    inside = [beats.where(slice(i, j)) for i, j in zip(first.tolist(), last.tolist(), strict=True)]
    beat_s = [found.time_s - begin for found, begin in zip(inside, start_s.tolist(), strict=True)]
    of_beats = [_of_beats(*each) for each in zip(inside, beat_s, strict=True)]
    in_af = _in_af(start_s, af, duration_s)
    return [_table(windows, beat_s, of_beats, in_af) for windows in leads]


def _table(windows: Windows, beat_s: list[Float], of_beats: list[dict[str, float]], in_af: Float) -> Float:
    """One lead's windows, in the order of `NAMES`."""
    rows = [a | _of_shape(window, b) for a, window, b in zip(of_beats, windows, beat_s, strict=True)]
    table = {name: np.array([row.get(name, math.nan) for row in rows]) for name in NAMES}
    table["af"] = in_af
    table |= zip(SPECTRUM_NAMES, spectrum(windows).T, strict=True)
    return np.column_stack(list(table.values()))


def _of_beats(beats: Beats, beat_s: Float) -> dict[str, float]:
    """What the times and the classes of the beats tell; nothing where they are too few, or one cannot be trusted."""
    if len(beats) < FEWEST_BEATS or not beats.usable.all():
        return {}
    rr_s = np.diff(beat_s)
    relative = rr_s / np.median(rr_s)
    share_s, share_v = (float((beats.label == kind).mean()) for kind in "SV")
    return {
        "heart_rate": math.log(60 / float(np.median(rr_s))),
        "irregularity": math.log(float(np.median(np.abs(np.diff(relative)))) + STEADY),
        "share_s": share_s,
        "share_v": share_v,
        "any_s": float(share_s > 0),
        "any_v": float(share_v > 0),
        "share_early": float((relative < EARLY).mean()),
        "share_late": float((relative > LATE).mean()),
        **{f"repeat_{lag}": repeated(relative, lag) for lag in (1, 2, 3)},
        **dict(zip(RR_NAMES, rr_statistics(beat_s), strict=True)),
    }


def repeated(rr: Float, lag: int) -> float:
    """Autocorrelation of intervals over their median, towards 0 where they hardly vary.

    Examples
    --------
    >>> [round(repeated(np.array([0.7, 1.3] * 5), lag), 2) for lag in (1, 2)]
    [-1.0, 1.0]
    """
    if len(rr) <= lag + 1:
        return math.nan
    left = rr - rr.mean()
    return float((left[lag:] * left[:-lag]).mean() / (left.var() + STEADY_SD**2))


def _of_shape(window: Windows, beat_s: Float) -> dict[str, float]:
    """Widths of the QRS complexes, high frequencies between the beats, and the beats beside their template."""
    slope = np.diff(window.astype(np.float64))
    half = round(HALF_QRS_S * FS)
    at = np.rint(beat_s * FS).astype(int)
    at = at[(at >= half) & (at < len(slope) - half)]
    if len(at) < FEWEST_BEATS:
        return {}
    near = at[:, None] + np.arange(-half, half + 1)
    between = np.ones(len(slope), bool)
    between[near.ravel()] = False
    width_ms = _widths_ms(slope[near])
    return {
        "qrs_width": math.log(float(np.median(width_ms))),
        "widest_qrs": math.log(float(width_ms.max() / np.median(width_ms))),
        "high_frequency": math.log(float(slope[between].std()) + STILL_SD) if between.any() else math.nan,
        **dict(zip(TEMPLATE_NAMES, template_statistics(window, beat_s), strict=True)),
    }


def _widths_ms(slope: Float) -> Float:
    """Twice the spread about its middle of the squared slope around each beat."""
    energy = slope**2 / np.maximum((slope**2).sum(axis=1, keepdims=True), 1e-12)
    place_ms = np.arange(slope.shape[1]) * 1000 / FS
    middle_ms = energy @ place_ms
    spread_ms = np.sqrt((energy * (place_ms - middle_ms[:, None]) ** 2).sum(axis=1))
    return np.maximum(2 * spread_ms, 1.0)


def _in_af(start_s: Float, af: Spans, duration_s: float) -> Float:
    """1 in AF from end to end, 0 wholly outside, NaN between and in a recording too short to tell."""
    if duration_s < SHORTEST_S:
        return np.full(len(start_s), np.nan)
    inside = covers(af, start_s, start_s + WINDOW_S)
    touched = np.array([len(intersection(af, np.array([[one, one + WINDOW_S]]))) > 0 for one in start_s], bool)
    return np.where(inside, 1.0, np.where(touched, np.nan, 0.0))

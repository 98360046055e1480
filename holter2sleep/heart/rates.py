"""Pauses and sustained rates, from the intervals."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from holter2sleep.heart.stretches import Stretches, between_s, linked
from holter2sleep.night import Beats, Bool, Float


def pauses(beats: Beats, trusted: Bool, pause_s: float) -> Stretches:
    """Intervals of at least `pause_s`, whatever caused them."""
    end = np.flatnonzero(trusted & (beats.rr_s >= pause_s))
    return Stretches("PAUSE", (end - 1).tolist(), end.tolist())


def after_ectopic(beats: Beats, start_s: Float) -> Bool:
    """Whether the beats at the given times are ectopic: a pause after one is its compensation. array (n,)."""
    index = np.clip(np.searchsorted(beats.time_s, start_s), 0, max(len(beats) - 1, 0))
    return np.isin(beats.label[index], ["V", "S"]) if len(beats) else np.zeros(len(start_s), bool)


def smoothed_bpm(beats: Beats, trusted: Bool, smoothing_beats: int) -> Float | None:
    """Running median of the rate at each beat; None with fewer trusted intervals than it takes. array (n_beats,)."""
    if trusted.sum() < smoothing_beats:
        return None
    filled = np.interp(beats.time_s, beats.time_s[trusted], beats.rr_s[trusted])
    return 60 / ndimage.median_filter(filled, smoothing_beats, mode="nearest")


def sustained(beats: Beats, trusted: Bool, beyond: Bool, kind: str, least_s: float) -> Stretches:
    """Stretches in which the beats are `beyond` a limit for at least so long."""
    pairs = linked(beyond & beats.usable, trusted)
    opened = [(a - int(trusted[a]), b) for a, b in pairs]  # the first such interval begins at the beat before
    return Stretches.of(kind, [(a, b) for a, b in opened if between_s(beats, a, b) >= least_s])

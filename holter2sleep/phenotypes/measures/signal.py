"""What was recorded: quality, heights, averaged beats."""

from __future__ import annotations

import numpy as np

from holter2sleep.heart.morphology import NAMES, measure_beats
from holter2sleep.night import Flag, Night
from holter2sleep.phenotypes.measures.measured import Measured, Values, mean, percent_of
from holter2sleep.recipe import Recipe
from holter2sleep.spans import contains, duration


def quality_measures(part: Night, _night: Night, _recipe: Recipe) -> Measured:
    """Recorded and analysable time, signal quality, R amplitude."""
    here = contains(part.spans, part.grid.onset_s)
    flags, sqi = part.quality.flags[here], part.quality.sqi[here]
    recorded_s, usable_s = duration(part.spans), part.usable_s
    lost = int(Flag.MISSING | Flag.FLAT | Flag.SATURATED)
    values: Values = {
        "recorded_time": recorded_s / 3600,
        "analysable_time": usable_s / 3600,
        "analysable_share": percent_of(usable_s, recorded_s),
        "sqi_mean": mean(sqi[np.isfinite(sqi)]) if part.recording.ecg is not None else None,
        "lead_off_share": 100 * mean(flags & lost > 0),
        "noise_share": 100 * mean(flags & Flag.NOISE > 0),
    }
    return Measured(values, int(here.sum()), recorded_s)


def morphology_measures(part: Night, _night: Night, _recipe: Recipe) -> Measured:
    """Height of the R wave in normal beats."""
    normal = part.beats.usable & (part.beats.label == "N") & np.isfinite(part.beats.amplitude_mv)
    height_mv = part.beats.amplitude_mv[normal]
    values: Values = {"r_amplitude": float(np.median(height_mv)) if len(height_mv) else np.nan}
    return Measured(values, len(height_mv), part.usable_s)


def averaged_beat_measures(part: Night, _night: Night, recipe: Recipe) -> Measured:
    """Intervals and T amplitude of the averaged beat; no ST, which a single patch lead cannot show."""
    if part.averages is None:
        return Measured({**dict.fromkeys(NAMES), "st_level": None}, 0, 0.0)
    found = measure_beats(part.averages, contains(part.spans, part.grid.onset_s), recipe.morphology)
    averaged_s = 0.0 if found.beat is None else found.beat.n_beats * found.beat.rr_s
    return Measured({**found.values, "st_level": None}, found.n_beats, averaged_s, found.intervals)

"""Traces of breathing and its events."""

from __future__ import annotations

import numpy as np

from holter2sleep.autonomic.breathing_rate import confident, tells_of_breathing
from holter2sleep.autonomic.epoch_rates import mean_rates
from holter2sleep.night import AF_KINDS, EPOCH_S, Bool, Night
from holter2sleep.phenotypes.measures.measured import Measured, Values, mean
from holter2sleep.phenotypes.measures.staged import ratio_interval, summed
from holter2sleep.recipe import Recipe
from holter2sleep.spans import contains, duration, intersection, overlap_per_cell, subtraction

_TOLD = ("respiration_rate", "respiration_rate_iqr", "hf_respiratory", "pulse_respiration_quotient")


def cvhr_measures(part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Cyclic variation of heart rate per analysable hour outside AF."""
    return event_index("cvhr_index", "CVHR", part, night)


def respiratory_measures(_part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Respiratory events that the cycles in sleep suggest, per analysable hour of sleep outside AF."""
    return event_index("respiratory_index", "CVHR", night.within("sleep"), night)


def event_index(name: str, kind: str, part: Night, night: Night) -> Measured:
    """Events that begin in the part, per analysable hour outside AF; in a stage with what the stager does not know."""
    af = night.episodes.of(*AF_KINDS).spans
    n, seconds = len(part.episodes.of(kind)), part.usable_s - duration(intersection(part.usable_spans, af))
    index = 3600 * n / seconds if seconds else np.nan
    start_s = night.episodes.of(kind).start_s
    looked_at = subtraction(night.usable_spans, af)
    per_epoch = [summed(np.ones(len(start_s)), start_s, night.grid), overlap_per_cell(looked_at, night.grid.edges_s)]
    intervals = ratio_interval(name, 3600.0, part, index, np.column_stack(per_epoch))
    return Measured({name: index}, n, seconds, intervals)


def respiration_measures(part: Night, _night: Night, recipe: Recipe) -> Measured:
    """Breathing rate of the confident epochs, and what the heart does with it; withheld where they are too few."""
    here = contains(part.spans, part.grid.onset_s) & part.quality.usable
    sure = here & confident(part.respiration, recipe.breathing)
    share = mean(sure[here])
    n = int(sure.sum())
    told = (
        _of_breaths(part, sure) if n and tells_of_breathing(share, recipe.breathing) else dict.fromkeys(_TOLD, np.nan)
    )
    return Measured({"respiration_share": 100 * share, **told}, n, EPOCH_S * n)


def _of_breaths(part: Night, epochs: Bool) -> Values:
    """Values of some epochs with a known rate."""
    rate_bpm, hf_ms2 = part.respiration.rate_bpm[epochs], part.respiration.hf_ms2[epochs]
    quotient = mean_rates(part.beats, part.usable_spans, part.grid)[epochs] / rate_bpm
    low, middle, high = np.percentile(rate_bpm, [25, 50, 75])
    found = (middle, high - low, mean(hf_ms2[np.isfinite(hf_ms2)]), mean(quotient[np.isfinite(quotient)]))
    return dict(zip(_TOLD, map(float, found), strict=True))

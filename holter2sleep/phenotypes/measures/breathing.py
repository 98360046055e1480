"""Traces of breathing and its events."""

from __future__ import annotations

import numpy as np

from holter2sleep.autonomic.breathing_rate import confident, tells_of_breathing
from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.night import AF_KINDS, EPOCH_S, Bool, Float, Night
from holter2sleep.phenotypes.measures.measured import Measured, Values, mean
from holter2sleep.recipe import Recipe
from holter2sleep.spans import contains, duration, intersection

_TOLD = ("respiration_rate", "respiration_rate_iqr", "hf_respiratory", "pulse_respiration_quotient")


def cvhr_measures(part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Cyclic variation of heart rate per analysable hour outside AF."""
    n, hours = events_and_hours(part, night, "CVHR")
    return Measured({"cvhr_index": n / hours if hours else np.nan}, n, 3600 * hours)


def respiratory_measures(_part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Respiratory events that the cycles in sleep suggest, per analysable hour of sleep outside AF."""
    n, hours = events_and_hours(night.within("sleep"), night, "CVHR")
    return Measured({"respiratory_index": n / hours if hours else np.nan}, n, 3600 * hours)


def events_and_hours(part: Night, night: Night, kind: str) -> tuple[int, float]:
    """Number of events that begin in the part, and its analysable hours outside AF."""
    af_s = duration(intersection(part.usable_spans, night.episodes.of(*AF_KINDS).spans))
    return len(part.episodes.of(kind)), (part.usable_s - af_s) / 3600


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
    quotient = _heart_rate_bpm(part)[epochs] / rate_bpm
    low, middle, high = np.percentile(rate_bpm, [25, 50, 75])
    found = (middle, high - low, mean(hf_ms2[np.isfinite(hf_ms2)]), mean(quotient[np.isfinite(quotient)]))
    return dict(zip(_TOLD, map(float, found), strict=True))


def _heart_rate_bpm(part: Night) -> Float:
    """Mean heart rate of each epoch, NaN without a trusted interval. array (n_epochs,)."""
    trusted = trusted_rr(part.beats, part.usable_spans)
    epoch = part.grid.epoch_of(part.beats.time_s[trusted])
    n = np.bincount(epoch, minlength=part.grid.n)
    total_s = np.bincount(epoch, part.beats.rr_s[trusted], part.grid.n)
    return 60 * np.divide(n, total_s, out=np.full(part.grid.n, np.nan), where=n > 0)

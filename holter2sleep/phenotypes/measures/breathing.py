"""Traces of breathing and its events."""

from __future__ import annotations

import numpy as np

from holter2sleep.autonomic.breathing_rate import confident
from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.night import AF_KINDS, EPOCH_S, Float, Night
from holter2sleep.phenotypes.measures.measured import Measured, Values, mean
from holter2sleep.recipe import Recipe
from holter2sleep.spans import contains, duration, intersection


def cvhr_measures(part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Cyclic variation of heart rate per analysable hour outside AF."""
    n, hours = _cvhr_cycles(part, night)
    return Measured({"cvhr_index": n / hours if hours else np.nan}, n, 3600 * hours)


def respiratory_measures(_part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Respiratory events that the cycles in sleep suggest, per analysable hour of sleep outside AF."""
    n, hours = _cvhr_cycles(night.within("sleep"), night)
    return Measured({"respiratory_index": n / hours if hours else np.nan}, n, 3600 * hours)


def _cvhr_cycles(part: Night, night: Night) -> tuple[int, float]:
    """Number of cycles that begin in the part, and its analysable hours outside AF."""
    af_s = duration(intersection(part.usable_spans, night.episodes.of(*AF_KINDS).spans))
    return len(part.episodes.of("CVHR")), (part.usable_s - af_s) / 3600


def respiration_measures(part: Night, _night: Night, recipe: Recipe) -> Measured:
    """Breathing rate of the confident epochs, and what the heart does with it."""
    here = contains(part.spans, part.grid.onset_s) & part.quality.usable
    sure = here & confident(part.respiration, recipe.breathing)
    rate_bpm, hf_ms2 = part.respiration.rate_bpm[sure], part.respiration.hf_ms2[sure]
    quotient = _heart_rate_bpm(part)[sure] / rate_bpm
    low, middle, high = np.percentile(rate_bpm, [25, 50, 75]) if len(rate_bpm) else (np.nan,) * 3
    values: Values = {
        "respiration_rate": middle,
        "respiration_rate_iqr": high - low,
        "respiration_share": 100 * mean(sure[here]),
        "hf_respiratory": mean(hf_ms2[np.isfinite(hf_ms2)]),
        "pulse_respiration_quotient": mean(quotient[np.isfinite(quotient)]),
    }
    return Measured(values, len(rate_bpm), EPOCH_S * len(rate_bpm))


def _heart_rate_bpm(part: Night) -> Float:
    """Mean heart rate of each epoch, NaN without a trusted interval. array (n_epochs,)."""
    trusted = trusted_rr(part.beats, part.usable_spans)
    epoch = part.grid.epoch_of(part.beats.time_s[trusted])
    n = np.bincount(epoch, minlength=part.grid.n)
    total_s = np.bincount(epoch, part.beats.rr_s[trusted], part.grid.n)
    return 60 * np.divide(n, total_s, out=np.full(part.grid.n, np.nan), where=n > 0)

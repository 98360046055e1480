"""Rates, ectopy, pauses and atrial fibrillation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from holter2sleep.autonomic.blocks import Interval, block_sums, estimates, ratio
from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.heart.rates import after_ectopic
from holter2sleep.heart.rhythm import near_af_spans, tells_of_s
from holter2sleep.night import AF_KINDS, Float, Night
from holter2sleep.phenotypes.measures.ectopic import ectopic_measures
from holter2sleep.phenotypes.measures.measured import Measured, Values, mean, percent_of, trusted_rr_s
from holter2sleep.phenotypes.measures.staged import ratio_interval, stage_intervals, summed, usable_s_of_epochs
from holter2sleep.phenotypes.strips import RATE_INTERVALS
from holter2sleep.recipe import Recipe
from holter2sleep.spans import as_spans, duration, intersection, overlap_per_cell

# Limits beside the recipe's own that reports of pauses name (Solomon 2016: 3 s; Holter practice: 2.5 s).
NO_SPANS = as_spans([])
LONGER_PAUSES_S = {"n_pauses_2_5": 2.5, "n_pauses_3": 3.0}

_COUNTED: dict[str, tuple[str, ...]] = {
    "n_couplets_v": ("COUPLET_V",),
    "n_runs_v": ("VT", "IVR"),
    "n_brady": ("BRADY",),
    "n_tachy": ("TACHY",),
    "n_suspected_block": ("BII", "BIII"),
}


def rate_measures(part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Mean, lowest and highest heart rate."""
    trusted = trusted_rr(part.beats, part.usable_spans)
    rr_s = part.beats.rr_s[trusted]
    running = _running_rates(part.beats.rr_s, trusted)
    values: Values = {
        "heart_rate_mean": 60 / mean(rr_s),
        "heart_rate_min": float(running.min()) if len(running) else np.nan,
        "heart_rate_max": float(running.max()) if len(running) else np.nan,
    }
    return Measured(values, len(rr_s), float(rr_s.sum()), _interval_of_rate(part, night, values["heart_rate_mean"]))


def _interval_of_rate(part: Night, night: Night, rate_bpm: float | None) -> dict[str, Interval]:
    if rate_bpm is None or part.sampled is None:
        return estimates(block_sums(*_intervals(part)), _mean_rate).intervals
    return stage_intervals(part, {"heart_rate_mean": rate_bpm}, summed(*_intervals(night), night.grid), _mean_rate)


def _intervals(part: Night) -> tuple[Float, Float]:
    """Number and length of each trusted interval, array (n, 2), and its end."""
    trusted = trusted_rr(part.beats, part.usable_spans)
    rr_s = part.beats.rr_s[trusted]
    return np.column_stack([np.ones(len(rr_s)), rr_s]), part.beats.time_s[trusted]


def _mean_rate(totals: Float) -> dict[str, Float]:
    return {"heart_rate_mean": 60 * ratio(totals[..., 0], totals[..., 1])}


def _running_rates(rr_s: Float, trusted: np.ndarray) -> Float:
    """Rates over each 8 successive trusted intervals."""
    if len(rr_s) < RATE_INTERVALS:
        return np.empty(0)
    total_s = np.convolve(np.where(trusted, rr_s, 0.0), np.ones(RATE_INTERVALS), "valid")
    whole = np.convolve(trusted, np.ones(RATE_INTERVALS, int), "valid") == RATE_INTERVALS
    return 60 * RATE_INTERVALS / total_s[whole]


def rhythm_measures(part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Ventricular ectopy, pauses, rates and atrial fibrillation."""
    ectopic = ectopic_measures("V", part, night, NO_SPANS)
    rr_s = trusted_rr_s(part)
    count = {kind: len(part.episodes.of(*kinds)) for kind, kinds in _COUNTED.items()}
    af = part.episodes.of(*AF_KINDS)
    af_s = duration(intersection(night.episodes.of(*AF_KINDS).spans, part.usable_spans))
    burden = percent_of(af_s, part.usable_s)
    values: Values = {
        "n_beats": ectopic.n,
        **ectopic.values,
        **count,
        **_pauses(part),
        "longest_pause": float(rr_s.max()) if len(rr_s) else np.nan,
        "af_burden": burden,
        "n_af_episodes": len(af),
        "longest_af": float((af.end_s - af.start_s).max()) / 60 if len(af) else 0.0,
    }
    intervals = {**ectopic.intervals, **_interval_of_burden(part, night, burden)}
    return Measured(values, ectopic.n, part.usable_s, intervals)


def _interval_of_burden(part: Night, night: Night, burden: float) -> dict[str, Interval]:
    af = intersection(night.episodes.of(*AF_KINDS).spans, night.usable_spans)
    per_epoch = np.column_stack([overlap_per_cell(af, night.grid.edges_s), usable_s_of_epochs(night)])
    return ratio_interval("af_burden", 100.0, part, burden, per_epoch)


def _pauses(part: Night) -> Values:
    """Number of pauses, of longer ones, and of those after an ectopic beat."""
    pauses = part.episodes.of("PAUSE")
    length_s = np.round(pauses.end_s - pauses.start_s, 6)
    return {
        "n_pauses": len(pauses),
        **{name: int((length_s >= limit_s).sum()) for name, limit_s in LONGER_PAUSES_S.items()},
        "n_pauses_ectopic": int(after_ectopic(part.beats, pauses.start_s).sum()),
    }


def supraventricular_measures(part: Night, night: Night, recipe: Recipe) -> Measured:
    """Supraventricular ectopy, over the time outside AF; None where AF leaves hardly any."""
    af = near_af_spans(night.episodes.of(*AF_KINDS).spans, recipe.rhythm)
    found = ectopic_measures("S", part, night, af)
    values: Values = {
        **found.values,
        "n_couplets_s": len(part.episodes.of("COUPLET_S")),
        "n_runs_s": len(part.episodes.of("SVTA")),
    }
    if part.usable_s and not tells_of_s(found.coverage_s, part.usable_s, recipe.rhythm):
        return Measured(dict.fromkeys(values), int(part.beats.usable.sum()), part.usable_s)
    return replace(found, values=values)

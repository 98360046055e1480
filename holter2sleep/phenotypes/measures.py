"""A part of a night to the values of one domain of the dictionary.

Each function returns values by phenotype name with the number of items and the seconds they rest on.
A value of NaN means too little data; None means that the night has no such thing (REM latency without REM).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from holter2sleep.autonomic.hrv import five_minute_windows, frequency_measures, segment_measures, time_measures
from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.heart.morphology import NAMES, measure_beats
from holter2sleep.heart.rates import after_ectopic
from holter2sleep.heart.rhythm import near_af_spans, tells_of_s
from holter2sleep.night import AF_KINDS, EPOCH_S, UNSCORED, Flag, Float, Night
from holter2sleep.phenotypes.ectopy import intervals_of
from holter2sleep.phenotypes.strips import RATE_INTERVALS
from holter2sleep.recipe import Recipe
from holter2sleep.sleep.architecture import sleep_measures
from holter2sleep.sleep.periods import NOT_FOUND
from holter2sleep.spans import complement, contains, duration, intersection

Values = dict[str, float | None]


@dataclass(frozen=True)
class Measured:
    """Values of one domain, what they rest on, and the interval of those that have one."""

    values: Values
    n: int
    coverage_s: float
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


def quality_measures(part: Night, _night: Night, _recipe: Recipe) -> Measured:
    """Recorded and analysable time, signal quality, R amplitude."""
    here = contains(part.spans, part.grid.onset_s)
    flags, sqi = part.quality.flags[here], part.quality.sqi[here]
    recorded_s, usable_s = duration(part.spans), part.usable_s
    lost = int(Flag.MISSING | Flag.FLAT | Flag.SATURATED)
    values: Values = {
        "recorded_time": recorded_s / 3600,
        "analysable_time": usable_s / 3600,
        "analysable_share": 100 * usable_s / recorded_s if recorded_s > 0 else np.nan,
        "sqi_mean": _mean(sqi[np.isfinite(sqi)]) if part.recording.ecg is not None else None,
        "lead_off_share": 100 * _mean(flags & lost > 0),
        "noise_share": 100 * _mean(flags & Flag.NOISE > 0),
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


def rate_measures(part: Night, _night: Night, _recipe: Recipe) -> Measured:
    """Mean, lowest and highest heart rate."""
    trusted = trusted_rr(part.beats, part.usable_spans)
    rr_s = part.beats.rr_s[trusted]
    running = _running_rates(part.beats.rr_s, trusted)
    values: Values = {
        "heart_rate_mean": 60 / _mean(rr_s),
        "heart_rate_min": float(running.min()) if len(running) else np.nan,
        "heart_rate_max": float(running.max()) if len(running) else np.nan,
    }
    return Measured(values, len(rr_s), float(rr_s.sum()))


def _running_rates(rr_s: Float, trusted: np.ndarray) -> Float:
    """Rates over each 8 successive trusted intervals."""
    if len(rr_s) < RATE_INTERVALS:
        return np.empty(0)
    total_s = np.convolve(np.where(trusted, rr_s, 0.0), np.ones(RATE_INTERVALS), "valid")
    whole = np.convolve(trusted, np.ones(RATE_INTERVALS, int), "valid") == RATE_INTERVALS
    return 60 * RATE_INTERVALS / total_s[whole]


def dipping_measures(_part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Fall of the mean rate from wake to sleep; it rests on the scarcer of the two."""
    wake_s, sleep_s = (_trusted_rr_s(night.within(stratum)) for stratum in ("wake", "sleep"))
    wake, sleep = 60 / _mean(wake_s), 60 / _mean(sleep_s)
    values: Values = {"heart_rate_dip": 100 * (wake - sleep) / wake}
    return Measured(values, min(len(wake_s), len(sleep_s)), float(min(wake_s.sum(), sleep_s.sum())))


def _trusted_rr_s(part: Night) -> Float:
    """Intervals between successive usable beats of the part."""
    return part.beats.rr_s[trusted_rr(part.beats, part.usable_spans)]


def rhythm_measures(part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Ventricular ectopy, pauses, rates and atrial fibrillation."""
    beats = part.beats.where(part.beats.usable)
    usable_s, n = part.usable_s, len(beats)
    n_veb = int((beats.label == "V").sum())
    rr_s = _trusted_rr_s(part)
    count = {kind: len(part.episodes.of(*kinds)) for kind, kinds in _COUNTED.items()}
    af = part.episodes.of(*AF_KINDS)
    af_s = duration(intersection(night.episodes.of(*AF_KINDS).spans, part.usable_spans))
    values: Values = {
        "n_beats": n,
        "n_veb": n_veb,
        "veb_per_hour": 3600 * n_veb / usable_s if usable_s else np.nan,
        "veb_share": 100 * n_veb / n if n else np.nan,
        **count,
        **_pauses(part),
        "longest_pause": float(rr_s.max()) if len(rr_s) else np.nan,
        "af_burden": 100 * af_s / usable_s if usable_s else np.nan,
        "n_af_episodes": len(af),
        "longest_af": float((af.end_s - af.start_s).max()) / 60 if len(af) else 0.0,
    }
    names = ("n_veb", "veb_per_hour", "veb_share")
    return Measured(values, n, usable_s, intervals_of(*names, beats.label == "V", beats.chance_v, usable_s))


_COUNTED: dict[str, tuple[str, ...]] = {
    "n_couplets_v": ("COUPLET_V",),
    "n_runs_v": ("VT", "IVR"),
    "n_brady": ("BRADY",),
    "n_tachy": ("TACHY",),
    "n_suspected_block": ("BII", "BIII"),
}


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
    outside = intersection(part.usable_spans, complement(af, 0.0, night.recording.duration_s))
    beats = part.beats.where(part.beats.usable & ~contains(af, part.beats.time_s))
    seconds, n = duration(outside), len(beats)
    n_sveb = int((beats.label == "S").sum())
    values: Values = {
        "n_sveb": n_sveb,
        "sveb_per_hour": 3600 * n_sveb / seconds if seconds else np.nan,
        "sveb_share": 100 * n_sveb / n if n else np.nan,
        "n_couplets_s": len(part.episodes.of("COUPLET_S")),
        "n_runs_s": len(part.episodes.of("SVTA")),
    }
    if part.usable_s and not tells_of_s(seconds, part.usable_s, recipe.rhythm):
        return Measured(dict.fromkeys(values), int(part.beats.usable.sum()), part.usable_s)
    names = ("n_sveb", "sveb_per_hour", "sveb_share")
    return Measured(values, n, seconds, intervals_of(*names, beats.label == "S", beats.chance_s, seconds))


def nn_measures(part: Night, _night: Night, _recipe: Recipe) -> Measured:
    """Share of the RR intervals that could not be used as NN."""
    rr_s = _trusted_rr_s(part)
    removed = len(rr_s) - len(part.nn)
    values: Values = {"nn_removed_share": 100 * removed / len(rr_s) if len(rr_s) else np.nan}
    return Measured(values, len(rr_s), float(rr_s.sum()))


def hrv_time_measures(part: Night, _night: Night, _recipe: Recipe) -> Measured:
    """Time-domain variability of all NN intervals together."""
    return Measured(dict(time_measures(part.nn)), len(part.nn), float(part.nn.nn_ms.sum()) / 1000)


def hrv_segment_measures(part: Night, _night: Night, recipe: Recipe) -> Measured:
    """Variability between and within 5-min windows."""
    windows = five_minute_windows(part.nn, recipe.hrv)
    return Measured(dict(segment_measures(windows)), len(windows.parts), _covered_s(windows.parts))


def hrv_frequency_measures(part: Night, _night: Night, recipe: Recipe) -> Measured:
    """Spectral powers."""
    windows = five_minute_windows(part.nn, recipe.hrv)
    return Measured(dict(frequency_measures(windows, recipe.hrv)), len(windows.parts), _covered_s(windows.parts))


def _covered_s(parts: tuple) -> float:
    return float(sum(part.nn_ms.sum() for part in parts)) / 1000


def sleep_domain_measures(_part: Night, night: Night, recipe: Recipe) -> Measured:
    """AASM measures; withheld (NaN) when too much of the time in bed is unscored."""
    found = sleep_measures(night.hypnogram, night.lights, recipe.sleep)
    if night.lights.source == NOT_FOUND:
        found = dict.fromkeys(found)
    withheld = found["tst"] is None
    middle_s = night.grid.onset_s + EPOCH_S / 2
    in_bed = (middle_s >= night.lights.off_s) & (middle_s < night.lights.on_s)
    n = int((in_bed & (night.hypnogram.stage != UNSCORED)).sum())
    values = {name: np.nan if withheld and value is None else value for name, value in found.items()}
    return Measured(values, n, EPOCH_S * n)


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


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


# Limits beside the recipe's own that reports of pauses name (Solomon 2016: 3 s; Holter practice: 2.5 s).
LONGER_PAUSES_S = {"n_pauses_2_5": 2.5, "n_pauses_3": 3.0}

# Which function fills which domain of the dictionary.
FORMULAS: dict[str, Callable[[Night, Night, Recipe], Measured]] = {
    "quality": quality_measures,
    "morphology": morphology_measures,
    "averaged_beat": averaged_beat_measures,
    "rate": rate_measures,
    "dipping": dipping_measures,
    "rhythm": rhythm_measures,
    "supraventricular": supraventricular_measures,
    "nn": nn_measures,
    "hrv_time": hrv_time_measures,
    "hrv_segments": hrv_segment_measures,
    "hrv_frequency": hrv_frequency_measures,
    "sleep": sleep_domain_measures,
    "cvhr": cvhr_measures,
    "respiratory": respiratory_measures,
}

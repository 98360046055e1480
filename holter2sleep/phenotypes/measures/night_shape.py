"""The course of the heart rate over the night outside AF, and over the day where there is one."""

from __future__ import annotations

import numpy as np

from holter2sleep.autonomic.cosinor import fit_cosinor
from holter2sleep.autonomic.epoch_rates import mean_rates
from holter2sleep.autonomic.hrv import rmssd_ms
from holter2sleep.autonomic.night_shape import (
    KNOWN_SHARE,
    NADIR_EPOCHS,
    change_at_onset,
    mean_of_known,
    nadir,
    responses_to,
    trend_per_hour,
    ultradian_wave,
)
from holter2sleep.autonomic.spectrum import welch_rows, welch_values
from holter2sleep.autonomic.windows import five_minute_windows
from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.night import EPOCH_S, Bool, Float, Night
from holter2sleep.phenotypes.measures.measured import Measured, Values, mean, outside_af, trusted_rr_s
from holter2sleep.recipe import Recipe
from holter2sleep.spans import as_spans

HOUR_S = 3600.0


def dipping_measures(_part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Fall of the mean rate from wake to sleep; it rests on the scarcer of the two."""
    night = outside_af(night)
    return _fall("heart_rate_dip", night.within("wake"), night)


def presleep_dip_measures(_part: Night, night: Night, _recipe: Recipe) -> Measured:
    """The same against the wake between lights-off and sleep onset."""
    asleep = _asleep_in_bed(night)
    end_s = float(night.grid.onset_s[asleep.argmax()]) if asleep.any() else night.lights.on_s
    before = as_spans([(night.lights.off_s, end_s)])
    calm = outside_af(night)
    return _fall("heart_rate_dip_presleep", calm.within("wake").during(before), calm)


def _fall(name: str, awake: Night, night: Night) -> Measured:
    wake_s, sleep_s = trusted_rr_s(awake), trusted_rr_s(night.within("sleep"))
    wake, sleep = 60 / mean(wake_s), 60 / mean(sleep_s)
    values: Values = {name: 100 * (wake - sleep) / wake}
    return Measured(values, min(len(wake_s), len(sleep_s)), float(min(wake_s.sum(), sleep_s.sum())))


def night_course_measures(_part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Nadir, trend, change at sleep onset, slow wave: from the rates of the epochs asleep."""
    rates, asleep = _rates(night), _asleep_in_bed(night)
    lowest = nadir(rates, night.grid.onset_s, asleep)
    first, behind = (int(asleep.argmax()), len(asleep) - int(asleep[::-1].argmax())) if asleep.any() else (0, 0)
    slope, interval = trend_per_hour(rates, night.grid.onset_s, asleep)
    wave = ultradian_wave(rates[first:behind], night.grid.onset_s[first:behind])
    length_s = (behind - first) * EPOCH_S
    values: Values = {
        "heart_rate_nadir": lowest.rate_bpm,
        "heart_rate_nadir_clock_h": _from_midnight_h(night, lowest.at_s),
        "heart_rate_nadir_position": 100 * (lowest.at_s - night.grid.onset_s[first]) / length_s if length_s else np.nan,
        "heart_rate_sleep_onset": mean_of_known(rates[first : first + NADIR_EPOCHS]) if length_s else np.nan,
        "heart_rate_change_onset": change_at_onset(rates, first),
        "heart_rate_trend": slope,
        "ultradian_period": wave.period_min,
        "ultradian_amplitude": wave.amplitude_bpm,
        "ultradian_share": 100 * wave.share,
    }
    n = int((asleep & np.isfinite(rates)).sum())
    return Measured(values, n, EPOCH_S * n, {"heart_rate_trend": interval})


def _rates(night: Night) -> Float:
    calm = outside_af(night)
    return mean_rates(calm.beats, calm.usable_spans, calm.grid)


def _asleep_in_bed(night: Night) -> Bool:
    return night.hypnogram.mask("sleep") & night.lights.dark(night.grid)


def _from_midnight_h(night: Night, at_s: float) -> float | None:
    """Hours from midnight, -12 to 12; None where the clock is unknown."""
    if night.recording.start is None:
        return None
    moment = night.recording.clock(at_s) if np.isfinite(at_s) else None
    if moment is None:
        return np.nan
    hour = moment.hour + moment.minute / 60 + moment.second / HOUR_S
    return hour - 24 if hour >= 12 else hour


def cycle_measures(_part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Number and length of the NREM-REM cycles, and the trend of the rate from cycle to cycle."""
    names = [name for name in night.parts if name.startswith("cycle_")]
    lengths_min = np.array([np.diff(night.parts[name][0])[0] / 60 for name in names])
    calm = outside_af(night)
    rates = np.array([60 / mean(trusted_rr_s(calm.within(name))) for name in names])
    known = np.isfinite(rates)
    slope = np.polyfit(np.flatnonzero(known), rates[known], 1)[0] if known.sum() >= 3 else np.nan
    values: Values = {
        "n_sleep_cycles": len(names),
        "sleep_cycle_length": mean(lengths_min),
        "heart_rate_cycle_trend": float(slope),
    }
    return Measured(values, len(names), 60 * float(lengths_min.sum()))


def contrast_measures(_part: Night, night: Night, recipe: Recipe) -> Measured:
    """REM against NREM: rate, vagal and spectral variability; it rests on the scarcer of the two."""
    rem, nrem = night.within("rem"), night.within("nrem")
    calm = outside_af(night)
    rr_s = [trusted_rr_s(calm.within(stage)) for stage in ("rem", "nrem")]
    rmssd = [rmssd_ms(part.nn) for part in (rem, nrem)]
    windows = [five_minute_windows(part.nn, part.spans, recipe.hrv) for part in (rem, nrem)]
    lf_hf = [float(welch_values(welch_rows(each, recipe.hrv).sum(axis=0))["lf_hf"]) for each in windows]
    values: Values = {
        "heart_rate_rem_nrem": 60 / mean(rr_s[0]) - 60 / mean(rr_s[1]),
        "rmssd_rem_nrem": _ratio(*rmssd),
        "lf_hf_rem_nrem": _ratio(*lf_hf),
    }
    return Measured(values, min(map(len, rr_s)), float(min(part.sum() for part in rr_s)))


def third_measures(_part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Last third of the sleep period against the first; it rests on the scarcer of the two."""
    empty = as_spans([])
    first, last = (night.during(night.parts.get(name, empty)) for name in ("third_first", "third_last"))
    calm = outside_af(night)
    rr_s = [trusted_rr_s(calm.during(part.spans)) for part in (first, last)]
    values: Values = {
        "heart_rate_thirds": 60 / mean(rr_s[1]) - 60 / mean(rr_s[0]),
        "rmssd_thirds": _ratio(rmssd_ms(last.nn), rmssd_ms(first.nn)),
    }
    return Measured(values, min(map(len, rr_s)), float(min(part.sum() for part in rr_s)))


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else np.nan


def awakening_measures(_part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Rise of the rate at awakenings from sleep."""
    asleep = _asleep_in_bed(night)
    awake = night.hypnogram.mask("wake")
    moments_s = night.grid.onset_s[1:][asleep[:-1] & awake[1:]]
    calm = outside_af(night)
    trusted = trusted_rr(calm.beats, calm.usable_spans)
    rises = responses_to(moments_s, calm.beats.time_s[trusted], calm.beats.rr_s[trusted])
    known = rises[np.isfinite(rises)]
    return Measured({"awakening_heart_rate_rise": mean(known)}, len(known), float(90 * len(known)))


def circadian_measures(_part: Night, night: Night, _recipe: Recipe) -> Measured:
    """The daily wave of the rate, where a day was recorded."""
    rates = mean_rates(night.beats, night.usable_spans, night.grid)
    hours, values_bpm = _five_minute_means(rates)
    clock = night.recording.start
    first_h = 0.0 if clock is None else clock.hour + clock.minute / 60 + clock.second / HOUR_S
    found = fit_cosinor(hours + first_h, values_bpm)
    covered_s = NADIR_EPOCHS * EPOCH_S * len(hours)
    if found is None:
        return Measured(dict.fromkeys(_COSINOR, np.nan), len(hours), covered_s)
    values: Values = {
        "heart_rate_mesor": found.mesor,
        "heart_rate_daily_amplitude": found.amplitude,
        "heart_rate_acrophase_h": None if clock is None else found.acrophase_h,
        "heart_rate_daily_share": 100 * found.share,
    }
    return Measured(values, len(hours), covered_s, {"heart_rate_daily_amplitude": found.amplitude_interval})


_COSINOR = ("heart_rate_mesor", "heart_rate_daily_amplitude", "heart_rate_acrophase_h", "heart_rate_daily_share")


def _five_minute_means(rates: Float) -> tuple[Float, Float]:
    """Middle (h) and mean of each 5 min that are mostly known."""
    n = len(rates) // NADIR_EPOCHS
    rows = rates[: n * NADIR_EPOCHS].reshape(n, NADIR_EPOCHS)
    known = np.isfinite(rows)
    enough = known.sum(axis=1) >= KNOWN_SHARE * NADIR_EPOCHS
    means = np.where(known, rows, 0.0).sum(axis=1)[enough] / known.sum(axis=1)[enough]
    middle_h = (np.arange(n) + 0.5) * NADIR_EPOCHS * EPOCH_S / HOUR_S
    return middle_h[enough], means


def day_measures(_part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Bed against day, where there is one; it rests on the scarcer of the two."""
    if "day" not in night.parts:
        return Measured(dict.fromkeys(("heart_rate_night_day", "rmssd_night_day")), 0, 0.0)
    bed, day = night.within("bed"), night.within("day")
    rr_s = [trusted_rr_s(part) for part in (bed, day)]
    values: Values = {
        "heart_rate_night_day": _ratio(mean(rr_s[1]), mean(rr_s[0])),
        "rmssd_night_day": _ratio(rmssd_ms(bed.nn), rmssd_ms(day.nn)),
    }
    return Measured(values, min(map(len, rr_s)), float(min(part.sum() for part in rr_s)))

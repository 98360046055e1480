"""The course of the heart rate on short nights whose every interval ends in the epoch it is planted in."""

from __future__ import annotations

import dataclasses
from datetime import datetime

import numpy as np
import pytest
from made_nights import RECIPE, beats_of_rr, staged_night, values
from numpy.typing import ArrayLike
from scipy import stats

from holter2sleep.autonomic.cosinor import fit_cosinor
from holter2sleep.autonomic.night_shape import ultradian_wave
from holter2sleep.night import Episodes, Float, Lights, Night
from holter2sleep.phenotypes.measures.measured import Measured
from holter2sleep.phenotypes.measures.night_shape import (
    _five_minute_means,
    _from_midnight_h,
    awakening_measures,
    circadian_measures,
    contrast_measures,
    cycle_measures,
    day_measures,
    dipping_measures,
    night_course_measures,
    presleep_dip_measures,
    third_measures,
)
from holter2sleep.spans import Spans, as_spans, complement

NAN = np.nan


def by_epochs(
    stages: str, beats_per_epoch: ArrayLike, lost: Spans | None = None, swing_s: ArrayLike = 0.0, **changes: object
) -> Night:
    """Epochs of even numbers of beats; of each two intervals one is longer by a swing, one shorter.

    A beat lies a quarter of a second before each epoch begins, so that a bout has one interval less than it has beats.
    """
    n = np.broadcast_to(beats_per_epoch, len(stages)).astype(int)
    swings_s = np.repeat(np.broadcast_to(swing_s, len(stages)), n) * (-1.0) ** np.arange(n.sum())
    beats = beats_of_rr(np.repeat(30 / n, n) + swings_s, start_s=-0.25)
    whole = as_spans([(0.0, 30.0 * len(stages))])
    usable = whole if lost is None else complement(lost, 0.0, 30.0 * len(stages))
    night = staged_night(beats, stages, Episodes.none(), usable)
    assert night.grid.n == len(stages)
    return dataclasses.replace(night, **changes)


def with_start(night: Night, start: datetime | None) -> Night:
    return dataclasses.replace(night, recording=night.recording.but(start=start))


def numbers(found: Measured) -> dict[str, float]:
    assert None not in found.values.values()
    return {name: float(value) for name, value in found.values.items()}  # type: ignore[arg-type]


# --- dips ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stages", "n", "seconds"), [("WWWW2222", 99, 118.8), ("WW222222", 79, 59.25), ("WWW2222W", 99, 118.5)]
)
def test_a_dip_rests_on_the_scarcer_of_wake_and_sleep(stages: str, n: int, seconds: float) -> None:
    """80/min awake and 50/min asleep; each bout of k epochs has 40 k - 1 or 25 k - 1 intervals.

    In the last night sleep has fewer intervals, 99 to 158, and wake lasts shorter.
    """
    night = by_epochs(stages, np.where(np.array(list(stages)) == "W", 40, 25))
    found = dipping_measures(night, night, RECIPE)
    assert numbers(found) == pytest.approx({"heart_rate_dip": 37.5})
    assert (found.n, found.coverage_s) == (n, pytest.approx(seconds))


def test_before_sleep_is_from_lights_off_to_the_first_sleep_in_bed() -> None:
    """100/min before lights-off with a nap in it, 80/min behind it, 60/min asleep, 120/min awake later."""
    stages = "W2WWW222WW222"
    n = np.array([50, 30, 50, 40, 40, 30, 30, 30, 60, 60, 30, 30, 30])
    night = by_epochs(stages, n, lights=Lights(90.0, 390.0, "option"))
    found = presleep_dip_measures(night, night, RECIPE)
    assert numbers(found) == pytest.approx({"heart_rate_dip_presleep": 25.0})
    assert (found.n, found.coverage_s) == (79, pytest.approx(79 * 0.75))


def test_without_sleep_in_bed_all_of_the_bed_is_before_it() -> None:
    """80/min in bed, and 50/min in a nap before lights-off; without that, there is nothing to compare with."""
    n = [25, 40, 40, 40, 60]
    found = [
        presleep_dip_measures(night, night, RECIPE)
        for night in (by_epochs(stages, n, lights=Lights(30.0, 120.0, "option")) for stages in ("2WWWW", "WWWWW"))
    ]
    assert [numbers(each)["heart_rate_dip_presleep"] for each in found] == pytest.approx([37.5, NAN], nan_ok=True)
    assert [each.n for each in found] == [24, 0]
    assert [each.coverage_s for each in found] == pytest.approx([24 * 1.2, 0.0])


# --- course ----------------------------------------------------------------------------------------

COURSE = "W" * 10 + "2" * 40 + "W" * 12
COURSE_BEATS = np.repeat([40, 30, 20, 30, 44], [10, 20, 10, 10, 12])


def test_the_course_is_that_of_the_epochs_asleep_in_bed() -> None:
    """80/min to 300 s, then asleep at 60/min, at 40/min from 900 to 1,200 s; epoch 45 is lost."""
    night = by_epochs(COURSE, COURSE_BEATS, as_spans([(1349.0, 1381.0)]))
    night = with_start(night, datetime(2026, 3, 1, 23, 50, 30))
    found = night_course_measures(night, night, RECIPE)
    asleep = np.setdiff1d(np.arange(10, 50), [45])
    trend = stats.theilslopes(2.0 * COURSE_BEATS[asleep], asleep / 120)
    expected = {
        "heart_rate_nadir": 40.0,
        "heart_rate_nadir_clock_h": 8 / 60,  # 1,050 s after the start
        "heart_rate_nadir_position": 100 * 750 / 1200,
        "heart_rate_sleep_onset": 60.0,
        "heart_rate_change_onset": -20.0,
        "heart_rate_trend": trend.slope,
        "ultradian_period": NAN,
        "ultradian_amplitude": NAN,
        "ultradian_share": NAN,
    }
    assert numbers(found) == pytest.approx(expected, nan_ok=True)
    assert found.intervals == {"heart_rate_trend": pytest.approx((trend.low_slope, trend.high_slope))}
    assert (found.n, found.coverage_s) == (39, 1170.0)


def test_the_wave_is_that_from_sleep_onset_to_the_last_sleep() -> None:
    epoch = np.arange(520)
    beats = np.round(32 + 5 * np.sin(2 * np.pi * epoch / 180)).astype(int)
    night = by_epochs("W" * 20 + "2" * 480 + "W" * 20, np.where((epoch < 20) | (epoch >= 500), 60, beats))
    night = with_start(night, datetime(2026, 3, 1, 22))
    found = numbers(night_course_measures(night, night, RECIPE))
    wave = ultradian_wave(2.0 * beats[20:500], 30.0 * epoch[20:500])
    assert wave.period_min == 90
    assert [found[f"ultradian_{name}"] for name in ("period", "amplitude", "share")] == pytest.approx(
        [90.0, wave.amplitude_bpm, 100 * wave.share]
    )


def test_no_sleep_has_no_course() -> None:
    night = with_start(by_epochs("W" * 30, 30), datetime(2026, 3, 1, 22))
    found = night_course_measures(night, night, RECIPE)
    assert np.isnan(list(numbers(found).values())).tolist() == [True] * 9
    assert (found.n, found.coverage_s) == (0, 0.0)


@pytest.mark.parametrize(
    ("start", "at_s", "hours"),
    [
        (datetime(2026, 3, 1, 23, 30, 18), 0.0, -0.495),
        (datetime(2026, 3, 1, 23, 30), 3600.0, 0.5),
        (datetime(2026, 3, 1, 12), 0.0, -12.0),
        (datetime(2026, 3, 1, 11, 59, 24), 0.0, 11.99),
        (datetime(2026, 3, 1, 11), NAN, NAN),
        (None, 0.0, None),
        (None, NAN, None),
    ],
)
def test_hours_are_counted_from_the_nearer_midnight(start: datetime | None, at_s: float, hours: float | None) -> None:
    night = with_start(by_epochs("WW", 30), start)
    assert _from_midnight_h(night, at_s) == (None if hours is None else pytest.approx(hours, nan_ok=True))


# --- parts of a night ------------------------------------------------------------------------------


def in_cycles(n_beats: list[int], lost: Spans | None = None) -> Night:
    """Cycles of two epochs and three, by turns, with so many beats an epoch."""
    lengths = np.resize([2, 3], len(n_beats))
    night = by_epochs("2" * lengths.sum(), np.repeat(n_beats, lengths), lost)
    edges_s = 30.0 * np.r_[0, np.cumsum(lengths)]
    cycles = {f"cycle_{i + 1:02d}": as_spans([edges_s[i : i + 2]]) for i in range(len(n_beats))}
    return dataclasses.replace(night, parts={**cycles, "third_first": as_spans([(0.0, 30.0)])})


def test_the_trend_of_the_cycles_is_the_line_through_those_that_are_known() -> None:
    """60, 80 and 100/min in the first, second and fourth: x 0, 1, 3 have a slope of 60 / (42 / 9)."""
    night = in_cycles([30, 40, 30, 50], as_spans([(150.0, 210.0)]))
    found = cycle_measures(night, night, RECIPE)
    expected = {"n_sleep_cycles": 4.0, "sleep_cycle_length": 1.25, "heart_rate_cycle_trend": 60 / (42 / 9)}
    assert numbers(found) == pytest.approx(expected)
    assert (found.n, found.coverage_s) == (4, 300.0)


@pytest.mark.parametrize(("n_beats", "trend"), [([30, 40, 50], 20.0), ([30, 40], NAN), ([], NAN)])
def test_a_trend_needs_three_cycles(n_beats: list[int], trend: float) -> None:
    night = in_cycles(n_beats) if n_beats else by_epochs("22", 30)
    found = cycle_measures(night, night, RECIPE)
    assert numbers(found)["heart_rate_cycle_trend"] == pytest.approx(trend, nan_ok=True)
    assert (found.n, found.values["n_sleep_cycles"]) == (len(n_beats), len(n_beats))


def test_rem_is_set_against_nrem_in_rate_vagal_and_spectral_variability() -> None:
    """72 and 56/min; intervals swing by 10 and by 20 ms either way, so that RMSSD is 20 and 40 ms."""
    stages = "2" * 14 + "R" * 10
    is_rem = np.array(list(stages)) == "R"
    wobble = np.random.default_rng(0).integers(-1, 2, 24) * 2
    night = by_epochs(stages, np.where(is_rem, 36, 28), swing_s=np.where(is_rem, 0.01, 0.02))
    found = contrast_measures(night, night, RECIPE)
    assert numbers(found)["heart_rate_rem_nrem"] == pytest.approx(16.0, abs=0.01)
    assert numbers(found)["rmssd_rem_nrem"] == pytest.approx(0.5)
    assert (found.n, found.coverage_s) == (359, pytest.approx(359 * 30 / 36, abs=0.05))
    uneven = by_epochs(stages, 32 + wobble, swing_s=np.where(is_rem, 0.01, 0.02))
    lf_hf = [values("hrv_frequency", uneven, stage)["lf_hf"] for stage in ("rem", "nrem")]
    assert numbers(contrast_measures(uneven, uneven, RECIPE))["lf_hf_rem_nrem"] == pytest.approx(
        lf_hf[0] / lf_hf[1]  # type: ignore[operator]
    )


def test_the_last_third_is_set_against_the_first() -> None:
    night = by_epochs("2" * 9, np.repeat([30, 30, 40], 3), swing_s=np.repeat([0.02, 0.02, 0.01], 3))
    thirds = {"third_first": as_spans([(0.0, 90.0)]), "third_last": as_spans([(180.0, 270.0)])}
    night = dataclasses.replace(night, parts=thirds)
    found = third_measures(night, night, RECIPE)
    assert numbers(found) == pytest.approx({"heart_rate_thirds": 20.0, "rmssd_thirds": 0.5}, rel=1e-3)
    assert found.n == 89
    assert found.coverage_s == pytest.approx(89, abs=0.5)
    nothing = dataclasses.replace(night, parts={})
    found = third_measures(nothing, nothing, RECIPE)
    assert np.isnan(list(numbers(found).values())).tolist() == [True] * 2
    assert (found.n, found.coverage_s) == (0, 0.0)


def test_against_a_beat_without_any_variability_there_is_no_ratio() -> None:
    thirds = {"third_first": as_spans([(0.0, 90.0)]), "third_last": as_spans([(180.0, 270.0)])}
    night = by_epochs("2" * 9, 30, swing_s=np.repeat([0.0, 0.01, 0.01], 3), parts=thirds)
    assert np.isnan(numbers(third_measures(night, night, RECIPE))["rmssd_thirds"])


def test_the_night_is_set_against_the_day() -> None:
    """80/min by day, 60/min in bed: intervals of 0.75 s against 1 s."""
    spans = {"day": as_spans([(0.0, 120.0)]), "bed": as_spans([(120.0, 270.0)])}
    night = by_epochs(
        "WWWW" + "2" * 5, np.repeat([40, 30], [4, 5]), swing_s=np.repeat([0.01, 0.02], [4, 5]), parts=spans
    )
    found = day_measures(night, night, RECIPE)
    assert numbers(found) == pytest.approx({"heart_rate_night_day": 0.75, "rmssd_night_day": 2.0}, rel=1e-3)
    assert (found.n, found.coverage_s) == (149, pytest.approx(159 * 0.75, abs=0.1))
    alone = dataclasses.replace(night, parts={})
    expected = Measured({"heart_rate_night_day": None, "rmssd_night_day": None}, 0, 0.0)
    assert day_measures(alone, alone, RECIPE) == expected


# --- awakenings ------------------------------------------------------------------------------------


def test_an_awakening_is_wake_behind_sleep_in_bed() -> None:
    """80/min in the wake behind the first sleep, 100/min behind the second, both over 60/min asleep.

    Wake at the start is none, nor is that behind a nap before lights-off; the last one has lost its beats.
    """
    stages = "WW222WW" + "22222WWW" + "22222WWW" + "22222WWW"
    n = [40, 40, 30, 30, 30, 60, 60] + [30] * 5 + [40] * 3 + [30] * 5 + [50] * 3 + [30] * 5 + [60] * 3
    night = by_epochs(stages, n, as_spans([(780.0, 930.0)]), lights=Lights(210.0, 930.0, "option"))
    found = awakening_measures(night, night, RECIPE)
    assert numbers(found) == pytest.approx({"awakening_heart_rate_rise": 30.0})
    assert (found.n, found.coverage_s) == (2, 180.0)


def test_a_night_without_awakening_has_no_rise() -> None:
    night = by_epochs("WW222222", 30)
    found = awakening_measures(night, night, RECIPE)
    assert np.isnan(list(numbers(found).values())).all()
    assert (found.n, found.coverage_s) == (0, 0.0)


# --- daily wave ------------------------------------------------------------------------------------


def test_means_of_five_minutes_need_eight_known_epochs_and_a_rest_is_left_out() -> None:
    rates = np.r_[
        np.arange(60.0, 70), np.full(2, NAN), np.arange(70.0, 78), np.full(3, NAN), np.full(7, 90.0), 1.0, 1.0
    ]
    hours, means = _five_minute_means(rates)
    assert hours.tolist() == pytest.approx([2.5 / 60, 7.5 / 60])
    assert means.tolist() == pytest.approx([64.5, 73.5])


def daily(start: datetime | None) -> tuple[Night, Float, Float]:
    """A day of 10 to 20 beats a minute, the third of its five minutes lost; hours and rates of the others."""
    hours = (np.arange(288) + 0.5) / 12
    beats = np.round(7.5 + 2.5 * np.cos(2 * np.pi * (hours - 15) / 24)).astype(int)
    night = by_epochs("W" * 2880, np.repeat(beats, 10), as_spans([(595.0, 905.0)]))
    kept = np.arange(288) != 2
    return with_start(night, start), hours[kept], 2.0 * beats[kept]


@pytest.mark.parametrize(("start", "first_h"), [(datetime(2026, 3, 1, 22, 15, 36), 22.26), (None, 0.0)])
def test_the_daily_wave_is_the_cosinor_of_the_five_minutes_by_the_clock(start: datetime | None, first_h: float) -> None:
    night, hours, rates = daily(start)
    wave = fit_cosinor(first_h + hours, rates)
    assert wave is not None
    found = circadian_measures(night, night, RECIPE)
    told = dict(found.values)
    crest_h = told.pop("heart_rate_acrophase_h")
    expected = {"heart_rate_mesor": wave.mesor, "heart_rate_daily_amplitude": wave.amplitude}
    assert told == pytest.approx(expected | {"heart_rate_daily_share": 100 * wave.share}, rel=1e-6)
    assert crest_h == (None if start is None else pytest.approx(wave.acrophase_h, rel=1e-6))
    assert found.intervals == {"heart_rate_daily_amplitude": pytest.approx(wave.amplitude_interval, rel=1e-6)}
    assert (found.n, found.coverage_s) == (287, 86_100.0)


def test_three_times_five_minutes_have_no_daily_wave() -> None:
    night = by_epochs("W" * 39, 30)
    found = circadian_measures(night, night, RECIPE)
    names = ("heart_rate_mesor", "heart_rate_daily_amplitude", "heart_rate_acrophase_h", "heart_rate_daily_share")
    assert numbers(found) == pytest.approx(dict.fromkeys(names, NAN), nan_ok=True)
    assert (found.n, found.coverage_s, found.intervals) == (3, 900.0, {})

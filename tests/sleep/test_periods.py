"""Main sleep periods: planted sleep is found, with the clock, without it and against it; what is no sleep is not."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from long_recordings import Sleep, days_of_beats
from made_nights import RECIPE, recording_of_beats

from holter2sleep.analyze import Given, analyze_night
from holter2sleep.clock import Clock
from holter2sleep.io import read_recording
from holter2sleep.night import Beats, EpochGrid, Flag, Hypnogram, Lights, Quality, Recording
from holter2sleep.phenotypes.files import tables_of
from holter2sleep.sleep.periods import (
    Period,
    days_without,
    find_sleep_periods,
    is_several_nights,
    main_sleep,
    unscored_outside,
    with_margin,
)
from holter2sleep.spans import EMPTY, Spans, as_spans, complement, contains

RULES = RECIPE.nights
MORNING = Clock(datetime(2024, 3, 1, 8, 0))


def quality(hours: float, lost: Spans | None = None, noisy: Spans | None = None) -> Quality:
    grid = EpochGrid.covering(3600 * hours)
    lost_spans = as_spans([] if lost is None else lost)
    flags = np.zeros(grid.n, np.uint16)
    if noisy is not None:
        flags[contains(as_spans(noisy), grid.onset_s + 15)] |= int(Flag.NOISE)
    usable = ~contains(lost_spans, grid.onset_s + 15)
    return Quality(flags, np.full(grid.n, np.nan), usable, complement(lost_spans, 0.0, 3600 * hours))


def found_in(
    hours: float, sleeps: tuple[Sleep, ...], clock: Clock | None = MORNING, beats: Beats | None = None, **how: float
) -> tuple[Period, ...]:
    beats = days_of_beats(hours, sleeps, **how) if beats is None else beats
    return find_sleep_periods(beats, quality(hours), 3600 * hours, clock, RULES)


def assert_found(periods: tuple[Period, ...], sleeps: tuple[Sleep, ...], within_h: float = 0.5) -> None:
    assert len(periods) == len(sleeps)
    for period, (start_h, end_h) in zip(periods, sleeps, strict=True):
        assert period.start_s / 3600 == pytest.approx(start_h, abs=within_h)
        assert period.end_s / 3600 == pytest.approx(end_h, abs=within_h)


@pytest.mark.parametrize("clock", [MORNING, None], ids=["clock", "no clock"])
@pytest.mark.parametrize("seed", range(3))
def test_each_of_three_nights_is_found_to_half_an_hour(clock: Clock | None, seed: int) -> None:
    sleeps = ((15.0, 22.5), (40.0, 46.0), (63.5, 72.5))
    assert_found(found_in(76.0, sleeps, clock, seed=seed), sleeps)


def test_a_sleeper_by_day_is_found_against_the_clock() -> None:
    sleeps = ((1.5, 8.5), (25.0, 32.0))  # 09:30 to 16:30 and 09:00 to 16:00 on the clock
    assert_found(found_in(48.0, sleeps, MORNING), sleeps)


def test_a_change_of_shift_is_followed() -> None:
    sleeps = ((15.0, 22.0), (39.0, 46.0), (73.0, 80.0))  # two nights, then a morning after a night at work
    assert_found(found_in(90.0, sleeps), sleeps)


def test_a_quiet_evening_is_not_sleep() -> None:
    sleeps = ((15.0, 22.0),)
    assert_found(found_in(25.0, sleeps, evening_bpm=70.0), sleeps, within_h=0.75)


def test_a_nap_is_no_main_sleep() -> None:
    night = (15.0, 22.0)
    assert_found(found_in(30.0, ((5.0, 7.0), night)), (night,))
    assert_found(found_in(48.0, (night, (28.0, 31.2), (39.0, 46.0))), (night, (39.0, 46.0)))


def test_an_hour_awake_is_bridged() -> None:
    assert_found(found_in(26.0, ((15.0, 18.0), (19.0, 23.0))), ((15.0, 23.0),))


def test_a_heart_that_never_slows_down_has_no_period() -> None:
    assert found_in(30.0, ()) == ()


def test_a_fall_too_small_to_mean_anything_is_none() -> None:
    assert found_in(26.0, ((15.0, 22.0),), awake_bpm=61.5, asleep_bpm=60.0) == ()


def test_what_is_shorter_than_a_night_or_empty_has_no_period() -> None:
    assert found_in(2.0, ()) == ()
    nothing = Beats.at(np.empty(0))
    assert find_sleep_periods(nothing, quality(30.0), 108_000.0, MORNING, RULES) == ()
    assert find_sleep_periods(nothing, quality(0.5 / 60), 30.0, None, RULES) == ()


def test_a_recording_that_begins_and_ends_asleep_keeps_both_nights() -> None:
    sleeps = ((0.0, 5.0), (21.0, 26.0))
    assert_found(found_in(26.0, sleeps, None), sleeps)


def test_lost_signal_within_a_night_is_bridged_and_counted() -> None:
    beats = days_of_beats(25.0, ((15.0, 23.0),))
    lost = as_spans([(18 * 3600.0, 19.5 * 3600)])
    seen = beats.where(~contains(lost, beats.time_s))
    (period,) = find_sleep_periods(seen, quality(25.0, lost), 25 * 3600.0, MORNING, RULES)
    assert_found((period,), ((15.0, 23.0),))
    assert period.known_share == pytest.approx(1 - 1.5 / period.duration_h, abs=0.02)


def test_a_recorder_laid_aside_is_no_sleep() -> None:
    beats = days_of_beats(25.0, ())
    lost = as_spans([(14 * 3600.0, 22 * 3600.0)])
    seen = beats.where(~contains(lost, beats.time_s))
    assert find_sleep_periods(seen, quality(25.0, lost), 25 * 3600.0, MORNING, RULES) == ()


def test_a_lead_that_is_off_after_the_night_does_not_lengthen_it() -> None:
    beats = days_of_beats(25.0, ((15.0, 21.0),))
    lost = as_spans([(21 * 3600.0, 23 * 3600.0)])
    seen = beats.where(~contains(lost, beats.time_s))
    assert_found(find_sleep_periods(seen, quality(25.0, lost), 25 * 3600.0, MORNING, RULES), ((15.0, 21.0),))


def test_three_hours_at_the_sleeping_rate_are_no_sleep_when_the_electrodes_move() -> None:
    beats = days_of_beats(25.0, ((15.0, 21.0),), evening_bpm=66.0)
    moving = as_spans([(12 * 3600.0, 15 * 3600.0)])
    (still,), (moved,) = (
        find_sleep_periods(beats, quality(25.0, noisy=noisy), 25 * 3600.0, MORNING, RULES) for noisy in (None, moving)
    )
    assert still.start_s / 3600 < 13.0
    assert moved.start_s / 3600 == pytest.approx(15.0, abs=1.0)


def test_a_period_says_what_speaks_for_it() -> None:
    (period,) = found_in(25.0, ((15.0, 22.0),))
    assert period.inside_bpm == pytest.approx(60, rel=0.03)
    assert period.outside_bpm == pytest.approx(82, rel=0.05)
    assert 0.7 < period.confidence <= 1


def test_margins_stay_within_the_recording() -> None:
    period = Period(600.0, 20_000.0, 1.0, 60.0, 80.0, 1.0)
    assert with_margin(period, 21_000.0, EMPTY, RULES) == (0.0, 21_000.0)
    assert with_margin(period, 30_000.0, EMPTY, RULES) == (0.0, 21_800.0)


def test_margins_do_not_reach_into_a_gap() -> None:
    period = Period(60_000.0, 90_000.0, 1.0, 60.0, 80.0, 1.0)
    gaps = as_spans([(10_000.0, 59_000.0), (91_000.0, 140_000.0)])
    assert with_margin(period, 150_000.0, gaps, RULES) == (59_000.0, 91_000.0)


def worn_at_night(before_h: float, after_h: float) -> tuple[Beats, tuple[Sleep, ...], Spans]:
    """Five nights, each recorded from some time before sleep to some time after it, and nothing by day."""
    sleeps = tuple((24.0 * k + 14.5, 24.0 * k + 22.0) for k in range(5))
    worn = as_spans([(3600 * (start - before_h), 3600 * (end + after_h)) for start, end in sleeps])
    beats = days_of_beats(24 * 5, sleeps)
    return beats.where(contains(worn, beats.time_s)), sleeps, worn


@pytest.mark.parametrize("clock", [MORNING, None], ids=["clock", "no clock"])
@pytest.mark.parametrize(("before_h", "after_h"), [(0.25, 0.1), (1.0, 0.5), (3.0, 1.0)])
def test_each_night_of_a_recorder_worn_at_night_only_is_found(
    clock: Clock | None, before_h: float, after_h: float
) -> None:
    beats, sleeps, worn = worn_at_night(before_h, after_h)
    lost = complement(worn, 0.0, 24 * 5 * 3600)
    periods = find_sleep_periods(beats, quality(24 * 5, lost), 24 * 5 * 3600, clock, RULES)
    assert_found(periods, tuple((start - before_h, end + after_h) for start, end in sleeps), within_h=0.05)
    assert {(period.confidence, period.outside_bpm) for period in periods} == {(None, None)}


def test_a_recorder_worn_by_day_only_has_no_nights() -> None:
    worn = as_spans([(86400.0 * k + 3600, 86400.0 * k + 8 * 3600) for k in range(3)])  # 09:00 to 16:00
    beats = days_of_beats(72, ())
    beats = beats.where(contains(worn, beats.time_s))
    lost = complement(worn, 0.0, 72 * 3600)
    assert find_sleep_periods(beats, quality(72, lost), 72 * 3600, MORNING, RULES) == ()


def test_days_without_a_night_are_told_where_there_were_beats() -> None:
    beats = days_of_beats(76.0, ((15.0, 22.5), (63.5, 72.5)))
    periods = find_sleep_periods(beats, quality(76.0), 76 * 3600, MORNING, RULES)
    assert days_without(periods, beats, 76 * 3600, MORNING) == [28 * 3600.0]  # noon of the second day
    assert days_without((), beats.where(beats.time_s < 40_000), 76 * 3600, MORNING) == []


def test_only_what_is_longer_than_a_day_and_a_half_is_several_nights() -> None:
    assert not is_several_nights(36 * 3600.0, RULES)
    assert is_several_nights(36 * 3600.0 + 1, RULES)


# --- lights that nobody gave ------------------------------------------------------------------------


def test_outside_the_time_in_bed_nothing_is_scored() -> None:
    grid = EpochGrid.covering(300.0)
    scored = Hypnogram(grid, np.full(10, "N2"), "AASM5", "made", np.full((10, 5), 0.2, np.float32))
    kept = unscored_outside(scored, Lights(60.0, 150.0, "detected"))
    assert kept.stage.tolist() == ["U", "U", "N2", "N2", "N2", *["U"] * 5]
    assert np.isnan(kept.proba[:, 0]).tolist() == [True, True, False, False, False, *[True] * 5]


def test_the_longest_period_gives_the_lights() -> None:
    short, long = Period(0.0, 15_000.0, 1.0, 60, 80, 1.0), Period(60_000.0, 90_000.0, 0.5, 60, 80, 1.0)
    assert main_sleep((short, long)) == Lights(60_000.0, 90_000.0, "detected")


def recording_of(beats: Beats, hours: float) -> Recording:
    return recording_of_beats(beats).but(duration_s=3600 * hours, start=MORNING.start)


def test_a_day_and_its_night_is_in_bed_for_the_night_only() -> None:
    night = analyze_night(recording_of(days_of_beats(24.0, ((15.0, 22.5),)), 24.0), RECIPE)
    assert night.lights.source == "detected"
    assert night.lights.off_s / 3600 == pytest.approx(15.0, abs=0.5)
    assert night.lights.on_s / 3600 == pytest.approx(22.5, abs=0.5)
    middle_s = night.grid.onset_s + 15
    outside = (middle_s < night.lights.off_s) | (middle_s >= night.lights.on_s)
    assert set(night.hypnogram.stage[outside]) == {"U"}
    assert night.hypnogram.mask("sleep").sum() > 0


def test_a_night_of_usual_length_and_given_lights_stay_as_they_were() -> None:
    beats = days_of_beats(24.0, ((15.0, 22.5),))
    short = analyze_night(recording_of(beats.where(beats.time_s < 13 * 3600), 13.0), RECIPE)
    assert (short.lights.off_s, short.lights.on_s, short.lights.source) == (0.0, 13 * 3600.0, "recording")
    given = Lights(3600.0, 7200.0, "option")
    assert analyze_night(recording_of(beats, 24.0), RECIPE, Given(given)).lights == given


def test_no_period_in_a_day_is_said() -> None:
    night = analyze_night(recording_of(days_of_beats(16.0, ()), 16.0), RECIPE)
    assert night.lights.source == "not_found"
    assert set(night.hypnogram.stage.tolist()) == {"U"}
    values = tables_of(night, RECIPE)["phenotypes"].filter(pl.col("phenotype").is_in(["tib", "tst", "se"]))
    assert set(values["status"].to_list()) == {"insufficient_data"}
    assert any("no main sleep period" in warning for warning in night.warnings)


# --- real days -------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_healthy_adults_sleep_at_night(shared_data: Path) -> None:
    """All 13 records of the MIT-BIH Normal Sinus Rhythm Database (23-26 h); the clock is known, sleep is not."""
    starts_h, lengths_h = [], []
    for path in sorted((shared_data / "nsrdb").glob("*.atr")):
        made = read_recording(path)
        assert made.given_beats is not None
        grid = EpochGrid.covering(made.duration_s)
        judged = Quality(
            np.zeros(grid.n), np.full(grid.n, np.nan), np.ones(grid.n), complement(made.gaps, 0.0, made.duration_s)
        )
        (period,) = find_sleep_periods(made.given_beats, judged, made.duration_s, None, RULES)
        begins = made.clock(period.start_s)
        assert begins is not None
        starts_h.append((begins.hour + begins.minute / 60 - 20) % 24)
        lengths_h.append(period.duration_h)
    assert len(starts_h) == 13
    assert max(starts_h) <= 7  # all between 20:00 and 03:00, though no clock was given
    assert min(lengths_h) >= 5
    assert max(lengths_h) <= 10.5

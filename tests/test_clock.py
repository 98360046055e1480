"""The wall clock: midnight, dates that are not known, and the two days a year that are no 24 hours long."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import date, datetime, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_nights import analysed, beats_of_rr, recording_of_beats

import holter2sleep
from holter2sleep.clock import NO_DATE, Clock, night_of
from holter2sleep.errors import UsageError
from holter2sleep.night import Recording
from holter2sleep.phenotypes.epochs import epoch_table
from holter2sleep.report.night_figure import clock_ticks
from holter2sleep.told import known_zone, told_lights, told_moment, with_clock

BERLIN = "Europe/Berlin"
SPRING = Clock(datetime(2024, 3, 30, 22, 30), BERLIN)  # clocks go from 02:00 to 03:00 on the 31st
AUTUMN = Clock(datetime(2024, 10, 26, 22, 30), BERLIN)  # clocks go from 03:00 to 02:00 on the 27th


def recording(start: datetime | None, hours: float = 8.0, **facts: object) -> Recording:
    made = recording_of_beats(beats_of_rr([1.0] * 100), start=start, **facts)
    return made.but(duration_s=3600.0 * hours)


def lights(made: Recording, tmp_path: Path, off: str | None = None, on: str | None = None) -> tuple[float, float]:
    found, _ = told_lights(tmp_path / "made.csv", made, off, on)
    assert found is not None
    return found.off_s, found.on_s


def test_without_a_zone_an_hour_is_an_hour() -> None:
    clock = Clock(datetime(2024, 3, 30, 22, 30))
    assert clock.at(4 * 3600) == datetime(2024, 3, 31, 2, 30)
    assert clock.iso(0.0) == "2024-03-30T22:30:00"


def test_the_clock_jumps_from_two_to_three_in_spring() -> None:
    assert SPRING.at(3.5 * 3600 - 1) == datetime(2024, 3, 31, 1, 59, 59)
    assert SPRING.at(3.5 * 3600) == datetime(2024, 3, 31, 3, 0)
    assert SPRING.elapsed_s(datetime(2024, 3, 31, 6, 30)) == 7 * 3600


def test_an_hour_is_lived_twice_in_autumn_and_the_first_is_meant() -> None:
    assert AUTUMN.at(4 * 3600) == datetime(2024, 10, 27, 2, 30)
    assert AUTUMN.at(5 * 3600) == datetime(2024, 10, 27, 2, 30)
    assert (AUTUMN.at(4 * 3600).fold, AUTUMN.at(5 * 3600).fold) == (0, 1)
    assert AUTUMN.elapsed_s(datetime(2024, 10, 27, 2, 30)) == 4 * 3600
    assert AUTUMN.elapsed_s(datetime(2024, 10, 27, 6, 30)) == 9 * 3600


def test_the_start_carries_the_offset_only_with_a_zone_and_is_read_back() -> None:
    assert SPRING.iso(0.0) == "2024-03-30T22:30:00+01:00"
    assert SPRING.iso(4 * 3600) == "2024-03-31T03:30:00+02:00"
    second = Clock(AUTUMN.at(5 * 3600), BERLIN)
    assert second.iso(0.0) == "2024-10-27T02:30:00+01:00"
    assert Clock.of_iso(second.iso(0.0), BERLIN).at(3600) == datetime(2024, 10, 27, 3, 30)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)),
    st.floats(0, 14 * 86400).map(lambda s: round(s, 3)),
    st.sampled_from([None, BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
)
def test_what_the_clock_shows_leads_back_to_the_second(start: datetime, seconds: float, zone: str | None) -> None:
    clock = Clock(start, zone)
    assert clock.elapsed_s(clock.at(seconds)) == pytest.approx(seconds, abs=2e-6)


def test_a_fraction_of_a_second_is_kept() -> None:
    assert Clock(datetime(2024, 3, 1, 23, 59, 59, 750_000)).at(0.5) == datetime(2024, 3, 2, 0, 0, 0, 250_000)


def test_without_a_date_midnight_makes_none() -> None:
    after = Clock(datetime.combine(NO_DATE, time(22, 30))).at(3 * 3600)
    assert after == datetime.combine(NO_DATE, time(1, 30))


@pytest.mark.parametrize(
    ("moment", "evening"),
    [
        (datetime(2024, 3, 1, 12, 0), date(2024, 3, 1)),
        (datetime(2024, 3, 1, 11, 59, 59), date(2024, 2, 29)),
        (datetime(2024, 3, 1, 0, 0), date(2024, 2, 29)),
        (datetime(2024, 3, 1, 23, 0), date(2024, 3, 1)),
        (datetime.combine(NO_DATE, time(23)), None),
        (None, None),
    ],
)
def test_a_night_is_named_after_its_evening(moment: datetime | None, evening: date | None) -> None:
    assert night_of(moment) == evening


@pytest.mark.parametrize("clock", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_ticks_of_the_figure_follow_the_clock(clock: Clock) -> None:
    ticks = clock_ticks(clock, 8.0)
    assert [clock.at(3600 * at_h).strftime("%H:%M") for at_h, _ in ticks] == [text for _, text in ticks]
    shown = [text for _, text in ticks]
    assert shown.count("02:00") == (0 if clock is SPRING else 2)
    assert all(b[0] - a[0] == pytest.approx(1.0) for a, b in itertools.pairwise(ticks))


# --- options ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-03-01T22:30", datetime(2024, 3, 1, 22, 30)),
        ("2024-03-01 22:30:15.25", datetime(2024, 3, 1, 22, 30, 15, 250_000)),
        ("22:30", time(22, 30)),
        ("7:05", time(7, 5)),
        ("7:05:01.5", time(7, 5, 1, 500_000)),
        ("07:05:01,25", time(7, 5, 1, 250_000)),
    ],
)
def test_a_start_is_a_local_time_or_a_time_of_day(text: str, moment: datetime | time) -> None:
    assert told_moment(text, "--start", None) == moment


@pytest.mark.parametrize("text", ["", "evening", "25:00", "22", "2230", "2024-03-01", "2024-13-01T10:00", "22:30:99"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--start"):
        told_moment(text, "--start", None)


def test_an_offset_needs_a_zone_and_is_turned_to_local_time_there() -> None:
    with pytest.raises(UsageError, match="--tz"):
        told_moment("2024-07-01T22:30:00+00:00", "--start", None)
    assert told_moment("2024-07-01T22:30:00Z", "--start", BERLIN) == datetime(2024, 7, 2, 0, 30)


@pytest.mark.parametrize("name", ["Europe/Berln", "America", "../etc/passwd", "/etc", "CEST2"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no such time zone"):
        known_zone(name)


def test_a_time_of_day_keeps_the_date_of_the_header() -> None:
    assert with_clock(recording(datetime(2024, 3, 1, 9)), time(22, 30), None).start == datetime(2024, 3, 1, 22, 30)
    assert with_clock(recording(None), time(22, 30), None).start == datetime.combine(NO_DATE, time(22, 30))


def test_a_change_of_the_clock_during_the_night_is_said() -> None:
    told = with_clock(recording(SPRING.start), None, BERLIN)
    assert (told.start, told.zone) == (SPRING.start, BERLIN)
    assert told.warnings == ("summer time: the clock goes forward by 60 min during the recording (Europe/Berlin)",)
    assert "back by 60 min" in with_clock(recording(AUTUMN.start), None, BERLIN).warnings[0]
    assert with_clock(recording(datetime(2024, 7, 1, 22)), None, BERLIN).warnings == ()


def test_a_start_that_does_not_exist_or_is_lived_twice_is_said() -> None:
    skipped = with_clock(recording(datetime(2024, 3, 31, 2, 30)), None, BERLIN)
    assert skipped.start == datetime(2024, 3, 31, 3, 30)
    assert "does not exist" in skipped.warnings[0]
    twice = with_clock(recording(datetime(2024, 10, 27, 2, 30)), None, BERLIN)
    assert twice.clock(3600.0) == datetime(2024, 10, 27, 2, 30)
    assert "lived twice" in twice.warnings[0]


@pytest.mark.parametrize(
    ("start", "dates_true"), [(None, True), (datetime.combine(NO_DATE, time(22)), True), (datetime(2150, 7, 1), False)]
)
def test_without_a_true_date_there_is_no_zone(start: datetime | None, dates_true: bool) -> None:
    told = with_clock(recording(start), None, BERLIN, dates_true)
    assert told.zone is None
    assert told.start == start
    assert "--tz" in told.warnings[0]


def test_lights_by_the_clock_are_local_time_after_the_clock_has_changed(tmp_path: Path) -> None:
    spring, autumn = (recording(clock.start, 10.0, zone=BERLIN) for clock in (SPRING, AUTUMN))
    assert lights(spring, tmp_path, "22:45", "06:30") == (900.0, 7 * 3600.0)
    assert lights(autumn, tmp_path, "22:45", "06:30") == (900.0, 9 * 3600.0)
    assert lights(spring.but(zone=None), tmp_path, "22:45", "06:30") == (900.0, 8 * 3600.0)


def test_lights_in_the_hour_lived_twice_are_the_next_such_time(tmp_path: Path) -> None:
    before = recording(datetime(2024, 10, 27, 1, 0), zone=BERLIN)
    assert lights(before, tmp_path, off="02:30")[0] == 1.5 * 3600
    between = recording(datetime(2024, 10, 27, 2, 45), zone=BERLIN)
    assert lights(between, tmp_path, off="02:30")[0] == 0.75 * 3600


def test_lights_without_a_date_cross_midnight(tmp_path: Path) -> None:
    made = recording(datetime.combine(NO_DATE, time(22, 30)), 40.0)
    assert lights(made, tmp_path, "23:00", "06:30") == (1800.0, 8 * 3600.0)
    assert lights(made, tmp_path, "90000s", "06:30") == (90000.0, 32 * 3600.0)
    with pytest.raises(UsageError, match="no date"):
        lights(made, tmp_path, off="2024-03-01T23:00")


def test_lights_at_the_minute_the_recording_began_are_at_its_start(tmp_path: Path) -> None:
    assert lights(recording(datetime(2024, 3, 1, 22, 45, 20)), tmp_path, off="22:45")[0] == 0.0


def test_lights_from_noon_to_noon(tmp_path: Path) -> None:
    assert lights(recording(datetime(2024, 3, 1, 12), 24.0), tmp_path, "23:00", "07:00") == (11 * 3600.0, 19 * 3600.0)


def test_lights_by_the_clock_need_a_clock(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="start time is unknown; give --start, or seconds"):
        lights(recording(None), tmp_path, off="22:45")


def test_lights_with_an_offset_need_a_zone(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--tz"):
        lights(recording(SPRING.start), tmp_path, off="2024-03-30T23:00:00+01:00")
    told = recording(SPRING.start, zone=BERLIN)
    assert lights(told, tmp_path, off="2024-03-30T22:00:00Z")[0] == 1800.0


def test_epochs_without_a_clock_have_none_and_with_a_zone_skip_an_hour() -> None:
    night = analysed("clean", hours=0.1)
    for start, zone, first, last in (
        (None, None, None, None),
        (datetime(2024, 3, 31, 1, 58), BERLIN, "01:58:00", "03:03:30"),
        (datetime(2024, 3, 31, 1, 58), None, "01:58:00", "02:03:30"),
    ):
        moved = dataclasses.replace(night, recording=night.recording.but(start=start, zone=zone))
        clock = epoch_table(moved)["clock"].to_list()
        assert (clock[0], clock[-1]) == (first, last)


def test_nothing_but_the_clock_adds_seconds_to_a_start() -> None:
    root = Path(holter2sleep.__file__).parent
    adds = {path.relative_to(root).as_posix() for path in root.rglob("*.py") if "timedelta(seconds" in path.read_text()}
    # readers begin a recording at its own first record; told.py says how far a clock was changed
    assert {name for name in adds if not name.startswith(("io/", "audit/"))} == {"clock.py", "told.py"}

"""The course of the heart rate over nights whose rates are planted."""

from __future__ import annotations

import dataclasses
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from made_nights import RECIPE, beats_of_rr, staged_night, values

from holter2sleep.night import Episodes, Lights, Night
from holter2sleep.phenotypes.table import phenotype_table
from holter2sleep.sleep.parts import parts_of_night

STAGE_OF = {"w": "W", "n": "2"}  # the same stages, at another rate


def planted(stages: str, rate_bpm: dict[str, float], start: datetime | None = None, lights_h: float = 0.0) -> Night:
    """A night whose letters are 10 min each, with a steady rate for each letter; lights-off after some hours."""
    rr_s = np.concatenate([np.full(round(600 * rate_bpm[letter] / 60), 60 / rate_bpm[letter]) for letter in stages])
    epochs = "".join(STAGE_OF.get(letter, letter) * 20 for letter in stages)
    night = staged_night(beats_of_rr(rr_s, start_s=-0.5), epochs)
    lights = Lights(3600 * lights_h, night.recording.duration_s, "by hand")
    parts = parts_of_night(night.hypnogram, lights, night.episodes, night.recording.duration_s)
    return dataclasses.replace(night, recording=night.recording.but(start=start), lights=lights, parts=parts)


RATES = {"W": 80.0, "2": 60.0, "R": 70.0}


def test_the_dip_before_sleep_reads_only_the_wake_between_lights_off_and_sleep_onset() -> None:
    night = planted("WW22WW22", {"W": 80.0, "2": 60.0})
    assert values("presleep_dip", night)["heart_rate_dip_presleep"] == pytest.approx(25.0, abs=0.2)
    late = dataclasses.replace(night, lights=Lights(1150.0, night.recording.duration_s, "by hand"))
    table = phenotype_table(late, RECIPE).filter(pl.col("phenotype") == "heart_rate_dip_presleep")
    assert table["status"].item() == "insufficient_data"  # 50 s of wake are left


def test_the_nadir_has_its_rate_its_clock_and_its_place() -> None:
    night = planted("W2222", {"W": 80.0, "2": 60.0}, datetime(2026, 3, 1, 23, 30))
    slow = planted("W22W2", {"W": 80.0, "2": 60.0}, datetime(2026, 3, 1, 23, 30))
    found = values("night_course", night)
    assert found["heart_rate_nadir"] == pytest.approx(60.0, abs=0.1)
    assert -0.35 < found["heart_rate_nadir_clock_h"] < 0.35  # type: ignore[operator]
    assert 0 <= found["heart_rate_nadir_position"] <= 100  # type: ignore[operator]
    assert found["heart_rate_change_onset"] == pytest.approx(-20.0, abs=0.5)
    assert found["heart_rate_sleep_onset"] == pytest.approx(60.0, abs=0.5)
    assert values("night_course", slow)["heart_rate_nadir"] == pytest.approx(60.0, abs=0.1)


def test_without_a_clock_the_hour_of_the_nadir_is_not_applicable() -> None:
    table = phenotype_table(planted("W2222", RATES), RECIPE)
    assert table.filter(pl.col("phenotype") == "heart_rate_nadir_clock_h")["status"].item() == "not_applicable"


def test_a_night_without_sleep_has_no_course() -> None:
    table = phenotype_table(planted("WWWW", RATES), RECIPE)
    course = table.filter(pl.col("phenotype").is_in(["heart_rate_nadir", "heart_rate_trend", "ultradian_share"]))
    assert set(course["status"]) == {"insufficient_data"}


def test_cycles_are_counted_and_their_rates_compared() -> None:
    night = planted("22R22R22R2", RATES)
    found = values("sleep_cycles", night)
    assert found["n_sleep_cycles"] == 3
    assert found["sleep_cycle_length"] == pytest.approx(30.0, abs=0.5)
    assert found["heart_rate_cycle_trend"] == pytest.approx(0.0, abs=0.2)
    assert [name for name in night.parts if name.startswith("cycle")] == ["cycle_01", "cycle_02", "cycle_03"]


def test_a_night_without_a_cycle_says_none_and_not_nothing() -> None:
    table = phenotype_table(planted("2222", RATES), RECIPE)
    row = table.filter(pl.col("phenotype") == "n_sleep_cycles")
    assert (row["value"].item(), row["status"].item()) == (0.0, "ok")


def test_rem_is_compared_with_nrem_and_the_last_third_with_the_first() -> None:
    night = planted("2" * 6 + "R" * 6, RATES)
    assert values("rem_against_nrem", night)["heart_rate_rem_nrem"] == pytest.approx(10.0, abs=0.2)
    assert values("thirds", night)["heart_rate_thirds"] == pytest.approx(10.0, abs=0.2)


def test_awakenings_raise_the_rate() -> None:
    night = planted("2W2W2W2", {"W": 80.0, "2": 60.0})
    assert values("awakenings", night)["awakening_heart_rate_rise"] == pytest.approx(20.0, abs=1.0)


def test_a_day_of_high_and_a_night_of_low_rate_have_their_wave_and_ratio() -> None:
    drawn = "W" * 96 + "2" * 48  # 16 h of day from 07:00, 8 h of night
    night = planted(drawn, {"W": 80.0, "2": 60.0}, datetime(2026, 3, 1, 7, 0), lights_h=16.0)
    assert values("night_against_day", night)["heart_rate_night_day"] == pytest.approx(0.75, abs=0.01)
    found = values("daily_wave", night)
    assert found["heart_rate_acrophase_h"] == pytest.approx(15.0, abs=0.1)  # the middle of the 16 h
    # a square wave of duty 2/3 and height 20: first harmonic 2 x 20 / pi x sin(2 pi / 3)
    assert found["heart_rate_daily_amplitude"] == pytest.approx(40 / np.pi * np.sin(2 * np.pi / 3), rel=0.03)


def test_a_night_alone_has_no_day_to_compare_with() -> None:
    table = phenotype_table(planted("W" + "2" * 12, RATES), RECIPE)
    status = dict(zip(table["phenotype"], table["status"], strict=True))
    assert status["heart_rate_night_day"] == "not_applicable"
    assert status["heart_rate_mesor"] == "insufficient_data"


def in_af(night: Night, *spans_s: tuple[float, float]) -> Night:
    """The night with episodes of AF."""
    start_s, end_s = np.array(spans_s).T
    n = len(spans_s)
    unknown = np.full(n, np.nan)
    return dataclasses.replace(night, episodes=Episodes(start_s, end_s, ["AFIB"] * n, [100] * n, unknown, unknown))


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("dipping", "heart_rate_dip"),
        ("presleep_dip", "heart_rate_dip_presleep"),
        ("night_course", "heart_rate_nadir"),
        ("night_course", "heart_rate_trend"),
        ("sleep_cycles", "heart_rate_cycle_trend"),
        ("rem_against_nrem", "heart_rate_rem_nrem"),
        ("thirds", "heart_rate_thirds"),
    ],
)
def test_af_tells_nothing_of_the_course_of_the_rate(domain: str, name: str) -> None:
    """Ten minutes of AF in wake and ten in sleep, fast and slow: the numbers are those of a night without them."""
    stages, rates = "Ww22n22R222R22R22", {**RATES, "w": 120.0, "n": 40.0}
    fibrillates = planted(stages, rates)
    calm = planted(stages.replace("w", "W").replace("n", "2"), RATES)
    expected = values(domain, calm)[name]
    assert values(domain, in_af(fibrillates, (599.0, 1200.5), (2399.0, 3001.0)))[name] == pytest.approx(
        expected, abs=0.2
    )
    if name != "heart_rate_trend":  # a median, which one stretch does not move
        assert values(domain, fibrillates)[name] != pytest.approx(expected, abs=0.2)


def test_a_night_in_af_has_no_dip_and_no_course() -> None:
    night = planted("WW2222", RATES)
    table = phenotype_table(in_af(night, (0.0, night.recording.duration_s + 1)), RECIPE)
    names = ("heart_rate_dip", "heart_rate_dip_presleep", "heart_rate_nadir", "heart_rate_trend", "heart_rate_thirds")
    shown = table.filter(pl.col("phenotype").is_in(names) & (pl.col("stratum") == "night"))
    assert dict(zip(shown["phenotype"], shown["status"], strict=True)) == dict.fromkeys(names, "insufficient_data")
    assert set(shown["n"]) == {0}

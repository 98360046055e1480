"""Shares, index and surges of nights whose epochs are made by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_nights import RECIPE, beats_of_rr, staged_night, values

from holter2sleep.autonomic.ahi import estimate_ahi
from holter2sleep.autonomic.apnea import AHI, WEIGHTS, read_parts
from holter2sleep.night import Coupling, Episodes, Lights, Night
from holter2sleep.phenotypes.measures.measured import Measured
from holter2sleep.phenotypes.measures.respiratory import ahi_measures, coupling_measures, respiratory_share_measures
from holter2sleep.phenotypes.table import phenotype_table
from holter2sleep.sleep.periods import NOT_FOUND
from holter2sleep.sleep.sampling import N_SAMPLES
from holter2sleep.spans import as_spans

NAN = np.nan
HOURS = 3


def night_with(p: list[float], stage: str = "2", **changes: object) -> Night:
    """Three hours at 60/min; the given chances repeat."""
    night = staged_night(beats_of_rr(np.full(3600 * HOURS - 2, 1.0), start_s=0.5), stage, Episodes.none())
    chance = np.resize(np.array(p, np.float32), night.grid.n)
    return dataclasses.replace(night, respiration=night.respiration.but(p_respiratory=chance), **changes)


def test_shares_are_of_epochs_judged_and_of_all() -> None:
    found = values("respiratory_share", night_with([0.9, 0.5, 0.1, NAN]))
    assert found["respiratory_minutes_share"] == pytest.approx(200 / 3)
    assert found["respiratory_indeterminate_share"] == pytest.approx(25.0)


def test_shares_of_a_stage_are_of_its_epochs() -> None:
    night = night_with([0.9] * 180 + [0.1] * 180, "2" * 180 + "R" * 180)
    assert values("respiratory_share", night, "n2")["respiratory_minutes_share"] == 100.0
    assert values("respiratory_share", night, "rem")["respiratory_minutes_share"] == 0.0


def test_a_night_that_cannot_be_judged_has_its_reason_in_the_table() -> None:
    table = phenotype_table(night_with([NAN]), RECIPE)
    status = dict(table.filter(stratum="night").select("phenotype", "status").iter_rows())
    assert status["respiratory_minutes_share"] == "insufficient_data"
    assert status["respiratory_indeterminate_share"] == "ok"
    assert {status[name] for name in ("ahi_ecg", "ahi_ecg_band", "ahi_ecg_moderate_chance")} == {"insufficient_data"}


def test_the_index_is_that_of_the_mean_chance_in_bed_with_its_interval() -> None:
    lights = Lights(1800.0, 3600.0 * HOURS, "option")
    night = night_with([1.0] * 60 + [0.4, 0.2, NAN] * 100, lights=lights)  # the first half hour is not in bed
    expected = estimate_ahi(0.3, read_parts(WEIGHTS)[AHI])
    table = phenotype_table(night, RECIPE).filter(phenotype="ahi_ecg", stratum="night")
    assert table["status"].to_list() == ["insufficient_data"]  # 200 epochs judged: less than two hours
    assert values("ahi", night)["ahi_ecg"] == pytest.approx(expected.per_h, rel=1e-5)
    whole = phenotype_table(night_with([0.4, 0.2]), RECIPE).filter(phenotype="ahi_ecg", stratum="night")
    assert whole["value"][0] == pytest.approx(expected.per_h, rel=1e-5)
    assert whole["ci_low"][0] < whole["value"][0] < whole["ci_high"][0]


def test_more_events_give_no_smaller_index() -> None:
    found = [values("ahi", night_with([p])) for p in (0.01, 0.1, 0.3, 0.6, 0.95)]
    for name in ("ahi_ecg", "ahi_ecg_band", "ahi_ecg_moderate_chance"):
        assert sorted(each[name] for each in found) == [each[name] for each in found]


def test_nobody_in_bed_has_no_index() -> None:
    lights = Lights(0.0, 3600.0 * HOURS, NOT_FOUND)
    assert np.isnan(values("ahi", night_with([0.3], lights=lights))["ahi_ecg"])


def test_surges_are_counted_per_analysable_hour_of_the_part() -> None:
    start_s = np.array([100.0, 200.0, 6000.0])
    surges = Episodes(start_s, start_s + 8, ["SURGE"] * 3, [9] * 3, [NAN] * 3, [NAN] * 3)
    night = night_with([0.1], "W" * 120 + "2" * 240, episodes=surges)
    assert values("surges", night)["heart_rate_surge_index"] == pytest.approx(1.0, rel=1e-3)
    assert values("surges", night, "sleep")["heart_rate_surge_index"] == pytest.approx(0.5, rel=1e-3)


def test_coupling_shares_are_of_the_epochs_that_have_any() -> None:
    n = night_with([0.1]).grid.n
    state = np.resize(["HFC", "LFC", "LFC", "VLFC", ""], n)
    elevated = np.resize([False, True, False, False, False], n)
    coupling = Coupling(state, elevated, np.zeros(n, bool))
    found = values("coupling", night_with([0.1], coupling=coupling))
    assert found == pytest.approx(
        {
            "hfc_share": 25.0,
            "lfc_share": 50.0,
            "vlfc_share": 25.0,
            "elevated_lfc_share": 25.0,
            "elevated_lfc_narrow_share": 0.0,
        }
    )


# --- ten epochs --------------------------------------------------------------------------------------


def ten_epochs(chance: list[float], stage: str = "2", duration_s: float = 300.0, **changes: object) -> Night:
    night = staged_night(beats_of_rr(np.ones(int(duration_s) - 2), start_s=duration_s % 1), stage, Episodes.none())
    assert (night.grid.n, night.recording.duration_s) == (10, pytest.approx(duration_s - 1))
    p = np.array(chance, np.float32)
    return dataclasses.replace(night, respiration=night.respiration.but(p_respiratory=p), **changes)


def halves_drawn(night: Night) -> Night:
    """The sleep of a night; half of its draws hold the first five epochs, half the last five."""
    first = np.arange(10) < 5
    sampled = np.where(np.arange(N_SAMPLES)[:, None] % 2 == 0, first, ~first)
    return dataclasses.replace(night.within("sleep"), sampled=sampled)


def test_shares_say_what_they_rest_on_and_how_far_the_draws_reach() -> None:
    """Called are 0 of 4 in the first half and 3 of 4 in the second, unknown 1 and 1 of 5."""
    night = ten_epochs([0.1, NAN, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9, NAN, 0.1])
    found = respiratory_share_measures(halves_drawn(night), night, RECIPE)
    assert (found.n, found.coverage_s) == (8, 240.0)
    assert found.values == pytest.approx({"respiratory_minutes_share": 37.5, "respiratory_indeterminate_share": 20.0})
    assert set(found.intervals) == set(found.values)
    assert found.intervals["respiratory_minutes_share"] == pytest.approx((0.0, 75.0))
    assert found.intervals["respiratory_indeterminate_share"] == pytest.approx((20.0, 20.0))


def test_an_epoch_belongs_to_the_part_that_holds_its_middle() -> None:
    night = ten_epochs([0.9] + [0.1] * 9)
    found = respiratory_share_measures(night.during(as_spans([(12.0, 44.0)])), night, RECIPE)
    assert (found.n, found.values["respiratory_minutes_share"]) == (1, 100.0)


@pytest.mark.parametrize("duration_s", [272.2, 283.0])
def test_the_last_epoch_counts_though_the_recording_ends_before_its_middle(duration_s: float) -> None:
    night = ten_epochs([0.1] * 9 + [0.9], "2" * 9 + "R", duration_s)
    found = [respiratory_share_measures(night.within(name), night, RECIPE) for name in ("night", "rem")]
    assert [each.n for each in found] == [10, 1]
    assert [each.values["respiratory_minutes_share"] for each in found] == [10.0, 100.0]


def test_coupling_says_what_it_rests_on_and_how_far_the_draws_reach() -> None:
    """Of the sleep's five and five epochs four and five are known; the last epoch is awake."""
    state = np.array(["HFC", "HFC", "LFC", "VLFC", "", "LFC", "LFC", "LFC", "LFC", "HFC"])
    elevated, narrow = np.arange(10) == 5, np.isin(np.arange(10), [4, 5, 6])  # of what is unknown nothing is said
    night = ten_epochs([0.1] * 10, "2" * 9 + "W", coupling=Coupling(state, elevated, narrow))
    found = coupling_measures(halves_drawn(night), night, RECIPE)
    assert (found.n, found.coverage_s) == (8, 240.0)
    assert found.values == pytest.approx(
        {
            "hfc_share": 25.0,
            "lfc_share": 62.5,
            "vlfc_share": 12.5,
            "elevated_lfc_share": 12.5,
            "elevated_lfc_narrow_share": 25.0,
        }
    )
    expected = {"hfc_share": (20, 50), "lfc_share": (25, 80), "vlfc_share": (0, 25)}
    expected |= {"elevated_lfc_share": (0, 20), "elevated_lfc_narrow_share": (0, 40)}
    assert set(found.intervals) == set(expected)
    for name, interval in expected.items():
        assert found.intervals[name] == pytest.approx(interval)


def test_without_coupling_nothing_is_said_of_it() -> None:
    night = ten_epochs([0.1] * 10)
    assert coupling_measures(night, night, RECIPE) == Measured({}, 0, 0.0)


def test_the_index_rests_on_the_epochs_whose_middle_lies_in_bed() -> None:
    """From 15 s, the middle of the first, to before 105 s, that of the fourth; one of the three is unknown."""
    night = ten_epochs([0.5, NAN, 0.1, 0.9] + [0.9] * 6, lights=Lights(15.0, 105.0, "option"))
    found = ahi_measures(night, night, RECIPE)
    expected = estimate_ahi(0.3, read_parts(WEIGHTS)[AHI])
    assert (found.n, found.coverage_s) == (2, 60.0)
    told = {"ahi_ecg": expected.per_h, "ahi_ecg_band": expected.band}
    assert found.values == pytest.approx(told | {"ahi_ecg_moderate_chance": 100 * expected.chance_moderate}, rel=1e-6)
    assert found.intervals["ahi_ecg"] == pytest.approx((expected.low_per_h, expected.high_per_h), rel=1e-6)


@pytest.mark.parametrize("lights", [Lights(0.0, 300.0, NOT_FOUND), Lights(0.0, 90.0, "option")])
def test_an_index_of_nothing_rests_on_nothing(lights: Lights) -> None:
    night = ten_epochs([NAN] * 3 + [0.9] * 7, lights=lights)
    found = ahi_measures(night, night, RECIPE)
    assert (found.n, found.coverage_s, found.intervals) == (0, 0.0, {})
    assert np.isnan(list(found.values.values())).tolist() == [True] * 3  # type: ignore[arg-type]

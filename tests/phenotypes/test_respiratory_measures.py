"""Shares, index and surges of nights whose epochs are made by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_nights import RECIPE, beats_of_rr, staged_night, values

from holter2sleep.autonomic.ahi import estimate_ahi
from holter2sleep.autonomic.apnea import AHI, WEIGHTS, read_parts
from holter2sleep.night import Coupling, Episodes, Lights, Night
from holter2sleep.phenotypes.table import phenotype_table
from holter2sleep.sleep.periods import NOT_FOUND

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

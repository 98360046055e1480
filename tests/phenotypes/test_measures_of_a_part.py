"""The formulas behind the table, on nights made by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest
from made_nights import RECIPE, beats_of_rr, recording_of_beats, staged_night, values

from holter2sleep.night import CORRECTIONS, NN, Beats, Corrections, Episodes, EpochGrid, Night
from holter2sleep.phenotypes.dictionary import entries_of
from holter2sleep.phenotypes.measures import FORMULAS
from holter2sleep.phenotypes.measures.measured import percent_of
from holter2sleep.phenotypes.table import phenotype_table
from holter2sleep.spans import as_spans


def awake_then_asleep(wake_s: float, sleep_s: float, wake_rr_s: float = 0.8, sleep_rr_s: float = 1.0) -> Night:
    rr_s = np.r_[np.full(round(wake_s / wake_rr_s), wake_rr_s), np.full(round(sleep_s / sleep_rr_s), sleep_rr_s)]
    beats = beats_of_rr(rr_s, start_s=0.0)
    n = EpochGrid.covering(recording_of_beats(beats).duration_s).n
    return staged_night(beats, "W" * round(wake_s / 30) + "2" * (n - round(wake_s / 30)))


# --- rate ------------------------------------------------------------------------------------------


def test_the_dip_is_the_fall_of_the_mean_rate_from_wake_to_sleep_in_percent_of_wake() -> None:
    """75/min awake, 60/min asleep: 20 %."""
    assert values("dipping", awake_then_asleep(1200, 2400))["heart_rate_dip"] == pytest.approx(20.0, abs=0.1)
    assert values("dipping", awake_then_asleep(1200, 2400, 1.0, 0.8))["heart_rate_dip"] == pytest.approx(-25.0, abs=0.1)


@pytest.mark.parametrize(("wake_s", "is_known"), [(270, False), (330, True)])
def test_a_dip_needs_five_minutes_on_either_side(wake_s: float, is_known: bool) -> None:
    table = phenotype_table(awake_then_asleep(wake_s, 2400), RECIPE)
    status = table.filter(pl.col("phenotype") == "heart_rate_dip")["status"].item()
    assert (status == "ok") == is_known


def test_the_highest_rate_is_held_for_eight_intervals() -> None:
    """Seven intervals of 0.5 s and one of 1 s last 4.5 s: 106.7/min; eight of 0.5 s would be 120/min."""
    rr_s = np.ones(100)
    rr_s[40:47] = 0.5
    assert values("rate", staged_night(beats_of_rr(rr_s)))["heart_rate_max"] == pytest.approx(60 * 8 / 4.5)
    rr_s[40:48] = 0.5
    assert values("rate", staged_night(beats_of_rr(rr_s)))["heart_rate_max"] == pytest.approx(120.0)
    assert values("rate", staged_night(beats_of_rr(rr_s)))["heart_rate_min"] == pytest.approx(60.0)


def test_no_rate_is_averaged_across_lost_signal() -> None:
    beats = beats_of_rr(np.full(40, 0.5), start_s=0.0)
    lost_often = np.array([[3.4 * i, 3.4 * i + 3.3] for i in range(6)])  # six or seven intervals in a row
    found = values("rate", staged_night(beats, usable=lost_often))
    assert found["heart_rate_mean"] == pytest.approx(120.0)
    assert np.isnan(found["heart_rate_max"])


def test_the_mean_rate_is_that_of_the_mean_interval() -> None:
    found = values("rate", staged_night(beats_of_rr([0.5] * 40 + [1.5] * 40)))
    assert found["heart_rate_mean"] == pytest.approx(60.0)


# --- rhythm ----------------------------------------------------------------------------------------


def test_slow_and_fast_ventricular_runs_are_both_runs() -> None:
    rr_s = np.r_[np.full(20, 0.8), [0.4, 0.4], np.full(20, 0.8), [0.7, 0.7], np.full(20, 0.8)]
    label = "N" * 20 + "VVV" + "N" * 19 + "VVV" + "N" * 20
    found = values("rhythm", staged_night(beats_of_rr(rr_s, label)))
    assert (found["n_runs_v"], found["n_couplets_v"], found["n_veb"]) == (2, 0, 6)


def test_burden_counts_analysable_time_only() -> None:
    """AF from 100 to 300 s, of which 50 s are lost, in 900 analysable seconds of 1000."""
    beats = beats_of_rr(np.full(998, 1.0), start_s=0.5)
    af = Episodes([100.0], [300.0], ["AFIB"], [200], [60.0], [np.nan])
    night = staged_night(beats, episodes=af, usable=np.array([[0.0, 250.0], [350.0, 999.5]]))
    assert values("rhythm", night)["af_burden"] == pytest.approx(100 * 150 / 899.5)
    assert values("rhythm", night)["longest_af"] == pytest.approx(200 / 60)


def test_af_that_goes_on_from_the_hour_before_counts_in_both_hours() -> None:
    beats = beats_of_rr(np.full(7198, 1.0), start_s=0.5)
    af = Episodes([3000.0], [4200.0], ["AFL"], [1200], [60.0], [np.nan])
    night = staged_night(beats, episodes=af)
    burden = [values("rhythm", night, f"hour_0{hour}")["af_burden"] for hour in (1, 2)]
    assert burden == pytest.approx([100 * 600 / 3600] * 2, rel=1e-3)
    assert [values("rhythm", night, f"hour_0{hour}")["n_af_episodes"] for hour in (1, 2)] == [1, 0]


# --- variability -----------------------------------------------------------------------------------


def test_the_share_left_out_counts_intervals_beside_ectopy() -> None:
    label = "N" * 50 + "V" + "N" * 50
    night = staged_night(beats_of_rr(np.full(100, 0.8), label))
    assert values("nn", night)["nn_removed_share"] == pytest.approx(2.0)


def test_windows_that_a_lost_lead_leaves_without_intervals_are_rejected() -> None:
    """Of four places in 20 min, the third holds 100 s of beats: too few."""
    beats = beats_of_rr(np.full(1499, 0.8), start_s=0.4)
    lost = as_spans([(0.0, 700.0), (900.0, 1200.0)])
    assert values("hrv_windows", staged_night(beats, usable=lost))["windows_rejected_share"] == pytest.approx(25.0)
    assert values("hrv_windows", staged_night(beats))["windows_rejected_share"] == 0.0


def test_a_band_without_a_peak_has_none_beside_one_that_has() -> None:
    """Breathing at 15/min alone: the power of the lower bands is what leaks from it, and falls away."""
    at_s = np.arange(900.0)
    night = staged_night(beats_of_rr(1 + 0.03 * np.sin(2 * np.pi * 0.25 * at_s)))
    found = values("hrv_frequency", night)
    assert found["hf_peak"] == pytest.approx(0.25, abs=0.004)
    assert (found["vlf_peak"], found["lf_peak"]) == (None, None)
    too_short = values("hrv_frequency", staged_night(beats_of_rr(np.ones(200))))
    assert np.isnan([too_short[f"{band}_peak"] for band in ("vlf", "lf", "hf")]).all()  # type: ignore[arg-type]


# --- cyclic variation ------------------------------------------------------------------------------


def cycles(start_s: list[float]) -> Episodes:
    n = len(start_s)
    return Episodes(start_s, np.array(start_s) + 20, ["CVHR"] * n, [20] * n, [np.nan] * n, [np.nan] * n)


def test_cycles_are_counted_per_analysable_hour_outside_fibrillation() -> None:
    """Four cycles in two hours, of which half an hour is AF: 4 / 1.5."""
    beats = beats_of_rr(np.full(7198, 1.0), start_s=0.5)
    af = Episodes([5400.0], [7200.0], ["AFIB"], [1800], [60.0], [np.nan])
    night = staged_night(beats, "2", cycles([100.0, 150, 200, 250]).and_also(af))
    assert values("cvhr", night)["cvhr_index"] == pytest.approx(4 / 1.5, rel=1e-3)


def test_events_are_those_that_begin_in_sleep_per_hour_of_sleep() -> None:
    beats = beats_of_rr(np.full(7198, 1.0), start_s=0.5)
    night = staged_night(beats, "W" * 120 + "2" * 120, cycles([100.0, 150, 4000, 4050, 4100]))
    assert values("respiratory", night)["respiratory_index"] == pytest.approx(3.0, rel=1e-3)
    assert values("cvhr", night)["cvhr_index"] == pytest.approx(2.5, rel=1e-3)


# --- least numbers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "status"), [(58, "insufficient_data"), (60, "ok")])
def test_a_number_needs_its_least_count(n: int, status: str) -> None:
    """60 NN intervals and 60 s for RMSSD; here 1.2 s each, so that only the count can fail."""
    rr_s = 1.2 + 0.01 * (np.arange(n) % 2)
    table = phenotype_table(staged_night(beats_of_rr(rr_s)), RECIPE)
    assert table.filter(phenotype="rmssd", stratum="night")["status"].to_list() == [status]


# --- supraventricular ectopy outside AF -----------------------------------------------------------


def half_in_af(end_s: float) -> Night:
    """1,000 s at 60/min, one S every 100 s, the first `end_s` seconds called AF."""
    label = "".join("S" if i % 100 == 50 else "N" for i in range(1000))
    beats = beats_of_rr(np.ones(999), label, start_s=0.5)
    af = Episodes([0.0], [end_s], ["AFIB"], [int(end_s)], [60.0], [np.nan])
    return staged_night(beats, episodes=af)


def test_supraventricular_beats_are_counted_over_the_time_outside_af() -> None:
    """AF to 370 s and the margin of 30 s: six of ten S in 600 s are left."""
    night = half_in_af(370.0)
    found = values("supraventricular", night)
    assert found["n_sveb"] == 6
    assert found["sveb_per_hour"] == pytest.approx(36.0, rel=0.003)
    assert found["sveb_share"] == pytest.approx(1.0)
    table = phenotype_table(night, RECIPE).filter(stratum="night")
    assert table.filter(phenotype="sveb_per_hour")["coverage_s"].item() == pytest.approx(600.0, abs=1.5)
    assert table.filter(phenotype="veb_per_hour")["coverage_s"].item() == pytest.approx(1000.0, abs=1.5)


def test_nothing_is_said_of_supraventricular_beats_where_af_fills_the_night() -> None:
    table = phenotype_table(half_in_af(960.0), RECIPE).filter(stratum="night")
    for name in ("n_sveb", "sveb_per_hour", "sveb_share", "n_couplets_s", "n_runs_s"):
        found = table.filter(phenotype=name)
        assert (found["status"].item(), found["value"].item()) == ("not_applicable", None), name
    assert table.filter(phenotype="n_veb")["status"].item() == "ok"


def test_pauses_are_counted_by_length_and_by_what_came_before() -> None:
    rr_s = [0.8] * 10 + [2.0] + [0.8] * 10 + [2.5] + [0.8] * 10 + [0.5, 3.0] + [0.8] * 10
    label = "N" * 33 + "V" + "N" * 11
    found = values("rhythm", staged_night(beats_of_rr(rr_s, label[: len(rr_s) + 1].ljust(len(rr_s) + 1, "N"))))
    counted = [found[name] for name in ("n_pauses", "n_pauses_2_5", "n_pauses_3", "n_pauses_ectopic")]
    assert counted == [3, 2, 1, 1]
    assert (found["longest_pause"], found["longest_af"], found["n_af_episodes"]) == (3.0, 0.0, 0)


def test_corrections_are_counted_by_kind_and_as_a_share_of_all_intervals() -> None:
    night = staged_night(beats_of_rr(np.ones(200)))
    corrections = Corrections(np.array([10.0, 20, 30, 40]), np.array(["missed", "extra", "missed", "ectopic"]))
    rr = NN(np.arange(1.0, 201), np.full(200, 1000.0), np.arange(200) > 0)
    found = values("nn", dataclasses.replace(night, rr=rr, corrections=corrections))
    assert found["nn_corrected_share"] == 2.0
    counted = {kind: found[f"n_corrected_{kind}"] for kind in CORRECTIONS}
    assert counted == {"ectopic": 1, "long": 0, "short": 0, "missed": 2, "extra": 1}


# --- non-linear variability and turbulence ---------------------------------------------------------

NONLINEAR = ("complexity", "multiscale", "fluctuation", "fragmentation", "capacity", "turbulence")
AFTER_VPC_S = [*(0.76, 0.76), *(0.76 + 0.008 * np.arange(5)), *[0.8] * 93]


def premature_every_100(n: int) -> Beats:
    """A premature beat with its pause and turbulence in every hundred beats or so, 81 s of them."""
    rr_s = np.tile([*[0.8] * 8, 0.56, 1.04, *AFTER_VPC_S], n)
    return beats_of_rr(rr_s, "N" + ("N" * 8 + "V" + "N" * 101) * n)


def test_turbulence_counts_in_the_part_that_holds_the_premature_beat() -> None:
    """Those of the first hour have an interval or two behind its end, and count there all the same."""
    night = staged_night(premature_every_100(60))
    vpc_s = night.beats.time_s[night.beats.label == "V"]
    found = [values("turbulence", night, f"hour_0{hour}")["n_vpc_turbulence"] for hour in (1, 2)]
    assert found == [(vpc_s < 3600).sum(), (vpc_s >= 3600).sum()]
    assert values("turbulence", night)["turbulence_onset"] == pytest.approx(-5.0)
    assert FORMULAS["turbulence"](night.within("hour_01"), night, RECIPE).coverage_s == pytest.approx(3600)


def test_turbulence_needs_usable_time_around_the_premature_beat() -> None:
    beats = premature_every_100(6)
    lost = beats.time_s[np.flatnonzero(beats.label == "V")[2] + 5] + 0.1
    usable = np.array([[0.0, lost], [lost + 0.2, beats.time_s[-1] + 1]])
    assert values("turbulence", staged_night(beats, usable=usable))["n_vpc_turbulence"] == 5


def test_premature_beats_in_fibrillation_show_no_turbulence() -> None:
    beats = premature_every_100(20)
    af = Episodes([0.0], [beats.time_s[1000]], ["AFIB"], [1000], [75.0], [np.nan])
    n_inside = (beats.label[:1000] == "V").sum()
    night = staged_night(beats, episodes=af)
    assert values("turbulence", night)["n_vpc_turbulence"] == 20 - n_inside
    measured = FORMULAS["turbulence"](night, night, RECIPE)
    assert measured.coverage_s == pytest.approx(beats.time_s[-1] - beats.time_s[1000], abs=3)


def test_turbulence_needs_beat_classes() -> None:
    night = staged_night(premature_every_100(6))
    unclassified = dataclasses.replace(night, recording=night.recording.but(beats_classified=False))
    assert set(status_of(unclassified)["turbulence"]) == {"not_applicable"}
    assert set(status_of(night)["turbulence"]) == {"ok"}


def test_four_premature_beats_are_counted_and_give_no_turbulence() -> None:
    table = phenotype_table(staged_night(premature_every_100(4)), RECIPE).filter(stratum="night")
    assert table.filter(phenotype="n_vpc_turbulence")["value"].item() == 4
    for name in ("turbulence_onset", "turbulence_slope", "turbulence_category"):
        assert table.filter(phenotype=name)["status"].item() == "insufficient_data"


def status_of(night: Night) -> dict[str, list[str]]:
    """Status of the non-linear measures of the whole night, by domain; no value may be NaN or infinite."""
    table = phenotype_table(night, RECIPE)
    assert table["value"].drop_nulls().is_finite().all()
    whole = table.filter(stratum="night")
    return {
        domain: whole.filter(pl.col("phenotype").is_in(list(entries_of(domain))))["status"].to_list()
        for domain in NONLINEAR
    }


def sinus_rr_s(n: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    return np.round(0.9 + 0.03 * np.sin(np.arange(n) / 4) + rng.normal(0, 0.02, n), 6)


def test_a_night_of_sinus_rhythm_has_all_but_turbulence() -> None:
    found = status_of(staged_night(beats_of_rr(sinus_rr_s(6000))))
    assert found.pop("turbulence") == ["ok", *["insufficient_data"] * 3]
    assert {status for each in found.values() for status in each} == {"ok"}


def test_bad_nights_say_that_there_is_too_little() -> None:
    half_ectopic = "N" + "VN" * 3000
    twenty = staged_night(beats_of_rr(sinus_rr_s(20)))
    beats = beats_of_rr(sinus_rr_s(6000))
    all_af = staged_night(beats, episodes=Episodes([0.0], [6000.0], ["AFIB"], [6000], [66.0], [np.nan]))
    bigeminy = staged_night(beats_of_rr(np.tile([0.6, 1.2], 3000), half_ectopic))
    gaps = np.array([[4.0 * i, 4.0 * i + 3.9] for i in range(1300)])  # three or four intervals in a row
    for night in (twenty, all_af, bigeminy):
        found = status_of(night)
        assert "ok" not in {status for domain in NONLINEAR[:-1] for status in found[domain]}
    found = status_of(staged_night(beats, usable=gaps))
    assert set(found["fluctuation"] + found["multiscale"]) == {"insufficient_data"}
    assert set(found["fragmentation"]) == {"ok"}


def test_a_window_without_any_variability_is_left_out_of_the_mean() -> None:
    still = np.r_[sinus_rr_s(2000), np.full(700, 0.9), sinus_rr_s(2000)]
    found = values("complexity", staged_night(beats_of_rr(still)))
    assert all(np.isfinite(value) for value in found.values())


def test_a_constant_rate_has_no_entropy_and_no_exponent() -> None:
    found = status_of(staged_night(beats_of_rr(np.full(6000, 0.8))))
    for domain in ("complexity", "multiscale", "fluctuation", "capacity"):
        assert set(found[domain]) == {"insufficient_data"}, domain


def test_a_share_of_the_whole_is_never_above_100() -> None:
    """Sums of the same spans, added up in another order, differ in their last bit."""
    assert percent_of(np.nextafter(1.0, 2.0), 1.0) == 100.0
    assert percent_of(1.0, 4.0) == 25.0
    assert np.isnan(percent_of(0.0, 0.0))

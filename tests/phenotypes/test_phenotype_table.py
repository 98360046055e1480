"""The long table: a row for every entry and stratum, a reason wherever there is no number."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest
from made_nights import RECIPE, analysed, recording_of_beats, simulated

from holter2sleep.analyze import analyze_night
from holter2sleep.autonomic.hrv import time_measures
from holter2sleep.night import STAGE_STRATA, Hypnogram, Night
from holter2sleep.phenotypes.dictionary import STRATA_SETS, entries_of, load_dictionary
from holter2sleep.phenotypes.table import phenotype_table, strata_of
from holter2sleep.simulate import SyntheticNight

SAMPLE = {"hours": 2.5, "lead_off": ((0.5, 120.0),), "af": ((0.75, 900.0),), "pauses": ((0.2, 2.6),)}
STATUSES = {"ok", "insufficient_data", "not_applicable", "implausible"}


@pytest.fixture(scope="module")
def truth() -> SyntheticNight:
    return simulated("ectopy", **SAMPLE)


@pytest.fixture(scope="module")
def night(truth: SyntheticNight) -> Night:
    """A night with the true stages of the simulator (AASM5)."""
    return dataclasses.replace(analysed("ectopy", **SAMPLE), hypnogram=truth.hypnogram)


@pytest.fixture(scope="module")
def table(night: Night) -> pl.DataFrame:
    return phenotype_table(night, RECIPE)


@pytest.fixture(scope="module")
def of_beats(truth: SyntheticNight) -> Night:
    """A beat file without classes, three kinds of stage."""
    seen = truth.beats.where(truth.beats.usable).but(label=np.full(truth.beats.usable.sum(), "N"))
    return analyze_night(recording_of_beats(seen, beats_classified=False), RECIPE)


def every_table(night: Night, of_beats: Night) -> list[pl.DataFrame]:
    short = analysed("short")
    return [phenotype_table(one, RECIPE) for one in (night, of_beats, short)]


def row(table: pl.DataFrame, phenotype: str, stratum: str = "night") -> dict[str, object]:
    found = table.filter(phenotype=phenotype, stratum=stratum).to_dicts()
    assert len(found) == 1, f"{phenotype} {stratum}"
    return found[0]


def value(table: pl.DataFrame, phenotype: str, stratum: str = "night") -> float:
    found = row(table, phenotype, stratum)
    assert found["status"] == "ok", found
    assert isinstance(found["value"], float)
    return found["value"]


# --- shape -----------------------------------------------------------------------------------------


def test_columns_are_those_of_the_contract(table: pl.DataFrame) -> None:
    assert dict(table.schema) == {
        "recording_id": pl.String,
        "phenotype": pl.String,
        "stratum": pl.String,
        "value": pl.Float64,
        "unit": pl.String,
        "status": pl.String,
        "n": pl.Int64,
        "coverage_s": pl.Float64,
        "ci_low": pl.Float64,
        "ci_high": pl.Float64,
    }


def test_there_is_one_row_for_every_entry_in_every_stratum_it_is_defined_for(night: Night, of_beats: Night) -> None:
    for one in (night, of_beats, analysed("short")):
        expected = {
            (name, stratum)
            for name, entry in load_dictionary().items()
            for stratum in strata_of(one)
            if stratum.partition("_")[0] in STRATA_SETS[entry.strata]
        }
        rows = phenotype_table(one, RECIPE).select("phenotype", "stratum").rows()
        assert len(rows) == len(set(rows))
        assert set(rows) == expected


def test_strata_are_the_night_the_stages_the_hours_begun_and_its_parts(night: Night) -> None:
    expected = ["night", *STAGE_STRATA, "hour_01", "hour_02", "hour_03"]
    assert strata_of(night) == [*expected, "third_first", "third_last", "event_after", "event_free"]


def test_no_nan_is_written_and_a_value_stands_only_where_it_is_one(night: Night, of_beats: Night) -> None:
    for table in every_table(night, of_beats):
        for name in ("value", "coverage_s", "ci_low", "ci_high"):
            assert not table[name].is_nan().any(), name
            assert not table[name].is_infinite().any(), name
        assert set(table["status"]) <= STATUSES
        has_value = table["value"].is_not_null()
        assert (has_value == table["status"].is_in(["ok", "implausible"])).all()
        assert (table["n"] >= 0).all()
        assert (table["coverage_s"] >= 0).all()


def test_units_are_those_of_the_dictionary(table: pl.DataFrame) -> None:
    entries = load_dictionary()
    assert all(entries[name].unit == unit for name, unit in table.select("phenotype", "unit").unique().rows())


# --- numbers ---------------------------------------------------------------------------------------


def test_counts_of_the_hours_add_up_to_the_night(table: pl.DataFrame) -> None:
    hours = table.filter(pl.col("stratum").str.starts_with("hour_"))
    for name in ("n_beats", "n_veb", "n_sveb", "n_couplets_v", "n_runs_v", "n_pauses", "n_af_episodes"):
        values = hours.filter(phenotype=name)
        assert set(values["status"]) == {"ok"}, name
        assert values["value"].sum() == value(table, name), name
    for name in ("recorded_time", "analysable_time"):
        assert hours.filter(phenotype=name)["value"].sum() == pytest.approx(value(table, name)), name


def test_stages_add_up_to_sleep(table: pl.DataFrame) -> None:
    for name in ("n_beats", "recorded_time"):
        parts = [value(table, name, stratum) for stratum in ("n1", "n2", "n3", "rem")]
        assert sum(parts) == pytest.approx(value(table, name, "sleep")), name
        assert value(table, name, "sleep") + value(table, name, "wake") == pytest.approx(value(table, name)), name


def test_the_numbers_of_a_night_are_those_that_were_planted(table: pl.DataFrame, truth: SyntheticNight) -> None:
    seen = truth.beats.where(truth.beats.usable)
    assert value(table, "n_beats") == pytest.approx(len(seen), rel=0.01)
    assert value(table, "n_veb") == pytest.approx((seen.label == "V").sum(), rel=0.03)
    assert value(table, "n_sveb") == pytest.approx((seen.label == "S").sum(), rel=0.10)
    assert value(table, "veb_per_hour") == pytest.approx(value(table, "n_veb") / value(table, "analysable_time"))
    assert value(table, "veb_share") == pytest.approx(100 * value(table, "n_veb") / value(table, "n_beats"))
    assert value(table, "longest_pause") == pytest.approx(2.6, abs=0.01)
    assert value(table, "n_pauses") == len(truth.episodes.of("PAUSE"))
    assert value(table, "af_burden") == pytest.approx(100 * 900 / (9000 - 120), abs=0.5)
    assert value(table, "longest_af") == pytest.approx(15.0, abs=0.6)
    assert value(table, "n_af_episodes") == 1
    assert value(table, "heart_rate_mean") == pytest.approx(60 / np.nanmean(seen.rr_s[seen.rr_s < 5]), rel=0.01)
    assert value(table, "recorded_time") == 2.5
    assert value(table, "tst") == 0.5 * truth.hypnogram.mask("sleep").sum()


def test_hrv_of_a_stage_is_that_of_its_intervals(table: pl.DataFrame, night: Night) -> None:
    for stratum in ("night", "nrem", "rem", "hour_02"):
        expected = time_measures(night.within(stratum).nn).values
        for name in ("sdnn", "rmssd", "pnn50"):
            assert value(table, name, stratum) == expected[name]
        assert row(table, "rmssd", stratum)["n"] == len(night.within(stratum).nn)


def test_the_scale_of_the_lead_is_visible(night: Night) -> None:
    assert night.recording.ecg is not None
    doubled = analyze_night(night.recording.but(ecg=2 * np.asarray(night.recording.ecg)), RECIPE)
    once, twice = (phenotype_table(one, RECIPE) for one in (night, doubled))
    assert value(twice, "r_amplitude") == pytest.approx(2 * value(once, "r_amplitude"), rel=1e-4)
    assert 0.5 < value(once, "r_amplitude") < 2.0
    for name in ("n_beats", "n_veb", "rmssd", "analysable_time"):
        assert value(twice, name) == pytest.approx(value(once, name), rel=1e-6), name


# --- reasons ---------------------------------------------------------------------------------------


def test_a_beat_file_has_no_number_that_needs_a_waveform_in_any_stratum(of_beats: Night) -> None:
    table = phenotype_table(of_beats, RECIPE)
    needy = [name for name, entry in load_dictionary().items() if "waveform" in entry.needs]
    of_waves = {"sqi_mean", "r_amplitude", "noise_share", "lead_off_share", "n_suspected_block"}
    assert {*of_waves, *entries_of("averaged_beat"), *entries_of("coupling")} == set(needy)
    assert set(table.filter(pl.col("phenotype").is_in(needy))["status"]) == {"not_applicable"}


def test_beats_without_classes_give_no_ectopy_but_everything_else(of_beats: Night) -> None:
    assert not of_beats.recording.beats_classified
    table = phenotype_table(of_beats, RECIPE)
    for name in ("n_veb", "n_sveb", "veb_per_hour", "sveb_share", "n_couplets_v", "n_runs_v"):
        assert set(table.filter(phenotype=name)["status"]) == {"not_applicable"}, name
    for name in ("n_beats", "heart_rate_mean", "sdnn", "lf", "n_pauses", "af_burden", "cvhr_index", "tib"):
        assert row(table, name)["status"] == "ok", name


def test_the_classes_of_a_beat_file_are_kept(truth: SyntheticNight) -> None:
    seen = truth.beats.where(truth.beats.usable)
    night = analyze_night(recording_of_beats(seen), RECIPE)
    table = phenotype_table(night, RECIPE)
    assert value(table, "n_veb") == (seen.label == "V").sum()
    assert (night.beats.label == seen.label).all()
    beside_af = (seen.label == "S").sum() - value(table, "n_sveb")
    assert 0 <= beside_af < 3  # where S means little, they are not counted


def scored(night: Night, stage: np.ndarray, scheme: str) -> Night:
    """The night with stages by a scorer who gives no chances."""
    return dataclasses.replace(night, hypnogram=Hypnogram(night.grid, stage, scheme, "test"), stage_samples=None)


def test_a_scheme_of_three_says_nothing_of_n1_n2_and_n3(night: Night) -> None:
    three = np.select([night.hypnogram.stage == "W", night.hypnogram.stage == "R"], ["W", "R"], "NREM")
    table = phenotype_table(scored(night, three, "CARDIO3"), RECIPE)
    for stratum in ("n1", "n2", "n3", "light"):
        assert set(table.filter(stratum=stratum)["status"]) == {"not_applicable"}
        assert row(table, f"{stratum}_min")["status"] == "not_applicable"
        assert row(table, f"{stratum}_pct")["status"] == "not_applicable"
    for name in ("nrem_min", "rem_min", "tst", "waso"):
        assert row(table, name)["status"] == "ok"


def test_a_scheme_of_four_says_n3_and_light_sleep(night: Night) -> None:
    stage = np.where(np.isin(night.hypnogram.stage, ["N1", "N2"]), "L", night.hypnogram.stage)
    table = phenotype_table(scored(night, stage, "CARDIO4"), RECIPE)
    assert [row(table, f"{name}_min")["status"] for name in ("n1", "n2", "n3", "light")] == [
        "not_applicable",
        "not_applicable",
        "ok",
        "ok",
    ]


def test_twenty_minutes_give_what_they_can_and_say_what_they_cannot() -> None:
    truth = simulated("short").hypnogram  # who stages it has no say in how much there is of each stage
    table = phenotype_table(scored(analysed("short"), truth.stage, "AASM5"), RECIPE)
    for name in ("heart_rate_mean", "n_veb", "sdnn", "rmssd", "lf", "sdann", "af_burden", "tib"):
        assert row(table, name)["status"] == "ok", name
    for name in ("heart_rate_dip", "triangular_index", "cvhr_index", "respiratory_index"):
        assert row(table, name)["status"] == "insufficient_data", name


def test_a_night_nobody_could_stage_withholds_its_sleep(night: Night) -> None:
    unscored = Hypnogram(night.grid, np.full(night.grid.n, "U"), "AASM5", "test")
    table = phenotype_table(dataclasses.replace(night, hypnogram=unscored), RECIPE)
    assert row(table, "tst")["status"] == "insufficient_data"
    assert value(table, "unscored_min") == 150.0
    assert value(table, "tib") == 150.0
    assert row(table, "n_beats", "sleep")["status"] == "insufficient_data"


def test_a_night_without_rem_has_no_latency_to_it(night: Night) -> None:
    stage = np.where(night.hypnogram.stage == "R", "N2", night.hypnogram.stage)
    table = phenotype_table(dataclasses.replace(night, hypnogram=Hypnogram(night.grid, stage, "AASM5", "test")), RECIPE)
    assert row(table, "rem_latency")["status"] == "not_applicable"
    assert value(table, "rem_min") == 0.0
    assert row(table, "rmssd", "rem")["status"] == "insufficient_data"


def test_a_value_no_body_has_is_shown_and_called_implausible(night: Night) -> None:
    beats = recording_of_beats(dataclasses.replace(night.beats, time_s=3 * night.beats.time_s))
    found = row(phenotype_table(analyze_night(beats, RECIPE), RECIPE), "heart_rate_mean")
    assert found["status"] == "implausible"
    assert isinstance(found["value"], float)
    assert found["value"] < 25

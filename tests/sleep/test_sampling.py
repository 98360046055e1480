"""Draws of a hypnogram: each epoch by its own chances, errors that last."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest
from made_nights import RECIPE, beats_of_rr, staged_night

from holter2sleep.night import Night
from holter2sleep.phenotypes.measures.staged import stage_intervals
from holter2sleep.phenotypes.table import phenotype_table
from holter2sleep.sleep.sampling import N_SAMPLES, percentiles, sampled_stages

N = 960


def chances(*rows: tuple[float, ...]) -> np.ndarray:
    return np.tile(np.array(rows, np.float32), (N // len(rows), 1))


def test_every_epoch_is_drawn_by_its_own_chances() -> None:
    drawn = sampled_stages(chances((0.7, 0.2, 0.1), (0.1, 0.3, 0.6)))
    assert drawn.shape == (N_SAMPLES, N)
    for first, expected in ((0, (0.7, 0.2, 0.1)), (1, (0.1, 0.3, 0.6))):
        shares = [(drawn[:, first::2] == stage).mean() for stage in range(3)]
        assert shares == pytest.approx(expected, abs=0.03)


def test_errors_last() -> None:
    """Drawn alone, two neighbours would agree in half of the cases, and the night's share would hardly vary."""
    drawn = sampled_stages(chances((0.5, 0.5)))
    assert (drawn[:, 1:] == drawn[:, :-1]).mean() > 0.75
    assert drawn.mean(axis=1).std() > 5 * 0.5 / np.sqrt(N)


def test_what_is_certain_is_always_drawn_and_what_is_unscored_never() -> None:
    proba = chances((1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    proba[100:110] = np.nan
    drawn = sampled_stages(proba)
    assert (drawn[:, 100:110] == -1).all()
    assert (drawn[:, :100:2] == 0).all()
    assert (drawn[:, 1:100:2] == 2).all()


def test_the_same_chances_give_the_same_draws() -> None:
    proba = chances((0.4, 0.6))
    assert (sampled_stages(proba) == sampled_stages(proba)).all()


def test_an_interval_holds_its_value_and_is_none_where_a_draw_has_none() -> None:
    assert percentiles(np.arange(201.0), 100.0) == (5.0, 195.0)
    assert percentiles(np.arange(201.0), -3.0) == (-3.0, 195.0)
    assert percentiles(np.array([1.0, np.nan]), 1.0) is None
    assert percentiles(np.array([1.0, 2.0]), np.nan) is None


# --- in the tables ---------------------------------------------------------------------------------


def night_with(certainty: float) -> Night:
    """Two hours asleep at 60/min between two half hours awake at 75/min, stages right by the given chance."""
    rr_s = np.r_[np.full(2250, 0.8), np.full(7200, 1.0), np.full(2250, 0.8)]
    rr_s += np.random.default_rng(1).normal(0, 0.02, len(rr_s))
    beats = beats_of_rr(rr_s)
    n = round(np.ceil((beats.time_s[-1]) / 30))
    night = staged_night(beats, "W" * 60 + "2" * 240 + "W" * (n - 300))
    wake = night.hypnogram.mask("wake")
    proba = np.zeros((night.grid.n, 5), np.float32)
    proba[:, 0] = np.where(wake, certainty, 1 - certainty)
    proba[:, 2] = 1 - proba[:, 0]
    hypnogram = dataclasses.replace(night.hypnogram, proba=proba)
    return dataclasses.replace(night, hypnogram=hypnogram, stage_samples=sampled_stages(proba))


def interval(night: Night, phenotype: str, stratum: str = "night") -> tuple[float, float, float]:
    table = phenotype_table(night, RECIPE)
    row = table.filter((pl.col("phenotype") == phenotype) & (pl.col("stratum") == stratum)).row(0, named=True)
    return row["value"], row["ci_low"], row["ci_high"]


def test_sleep_measures_of_a_certain_night_have_no_width_and_of_an_uncertain_one_hold_the_truth() -> None:
    assert interval(night_with(1.0), "tst") == (120.0, 120.0, 120.0)
    value, low, high = interval(night_with(0.8), "tst")
    assert low <= value == 120.0 <= high
    assert high - low > 20


def test_what_the_stager_does_not_know_widens_the_interval_of_a_stage() -> None:
    _, low, high = interval(night_with(1.0), "heart_rate_mean", "sleep")
    _, _, wide_high = interval(night_with(0.8), "heart_rate_mean", "sleep")
    assert high - low < 0.3
    assert wide_high > 62  # a fifth of what counts as sleep may be wake at 75/min


def test_a_scored_night_has_the_intervals_of_its_blocks_alone() -> None:
    night = dataclasses.replace(night_with(1.0), stage_samples=None)
    assert interval(night, "tst") == (120.0, None, None)
    _, low, high = interval(night, "rmssd", "sleep")
    assert low < high


def test_a_part_that_is_no_stage_has_no_sampled_epochs() -> None:
    night = night_with(0.8)
    assert night.within("night").sampled is None
    assert night.within("hour_01").sampled is None
    assert night.within("sleep").during(night.within("hour_01").spans).sampled is None
    assert stage_intervals(night, {}, np.ones((night.grid.n, 1)), lambda _: {}) == {}


def with_ectopy(night: Night) -> Night:
    """Every tenth beat of the first half hour, awake, is V; the classifier is sure of each beat."""
    beats = night.beats
    label = np.where((beats.time_s < 1800) & (np.arange(len(beats)) % 10 == 0), "V", "N")
    chance_v = (label == "V").astype(np.float32)
    beats = beats.but(label=label, chance_v=chance_v, chance_s=np.zeros(len(beats), np.float32))
    return dataclasses.replace(night, beats=beats)


def test_counts_of_a_stage_hold_what_the_stager_does_not_know() -> None:
    sure, unsure = with_ectopy(night_with(1.0)), with_ectopy(night_with(0.8))
    value, low, high = interval(sure, "n_veb", "wake")
    assert (low, high) == (value, value)
    value, low, high = interval(unsure, "n_veb", "wake")
    assert low < value == high  # all of them lie in what is called wake
    assert interval(unsure, "n_veb", "sleep")[1:] == (0.0, pytest.approx(value - low, rel=0.2))
    assert interval(unsure, "veb_per_hour", "sleep")[2] > 0


def test_spectra_of_a_stage_hold_it_too() -> None:
    for name in ("hf", "lf_hf", "hf_nu", "hf_ls", "lf_nu_ls"):
        _, low, high = interval(night_with(1.0), name, "sleep")
        value, wide_low, wide_high = interval(night_with(0.8), name, "sleep")
        assert wide_low <= value <= wide_high
        assert wide_high - wide_low > high - low
    assert interval(night_with(0.8), "hf_nu", "sleep")[2] <= 100


def test_the_doubt_of_a_stage_s_spectrum_is_the_spectrum_s_own_where_stages_are_sure() -> None:
    """Windows around the epochs, drawn in blocks, tell as much as the stage's own windows drawn one by one."""
    night = night_with(1.0)
    known = dataclasses.replace(night, stage_samples=None)
    _, low, high = interval(night, "hf", "sleep")
    _, own_low, own_high = interval(known, "hf", "sleep")
    assert high - low == pytest.approx(own_high - own_low, rel=0.5)

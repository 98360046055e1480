"""Respiratory events from beats: found where planted, and no word where the heart cannot tell."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from apnea_nights import beats_with_cycles, rr_with_cycles
from made_nights import RECIPE, all_of, beats_of_rr, nn_of

from holter2sleep.analyze import intervals_of
from holter2sleep.autonomic import apnea_net
from holter2sleep.autonomic.apnea import (
    AHI,
    CALIBRATION,
    WEIGHTS,
    determinate,
    read_parts,
    respiratory_chances,
    respiratory_episodes,
)
from holter2sleep.autonomic.apnea_series import CHANNELS, PER_EPOCH, apnea_series
from holter2sleep.autonomic.nn import nn_intervals
from holter2sleep.evaluate.minutes import auc
from holter2sleep.io.annotations import read_annotations
from holter2sleep.io.beatfiles import read_beats
from holter2sleep.night import NN, Beats, Episodes, EpochGrid
from holter2sleep.spans import Spans

RULES = RECIPE.respiratory
RNG = np.random.default_rng(0)


def chances(beats: Beats, usable: Spans | None = None, episodes: Episodes | None = None) -> np.ndarray:
    usable = all_of(beats) if usable is None else usable
    intervals = intervals_of(beats, episodes or Episodes.none(), usable, RECIPE)
    return respiratory_chances(beats, intervals.restored, usable, grid_of(beats), RULES)


def grid_of(beats: Beats) -> EpochGrid:
    return EpochGrid.covering(float(beats.time_s[-1]) + 1.0)


# --- truth -----------------------------------------------------------------------------------------


def test_repeated_apnoeas_are_found_where_they_were_planted() -> None:
    p = chances(beats_with_cycles(5.0, 5400.0, 12_600.0))
    inside = np.zeros(len(p), bool)
    inside[180:420] = True
    away = np.abs(np.arange(len(p)) - 180) > 10
    away &= np.abs(np.arange(len(p)) - 420) > 10  # 5 min around a change
    assert (p[inside & away] >= 0.5).mean() > 0.9
    assert (p[~inside & away] < 0.5).mean() > 0.9


def test_missed_beats_hide_no_apnoea() -> None:
    whole = beats_with_cycles(3.0, 3600.0, 7200.0)
    missed = np.flatnonzero(np.random.default_rng(0).random(len(whole)) < 0.2)[1:-1]
    p, of_whole = chances(Beats.at(np.delete(whole.time_s, missed))), chances(whole)
    assert np.isfinite(p).all()
    assert ((p >= 0.5) == (of_whole >= 0.5)).mean() > 0.97


def test_a_night_of_breathing_alone_has_hardly_any() -> None:
    p = chances(beats_with_cycles(4.0, np.inf))
    assert np.isfinite(p).all()
    assert (p >= 0.5).mean() < 0.05


@pytest.mark.parametrize(
    ("height_s", "period_s", "called"),
    [
        (0.05, 6.0, False),
        (0.03, 6.0, False),
        (0.05, 10.0, False),
        (0.03, 10.0, True),
        (0.05, 12.0, True),
        (0.05, 17.0, True),
        (0.05, 25.0, True),
    ],
)
def test_swings_somewhat_too_fast_for_an_apnoea_are_taken_for_one(
    height_s: float, period_s: float, called: bool
) -> None:
    time_s = np.arange(0.0, 3600.0, 0.9)
    rr_s = (
        0.9 + height_s * np.sin(2 * np.pi * time_s / period_s) + np.random.default_rng(0).normal(0, 0.015, len(time_s))
    )
    assert (np.median(chances(beats_of_rr(rr_s))) >= 0.5) == called


# --- invariances -----------------------------------------------------------------------------------


def test_the_chance_moves_with_the_night() -> None:
    rr = rr_with_cycles(3.0, 2700.0, 8100.0)
    early, late = chances(beats_of_rr(rr)), chances(beats_of_rr(rr, start_s=600.3))
    np.testing.assert_allclose(late[40:-20], early[20 : len(late) - 40], atol=0.05)


def test_an_event_called_lies_in_an_episode() -> None:
    beats = beats_with_cycles(3.0, 2700.0, 8100.0)
    p, grid = chances(beats), grid_of(beats)
    episodes = respiratory_episodes(p, beats, grid)
    assert set(episodes.kind.tolist()) == {"RESP"}
    assert (episodes.end_s - episodes.start_s).sum() == pytest.approx(30 * (p >= 0.5).sum(), abs=30)
    assert (episodes.confidence >= 0.5).all()


def test_days_judged_in_blocks_are_judged_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    series = apnea_series(nn_of(1000 * rr_with_cycles(4.0, 3000.0, 9000.0)), 480)
    network = read_parts(WEIGHTS)["net0"]
    whole = apnea_net.logits(network, series)
    monkeypatch.setattr(apnea_net, "BLOCK", 100)
    np.testing.assert_allclose(apnea_net.logits(network, series), whole, atol=1e-4)


def test_series_hang_on_ratios_of_intervals_not_on_their_size() -> None:
    nn = nn_of(1000 * rr_with_cycles(2.0))
    slower = NN(nn.end_s, 1.5 * nn.nn_ms, nn.adjacent)
    wave = [CHANNELS.index(name) for name in ("swing", "swing_local", "level", "swing_size")]
    one, two = apnea_series(nn, 240)[wave], apnea_series(slower, 240)[wave]
    np.testing.assert_allclose(one, two, atol=1e-3)


def test_series_are_zero_in_a_gap_and_finite_everywhere() -> None:
    nn = nn_of(1000 * rr_with_cycles(2.0))
    kept = (nn.end_s < 2000) | (nn.end_s > 3000)
    series = apnea_series(NN(nn.end_s[kept], nn.nn_ms[kept], nn.adjacent[kept]), 240)
    assert series.shape == (len(CHANNELS), 240 * PER_EPOCH)
    assert np.isfinite(series).all()
    assert (series[:, 2010:2990] == 0).all()
    assert series[CHANNELS.index("known"), [1000, 4000]].tolist() == [1, 1]


# --- where nothing can be said ---------------------------------------------------------------------


def test_twenty_beats_say_nothing() -> None:
    assert np.isnan(chances(beats_of_rr(np.full(20, 0.9)))).all()


def test_a_paced_night_says_nothing() -> None:
    paced = beats_of_rr(np.round(1.0 + RNG.normal(0, 0.003, 7200), 2))
    assert np.isnan(chances(paced)).all()


def test_a_night_of_fibrillation_says_nothing() -> None:
    beats = beats_of_rr(RNG.uniform(0.45, 1.1, 9000))
    whole = float(beats.time_s[-1])
    af = Episodes(np.array([0.0]), np.array([whole]), np.array(["AFIB"]), [9000], [80.0], [1.0])
    assert np.isnan(chances(beats, episodes=af)).all()


@pytest.mark.parametrize("rr_s", [np.tile([0.6, 1.2], 4000), np.random.default_rng(0).uniform(0.45, 1.1, 9000)])
def test_bigeminy_and_fibrillation_that_nobody_called_so_say_nothing(rr_s: np.ndarray) -> None:
    assert np.isnan(chances(beats_of_rr(rr_s))).all()


def test_every_second_beat_ectopic_says_nothing() -> None:
    rr = np.tile([0.6, 1.2], 4000) + RNG.normal(0, 0.01, 8000)
    assert np.isnan(chances(beats_of_rr(rr, "N" + "VN" * 4000))).all()


def test_gaps_are_not_judged_and_the_rest_is() -> None:
    beats = beats_with_cycles(4.0)
    usable = np.array([[0.0, 5000.0], [7000.0, 14_401.0]])
    p = chances(beats.where((beats.time_s < 5000) | (beats.time_s > 7000)), usable)
    assert np.isnan(p[171:229]).all()
    assert np.isfinite(p[:160]).all()
    assert np.isfinite(p[240:]).all()


def test_gaps_everywhere_say_nothing() -> None:
    beats = beats_with_cycles(2.0)
    minutes = np.arange(0.0, 7200.0, 60.0)
    usable = np.column_stack([minutes, minutes + 20.0])
    assert np.isnan(chances(beats, usable)).all()


def test_no_interval_at_all_says_nothing() -> None:
    beats = beats_of_rr(np.full(30, 0.9))
    empty = NN(np.empty(0), np.empty(0), np.empty(0, bool))
    assert not determinate(beats, empty, all_of(beats), grid_of(beats), RULES).any()
    assert (apnea_series(empty, 4) == 0).all()


def test_two_weeks_are_judged_epoch_by_epoch() -> None:
    night = rr_with_cycles(2.0)
    beats = beats_of_rr(np.tile(night, 168))
    p = chances(beats)
    assert len(p) == grid_of(beats).n
    assert np.isfinite(p).mean() > 0.95


def test_a_stricter_limit_judges_less() -> None:
    rr = rr_with_cycles(2.0)
    label = np.where(np.arange(len(rr) + 1) % 30 == 0, "V", "N")
    beats = beats_of_rr(rr, "".join(label))
    nn = nn_intervals(beats, Episodes.none(), all_of(beats), RECIPE.nn)
    strict = dataclasses.replace(RULES, maximum_left_out_percent=3.0)
    assert determinate(beats, nn, all_of(beats), grid_of(beats), RULES).all()
    assert not determinate(beats, nn, all_of(beats), grid_of(beats), strict).any()


# --- weights ---------------------------------------------------------------------------------------


def test_the_weights_are_small_and_plain_arrays() -> None:
    assert WEIGHTS.stat().st_size <= 450_000
    with np.load(WEIGHTS, allow_pickle=False) as file:
        assert all(np.isfinite(file[name]).all() for name in file.files)
    assert {CALIBRATION, AHI, "net0", "trees0"} <= set(read_parts(WEIGHTS))


# --- recordings ------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_minutes_of_nights_that_no_network_has_heard_are_told_apart(shared_data: Path) -> None:
    """slpdb marks hypopnoeas and apnoeas in epochs of 30 s; the area by chance is 0.5, of this record 0.78."""
    path = shared_data / "slpdb" / "slp48.ecg"
    beats, marks = read_beats(path), read_annotations(path.with_suffix(".st"))
    p = chances(beats)
    marked = np.zeros(len(p), bool)
    for sample, text in zip(marks.sample, marks.text, strict=True):
        marked[min(int(sample) // 7500, len(p) - 1)] |= bool(
            {"H", "HA", "OA", "X", "CA", "CAA"} & set(text.split()[1:])
        )
    known = np.isfinite(p)
    area = auc(marked[known], p[known].astype(np.float64))
    assert area is not None
    assert area > 0.7

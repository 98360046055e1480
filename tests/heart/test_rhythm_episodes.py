"""Runs, cycles, pauses and rates, on lists of beats one can count."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_nights import RECIPE, all_of, analysed, beats_of_rr, simulated

from holter2sleep.heart.fibrillation import find_fibrillation
from holter2sleep.heart.intervals import local_median, near_together, trusted_rr
from holter2sleep.heart.p_waves import PWaves
from holter2sleep.heart.rates import after_ectopic, smoothed_bpm
from holter2sleep.heart.rhythm import classes_in_af, find_episodes, tells_of_s
from holter2sleep.heart.runs import runs_of
from holter2sleep.heart.stretches import Stretches, linked, merged
from holter2sleep.night import Beats, Episodes
from holter2sleep.spans import Spans, complement


def episodes(beats: Beats, usable: Spans | None = None) -> Episodes:
    return find_episodes(beats, all_of(beats) if usable is None else usable, RECIPE.rhythm)


def kinds(beats: Beats, usable: Spans | None = None) -> list[str]:
    return episodes(beats, usable).kind.tolist()


def run_of(letters: str, rr_s: float, around: int = 12) -> Beats:
    """Beats labelled `letters` with `rr_s` between them, amid normal beats at 75/min."""
    label = "N" * around + letters + "N" * around
    intervals = np.full(len(label) - 1, 0.8)
    intervals[around : around + len(letters) - 1] = rr_s
    return beats_of_rr(intervals, label)


def rates(rr_s: float, seconds: float) -> Beats:
    """A minute at 60/min, then intervals of `rr_s` for so many seconds, then a minute at 60/min."""
    return beats_of_rr(np.r_[np.ones(60), np.full(round(seconds / rr_s), rr_s), np.ones(60)])


# --- runs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letters", "rr_s", "expected"),
    [
        ("V", 0.5, []),
        ("VV", 0.5, ["COUPLET_V"]),
        ("VVV", 0.4, ["VT"]),
        ("VVV", 0.6, ["VT"]),  # exactly 100/min
        ("VVV", 60 / 101, ["VT"]),
        ("VVV", 60 / 99, ["IVR"]),
        ("VVVVVVVV", 0.4, ["VT"]),
        ("SS", 0.5, ["COUPLET_S"]),
        ("SSS", 60 / 101, ["SVTA"]),
        ("SSS", 60 / 99, []),
        ("VVNVV", 0.5, ["COUPLET_V", "COUPLET_V"]),
        ("VVS", 0.5, ["COUPLET_V"]),
        ("VVVSS", 0.4, ["VT", "COUPLET_S"]),
    ],
)
def test_couplets_and_runs(letters: str, rr_s: float, expected: list[str]) -> None:
    assert kinds(run_of(letters, rr_s)) == expected


def test_a_slow_run_is_named_for_ventricular_beats_only() -> None:
    for label, n_slow in (("V", 1), ("S", 0)):
        beats = run_of(3 * label, 0.8)
        couplets, fast, slow = runs_of(beats, trusted_rr(beats, all_of(beats)), label, np.zeros(len(beats), bool))
        assert (len(couplets.pairs), len(fast.pairs), len(slow.pairs)) == (0, 0, n_slow)


def test_a_run_lasts_from_its_first_beat_to_its_last() -> None:
    beats = run_of("VVVV", 0.4)
    found = episodes(beats)
    assert (found.start_s[0], found.end_s[0]) == (beats.time_s[12], beats.time_s[15])
    assert found.n_beats.tolist() == [4]
    np.testing.assert_allclose(found.rate_bpm, 150.0)


@pytest.mark.parametrize("start_s", np.linspace(0.0, 3.0, 40))
def test_a_limit_does_not_hang_on_when_the_recording_began(start_s: float) -> None:
    """Differences of times round differently at each place; 2.0 s and 100/min are limits everywhere."""
    rr_s = [0.83] * 10 + [0.6, 0.6] + [0.83] * 10 + [2.0] + [0.83] * 10
    label = "N" * 10 + "VVV" + "N" * 21
    assert kinds(beats_of_rr(rr_s, label, start_s)) == ["VT", "PAUSE"]


def test_a_run_is_cut_where_signal_was_lost_and_by_a_beat_that_is_not_usable() -> None:
    beats = run_of("VVVV", 0.4)
    lost = complement(np.array([[beats.time_s[13] + 0.1, beats.time_s[13] + 0.2]]), 0, 100)
    assert kinds(beats, lost) == ["COUPLET_V", "COUPLET_V"]
    usable = np.ones(len(beats), bool)
    usable[13] = False
    assert kinds(beats.but(usable=usable)) == ["COUPLET_V"]


def test_stretches_hold_their_first_and_last_beats_overlapping_or_not() -> None:
    held = Stretches.of("PAUSE", [(1, 3), (2, 4), (6, 6)]).mask(8)
    assert np.flatnonzero(held).tolist() == [1, 2, 3, 4, 6]


def test_an_interval_nobody_trusts_parts_a_stretch_wherever_it_is() -> None:
    mask = np.array([True, True, True, False, True])
    assert linked(mask, np.array([False, False, True, True, False])) == [(0, 0), (1, 2), (4, 4)]


def test_stretches_that_share_a_beat_are_one_and_neighbours_are_two() -> None:
    assert merged([(1, 3), (3, 5), (6, 7)]) == [(1, 5), (6, 7)]


# --- cycles ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("VNV", []),
        ("VNVNV", ["B"]),
        ("VNVNVNVNV", ["B"]),
        ("VNNVNNV", ["T"]),
        ("VNNNVNNNV", []),  # quadrigeminy has no code of its own
        ("VNVNVNNVNNV", ["B", "T"]),
        ("VNVNVV", ["B", "COUPLET_V"]),
    ],
)
def test_bigeminy_and_trigeminy_need_three_ventricular_beats(letters: str, expected: list[str]) -> None:
    assert kinds(run_of(letters, 0.8)) == expected


def test_bigeminy_is_not_carried_across_lost_signal() -> None:
    beats = run_of("VNVNV", 0.8)
    lost = complement(np.array([[beats.time_s[14] + 0.1, beats.time_s[14] + 0.2]]), 0, 100)
    assert kinds(beats, lost) == []


# --- pauses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rr_s", "expected"), [(1.999, []), (2.0, ["PAUSE"]), (4.5, ["PAUSE"])])
def test_a_pause_is_an_interval_of_two_seconds_or_more(rr_s: float, expected: list[str]) -> None:
    assert kinds(beats_of_rr([0.8] * 10 + [rr_s] + [0.8] * 10)) == expected


def test_a_pause_lasts_from_beat_to_beat() -> None:
    found = episodes(beats_of_rr([0.8] * 10 + [3.0] + [0.8] * 10, start_s=0.0))
    np.testing.assert_allclose([found.start_s[0], found.end_s[0]], [8.0, 11.0])
    assert (found.n_beats[0], found.rate_bpm[0]) == (2, pytest.approx(20.0))


def test_a_pause_after_an_ectopic_beat_is_told_from_others() -> None:
    beats = beats_of_rr([1.0, 1.0, 1.0, 1.0], "VNSNV", start_s=1.0)
    at_s = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 9.0])
    assert after_ectopic(beats, at_s).tolist() == [True, False, True, False, True, True]
    assert after_ectopic(beats.where(slice(0, 1)), at_s[:1]).tolist() == [True]
    assert after_ectopic(Beats.at([]), at_s[:2]).tolist() == [False, False]


def test_lost_signal_and_doubtful_beats_are_no_pause() -> None:
    beats = beats_of_rr([0.8] * 10 + [3.0] + [0.8] * 10)
    assert kinds(beats, complement(np.array([[9.5, 9.6]]), 0, 100)) == []
    usable = np.ones(len(beats), bool)
    usable[10] = False
    assert kinds(beats.but(usable=usable)) == []


# --- rates -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bpm", "seconds", "expected"),
    [
        (38, 29, []),
        (38, 31.6, ["BRADY"]),
        (96, 30, ["TACHY"]),
        (40, 60, []),
        (41, 60, []),
        (95, 29, []),
        (95, 31, ["TACHY"]),
        (89, 60, []),
        (60, 60, []),
    ],
)
def test_a_slow_or_fast_rate_is_called_when_sustained_for_half_a_minute(
    bpm: float, seconds: float, expected: list[str]
) -> None:
    assert kinds(rates(60 / bpm, seconds)) == expected


def test_a_slow_rate_begins_with_its_first_interval_and_ends_with_its_last() -> None:
    found = episodes(rates(1.6, 48.0))
    np.testing.assert_allclose([found.start_s[0], found.end_s[0]], [60.3, 108.3])
    assert found.n_beats[0] == 31
    np.testing.assert_allclose(found.rate_bpm, 37.5)


def test_as_many_intervals_as_the_median_takes_are_enough_for_a_rate() -> None:
    for n, some in ((9, True), (8, False)):
        beats = beats_of_rr(np.full(n, 1.5))
        rate_bpm = smoothed_bpm(beats, trusted_rr(beats, all_of(beats)), 9)
        assert (rate_bpm is not None) == some
        if rate_bpm is not None:
            np.testing.assert_allclose(rate_bpm, 40.0)


def test_a_rate_at_the_limit_is_neither_slow_nor_fast_and_p_waves_at_the_limit_are_absent() -> None:
    limits = dataclasses.replace(RECIPE.rhythm, tachy_bpm=75.0, escape_bpm=40.0, brady_bpm=30.0)
    for rr_s, absent, expected in ((0.8, 0.5, []), (0.799, 0.5, ["TACHY"]), (1.5, 0.5, []), (1.501, 0.5, ["BIII"])):
        beats = beats_of_rr(np.full(60, rr_s))
        for less, kinds_found in ((0.0, expected), (0.01, [kind for kind in expected if kind != "BIII"])):
            waves = PWaves(np.full(61, absent - less), np.zeros(61))
            assert find_episodes(beats, all_of(beats), limits, waves).kind.tolist() == kinds_found


def test_one_premature_beat_does_not_end_a_slow_rate() -> None:
    rr_s = np.r_[np.ones(60), np.full(40, 1.6), np.ones(60)]
    rr_s[[80, 81]] = 0.9, 2.3 - 0.4
    assert kinds(beats_of_rr(rr_s)) == ["BRADY"]


def test_lost_signal_ends_a_slow_rate() -> None:
    beats = rates(1.6, 48.0)
    assert kinds(beats, complement(np.array([[84.0, 84.1]]), 0, 500)) == []


# --- whole nights ----------------------------------------------------------------------------------


def test_planted_runs_cycles_and_pauses_are_found_once_each() -> None:
    changes = {"hours": 3.0, "bursts_per_hour": 0.0, "pauses": ((0.1, 2.4), (0.45, 3.2))}
    truth, found = simulated("ectopy", **changes).episodes, analysed("ectopy", **changes).episodes
    for kind in ("B", "VT", "PAUSE"):
        planted, seen = truth.of(kind), found.of(kind)
        assert len(planted) == len(seen) >= 2, kind
        np.testing.assert_allclose(seen.start_s, planted.start_s, atol=2.0)
    assert len(found.of("COUPLET_V")) == pytest.approx(len(truth.of("COUPLET_V")), rel=0.06)


def test_a_steady_rhythm_has_no_episode() -> None:
    rr_s = 0.9 + 0.03 * np.sin(np.arange(5000) / 4)
    assert kinds(beats_of_rr(rr_s)) == []


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_beats_are_no_error(n: int) -> None:
    beats = Beats.at(np.arange(n) + 1.0)
    assert len(find_episodes(beats, np.array([[0.0, 10.0]]), RECIPE.rhythm)) == 0


def test_the_limits_are_those_of_the_recipe() -> None:
    strict = dataclasses.replace(RECIPE.rhythm, pause_s=3.5)
    beats = beats_of_rr([0.8] * 10 + [0.7, 0.7] + [0.8] * 5 + [3.0] + [0.8] * 10, "N" * 10 + "VVV" + "N" * 16)
    assert find_episodes(beats, all_of(beats), strict).kind.tolist() == ["IVR"]


def test_prematurity_means_nothing_in_atrial_fibrillation_and_beside_it() -> None:
    beats = Beats.at([60.0, 80.0, 120.0, 130.0, 220.0, 240.0], ["S", "S", "S", "V", "S", "S"])
    af = Episodes([100.0], [200.0], ["AFIB"], [2], [60.0], [np.nan])
    assert RECIPE.rhythm.af_margin_s == 30.0
    assert classes_in_af(beats, af, RECIPE.rhythm).label.tolist() == ["S", "N", "N", "V", "N", "S"]


def test_a_twentieth_of_the_time_outside_fibrillation_tells_of_supraventricular_beats() -> None:
    assert tells_of_s(5.0, 100.0, RECIPE.rhythm)
    assert not tells_of_s(4.99, 100.0, RECIPE.rhythm)


def test_an_episode_of_fibrillation_has_all_its_beats() -> None:
    beats = beats_of_rr(np.random.default_rng(0).gamma(14.0, 0.75 / 14.0, 300))
    found = episodes(beats).of("AFIB")
    trusted = trusted_rr(beats, all_of(beats))
    [span] = find_fibrillation(beats, trusted, PWaves.unknown(len(beats)), RECIPE.rhythm.af).spans
    first, last = np.searchsorted(beats.time_s, span)
    assert [found.start_s[0], found.end_s[0]] == span.tolist()
    assert found.n_beats.tolist() == [last - first + 1]


def test_what_is_called_in_fibrillation_is_not_sure_and_has_no_chance_of_s() -> None:
    beats = Beats.at([60.0, 120.0, 130.0, 240.0], ["S", "S", "V", "N"])
    beats = beats.but(confidence=[0.9, 0.8, 0.7, 0.6], chance_s=[0.9, 0.8, 0.1, 0.0])
    af = Episodes([100.0], [200.0], ["AFIB"], [2], [60.0], [np.nan])
    found = classes_in_af(beats, af, RECIPE.rhythm)
    np.testing.assert_allclose(found.confidence, [0.9, np.nan, 0.7, 0.6], rtol=1e-6)
    np.testing.assert_allclose(found.chance_s, [0.9, np.nan, np.nan, 0.0], rtol=1e-6)


def test_ventricular_beats_in_fibrillation_are_those_that_are_likely() -> None:
    beats = Beats.at([60.0, 110.0, 120.0, 130.0, 140.0], ["V"] * 5)
    beats = beats.but(chance_v=[0.1, 0.49, 0.5, 0.9, np.nan], confidence=[0.1, 0.49, 0.5, 0.9, np.nan])
    af = Episodes([100.0], [200.0], ["AFIB"], [2], [60.0], [np.nan])
    found = classes_in_af(beats, af, RECIPE.rhythm)
    assert found.label.tolist() == ["V", "N", "V", "V", "V"]
    np.testing.assert_allclose(found.confidence, [0.1, np.nan, 0.5, 0.9, np.nan], rtol=1e-6)
    assert found.chance_v[1] == beats.chance_v[1]


@pytest.mark.parametrize(("chance", "kinds"), [(0.49, {"AFIB"}), (0.5, {"AFIB", "VT"})])
def test_a_run_in_fibrillation_is_one_of_likely_beats(chance: float, kinds: set[str]) -> None:
    rr_s = np.random.default_rng(0).gamma(14.0, 0.75 / 14.0, 300)
    rr_s[150:153] = 0.35
    beats = beats_of_rr(rr_s, "N" * 150 + "VVV" + "N" * 148)
    assert set(episodes(beats.but(chance_v=np.where(beats.label == "V", chance, 0.0))).kind) == kinds


def test_the_local_median_is_that_of_the_others_that_are_known() -> None:
    values = np.random.default_rng(0).normal(0, 1, 60)
    values[::7] = np.nan
    others = [np.r_[values[max(i - 3, 0) : i], values[i + 1 : i + 4]] for i in range(60)]
    np.testing.assert_allclose(local_median(values, 3), [np.nanmedian(each) for each in others])
    assert np.isnan(local_median(np.array([1.0, np.nan]), 3)[0])


@pytest.mark.parametrize(
    ("time_s", "expected"),
    [([0.0, 60.0, 120.5, 121.0, 200.0], [[0.0, 60.0], [120.5, 121.0], [200.0]]), ([5.0], [[5.0]]), ([], [[]])],
)
def test_beats_are_cut_where_more_than_a_minute_lies_between_two(
    time_s: list[float], expected: list[list[float]]
) -> None:
    times = np.array(time_s)
    assert [times[part].tolist() for part in near_together(times)] == expected

"""NN intervals lie between two normal beats, and are neighbours only when they share a beat."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_nights import RECIPE, all_of, beats_of_rr

from holter2sleep.autonomic import nn as nn_module
from holter2sleep.autonomic.nn import nn_intervals, normal_intervals, rr_intervals
from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.night import NN, Beats, Episodes
from holter2sleep.spans import Spans, complement


def nn_between(beats: Beats, usable: Spans | None = None, episodes: Episodes | None = None) -> NN:
    spans = all_of(beats) if usable is None else usable
    return nn_intervals(beats, episodes or Episodes.none(), spans, RECIPE.nn)


def test_all_intervals_of_a_normal_rhythm_are_nn_and_all_but_the_first_have_a_neighbour() -> None:
    nn = nn_between(beats_of_rr([0.8, 0.81, 0.79, 0.8], start_s=0.0))
    np.testing.assert_allclose(nn.nn_ms, [800, 810, 790, 800])
    np.testing.assert_allclose(nn.end_s, [0.8, 1.61, 2.4, 3.2])
    assert nn.adjacent.tolist() == [False, True, True, True]


@pytest.mark.parametrize("label", ["V", "S", "F", "Q"])
def test_the_intervals_on_both_sides_of_an_ectopic_beat_are_left_out_and_nothing_is_differenced_across(
    label: str,
) -> None:
    #        beats  0    1    2    3(V) 4    5    6
    nn = nn_between(beats_of_rr([0.80, 0.82, 0.50, 1.10, 0.80, 0.83], f"NNN{label}NNN"))
    np.testing.assert_allclose(nn.nn_ms, [800, 820, 800, 830])
    assert nn.adjacent.tolist() == [False, True, False, True]
    np.testing.assert_allclose(nn.differences_ms, [20, 30])


def test_nothing_is_differenced_across_a_gap() -> None:
    beats = beats_of_rr(np.full(20, 0.8), start_s=0.0)
    nn = nn_between(beats, complement(np.array([[8.1, 8.2]]), 0, 17))
    assert len(nn) == 19
    at = int(np.flatnonzero(np.isclose(nn.end_s, 9.6))[0])
    assert not nn.adjacent[at]
    assert nn.adjacent.sum() == 17


def test_a_beat_that_is_not_usable_takes_both_its_intervals_along() -> None:
    beats = beats_of_rr(np.full(20, 0.8))
    usable = np.ones(21, bool)
    usable[10] = False
    nn = nn_between(beats.but(usable=usable))
    assert (len(nn), nn.adjacent.sum()) == (18, 16)


@pytest.mark.parametrize(("rr_s", "kept"), [(0.299, False), (0.3, True), (2.0, True), (2.001, False)])
def test_intervals_beyond_30_and_200_a_minute_are_left_out(rr_s: float, kept: bool) -> None:
    nn = nn_between(beats_of_rr(np.full(30, rr_s)))
    assert len(nn) == (30 if kept else 0)


@pytest.mark.parametrize(("rr_s", "kept"), [(0.64, True), (0.639, False), (0.96, True), (0.961, False)])
def test_an_interval_a_fifth_off_its_neighbours_is_left_out(rr_s: float, kept: bool) -> None:
    intervals = np.full(30, 0.8)
    intervals[15] = rr_s
    nn = nn_between(beats_of_rr(intervals))
    assert len(nn) == (30 if kept else 29)


@pytest.mark.parametrize("fault", ["missed", "extra"])
def test_a_missed_or_an_extra_beat_leaves_no_trace(fault: str) -> None:
    time_s = 1 + 0.8 * np.arange(60)
    time_s = np.delete(time_s, 30) if fault == "missed" else np.sort(np.r_[time_s, time_s[30] + 0.35])
    nn = nn_between(Beats.at(time_s))
    np.testing.assert_allclose(nn.nn_ms, 800.0)
    np.testing.assert_allclose(nn.differences_ms, 0.0, atol=1e-6)


def test_a_lasting_change_of_rate_is_kept() -> None:
    nn = nn_between(beats_of_rr(np.r_[np.full(50, 1.0), np.full(50, 0.6)]))
    assert len(nn) >= 98


def test_the_intervals_of_fibrillation_are_not_nn_and_those_on_both_sides_are() -> None:
    beats = beats_of_rr(np.full(100, 0.8), start_s=0.0)
    first, last = beats.time_s[[25, 50]]
    af = Episodes([first], [last], ["AFIB"], [26], [75.0], [np.nan])
    nn = nn_between(beats, episodes=af)
    np.testing.assert_array_equal(nn.end_s, beats.time_s[np.r_[1:26, 51:101]])
    assert np.flatnonzero(~nn.adjacent).tolist() == [0, 25]


def test_raw_intervals_are_of_any_beats_in_usable_time_outside_fibrillation() -> None:
    beats = beats_of_rr(np.full(100, 0.8), "N" * 10 + "VS" + "N" * 89, start_s=0.0)
    first, last = beats.time_s[[25, 50]]
    af = Episodes([first], [last], ["AFIB"], [26], [75.0], [np.nan])
    lost = complement(np.array([[60.1, 60.2]]), 0, 100)  # within the interval that ends at beat 76
    rr = rr_intervals(beats, af, lost)
    np.testing.assert_array_equal(rr.end_s, beats.time_s[np.r_[1:26, 51:76, 77:101]])
    assert np.flatnonzero(~rr.adjacent).tolist() == [0, 25, 50]


def test_normal_intervals_are_of_whatever_length_between_normal_beats_in_usable_time_outside_fibrillation() -> None:
    rr_s = np.full(100, 0.8)
    rr_s[[60, 70]] = 0.1, 9.0
    beats = beats_of_rr(rr_s, "N" * 10 + "V" + "N" * 90, start_s=0.0)
    first, last = beats.time_s[[25, 50]]
    af = Episodes([first], [last], ["AFIB"], [26], [75.0], [np.nan])
    lost = complement(np.array([[beats.time_s[90] + 0.1, beats.time_s[90] + 0.2]]), 0, 100)
    normal = normal_intervals(beats, af, lost)
    at = np.r_[1:10, 12:26, 51:91, 92:101]
    np.testing.assert_array_equal(normal.end_s, beats.time_s[at])
    np.testing.assert_allclose(normal.nn_ms, 1000 * rr_s[at - 1])
    assert np.flatnonzero(~normal.adjacent).tolist() == [0, 9, 23, 63]


@pytest.mark.parametrize(("share", "n"), [(0.4, 19), (0.6, 18)])
def test_an_interval_is_of_fibrillation_when_its_middle_is(share: float, n: int) -> None:
    beats = beats_of_rr(np.full(20, 0.8), start_s=0.0)
    af = Episodes([beats.time_s[4]], [beats.time_s[5] + share * 0.8], ["AFIB"], [2], [75.0], [np.nan])
    assert len(nn_between(beats, episodes=af)) == n


def test_the_range_is_that_of_the_recipe() -> None:
    rules = dataclasses.replace(RECIPE.nn, maximum_ms=900.0)
    beats = beats_of_rr(np.full(30, 0.95))
    assert len(nn_intervals(beats, Episodes.none(), all_of(beats), rules)) == 0


@pytest.mark.parametrize(("n_nn", "level"), [(10, "INFO"), (8, "INFO"), (7, "WARNING")])
def test_more_than_a_fifth_left_out_is_a_warning(n_nn: int, level: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "holter2sleep.autonomic.nn")
    nn_module._report(10, 10, 10, n_nn)
    nn_module._report(0, 0, 0, 0)
    assert [record.levelname for record in caplog.records] == [level, "INFO"]
    left_out = 10 - n_nn
    assert caplog.messages[0].startswith(
        f"{left_out} of 10 RR intervals ({10 * left_out:.1f} %) left out of NN: 0 in AF"
    )


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_beats_have_no_interval(n: int) -> None:
    assert len(nn_between(Beats.at(np.arange(n) + 1.0), np.array([[0.0, 10.0]]))) == 0


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.2, 2.5), st.sampled_from("NNNNVSQ"), st.booleans()), min_size=2, max_size=60))
def test_whatever_the_beats_an_interval_is_what_it_says(drawn: list[tuple[float, str, bool]]) -> None:
    rr_s, letters, whole = (np.array(column) for column in zip(*drawn, strict=True))
    beats = beats_of_rr(rr_s[1:], "".join(letters)).but(usable=whole)
    nn = nn_between(beats)
    end = np.searchsorted(beats.time_s, nn.end_s)
    np.testing.assert_allclose(nn.nn_ms, 1000 * beats.rr_s[end])
    assert (beats.label[end] == "N").all()
    assert (beats.label[end - 1] == "N").all()
    assert trusted_rr(beats, all_of(beats))[end].all()
    neighbours = np.diff(end, prepend=-9) == 1
    np.testing.assert_array_equal(nn.adjacent, neighbours)


def test_what_is_left_out_is_told_by_reason(caplog: pytest.LogCaptureFixture) -> None:
    rr_s = [0.8] * 10 + [0.5, 1.1] + [0.8] * 10 + [0.4] + [0.8] * 10 + [0.7, 0.9] * 5
    beats = beats_of_rr(rr_s, "N" * 11 + "V" + "N" * (len(rr_s) - 11), start_s=0.0)
    start_s, end_s = np.array([sum(rr_s[:33])]), np.array([sum(rr_s)])
    nan = np.array([np.nan])
    nn = nn_between(beats, episodes=Episodes(start_s, end_s, np.array(["AFIB"]), np.array([10]), nan, nan))
    assert len(nn) == len(rr_s) - 10 - 2 - 1
    told = "13 of 43 RR intervals (30.2 %) left out of NN: 10 in AF, 2 beside beats that are not normal, 1 implausible"
    assert told in caplog.text

"""Runs of atrial beats between sinus pauses, and what only looks like them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_nights import RECIPE, beats_of_rr

from holter2sleep.heart.atrial_runs import AtrialRunRules, atrial_runs

RULES = RECIPE.classes.atrial_runs


def found(rr_s: list[float], rules: AtrialRunRules = RULES) -> np.ndarray:
    beats = beats_of_rr(rr_s)
    trusted = np.isfinite(beats.rr_s)
    return atrial_runs(beats.time_s, beats.rr_s, trusted, rules)


def between(pause_s: float, run_s: list[float], n_runs: int = 8) -> list[float]:
    """The same run so many times, with a pause on either side of each."""
    return [*([pause_s, *run_s] * n_runs), pause_s]


def test_every_beat_of_runs_between_sinus_pauses_is_found_and_none_after_a_pause() -> None:
    rr_s = [*([1.9] + [0.70, 0.73, 0.74, 0.73] * 2) * 8, 1.9]
    assert found(rr_s)[1:].tolist() == [rr < 1.0 for rr in rr_s]


def test_dropped_beats_are_no_runs_for_the_pause_is_a_multiple_of_the_interval() -> None:
    assert not found([*([1.6] + [0.8] * 6) * 8, 1.6]).any()
    assert not found([*([2.4] + [0.8] * 6) * 8, 2.4]).any()


def test_breathing_is_no_run_for_it_speeds_up_beat_by_beat() -> None:
    assert not found([1.3, 1.1, 0.9, 0.75, 0.65, 0.75, 0.9, 1.1] * 10).any()


def test_a_single_run_is_chance() -> None:
    assert not found([1.0] * 60 + [1.9, 0.7, 0.7, 0.7, 1.9] + [1.0] * 60).any()


def test_a_recording_without_a_pause_has_none() -> None:
    assert not found([0.8] * 50).any()
    assert not found([]).any()


@pytest.mark.parametrize(
    ("rr_s", "some"),
    [
        (between(1.2, [0.7] * 6), True),  # a pause of 1.2 s
        (between(1.199, [0.7] * 6), False),
        (between(1.4, [0.91] * 6), False),  # 65 % of the pause
        (between(1.4, [0.9] * 6), True),
        (between(2.25, [0.9] * 6), True),  # 0.9 s, whatever the pause
        (between(2.25, [0.901] * 6), False),
        (between(1.9, [0.8] * 100), True),  # a hundred beats
        (between(1.9, [0.8] * 101), False),
        (between(1.77, [0.8] * 6), True),  # a fifth and more from two intervals
        (between(1.75, [0.8] * 6), False),
        (between(1.9, [0.8] * 6, 5), True),  # five runs
        (between(1.9, [0.8] * 6, 4), False),
    ],
)
def test_the_limits_of_a_run_are_those_of_the_recipe(rr_s: list[float], some: bool) -> None:
    rules = dataclasses.replace(RULES, share=0.65, longest_interval_s=0.9)
    assert found(rr_s, rules).any() == some


@pytest.mark.parametrize("place", [0, 5])
@pytest.mark.parametrize(("border_s", "some"), [(0.625, True), (0.626, False), (0.375, True), (0.374, False)])
def test_the_first_and_the_last_interval_of_a_run_are_like_the_others(place: int, border_s: float, some: bool) -> None:
    """A quarter from half a second."""
    run_s = [0.5] * 6
    run_s[place] = border_s
    assert found(between(1.9, run_s), dataclasses.replace(RULES, steady_percent=25.0)).any() == some


def test_the_pause_on_either_side_is_long_against_the_run() -> None:
    """Of the pauses 1.3 and 1.9 s in turn, the shorter counts: 0.85 s is more than 65 % of it."""
    rr_s = [1.3, *[0.85] * 6, 1.9, *[0.85] * 6] * 8
    assert not found([*rr_s, 1.3]).any()


def test_where_half_of_the_pauses_are_whole_numbers_of_intervals_beats_may_be_dropped() -> None:
    for n_multiples, some in ((4, False), (3, True)):
        parts = [(1.6 if k < n_multiples else 1.9, 0.8) for k in range(8)]
        rr_s = [x for pause_s, run_s in parts for x in (pause_s, *[run_s] * 6, pause_s)]
        assert found(rr_s).any() == some


def test_a_run_that_begins_or_ends_with_an_interval_nobody_trusts_is_none() -> None:
    beats = beats_of_rr(between(1.9, [0.8] * 6))
    place = np.arange(len(beats))
    # an interval behind every pause; one before; every second pause itself
    for lost in (place % 7 == 2, place % 7 == 0, place % 14 == 1):
        trusted = np.isfinite(beats.rr_s) & ~lost
        assert not atrial_runs(beats.time_s, beats.rr_s, trusted, RULES).any()


@pytest.mark.parametrize(("within_s", "n_found"), [(12.99, 0), (13.01, 6)])
def test_runs_count_together_within_a_time_on_either_side(within_s: float, n_found: int) -> None:
    """Five runs that begin 6.5 s after one another: the middle one has the others within 13 s."""
    assert found(between(2.0, [0.75] * 6, 5), dataclasses.replace(RULES, within_s=within_s)).sum() == n_found

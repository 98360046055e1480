"""Floors and other stagers on the same epochs."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from made_stages import blurred, course, hypnogram, staged

from holter2sleep.evaluate.floors import clock_left_out, counts_by_time
from holter2sleep.evaluate.judged import on_grid
from holter2sleep.evaluate.peers import CLOCK, MAJORITY, floors_of, peer_of_hypnograms, peer_table


def rows(table: pl.DataFrame, name: str) -> dict[int, dict]:
    return {row["n_classes"]: row for row in table.filter(pl.col("peer") == name).to_dicts()}


# --- the clock -------------------------------------------------------------------------------------


def test_epochs_are_counted_by_half_hour_from_lights_off_on() -> None:
    stage = np.array([0, 0, 1, -1, 1])
    elapsed_s = np.array([-30.0, 0.0, 1799.0, 1800.0, 1830.0])
    assert counts_by_time(stage, elapsed_s, 2).tolist() == [[1, 1], [0, 1]]


def test_the_clock_of_a_subject_knows_the_others_alone() -> None:
    """Others sleep after half an hour, the left-out one never: all of his nights are staged by theirs."""
    sleeper, waker = np.repeat([0, 1], 60), np.zeros(120, np.int64)
    at_s = [30.0 * np.arange(120)] * 4
    counts = [counts_by_time(stage, at_s[0], 2) for stage in (sleeper, sleeper, waker, waker)]
    chances = clock_left_out(counts, at_s, ["a", "b", "c", "c"])
    assert chances[2].argmax(axis=1)[[0, 119]].tolist() == [0, 1]
    assert (chances[2] == chances[3]).all()
    assert chances[0][119, 1] < chances[2][119, 1]


def test_a_clock_of_one_subject_is_refused() -> None:
    with pytest.raises(ValueError, match="two subjects"):
        clock_left_out([np.zeros((1, 2), np.int64)], [np.zeros(3)], ["a"])


def test_where_everybody_sleeps_by_the_clock_the_clock_is_right() -> None:
    stage = np.repeat(["W", "N2", "N3", "R"], 120)
    nights = [staged(str(i), hypnogram(stage), hypnogram(blurred(stage, i))) for i in range(6)]
    found = rows(peer_table(nights, floors_of(nights), 0), CLOCK)
    assert found[5]["kappa"] > 0.8
    assert found[5]["ours_more_high"] < 0


# --- the majority ----------------------------------------------------------------------------------


def test_the_majority_has_no_kappa_and_the_accuracy_of_its_share() -> None:
    stage = np.array(["N2"] * 60 + ["W"] * 40)
    nights = [staged(str(i), hypnogram(stage), hypnogram(stage)) for i in range(3)]
    found = rows(peer_table(nights, floors_of(nights), 0), MAJORITY)
    assert {n: (row["accuracy"], row["kappa"]) for n, row in found.items()} == dict.fromkeys((2, 3, 4, 5), (0.6, 0.0))


def test_one_subject_has_a_majority_and_no_clock() -> None:
    nights = [staged("a", hypnogram(course(0)), hypnogram(course(0)))]
    assert [peer.name for peer in floors_of(nights)] == [MAJORITY]


# --- other stagers ---------------------------------------------------------------------------------


def test_the_same_hypnograms_are_no_better_by_no_interval() -> None:
    tests = {str(i): hypnogram(blurred(course(i), i + 50)) for i in range(4)}
    nights = [staged(name, hypnogram(course(int(name))), test) for name, test in tests.items()]
    for row in peer_table(nights, [peer_of_hypnograms("same", tests)], 0).to_dicts():
        assert (row["ours_more"], row["ours_more_low"], row["ours_more_high"]) == (0.0, 0.0, 0.0)


def test_a_planted_difference_is_found_on_the_epochs_that_both_have_staged() -> None:
    nights, theirs = [], {}
    for i in range(6):
        truth = course(i)
        worse = blurred(truth, i, share=0.6)
        worse[:40] = "U"
        nights.append(staged(str(i), hypnogram(truth), hypnogram(blurred(truth, i + 90, share=0.1))))
        theirs[str(i)] = hypnogram(worse)
    found = rows(peer_table(nights, [peer_of_hypnograms("worse", theirs)], 0), "worse")
    assert found[5]["n_epochs"] == 6 * 200
    assert found[5]["ours_more_low"] > 0.2
    assert found[5]["kappa_ours"] - found[5]["kappa"] == pytest.approx(found[5]["ours_more"])


def test_a_coarse_peer_is_compared_in_what_it_can_say_and_where_it_was() -> None:
    truth = hypnogram(["W", "N1", "N2", "N3", "R", "W"])
    nights = [staged(name, truth, truth) for name in ("a", "b")]
    coarse = hypnogram(["W", "NREM", "NREM", "NREM", "NREM", "W"], "CARDIO3")
    found = rows(peer_table(nights, [peer_of_hypnograms("coarse", {"b": coarse})], 0), "coarse")
    assert list(found) == [2, 3]
    assert (found[3]["n_nights"], found[3]["n_epochs"], found[3]["accuracy"]) == (1, 6, 5 / 6)
    assert found[3]["ours_more_low"] is None  # one subject


@pytest.mark.parametrize("n", [4, 6, 9])
def test_a_peer_of_another_length_is_compared_where_both_are(n: int) -> None:
    truth = hypnogram(["W", "N1", "N2", "N3", "R", "W"])
    night = staged("a", truth, truth)
    longer = hypnogram((["W", "N1", "N2", "N3", "R", "W", "W", "W", "W"])[:n])
    peer = peer_of_hypnograms("other", {"a": on_grid(longer, night.test.grid)})
    assert rows(peer_table([night], [peer], 0), "other")[5]["n_epochs"] == min(n, 6)

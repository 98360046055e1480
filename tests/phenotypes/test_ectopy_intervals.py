"""Intervals of counts of ectopic beats."""

from __future__ import annotations

import numpy as np
import pytest

from holter2sleep.heart.class_net import count_spread
from holter2sleep.phenotypes.ectopy import count_interval, intervals_of
from holter2sleep.training.classes import fit_spread


def test_sure_beats_leave_no_interval() -> None:
    called = np.array([True, False, False])
    assert count_interval(called, np.array([1.0, 0.0, 0.0]), 10.0) == (1.0, 1.0)


def test_beats_that_might_have_been_called_widen_the_interval_both_ways() -> None:
    called = np.arange(100) < 40
    chance = np.where(called, 1.0, 0.1)
    off = 2.0 * np.sqrt(60 * 0.1 * 0.9)
    assert count_interval(called, chance, 2.0) == pytest.approx((40 - off, 40 + off))


def test_the_small_chances_of_a_clean_night_say_nothing() -> None:
    assert count_interval(np.zeros(30_000, bool), np.full(30_000, 0.049), 16.0) == (0.0, 0.0)
    low, high = count_interval(np.zeros(100, bool), np.full(100, 0.05), 1.0)
    assert (low, high) == pytest.approx((0.0, np.sqrt(100 * 0.05 * 0.95)))


def test_a_beat_that_is_called_against_its_chance_is_in_doubt() -> None:
    low, high = count_interval(np.arange(9) < 4, np.full(9, 0.04), 1.0)
    assert (low, high) == pytest.approx((4 - np.sqrt(4 * 0.04 * 0.96), 4 + np.sqrt(4 * 0.04 * 0.96)))


def test_the_interval_holds_the_number_called_and_at_most_all_beats_and_at_least_none() -> None:
    assert count_interval(np.ones(4, bool), np.full(4, 0.5), 3.0) == (1.0, 4.0)
    assert count_interval(np.ones(4, bool), np.full(4, 0.5), 5.0) == (0.0, 4.0)


def test_nothing_is_said_where_a_chance_is_unknown_or_there_is_no_beat() -> None:
    assert count_interval(np.array([True]), np.array([np.nan]), 1.0) is None
    assert count_interval(np.array([False]), np.array([np.nan]), 1.0) is None
    assert count_interval(np.empty(0, bool), np.empty(0), 1.0) is None


def test_the_spread_is_that_of_the_worst_person() -> None:
    """Two records of V and N: one beat of ten is called V wrongly, and three of ten; with no doubt, half a beat's."""
    sure = np.log(np.array([[1 - 3e-9, 1e-9, 1e-9, 1e-9], [1e-9, 1e-9, 1 - 3e-9, 1e-9]]))
    calibration = {"scale": np.ones(1, np.float32), "shift": np.zeros(4, np.float32)}
    logits = [sure[(np.arange(10) < n).astype(int)] for n in (1, 3)]
    spread = fit_spread(logits, [np.zeros(10, int), np.zeros(10, int)], calibration)
    assert spread.tolist() == [6.0, 0.0, 6.0, 0.0]
    doubtful = np.log(np.array([[0.2, 1e-9, 0.8, 1e-9]])).repeat(25, axis=0)
    assert fit_spread([doubtful], [np.zeros(25, int)], calibration)[2] == pytest.approx(25 / np.sqrt(25 * 0.16))


def test_supraventricular_beats_are_less_sure_than_ventricular_ones() -> None:
    assert 1.96 < count_spread("V") < count_spread("S")


def test_rates_and_shares_have_the_interval_of_their_count() -> None:
    found = intervals_of(("n", "rate", "share"), np.ones(100, bool), np.full(100, 0.9), 5.0, 1800.0)
    assert found["rate"] == pytest.approx((2 * found["n"][0], 2 * found["n"][1]))
    assert found["share"] == pytest.approx(found["n"])
    assert intervals_of(("n", "rate", "share"), np.ones(100, bool), np.full(100, 0.9), 5.0, 0.0) == {}

"""Intervals of counts of ectopic beats."""

from __future__ import annotations

import numpy as np
import pytest

from holter2sleep.phenotypes.ectopy import count_interval, intervals_of


def test_sure_beats_leave_no_interval() -> None:
    called = np.array([True, False, False])
    assert count_interval(called, np.array([1.0, 0.0, 0.0])) == (1.0, 1.0)


def test_beats_not_called_widen_the_interval_upward() -> None:
    called = np.zeros(1000, bool)
    low, high = count_interval(called, np.full(1000, 0.01))
    assert low == 0.0
    assert high == pytest.approx(10 + 1.96 * np.sqrt(9.9))


def test_the_interval_holds_the_number_called_and_at_most_all_beats() -> None:
    called = np.ones(4, bool)
    low, high = count_interval(called, np.full(4, 0.5))
    assert low < 4
    assert high == 4.0


def test_nothing_is_said_where_a_chance_is_unknown_or_there_is_no_beat() -> None:
    assert count_interval(np.array([True]), np.array([np.nan])) is None
    assert count_interval(np.empty(0, bool), np.empty(0)) is None


def test_it_may_be_that_none_of_those_called_is_one() -> None:
    low, high = count_interval(np.ones(5, bool), np.full(5, 0.1))
    assert (low, high) == (0.0, 5.0)


def test_rates_and_shares_have_the_interval_of_their_count() -> None:
    found = intervals_of(("n", "rate", "share"), np.ones(100, bool), np.full(100, 0.9), 1800.0)
    assert found["rate"] == pytest.approx((2 * found["n"][0], 2 * found["n"][1]))
    assert found["share"] == pytest.approx(found["n"])
    assert intervals_of(("n", "rate", "share"), np.ones(100, bool), np.full(100, 0.9), 0.0) == {}

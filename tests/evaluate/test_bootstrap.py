"""Intervals draw people, not nights."""

from __future__ import annotations

import numpy as np
import pytest

from holter2sleep.evaluate.bootstrap import Draws, interval_of
from holter2sleep.evaluate.stages import kappa

NAMES = [f"s{i}" for i in range(12)]


def nights(n: int) -> np.ndarray:
    return np.random.default_rng(5).integers(5, 60, (n, 3, 3))


def test_interval_holds_the_estimate_and_repeats_with_its_seed() -> None:
    several = nights(12)
    interval, again = (Draws(NAMES, 1, 1000).of_sums(several, kappa) for _ in range(2))
    assert interval == again
    assert interval is not None
    assert interval[0] < kappa(several.sum(axis=0)) < interval[1]


def test_two_nights_of_one_person_are_one_night_of_double_weight() -> None:
    six = nights(6)
    twice = Draws(NAMES[:6] * 2, 1).of_sums([*six, *six], kappa)
    assert twice == pytest.approx(Draws(NAMES[:6], 1).of_sums(six, kappa))


def test_interval_of_a_mean_is_that_of_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(size=400)
    drawn = Draws([str(i) for i in range(400)], 0)
    low, high = interval_of(float(values[nights].mean()) for nights, _ in drawn.nights())
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


def test_a_person_drawn_twice_is_two_persons_with_all_his_nights() -> None:
    seen = [(nights.tolist(), person.tolist()) for nights, person in Draws(["a", "a", "b"], 0, 50).nights()]
    assert ([0, 1, 0, 1], [0, 0, 1, 1]) in seen
    assert ([2, 2], [0, 1]) in seen


def test_one_person_has_no_interval() -> None:
    assert Draws(["a", "a"], 0).of_sums(nights(2), kappa) is None
    assert list(Draws(["a", "a"], 0).nights()) == []

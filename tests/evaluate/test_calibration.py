"""Calibration and abstention, by numbers one can work out."""

from __future__ import annotations

import numpy as np
import pytest

from holter2sleep.evaluate.calibration import counts_of, expected_calibration_error, kappa_by_coverage


def test_bins_are_weighed_by_their_number() -> None:
    chance = np.array([[0.95, 0.05]] * 3 + [[0.65, 0.35]])
    truth = np.array([0, 0, 1, 0])
    # three answers at 0.95, two of them right; one at 0.65, right
    assert expected_calibration_error(chance, truth) == pytest.approx((3 * (0.95 - 2 / 3) + 0.35) / 4)


def test_chances_that_come_true_have_no_error() -> None:
    rng = np.random.default_rng(0)
    chance = rng.dirichlet(np.ones(4), 40_000)
    truth = (rng.random((40_000, 1)) > chance.cumsum(axis=1)).sum(axis=1)
    assert expected_calibration_error(chance, truth) < 0.01


def test_kappa_rises_where_doubtful_answers_are_left_out() -> None:
    chance = np.array([[0.9, 0.1], [0.1, 0.9], [0.6, 0.4], [0.4, 0.6]])
    found = kappa_by_coverage(chance, np.array([0, 1, 1, 0]), (1.0, 0.5))
    assert found == {1.0: 0.0, 0.5: 1.0}


def test_nothing_kept_is_no_kappa() -> None:
    assert kappa_by_coverage(np.array([[0.9, 0.1]]), np.array([0]), (0.0,)) == {0.0: None}


def test_rows_of_the_counts_are_the_truth() -> None:
    assert counts_of(np.array([0, 0, 1]), np.array([1, 1, 1]), 2).tolist() == [[0, 2], [0, 1]]

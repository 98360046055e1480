"""Calibration, by numbers one can work out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from holter2sleep.evaluate.calibration import brier_score, calibration_error
from holter2sleep.evaluate.chance_tables import by_coverage
from holter2sleep.evaluate.judged import Judged
from holter2sleep.evaluate.stages import counts_of


def judged(chance: np.ndarray, truth: np.ndarray, answer: np.ndarray | None = None) -> Judged:
    return Judged.of(truth, chance.argmax(axis=1) if answer is None else answer, chance, chance.shape[1])


def test_bins_are_weighed_by_their_number() -> None:
    chance = np.array([[0.95, 0.05]] * 3 + [[0.65, 0.35]])
    # three answers at 0.95, two of them right; one at 0.65, right
    table = judged(chance, np.array([0, 0, 1, 0])).reliability
    assert table[:, 9].tolist() == pytest.approx([3, 2.85, 2])
    assert calibration_error(table) == pytest.approx((3 * (0.95 - 2 / 3) + 0.35) / 4)


def test_chances_that_come_true_have_no_error() -> None:
    rng = np.random.default_rng(0)
    chance = rng.dirichlet(np.ones(4), 40_000)
    truth = (rng.random((40_000, 1)) > chance.cumsum(axis=1)).sum(axis=1)
    assert calibration_error(judged(chance, truth).reliability) < 0.01


def test_the_chance_judged_is_that_of_the_answer_given_even_where_another_is_likelier() -> None:
    chance = np.array([[0.4, 0.3, 0.3]])
    assert judged(chance, np.array([1]), np.array([1])).sure.tolist() == [0.3]


def test_brier_score_of_two_classes_is_twice_that_of_another_tool() -> None:
    chance, truth = np.array([0.9, 0.4, 0.2]), np.array([1, 1, 0])
    both = np.column_stack([1 - chance, chance])
    assert brier_score(both, truth) / 3 == pytest.approx(2 * brier_score_loss(truth, chance))


def test_epochs_without_probabilities_are_left_out_of_calibration_alone() -> None:
    chance = np.array([[0.9, 0.1], [np.nan, np.nan]])
    epochs = judged(chance, np.array([0, 1]), np.array([0, 1]))
    assert (epochs.matrix.counts.sum(), epochs.reliability[0].sum(), epochs.brier_sum[1]) == (2, 1, 1)


def test_no_probabilities_are_no_calibration() -> None:
    epochs = judged(np.full((2, 2), np.nan), np.array([0, 1]), np.array([0, 1]))
    assert calibration_error(epochs.reliability) is None
    assert list(by_coverage(epochs.with_chance())) == []


def test_kappa_rises_where_doubtful_answers_are_left_out() -> None:
    chance = np.array([[0.9, 0.1], [0.1, 0.9], [0.6, 0.4], [0.4, 0.6]])
    found = list(by_coverage(judged(chance, np.array([0, 1, 1, 0]))))
    assert found[0] == (1.0, 4, 0.6, 0.0)
    assert found[-1] == (0.5, 2, 0.9, 1.0)


def test_rows_of_the_counts_are_the_truth() -> None:
    assert counts_of(np.array([0, 0, 1]), np.array([1, 1, 1]), 2).tolist() == [[0, 2], [0, 1]]

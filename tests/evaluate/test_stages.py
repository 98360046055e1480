from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, f1_score, recall_score

from holter2sleep.evaluate.stages import (
    StageMatrix,
    accuracy,
    class_kappa,
    compare_stages,
    f1,
    kappa,
    macro_f1,
    majority_accuracy,
    pooled,
    positive_predictivity,
    sensitivity,
)
from holter2sleep.night import EpochGrid, Hypnogram

tables = st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=3, max_size=3).map(np.array)


def hypnogram(stages: str, scheme: str = "AASM5") -> Hypnogram:
    letters = stages.split()
    return Hypnogram(EpochGrid.covering(30.0 * len(letters)), np.array(letters), scheme, "test")


def matrix(counts: list[list[int]]) -> StageMatrix:
    return StageMatrix(("W", "NREM", "R")[: len(counts)], np.array(counts), int(np.sum(counts)), 0, 0)


# --- rates -----------------------------------------------------------------------------------------


def test_kappa_of_a_worked_three_class_table() -> None:
    """Cohen 1960, table 1, as counts of 200: observed 0.70, by chance 0.41, kappa 0.49."""
    counts = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    assert accuracy(counts) == 0.70
    assert kappa(counts) == pytest.approx((0.70 - 0.41) / (1 - 0.41))


def test_kappa_of_one_class_against_the_rest() -> None:
    counts = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    assert class_kappa(counts, 2) == kappa(np.array([[12, 8], [28, 152]]))


def test_macro_f1_of_a_worked_table_leaves_out_a_class_nobody_said() -> None:
    counts = np.array([[8, 2, 0], [4, 6, 0], [0, 0, 0]])
    assert macro_f1(counts) == pytest.approx((16 / 22 + 12 / 18) / 2)


def test_majority_floor_is_the_share_of_the_commonest_reference_stage() -> None:
    assert majority_accuracy(np.array([[10, 0], [20, 10]])) == 0.75


def test_rates_of_nothing_are_none() -> None:
    nothing = np.zeros((3, 3), int)
    assert [kappa(nothing), accuracy(nothing), macro_f1(nothing), majority_accuracy(nothing)] == [None] * 4


def test_kappa_is_none_when_both_say_one_class_only() -> None:
    assert kappa(np.array([[40, 0], [0, 0]])) is None


def test_rates_of_one_class_are_those_of_the_table() -> None:
    counts = np.array([[8, 2, 0], [4, 6, 0], [0, 0, 0]])
    assert (sensitivity(counts, 0), positive_predictivity(counts, 0)) == (8 / 10, 8 / 12)
    assert f1(counts, 0) == pytest.approx(2 * (8 / 10) * (8 / 12) / (8 / 10 + 8 / 12))
    assert [measure(counts, 2) for measure in (sensitivity, positive_predictivity, f1, class_kappa)] == [None] * 4


@given(tables)
def test_rates_agree_with_scikit_learn(counts: np.ndarray) -> None:
    """Another tool, on the same epochs as lists; classes on neither side are left out of its mean."""
    truth, answer = (np.repeat(side.ravel(), counts.ravel()) for side in np.indices(counts.shape))
    if not len(truth):
        return
    present = np.unique([*truth, *answer])
    assert macro_f1(counts) == pytest.approx(f1_score(truth, answer, labels=present, average="macro", zero_division=0))
    if kappa(counts) is not None:
        assert kappa(counts) == pytest.approx(cohen_kappa_score(truth, answer), abs=1e-12)
    for i in np.unique(truth):
        assert sensitivity(counts, i) == pytest.approx(recall_score(truth, answer, labels=[i], average="macro"))


@given(tables)
def test_kappa_does_not_depend_on_who_is_the_reference_nor_on_the_order_of_classes(counts: np.ndarray) -> None:
    assert kappa(counts) == pytest.approx(kappa(counts.T))
    assert kappa(counts) == pytest.approx(kappa(counts[::-1, ::-1]))


@given(tables)
def test_kappa_is_at_most_one_and_reaches_it_only_on_the_diagonal(counts: np.ndarray) -> None:
    value = kappa(counts)
    if value is not None:
        assert value <= 1 + 1e-12
        assert (value > 1 - 1e-12) == (np.trace(counts) == counts.sum())


# --- schemes ---------------------------------------------------------------------------------------


def test_worked_comparison_by_hand() -> None:
    reference = hypnogram("W W N1 N2 N3 R R U")
    test = hypnogram("W NREM NREM NREM NREM R U W", "CARDIO3")
    result = compare_stages(reference, test)
    assert result.classes == ("W", "NREM", "R")
    assert result.counts.tolist() == [[1, 1, 0], [0, 3, 0], [0, 0, 1]]
    assert (result.n_epochs, result.n_reference_unscored, result.n_test_unscored) == (8, 1, 1)
    assert result.coverage == 6 / 7
    assert result.measures()["accuracy"] == 5 / 6


def test_a_comparison_in_fewer_classes_than_both_can_say() -> None:
    reference, test = hypnogram("W N1 N2 N3 R"), hypnogram("W N2 N2 N3 W")
    assert compare_stages(reference, test, 4).counts.tolist() == [
        [1, 0, 0, 0],
        [0, 2, 0, 0],
        [0, 0, 1, 0],
        [1, 0, 0, 0],
    ]
    assert compare_stages(reference, test, 2).counts.tolist() == [[1, 0], [1, 3]]


def test_longer_side_is_cut_to_the_epochs_both_have() -> None:
    assert compare_stages(hypnogram("W W W"), hypnogram("W W")).n_epochs == 2


# --- nights together -------------------------------------------------------------------------------


def test_pooled_kappa_is_that_of_the_summed_counts() -> None:
    one, other = matrix([[5, 1], [2, 4]]), matrix([[1, 3], [0, 9]])
    assert pooled([one, other]).counts.tolist() == [[6, 4], [2, 13]]


def test_nights_of_different_schemes_are_not_pooled() -> None:
    with pytest.raises(ValueError, match="one scheme"):
        pooled([matrix([[1, 0], [0, 1]]), matrix([[1, 0, 0], [0, 1, 0], [0, 0, 1]])])
    with pytest.raises(ValueError, match="one scheme"):
        pooled([])

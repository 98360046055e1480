from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holter2sleep.evaluate.stages import (
    StageMatrix,
    accuracy,
    bootstrap_interval,
    class_kappa,
    common_scheme,
    compare_stages,
    kappa,
    macro_f1,
    majority_accuracy,
    merge_stages,
    pooled,
)
from holter2sleep.night import EpochGrid, Hypnogram


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


tables = st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=3, max_size=3).map(np.array)


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


def test_five_class_reference_is_merged_to_the_scheme_of_the_test() -> None:
    stages = np.array(["W", "N1", "N2", "N3", "R", "U"])
    assert merge_stages(stages, "CARDIO4").tolist() == ["W", "L", "L", "N3", "R", "U"]
    assert merge_stages(stages, "CARDIO3").tolist() == ["W", "NREM", "NREM", "NREM", "R", "U"]
    assert merge_stages(stages, "AASM5").tolist() == stages.tolist()


def test_stage_coarser_than_the_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="NREM"):
        merge_stages(np.array(["W", "NREM"]), "AASM5")


def test_common_scheme_is_the_coarser_one() -> None:
    assert common_scheme("AASM5", "CARDIO3") == common_scheme("CARDIO3", "CARDIO4") == "CARDIO3"


def test_worked_comparison_by_hand() -> None:
    reference = hypnogram("W W N1 N2 N3 R R U")
    test = hypnogram("W NREM NREM NREM NREM R U W", "CARDIO3")
    result = compare_stages(reference, test)
    assert result.classes == ("W", "NREM", "R")
    assert result.counts.tolist() == [[1, 1, 0], [0, 3, 0], [0, 0, 1]]
    assert (result.n_epochs, result.n_reference_unscored, result.n_test_unscored) == (8, 1, 1)
    assert result.coverage == 6 / 7
    assert result.measures()["accuracy"] == 5 / 6


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


def nights(n: int) -> list[StageMatrix]:
    rng = np.random.default_rng(5)
    return [matrix(rng.integers(5, 60, (3, 3)).tolist()) for _ in range(n)]


def test_bootstrap_interval_holds_the_estimate_and_repeats_with_its_seed() -> None:
    several = nights(12)
    names = [f"s{i}" for i in range(12)]
    interval = bootstrap_interval(several, names, kappa, np.random.default_rng(1), 1000)
    again = bootstrap_interval(several, names, kappa, np.random.default_rng(1), 1000)
    estimate = kappa(pooled(several).counts)
    assert interval == again
    assert interval is not None
    assert estimate is not None
    assert interval[0] < estimate < interval[1]


def test_bootstrap_draws_persons_not_nights() -> None:
    """Two nights of one person, drawn together, are one night of double weight: the interval is that of six."""
    six = nights(6)
    names = [f"s{i}" for i in range(6)]
    twice = bootstrap_interval(six + six, names + names, kappa, np.random.default_rng(1), 1000)
    once = bootstrap_interval(six, names, kappa, np.random.default_rng(1), 1000)
    assert twice == pytest.approx(once)


def test_one_person_has_no_interval() -> None:
    assert bootstrap_interval(nights(2), ["a", "a"], kappa, np.random.default_rng(1), 1000) is None

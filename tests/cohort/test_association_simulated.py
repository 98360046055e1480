"""Over many made studies, intervals hold the truth at the rate they promise."""

from __future__ import annotations

import pytest
from scipy import stats

from benchmarks.associate import CASES, DRAWS, corrected, coverage, discoveries, rejected
from holter2sleep.cohort.association.enough import LEAST_VARIED
from holter2sleep.cohort.association.regressions import linear

FEW, MANY = 20, 100  # studies; models that are fitted in a tenth of a second, and in a hundredth
SLOW = ("mixed", "GEE", "Cox")
FLOORS = [case for case in CASES if case.endswith("(floor)")]


def could_be_nominal(share: float, n: int) -> bool:
    """Whether intervals that hold the truth in 95 % of the studies give such a share in 999 of 1,000 trials."""
    low, high = stats.binom.ppf([0.0005, 0.9995], n, 0.95) / n
    return low <= share <= high


@pytest.mark.parametrize("case", [case for case in CASES if case not in FLOORS])
def test_intervals_of_every_kind_of_model_hold_the_truth(case: str) -> None:
    n = FEW if any(word in case for word in SLOW) else MANY
    share, ratio, _ = coverage(case, n, 200)
    assert could_be_nominal(share, n)
    assert ratio == pytest.approx(1.0, abs=0.1)


def test_standard_errors_are_the_spread_of_estimates_and_too_small_without_clusters() -> None:
    assert coverage("linear, two nights, clusters", 400)[2] == pytest.approx(1.0, abs=0.1)
    assert coverage("linear, two nights, no cluster (floor)", 400)[2] < 0.9


def test_an_exposure_of_ten_nights_is_about_as_safe_as_any_and_of_two_is_not() -> None:
    two, ten = (rejected(linear, DRAWS["gaussian"], n_varied, 300, 100) for n_varied in (2, LEAST_VARIED))
    assert two > 0.1
    assert ten < 0.1


def test_families_without_any_association_seldom_have_a_discovery() -> None:
    any_false, share = discoveries(10, 200, 0, 100)
    assert any_false == share <= 0.2  # 1 of 20 families is expected to have one


def test_what_is_discovered_is_mostly_true() -> None:
    any_false, share = discoveries(10, 90, 10)
    assert share < 0.12  # 5 % are asked for
    assert any_false > share


def test_error_hides_an_association_and_calibration_finds_it() -> None:
    hidden, found = (corrected("gaussian", 0.7, way, 100) for way in ("none", "regression_calibration"))
    assert hidden[1] == pytest.approx(0.7, abs=0.05)
    assert hidden[0] < 0.5
    assert found[1] == pytest.approx(1.0, abs=0.05)
    assert could_be_nominal(found[0], 100)


def test_simex_takes_most_of_the_bias_away() -> None:
    assert corrected("gaussian", 0.8, "simex", 5)[1] == pytest.approx(0.97, abs=0.12)

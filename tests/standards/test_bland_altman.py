"""Limits of agreement, by the numbers that Bland and Altman printed."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from holter2sleep.evaluate.bland_altman import BY_DRAWS, BY_T, Agreement, agreement, spread

# Bland & Altman 1986, table 1: first peak expiratory flow (l/min) of 17 subjects by each of two meters.
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
PERSONS = [str(i) for i in range(17)]


@pytest.fixture(scope="module")
def meters() -> Agreement:
    return agreement(np.array(MINI, float), np.array(WRIGHT, float), PERSONS, seed=0, draws=500)


def test_peak_flow_of_1986_has_the_printed_bias_and_standard_deviation(meters: Agreement) -> None:
    assert meters.bias == pytest.approx(-2.1, abs=0.05)
    assert meters.sd == pytest.approx(38.8, abs=0.05)
    # the paper takes two standard deviations, and rounds before: -79.7 to 75.5
    assert meters.bias - 2 * meters.sd == pytest.approx(-79.7, abs=0.15)
    assert meters.bias + 2 * meters.sd == pytest.approx(75.5, abs=0.15)


def test_intervals_of_1986_are_those_printed(meters: Agreement) -> None:
    """Bias -22.0 to 17.8; its limits' intervals are 69.2 wide there, with an SE of sqrt(3 s^2 / n) = 16.3."""
    assert meters.bias_interval == pytest.approx((-22.0, 17.8), abs=0.15)
    low, high = meters.lower_interval
    assert (high - low) / 2 == pytest.approx(2.12 * 16.3, rel=0.01)
    assert (low + high) / 2 == pytest.approx(meters.limits[0])
    assert meters.intervals_by == BY_T


def test_blood_pressure_of_1999_has_the_printed_intervals() -> None:
    """Section 2: 85 subjects, mean difference -16.29, SD 19.61: limits -54.7 (-61.9 to -47.5), 22.1 (14.9 to 29.3)."""
    shape = stats.norm.ppf((np.arange(85) + 0.5) / 85)
    difference = -16.29 + 19.61 * (shape - shape.mean()) / shape.std(ddof=1)
    found = agreement(np.full(85, 120.0), 120.0 + difference, [str(i) for i in range(85)], seed=0, draws=200)
    assert found.limits == pytest.approx((-54.7, 22.1), abs=0.06)
    # the paper rounds in between
    assert found.lower_interval == pytest.approx((-61.9, -47.5), abs=0.15)
    assert found.upper_interval == pytest.approx((14.9, 29.3), abs=0.15)


def test_bootstrap_of_the_bias_is_near_that_of_t(meters: Agreement) -> None:
    assert meters.bias_drawn == pytest.approx(meters.bias_interval, abs=4)


def test_slope_is_that_of_another_tool(meters: Agreement) -> None:
    wright, mini = np.array(WRIGHT, float), np.array(MINI, float)
    line = sm.OLS(wright - mini, sm.add_constant((wright + mini) / 2)).fit()
    assert meters.slope == pytest.approx(line.params[1])
    assert meters.slope_interval == pytest.approx(tuple(line.conf_int()[1]))


# --- several nights of a subject (Bland & Altman 2007, section 3) ------------------------------------


def test_components_of_a_balanced_table_worked_by_hand() -> None:
    """Two nights each of three subjects, differences 1 3, 5 7, 9 11: means 2, 6, 10.

    Mean square within 2 (3 pairs, each a sum of squares of 2, 3 df), between 2 x 32 / 2 = 32; component between
    subjects (32 - 2) / 2 = 15; SD sqrt(15 + 2).
    """
    difference, person = np.array([1.0, 3, 5, 7, 9, 11]), np.array([0, 0, 1, 1, 2, 2])
    assert spread(difference, person) == pytest.approx(np.sqrt(17))


def test_components_of_an_unbalanced_table_worked_by_hand() -> None:
    """Differences 0 2, 6 of two subjects: mean 8/3, within 2 / 1, between 2 (1 - 8/3)^2 + (6 - 8/3)^2 = 50/3.

    Nights each: (9 - 5) / (1 x 3) = 4/3; component (50/3 - 2) / (4/3) = 11; SD sqrt(11 + 2).
    """
    assert spread(np.array([0.0, 2, 6]), np.array([0, 0, 1])) == pytest.approx(np.sqrt(13))


def test_nights_of_one_subject_that_differ_more_than_subjects_do_leave_no_negative_component() -> None:
    assert spread(np.array([-1.0, 1, -1, 1]), np.array([0, 0, 1, 1])) == pytest.approx(np.sqrt(2))


def test_planted_components_are_found() -> None:
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(2000), 3)
    difference = rng.normal(0, 4, 2000)[person] + rng.normal(0, 3, 6000)
    assert spread(difference, person) == pytest.approx(5.0, rel=0.03)


def test_intervals_of_several_nights_are_drawn_over_subjects_and_say_so() -> None:
    rng = np.random.default_rng(1)
    reference = rng.normal(300, 50, 40)
    subjects = [str(i // 2) for i in range(40)]
    found = agreement(reference, reference + np.repeat(rng.normal(10, 20, 20), 2), subjects, seed=0, draws=500)
    assert (found.intervals_by, found.n_nights, found.n_subjects) == (BY_DRAWS, 40, 20)
    assert found.bias_interval == found.bias_drawn
    assert found.lower_interval[0] < found.limits[0] < found.lower_interval[1]
    assert found.upper_interval[0] < found.limits[1] < found.upper_interval[1]


# --- too little ------------------------------------------------------------------------------------


def test_one_night_has_a_bias_and_nothing_else() -> None:
    found = agreement(np.array([100.0]), np.array([110.0]), ["a"], seed=0)
    assert found.bias == 10.0
    nothing = (found.sd, found.limits, found.bias_interval, found.bias_drawn, found.lower_interval, found.slope)
    assert nothing == (None,) * 6


def test_a_measure_that_does_not_vary_has_no_slope() -> None:
    found = agreement(np.array([9.0, 11.0]), np.array([11.0, 9.0]), ["a", "b"], seed=0, draws=50)
    assert (found.bias, found.slope, found.slope_interval) == (0.0, None, None)


def test_a_planted_proportional_bias_is_the_slope() -> None:
    """A test that says 1.2 times the reference: difference 0.2 r on a mean of 1.1 r."""
    reference = np.array([100.0, 200.0, 300.0, 400.0])
    found = agreement(reference, 1.2 * reference, ["a", "b", "c", "d"], seed=0, draws=50)
    assert found.slope == pytest.approx(0.2 / 1.1)

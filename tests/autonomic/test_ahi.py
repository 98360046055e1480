"""The index from the share of respiratory minutes: its line, its interval, its bands."""

from __future__ import annotations

import numpy as np
import pytest

from holter2sleep.autonomic.ahi import AhiEstimate, estimate_ahi, fit_ahi

RNG = np.random.default_rng(0)


def fitted(noise: float = 0.0, n: int = 40) -> dict[str, np.ndarray]:
    share = RNG.uniform(0, 1, n)
    root = 1.0 + 7.0 * np.sqrt(share) + RNG.normal(0, noise, n)
    return dict(fit_ahi(share, root**2, [f"s{i}" for i in range(n)]))


def test_a_line_between_the_roots_is_recovered() -> None:
    found = fitted()
    assert found["slope"] == pytest.approx(7.0)
    assert found["intercept"] == pytest.approx(1.0)
    assert found["residual_sd"] == pytest.approx(0.0, abs=1e-6)
    assert found["n_subjects"] == 40


def test_each_subject_is_left_out_with_all_nights() -> None:
    """Roots (0, 1), twice (0.5, 2) of one subject, (1, 5): lines without one of them miss by 2, -1, -1 and 2."""
    found = fit_ahi(np.array([0, 0.25, 0.25, 1]), np.array([1.0, 4, 4, 25]), ["a", "b", "b", "c"])
    expected = {"slope": 4.0, "intercept": 0.5, "residual_sd": np.sqrt(2.5), "n_subjects": 3}
    assert {name: float(value) for name, value in found.items()} == pytest.approx(expected)
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}  # as all weights


def test_a_worked_number() -> None:
    line = {
        "slope": np.array(7.0),
        "intercept": np.array(1.0),
        "residual_sd": np.array(1.0),
        "n_subjects": np.array(27),
    }
    found = estimate_ahi(0.25, line)
    assert found.per_h == pytest.approx(4.5**2)
    assert found.low_per_h == pytest.approx((4.5 - 2.0595) ** 2, abs=0.01)  # t(0.975, 25)
    assert found.high_per_h == pytest.approx((4.5 + 2.0595) ** 2, abs=0.01)
    assert found.band == 2
    assert found.chance_moderate == pytest.approx(0.7326, abs=0.001)  # t(25) below 4.5 - sqrt(15) = 0.627


def test_interval_and_chance_of_four_subjects_follow_students_t_of_two_degrees() -> None:
    """Its distribution is 1/2 + t / (2 sqrt(2 + t^2)), so that 97.5 % lie below 0.95 sqrt(2 / (1 - 0.95^2))."""
    line = {"slope": np.array(7.0), "intercept": np.array(1.0)}
    line |= {"residual_sd": np.array(0.5), "n_subjects": np.array(4)}
    found = estimate_ahi(0.25, line)
    reach = 0.5 * 0.95 * np.sqrt(2 / (1 - 0.95**2))
    assert (found.low_per_h, found.high_per_h) == pytest.approx(((4.5 - reach) ** 2, (4.5 + reach) ** 2))
    t = (4.5 - np.sqrt(15)) / 0.5
    assert found.chance_moderate == pytest.approx(0.5 + t / (2 * np.sqrt(2 + t**2)))


def test_the_interval_holds_what_it_says_of_new_nights() -> None:
    line = fitted(noise=1.0, n=200)
    share = RNG.uniform(0.1, 1, 500)
    truth = (1.0 + 7.0 * np.sqrt(share) + RNG.normal(0, 1.0, 500)) ** 2
    found = [estimate_ahi(s, line) for s in share]
    inside = [each.low_per_h <= t <= each.high_per_h for each, t in zip(found, truth, strict=True)]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("per_h", "band"), [(4.9, 0), (5.1, 1), (14.9, 1), (15.1, 2), (29.9, 2), (30.1, 3)])
def test_bands_begin_at_5_15_and_30(per_h: float, band: int) -> None:
    line = {"slope": np.array(np.sqrt(per_h)), "intercept": np.array(0.0)}
    line |= {"residual_sd": np.array(1.0), "n_subjects": np.array(30)}
    assert estimate_ahi(1.0, line).band == band


@pytest.mark.parametrize(("per_h", "band"), [(0.0, 0), (5.0, 1), (15.0, 2), (30.0, 3)])
def test_a_border_belongs_to_the_band_that_begins_there(per_h: float, band: int) -> None:
    assert AhiEstimate(per_h, 0.0, 90.0, 0.5).band == band


def test_no_event_is_no_negative_index() -> None:
    line = {"slope": np.array(8.0), "intercept": np.array(-1.0)}
    line |= {"residual_sd": np.array(1.0), "n_subjects": np.array(30)}
    found = estimate_ahi(0.0, line)
    assert found.per_h == found.low_per_h == 0.0
    assert found.chance_moderate < 0.01

"""The index from the share of respiratory minutes: its line, its interval, its bands."""

from __future__ import annotations

import numpy as np
import pytest

from holter2sleep.autonomic.ahi import estimate_ahi, fit_ahi

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


def test_the_interval_holds_what_it_says_of_new_nights() -> None:
    line = fitted(noise=1.0, n=200)
    share = RNG.uniform(0.1, 1, 2000)
    truth = (1.0 + 7.0 * np.sqrt(share) + RNG.normal(0, 1.0, 2000)) ** 2
    found = [estimate_ahi(s, line) for s in share]
    inside = [each.low_per_h <= t <= each.high_per_h for each, t in zip(found, truth, strict=True)]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("per_h", "band"), [(4.9, 0), (5.1, 1), (14.9, 1), (15.1, 2), (29.9, 2), (30.1, 3)])
def test_bands_begin_at_5_15_and_30(per_h: float, band: int) -> None:
    line = {"slope": np.array(np.sqrt(per_h)), "intercept": np.array(0.0)}
    line |= {"residual_sd": np.array(1.0), "n_subjects": np.array(30)}
    assert estimate_ahi(1.0, line).band == band


def test_no_event_is_no_negative_index() -> None:
    line = {"slope": np.array(8.0), "intercept": np.array(-1.0)}
    line |= {"residual_sd": np.array(1.0), "n_subjects": np.array(30)}
    found = estimate_ahi(0.0, line)
    assert found.per_h == found.low_per_h == 0.0
    assert found.chance_moderate < 0.01

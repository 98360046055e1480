"""Cyclic variation of heart rate is found where it was planted, and not in noise or breathing."""

from __future__ import annotations

import numpy as np
import pytest
from made_nights import RECIPE, analysed, nn_of, simulated

from holter2sleep.autonomic.cvhr import _equivalent, find_cvhr
from holter2sleep.night import NN, Episodes


def cycles(nn: NN) -> Episodes:
    return find_cvhr(nn, RECIPE.cvhr)


def planted(cycle_s: float, depth_ms: float, first_s: float, last_s: float, seed: int = 0) -> NN:
    """Two hours at 950 ms with a dip every `cycle_s` for a while."""
    rng, time_s, values = np.random.default_rng(seed), 0.0, []
    while time_s < 7200:
        dip = depth_ms * np.exp(-(((time_s % cycle_s) - cycle_s / 2) ** 2) / (2 * 5.0**2))
        values.append(950 - dip * (first_s <= time_s < last_s) + rng.normal(0, 15))
        time_s += values[-1] / 1000
    return nn_of(values)


@pytest.mark.parametrize(("cycle_s", "depth_ms"), [(40.0, 120.0), (50.0, 100.0), (80.0, 150.0)])
def test_planted_cycles_are_counted(cycle_s: float, depth_ms: float) -> None:
    found = cycles(planted(cycle_s, depth_ms, 1000, 5000))
    assert len(found) == pytest.approx(4000 / cycle_s, abs=2)
    middle_s = (found.start_s + found.end_s) / 2
    assert np.median(np.abs(middle_s % cycle_s - cycle_s / 2)) < 2.0
    assert ((middle_s > 1000) & (middle_s < 5000)).all()


def test_each_cycle_is_an_episode_of_ten_seconds_to_two_minutes() -> None:
    found = cycles(planted(50.0, 100.0, 1000, 5000))
    width_s = found.end_s - found.start_s
    assert set(found.kind.tolist()) == {"CVHR"}
    assert ((width_s >= 10) & (width_s <= 120)).all()
    np.testing.assert_allclose(found.n_beats, width_s / 0.9, rtol=0.15)


@pytest.mark.parametrize("n_dips", [2, 3])
def test_fewer_than_four_dips_are_no_train(n_dips: int) -> None:
    assert len(cycles(planted(50.0, 100.0, 1000, 1000 + 50.0 * n_dips))) == 0


@pytest.mark.parametrize(("cycle_s", "depth_ms"), [(160.0, 150.0), (50.0, 25.0)])
def test_dips_too_far_apart_or_too_shallow_are_none(cycle_s: float, depth_ms: float) -> None:
    assert len(cycles(planted(cycle_s, depth_ms, 0, 7200))) == 0


@pytest.mark.parametrize("seed", range(4))
def test_white_noise_has_none(seed: int) -> None:
    assert len(cycles(nn_of(900 + np.random.default_rng(seed).normal(0, 40, 8000)))) == 0


@pytest.mark.parametrize("rate_hz", [0.15, 0.25, 0.4])
def test_breathing_alone_has_none(rate_hz: float) -> None:
    at_s = 0.9 * np.arange(8000)
    assert len(cycles(nn_of(900 + 60 * np.sin(2 * np.pi * rate_hz * at_s)))) == 0


@pytest.mark.parametrize(
    ("cycles_s", "alike"),
    [
        ((50, 50, 50), True),
        ((60, 35, 60), True),
        ((35, 60, 35), False),
        ((24, 24, 24), False),
        ((131, 131, 131), False),
    ],
)
def test_cycles_are_alike_by_hayanos_product(cycles_s: tuple[float, ...], alike: bool) -> None:
    """(35, 60, 35): factors 3 - 2 I / mean of 1.385, 0.231 and 1.385, whose product 0.44 is below 0.6."""
    assert _equivalent(np.array(cycles_s, float)) is alike


def test_a_train_is_not_carried_across_a_hole() -> None:
    whole = planted(60.0, 120.0, 1000, 1360)  # six dips
    assert len(cycles(whole)) == 6
    keep = (whole.end_s < 1150) | (whole.end_s > 1170)
    adjacent = whole.adjacent & np.r_[False, keep[:-1]]
    assert len(cycles(NN(whole.end_s[keep], whole.nn_ms[keep], adjacent[keep]))) == 0


@pytest.mark.parametrize("n", [0, 1, 50])
def test_hardly_any_intervals_have_none(n: int) -> None:
    assert len(cycles(nn_of(np.full(n, 900.0)))) == 0


def test_a_night_of_apnoeas_has_about_as_many_cycles_and_a_healthy_one_few() -> None:
    """The simulator plants the apnoeas; measured over two nights: 53 of 52 and 58 of 70, against 4/h of none."""
    changes = {"hours": 3.0, "seed": 0}
    truth, night = simulated("apnea", **changes), analysed("apnea", **changes)
    n_apnoeas = len(truth.episodes.of("RESP"))
    assert n_apnoeas > 40
    assert len(night.episodes.of("CVHR")) == pytest.approx(n_apnoeas, rel=0.3)
    assert len(analysed("healthy", seed=3, hours=3.0).episodes.of("CVHR")) < 0.4 * n_apnoeas

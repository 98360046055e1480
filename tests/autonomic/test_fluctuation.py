"""Detrended fluctuation analysis: known exponents, the PhysioNet program's curve, breaks."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from made_nights import nn_of
from made_series import joined, sinus, with_breaks

from holter2sleep.autonomic.fluctuation import box_sizes, fluctuation, scaling_exponents
from holter2sleep.night import NN

NAMES = ("dfa_alpha1", "dfa_alpha2")


def white(n: int, seed: int = 0) -> NN:
    return nn_of(np.random.default_rng(seed).normal(1000, 50, n))


def test_white_noise_has_an_exponent_of_one_half_in_the_long_range() -> None:
    found = scaling_exponents(white(50_000))
    assert found["dfa_alpha2"] == pytest.approx(0.5, abs=0.03)


def test_box_sizes_are_whole_numbers_an_eighth_of_an_octave_apart_both_limits_included() -> None:
    assert box_sizes(4, 16).tolist() == [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16]
    assert box_sizes(16, 64)[[0, 1, -2, -1]].tolist() == [16, 17, 59, 64]


def test_four_boxes_are_enough() -> None:
    nn = white(16)
    assert [math.isnan(fluctuation(nn.nn_ms[:n], nn.adjacent[:n], np.array([4]))[0]) for n in (15, 16)] == [True, False]


def test_the_distance_of_white_noise_in_a_box_is_known() -> None:
    """A random walk of n points about its fitted line: F^2 = SD^2 (n^2 - 4) / (15 n); the short slope is above 0.5."""
    sizes = np.arange(4, 65)
    found = fluctuation(white(200_000).nn_ms, np.arange(200_000) > 0, sizes)
    np.testing.assert_allclose(found, 50 * np.sqrt((sizes**2 - 4) / (15 * sizes)), rtol=0.02)


def test_brownian_noise_has_an_exponent_of_three_halves() -> None:
    found = scaling_exponents(nn_of(900 + np.cumsum(np.random.default_rng(1).normal(0, 0.5, 50_000))))
    assert [found[name] for name in NAMES] == pytest.approx([1.5, 1.5], abs=0.1)


def test_a_sine_is_smooth_within_a_cycle_and_strays_no_further_beyond_it() -> None:
    slow = scaling_exponents(nn_of(900 + 50 * np.sin(2 * np.pi * np.arange(20_000) / 1000)))
    fast = scaling_exponents(nn_of(900 + 50 * np.sin(2 * np.pi * np.arange(20_000) / 5)))
    assert slow["dfa_alpha1"] > 1.9
    assert fast["dfa_alpha2"] == pytest.approx(0.0, abs=0.05)


@pytest.mark.realdata
def test_the_curve_of_the_physionet_program(shared_data: Path) -> None:
    """106,084 intervals, 60 sizes from 4 to a quarter of them; printed with six digits."""
    folder = shared_data / "hrv_reference" / "physiozoo_mhrv" / "test" / "resources" / "dfa"
    log_size, log_distance = np.loadtxt(folder / "dfa.out").T
    intervals = np.loadtxt(folder / "rr-intervals")
    sizes = np.round(10**log_size).astype(np.int64)
    found = fluctuation(intervals, np.arange(len(intervals)) > 0, sizes)
    np.testing.assert_allclose(np.log10(found), log_distance, atol=6e-6)
    assert set(box_sizes(4, 16)) | set(box_sizes(16, 64)) == set(sizes[sizes <= 64])


def test_neurokit2_agrees_on_the_distances() -> None:
    values, sizes = sinus(512), np.array([4, 8, 16, 32, 64])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        neurokit2 = pytest.importorskip("neurokit2")
        theirs = neurokit2.fractal_dfa(values, scale=sizes, overlap=False)[1]["Fluctuations"].ravel()
    slope = np.polyfit(np.log(sizes), np.log(fluctuation(values, np.arange(512) > 0, sizes)), 1)[0]
    # it averages the boxes' distances otherwise, which moves the level and hardly the slope
    assert slope == pytest.approx(np.polyfit(np.log(sizes), np.log(theirs), 1)[0], abs=0.05)


def test_the_squares_of_all_boxes_of_all_runs_are_averaged_together() -> None:
    first, second = sinus(240, 1), sinus(120, 2)
    sizes = np.array([4, 8, 20])
    whole = joined(nn_of(first), nn_of(second))
    parts = [fluctuation(part, np.arange(len(part)) > 0, sizes) for part in (first, second)]
    found = fluctuation(whole.nn_ms, whole.adjacent, sizes)
    np.testing.assert_allclose(found, np.sqrt((2 * parts[0] ** 2 + parts[1] ** 2) / 3))


def test_a_jump_of_level_across_a_gap_leaves_no_trace() -> None:
    low, high = sinus(640, 1), sinus(640, 2) + 400
    apart = joined(nn_of(low), nn_of(high))
    level = joined(nn_of(low), nn_of(high - 400))
    assert scaling_exponents(apart) == pytest.approx(scaling_exponents(level))
    assert scaling_exponents(nn_of(apart.nn_ms))["dfa_alpha2"] != pytest.approx(
        scaling_exponents(level)["dfa_alpha2"], abs=1e-3
    )


def test_shift_and_scale_do_not_matter() -> None:
    nn = nn_of(sinus(768))
    assert scaling_exponents(nn_of(3 * nn.nn_ms - 500)) == pytest.approx(scaling_exponents(nn))


def test_the_series_backwards_strays_as_far() -> None:
    """The sums from the end are those from the start but for sign and level, once they end one interval later."""
    values, sizes, neighbours = sinus(641), np.array([4, 8, 16, 32, 64]), np.arange(640) > 0
    there = fluctuation(values[:-1], neighbours, sizes)
    np.testing.assert_allclose(fluctuation(values[:0:-1], neighbours, sizes), there)


@pytest.mark.parametrize("values", [[], [900.0], [900.1] * 2000, list(sinus(255))])
def test_a_constant_series_or_fewer_than_four_boxes_have_none(values: list[float]) -> None:
    assert math.isnan(scaling_exponents(nn_of(values))["dfa_alpha2"])


def test_runs_too_short_for_the_longest_boxes_give_the_short_range_alone() -> None:
    found = scaling_exponents(with_breaks(sinus(3000), np.arange(0, 3000, 30)))
    assert 0.3 < found["dfa_alpha1"] < 1.6
    assert math.isnan(found["dfa_alpha2"])

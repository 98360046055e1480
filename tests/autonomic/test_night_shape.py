"""Nadir, trend, slow wave, onset and awakenings from rates drawn by hand."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import curve_fit

from holter2sleep.autonomic.cosinor import fit_cosinor
from holter2sleep.autonomic.night_shape import (
    change_at_onset,
    nadir,
    responses_to,
    trend_per_hour,
    ultradian_wave,
)
from holter2sleep.night import Float

N = 960  # epochs of eight hours
ONSET_S = 30.0 * np.arange(N)
ASLEEP = np.ones(N, bool)


# --- nadir -----------------------------------------------------------------------------------------


def test_the_nadir_lies_in_sleep() -> None:
    rate = np.full(N, 60.0)
    rate[100:120] = 40  # awake
    rate[500:520] = 50
    found = nadir(rate, ONSET_S, ASLEEP & ~np.isin(np.arange(N), range(95, 125)))
    assert (found.rate_bpm, found.at_s) == (50.0, 30.0 * 505)


def test_a_dip_shorter_than_five_minutes_is_averaged() -> None:
    rate = np.full(N, 60.0)
    rate[300:305] = 50
    assert nadir(rate, ONSET_S, ASLEEP).rate_bpm == pytest.approx(55.0)


def test_two_unknown_epochs_in_ten_are_bridged_and_three_are_not() -> None:
    rate = np.full(10, 60.0)
    rate[2:4] = np.nan
    assert nadir(rate, ONSET_S[:10], ASLEEP[:10]).rate_bpm == 60.0
    rate[4] = np.nan
    assert np.isnan(nadir(rate, ONSET_S[:10], ASLEEP[:10]).rate_bpm)


@pytest.mark.parametrize("n", [0, 1, 9])
def test_less_than_five_minutes_have_no_nadir(n: int) -> None:
    assert np.isnan(nadir(np.full(n, 60.0), ONSET_S[:n], ASLEEP[:n]).rate_bpm)


# --- trend and onset -------------------------------------------------------------------------------


def test_a_straight_fall_has_its_slope_and_wild_epochs_do_not_change_it() -> None:
    rate = 70 - 1.5 * ONSET_S / 3600
    rate[::25] = 150
    assert trend_per_hour(rate, ONSET_S, ASLEEP)[0] == pytest.approx(-1.5, abs=0.01)


def test_the_trend_turns_with_the_night() -> None:
    rate = 60 + np.random.default_rng(1).normal(0, 2, N)
    there, back = trend_per_hour(rate, ONSET_S, ASLEEP), trend_per_hour(rate[::-1], ONSET_S, ASLEEP)
    assert there[0] == pytest.approx(-back[0])
    assert there[1][0] <= there[0] <= there[1][1]


def test_the_trend_of_a_fortnight_needs_no_memory_for_all_its_pairs() -> None:
    n = 26_000
    rate = 70 - 0.01 * 30.0 * np.arange(n) / 3600 + np.random.default_rng(2).normal(0, 2, n)
    tracemalloc.start()
    slope, _ = trend_per_hour(rate, 30.0 * np.arange(n), np.ones(n, bool))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert slope == pytest.approx(-0.01, abs=0.002)
    assert peak < 500e6


def test_two_epochs_have_no_trend() -> None:
    assert np.isnan(trend_per_hour(np.array([60.0, 61]), ONSET_S[:2], ASLEEP[:2])[0])


def test_the_change_at_onset_compares_five_minutes_on_either_side() -> None:
    rate = np.r_[np.full(50, 90.0), np.full(10, 72.0), np.full(10, 65.0), np.full(50, 50.0)]
    assert change_at_onset(rate, 60) == pytest.approx(-7.0)


def test_asleep_from_the_first_epoch_on_there_is_no_change() -> None:
    assert np.isnan(change_at_onset(np.full(100, 60.0), 0))
    assert np.isnan(change_at_onset(np.full(100, 60.0), 5))


# --- slow waves ------------------------------------------------------------------------------------


@pytest.mark.parametrize("period_min", [60.0, 90.0, 120.0])
def test_a_planted_wave_is_found_beside_a_trend(period_min: float) -> None:
    minutes = ONSET_S / 60
    rate = 65 - 0.01 * minutes + 3 * np.sin(2 * np.pi * minutes / period_min + 0.4)
    found = ultradian_wave(rate, ONSET_S)
    assert found.period_min == period_min
    assert found.amplitude_bpm == pytest.approx(3.0, abs=0.05)
    assert found.share == pytest.approx(1.0, abs=0.02)


def test_noise_has_hardly_any_wave_and_a_constant_rate_none() -> None:
    assert ultradian_wave(60 + np.random.default_rng(2).normal(0, 2, N), ONSET_S).share < 0.05
    assert np.isnan(ultradian_wave(np.full(N, 60.0), ONSET_S).period_min)
    assert np.isnan(ultradian_wave(np.full(479, 60.0) + ONSET_S[:479], ONSET_S[:479]).period_min)


# --- awakenings ------------------------------------------------------------------------------------


def test_the_response_is_the_rise_over_the_rate_before() -> None:
    rr_s = np.r_[np.full(500, 1.0), np.full(20, 0.6), np.full(500, 1.0)]
    end_s = np.cumsum(rr_s)
    assert responses_to(np.array([490.0]), end_s, rr_s)[0] == pytest.approx(40.0)
    assert responses_to(np.array([300.0]), end_s, rr_s)[0] == pytest.approx(0.0)


def test_an_awakening_without_beats_around_it_has_no_response() -> None:
    rr_s = np.ones(200)
    found = responses_to(np.array([5.0, 100.0, 400.0]), np.cumsum(rr_s), rr_s)
    assert np.isnan(found).tolist() == [True, False, True]
    assert np.isnan(responses_to(np.array([5.0]), np.empty(0), np.empty(0))).all()


# --- daily wave ------------------------------------------------------------------------------------


def test_the_cosinor_finds_a_planted_wave_in_noise_within_its_interval() -> None:
    rng = np.random.default_rng(3)
    hours = np.arange(0, 24, 1 / 12)
    inside = 0
    for _ in range(200):
        found = fit_cosinor(hours, 70 + 8 * np.cos(2 * np.pi * (hours - 15.5) / 24) + rng.normal(0, 6, len(hours)))
        assert found is not None
        assert found.acrophase_h == pytest.approx(15.5, abs=1.0)
        inside += found.amplitude_interval[0] <= 8 <= found.amplitude_interval[1]
    assert 180 <= inside <= 199  # 95 % nominal


def test_the_cosinor_of_noise_is_significant_at_the_nominal_rate() -> None:
    rng = np.random.default_rng(4)
    hours = np.arange(0, 24, 1 / 4)
    p = np.array([fit_cosinor(hours, rng.normal(70, 5, len(hours))).p for _ in range(400)])  # type: ignore[union-attr]
    assert 0.02 <= (p < 0.05).mean() <= 0.09


def test_the_crest_moves_with_the_clock() -> None:
    hours = np.arange(0, 24, 0.5)
    wave = np.cos(2 * np.pi * (hours - 3) / 24)
    for shift in (0.0, 5.0, 22.0):
        found = fit_cosinor(hours + shift, wave)
        assert found is not None
        assert found.acrophase_h == pytest.approx((3 + shift) % 24)


@pytest.mark.parametrize(
    ("hours", "values"), [([1, 2, 3], [1, 2, 3]), ([1, 2, 3, 4], [5, 5, 5, 5]), ([1, 25, 49, 73], [1, 2, 3, 4])]
)
def test_what_has_no_wave_has_no_cosinor(hours: list[float], values: list[float]) -> None:
    assert fit_cosinor(np.array(hours, float), np.array(values, float)) is None


@pytest.mark.parametrize(("n", "amplitude"), [(5, 3.0), (48, 3.0), (48, 0.02)])
def test_a_wave_has_the_share_the_p_and_the_interval_of_least_squares(n: int, amplitude: float) -> None:
    """R squared is that of what was fitted, F follows from it, and a fit of level, height and phase has the same SE."""
    rng = np.random.default_rng(n)
    hours = np.sort(rng.uniform(0, 24, n))
    values = 60 + amplitude * np.cos(2 * np.pi * (hours - 15) / 24) + rng.normal(0, 0.5, n)
    found = fit_cosinor(hours, values)
    assert found is not None

    def wave(hour: Float, mesor: float, height: float, crest: float) -> Float:
        return mesor + height * np.cos(2 * np.pi * (hour - crest) / 24)

    fit, covariance = curve_fit(wave, hours, values, (found.mesor, found.amplitude, found.acrophase_h))
    share = np.corrcoef(values, wave(hours, *fit))[0, 1] ** 2
    half = stats.t.ppf(0.975, n - 3) * np.sqrt(covariance[1, 1])
    assert found.amplitude == pytest.approx(abs(fit[1]), rel=1e-5)
    assert found.share == pytest.approx(share, rel=1e-5)
    assert found.p == pytest.approx(stats.f.sf(share / 2 / ((1 - share) / (n - 3)), 2, n - 3), rel=1e-4)
    expected = max(0.0, found.amplitude - half), found.amplitude + half
    assert found.amplitude_interval == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_four_values_have_a_wave_and_three_have_none() -> None:
    hours = np.array([0.0, 6, 12, 18])
    assert fit_cosinor(hours, np.array([1.0, 2, 1, 0.5])) is not None
    assert fit_cosinor(hours[:3], np.array([1.0, 2, 1])) is None

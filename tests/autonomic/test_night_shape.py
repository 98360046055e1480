"""Nadir, trend, slow wave, onset and awakenings from rates drawn by hand."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import curve_fit

from holter2sleep.autonomic import night_shape
from holter2sleep.autonomic.cosinor import fit_cosinor
from holter2sleep.autonomic.night_shape import (
    _running,
    _running_rate,
    change_at_onset,
    mean_of_known,
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
    found = nadir(np.full(n, 60.0), ONSET_S[:n], ASLEEP[:n])
    assert np.isnan([found.rate_bpm, found.at_s]).all()
    assert _running(np.ones(n)).tolist() == []


# --- trend and onset -------------------------------------------------------------------------------


def test_a_straight_fall_has_its_slope_and_wild_epochs_do_not_change_it() -> None:
    rate = 70 - 1.5 * ONSET_S / 3600
    rate[::25] = 150
    assert trend_per_hour(rate, ONSET_S, ASLEEP)[0] == pytest.approx(-1.5, abs=0.01)


def test_the_trend_of_three_epochs_asleep_is_the_median_of_three_slopes() -> None:
    """60, 59 and 57/min an hour apart: -1, -2 and -1.5; an epoch awake and one unknown say nothing."""
    rate, hours = np.array([60.0, 90, 59, np.nan, 57]), np.array([0, 0.5, 1, 1.5, 2])
    asleep = np.array([True, False, True, True, True])
    assert trend_per_hour(rate, 3600 * hours, asleep)[0] == pytest.approx(-1.5, rel=1e-12)


@pytest.mark.parametrize(("n", "step"), [(4, 1), (5, 2), (8, 2), (9, 3)])
def test_of_more_epochs_than_pairs_are_formed_of_some_are_taken(
    n: int, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(night_shape, "MOST_IN_PAIRS", 4)
    rate = np.random.default_rng(n).normal(60, 2, n)
    taken = stats.theilslopes(rate[::step], ONSET_S[:n:step] / 3600)
    assert trend_per_hour(rate, ONSET_S[:n], ASLEEP[:n])[0] == pytest.approx(taken.slope)


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
    assert np.isnan(change_at_onset(np.full(100, 60.0), 7))
    assert change_at_onset(np.r_[np.full(8, 64.0), np.full(20, 60.0)], 8) == -4.0  # eight of ten epochs are enough


@pytest.mark.parametrize(("n_known", "mean"), [(8, 63.5), (7, np.nan), (0, np.nan)])
def test_a_mean_needs_eight_of_ten_epochs(n_known: int, mean: float) -> None:
    rate = np.where(np.arange(10) < n_known, 60.0 + np.arange(10), np.nan)
    assert mean_of_known(rate) == pytest.approx(mean, nan_ok=True)


# --- slow waves ------------------------------------------------------------------------------------


@pytest.mark.parametrize("period_min", [60.0, 90.0, 120.0])
def test_a_planted_wave_is_found_beside_a_trend(period_min: float) -> None:
    minutes = ONSET_S / 60
    rate = 65 - 0.01 * minutes + 3 * np.sin(2 * np.pi * minutes / period_min + 0.4)
    found = ultradian_wave(rate, ONSET_S)
    assert found.period_min == period_min
    assert found.amplitude_bpm == pytest.approx(3.0, abs=0.05)
    assert found.share == pytest.approx(1.0, abs=0.02)


def test_noise_has_hardly_any_wave() -> None:
    assert ultradian_wave(60 + np.random.default_rng(2).normal(0, 2, N), ONSET_S).share < 0.05


@pytest.mark.parametrize("rate", [np.full(N, 60.0), np.full(N, 67.1), 60.1 - ONSET_S / 7200, 60 + ONSET_S / 700])
def test_nothing_but_a_trend_has_no_wave(rate: Float) -> None:
    found = ultradian_wave(rate, ONSET_S)
    assert np.isnan([found.period_min, found.amplitude_bpm, found.share]).all()


def test_a_small_wave_is_one() -> None:
    assert ultradian_wave(60 + 1e-4 * np.sin(2 * np.pi * ONSET_S / 5400), ONSET_S).amplitude_bpm == pytest.approx(1e-4)


@pytest.mark.parametrize(("n", "is_known"), [(480, True), (479, False)])
def test_a_wave_needs_two_of_the_longest_cycles(n: int, is_known: bool) -> None:
    rate = np.r_[np.full(30, np.nan), 60 + np.sin(2 * np.pi * ONSET_S[:n] / 5400)]
    found = ultradian_wave(rate, ONSET_S[: n + 30])
    assert np.isfinite([found.period_min, found.amplitude_bpm, found.share]).tolist() == [is_known] * 3


def test_the_share_of_a_wave_is_that_of_the_variance() -> None:
    """Three each way in six cycles of 90 min, and two up and down from epoch to epoch: 4.5 of 4.5 + 4."""
    at_s = 30.0 * np.arange(1080)
    rate = 60 + 3 * np.sin(2 * np.pi * at_s / 5400) + 2 * (-1.0) ** np.arange(1080)
    assert ultradian_wave(rate, at_s).share == pytest.approx(4.5 / 8.5, abs=0.03)  # a trend takes a little of the wave


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


@pytest.mark.parametrize(("rr_s", "rise_bpm"), [(6.0, 10.0), (6.7, np.nan)])
def test_ten_intervals_before_are_enough(rr_s: float, rise_bpm: float) -> None:
    """One in 6 s, of which ten end within a minute; five in a row of half the length are twice as fast."""
    intervals_s = np.full(100, rr_s)
    intervals_s[49:54] = rr_s / 2  # the last one before ends 6 s before the moment
    found = responses_to(np.array([50 * rr_s]), np.cumsum(intervals_s), intervals_s)
    assert found.tolist() == pytest.approx([rise_bpm], nan_ok=True)


def test_the_rate_over_five_intervals_takes_the_nearest_at_either_end() -> None:
    assert _running_rate(np.array([1.0, 1, 1, 1, 1, 2])).tolist() == [60, 60, 60, 50, 50, 50]
    assert _running_rate(np.array([1.0, 1, 1, 1, 2])).tolist() == [50] * 5
    assert np.isnan(_running_rate(np.ones(4))).tolist() == [True] * 4


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

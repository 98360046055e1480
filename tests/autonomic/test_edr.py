"""Breathing as the beats show it lies on an even time line, without baseline, and ends at holes."""

from __future__ import annotations

import numpy as np
import pytest
from made_nights import RECIPE, beats_of_rr, nn_of, recording_of, simulated

from holter2sleep.autonomic.edr import (
    EVEN_HZ,
    EvenSeries,
    evenly,
    nn_series,
    repeated_noise,
    size_series,
    without_baseline,
)
from holter2sleep.heart.qrs_sizes import QrsSizes
from holter2sleep.heart.shape import beat_shapes
from holter2sleep.night import Beats

BEATS = beats_of_rr(np.full(600, 1.0), start_s=0.5)


def sizes_of(height_mv: np.ndarray) -> QrsSizes:
    """Complexes of which all sizes are proportional to the height, on a level of zero."""
    height = height_mv.astype(np.float32)
    return QrsSizes(height, 0.04 * height, 50 * height, 60 * height, np.zeros_like(height))


def height_series(beats: Beats, sizes: QrsSizes) -> EvenSeries:
    """The series of the heights, mV: their shares of the usual height, times it."""
    normal = beats.usable & (beats.label == "N")
    usual_mv = np.median(sizes.height_mv[normal]) if normal.any() else 1.0
    return EvenSeries(usual_mv * next(size_series(beats, sizes)).value)


def breathing(at_s: np.ndarray, rate_bpm: float) -> np.ndarray:
    return np.sin(2 * np.pi * rate_bpm / 60 * at_s)


def spline_gain(cycles: float) -> float:
    """Of a cubic spline through values one apart, at so many cycles a value (Unser 1999, IEEE Signal Process Mag)."""
    return np.sinc(cycles) ** 4 / (1 - 2 / 3 * np.sin(np.pi * cycles) ** 2)


def baseline_gain(hz: float) -> float:
    """Of what is left without the mean over a Hann window of 15 s."""
    return 1 - np.sinc(15 * hz) / (1 - (15 * hz) ** 2)


@pytest.mark.parametrize("rate_bpm", [6.0, 9.0, 15.0, 20.0, 24.0])
def test_a_breath_is_drawn_as_spline_and_baseline_let_it(rate_bpm: float) -> None:
    series = without_baseline(height_series(BEATS, sizes_of(1.0 + 0.1 * breathing(BEATS.time_s, rate_bpm))))
    inside = (series.time_s >= 60) & (series.time_s < 540)
    cycle = np.exp(-2j * np.pi * rate_bpm / 60 * series.time_s[inside])
    amplitude = 2 * np.abs(np.mean(series.value[inside] * cycle))
    assert amplitude / 0.1 == pytest.approx(spline_gain(rate_bpm / 60) * baseline_gain(rate_bpm / 60), rel=0.01)


def test_the_even_time_line_begins_with_the_recording_and_ends_with_its_last_beat() -> None:
    series = height_series(BEATS, sizes_of(np.ones(601)))
    assert series.time_s[0] == 0.0
    assert len(series.value) == int(600.5 * EVEN_HZ) + 1
    assert np.isnan(series.value[series.time_s < 0.5]).all()
    np.testing.assert_allclose(series.value[series.time_s >= 0.5][:-1], 1.0, rtol=1e-6)


def test_a_turn_in_bed_leaves_no_step() -> None:
    height = np.where(BEATS.time_s < 300, 1.0, 1.5) + 0.05 * breathing(BEATS.time_s, 15.0)
    series = without_baseline(height_series(BEATS, sizes_of(height)))
    for side in (series.time_s < 280, series.time_s > 320):
        assert abs(np.nanmean(series.value[side])) < 0.01


@pytest.mark.parametrize("label", ["S", "V", "F", "Q"])
def test_ectopic_beats_and_unusable_ones_tell_nothing(label: str) -> None:
    height = 1.0 + 0.1 * breathing(BEATS.time_s, 15.0)
    expected = height_series(BEATS, sizes_of(height)).value
    odd = np.arange(601) % 40 == 20
    spoiled = sizes_of(np.where(odd, 5.0, height))
    labels = np.where(odd, label, "N")
    found = height_series(BEATS.but(label=labels), spoiled).value
    left_out = height_series(BEATS.but(usable=~odd), spoiled).value
    np.testing.assert_array_equal(found, left_out)
    assert np.nanstd(found - expected) < 0.02
    assert np.nanmax(np.abs(found - 1.0)) < 0.15


def test_a_hole_of_more_than_five_seconds_is_not_bridged() -> None:
    time_s = np.delete(BEATS.time_s, np.r_[100:104, 200:260])
    beats = Beats.at(time_s)
    series = height_series(beats, sizes_of(1.0 + 0.1 * breathing(time_s, 15.0)))
    unknown = np.isnan(series.value)
    assert not unknown[(series.time_s > 90) & (series.time_s < 120)].any()
    assert unknown[(series.time_s > 200) & (series.time_s < 260)].all()
    assert not unknown[(series.time_s > 261) & (series.time_s < 590)].any()


def test_what_lies_beyond_a_hole_changes_nothing_before_it() -> None:
    time_s = np.delete(BEATS.time_s, np.r_[200:260])
    values = 1.0 + 0.1 * breathing(time_s, 15.0)
    other = np.where(time_s > 230, 7.0, values)
    first, second = (without_baseline(evenly(time_s, v, Beats.at(time_s))) for v in (values, other))
    early = first.time_s < 180
    np.testing.assert_allclose(first.value[early], second.value[early], atol=1e-6)


def test_the_sign_of_a_lead_turns_no_size_and_its_scale_scales_them() -> None:
    night = simulated("clean", hours=0.05)
    ecg, beat_s = np.asarray(night.recording.ecg), night.beats.time_s
    upright, turned, larger = (
        beat_shapes(recording_of(k * ecg, 256.0), beat_s, RECIPE.shape) for k in (1.0, -1.0, 3.0)
    )
    assert upright is not None
    assert turned is not None
    assert larger is not None
    np.testing.assert_allclose(upright.sizes.height_mv, turned.sizes.height_mv, rtol=1e-4)
    np.testing.assert_allclose(upright.sizes.area_mv_s, turned.sizes.area_mv_s, rtol=1e-4)
    np.testing.assert_allclose(upright.sizes.rise_mv_per_s, turned.sizes.fall_mv_per_s, rtol=1e-4)
    np.testing.assert_allclose(upright.sizes.level_mv, -turned.sizes.level_mv, atol=1e-5)
    for name, column in upright.sizes.columns().items():
        np.testing.assert_allclose(3 * column, larger.sizes.columns()[name], rtol=1e-3, atol=1e-5)


def test_intervals_are_a_series_too() -> None:
    nn = nn_of(1000 + 50 * breathing(np.arange(600.0), 15.0))
    series = nn_series(nn, Beats.at(np.r_[0.001, nn.end_s]))
    assert np.nanmean(series.value) == pytest.approx(1000, rel=0.01)
    assert np.nanstd(series.value) == pytest.approx(50 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("n", [0, 1, 2, 20])
def test_few_beats_make_a_short_series_and_no_error(n: int) -> None:
    beats = BEATS.where(np.arange(601) < n)
    series = height_series(beats, sizes_of(np.ones(n)))
    assert isinstance(series, EvenSeries)
    assert np.isfinite(series.value).any() == (n > 1)


def test_series_of_all_sizes_are_shares_of_the_usual_value() -> None:
    height = 2.0 + 0.2 * breathing(BEATS.time_s, 12.0)
    for series, name in zip(size_series(BEATS, sizes_of(height)), sizes_of(height).columns(), strict=True):
        swing = np.nanstd(series.value[(series.time_s > 60) & (series.time_s < 540)])
        assert swing == pytest.approx(0.0 if name == "level_mv" else 0.1 / np.sqrt(2), rel=0.03, abs=1e-6)


def test_sizes_that_change_alike_count_as_one() -> None:
    """Four of one noise count as four, one of its own noise as one."""
    rng = np.random.default_rng(0)
    one, other = rng.normal(1, 0.05, (2, 601)).astype(np.float32)
    counts = repeated_noise(BEATS, QrsSizes(one, 0.04 * one, 50 * one, 60 * one, other))
    np.testing.assert_allclose(counts, [4, 4, 4, 4, 1], atol=0.1)
    own = rng.normal(1, 0.05, (5, 601)).astype(np.float32)
    np.testing.assert_allclose(repeated_noise(BEATS, QrsSizes(*own)), 1.0, atol=0.1)


def test_slow_breathing_is_not_taken_for_noise_that_sizes_share() -> None:
    rng = np.random.default_rng(0)
    columns = 1 + 0.01 * breathing(BEATS.time_s, 8.0) + rng.normal(0, 0.05, (5, 601))
    assert repeated_noise(BEATS, QrsSizes(*columns.astype(np.float32))).max() < 1.2


@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_few_beats_share_nothing_known(n: int) -> None:
    counts = repeated_noise(BEATS.where(np.arange(601) < n), sizes_of(np.ones(n)))
    assert counts.tolist() == [1.0] * 5

"""What the heart tells of sleep: planted breathing and cycles are found, and nothing breaks without data."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import norm
from staging_nights import evidence_of, faulty_beats, irregular_beats, steady_beats

from holter2sleep.night import Beats
from holter2sleep.sleep.staging.physiology import SOME, _mean_in, against_night, fits_neighbours, physiology
from holter2sleep.sleep.staging.rate_series import Columns, _gaussian_mean

HOUR_S = 3600.0


def features(beat_s: np.ndarray, duration_s: float) -> Columns:
    evidence = evidence_of(beat_s, duration_s)
    return physiology(evidence.beats, evidence.quality.usable_spans, evidence.grid, evidence.lights)


def swaying_beats(duration_s: float, **amplitude_by_hz: float) -> np.ndarray:
    """Beats whose interval sways at the given frequencies, `f250` is 0.250 Hz; a little noise."""
    rng = np.random.default_rng(0)
    beat_s, now_s = [], 0.5
    while now_s < duration_s:
        beat_s.append(now_s)
        sway = sum(a * np.sin(2 * np.pi * int(f[1:]) / 1000 * now_s) for f, a in amplitude_by_hz.items())
        now_s += 0.9 * (1 + sway) + rng.normal(0, 0.003)
    return np.array(beat_s)


def test_the_rate_of_breathing_is_that_of_the_sway() -> None:
    for mhz in (180, 250, 330):
        found = features(swaying_beats(HOUR_S, **{f"f{mhz}": 0.04}), HOUR_S)
        assert np.exp(found["breath_rate"][20:100]) == pytest.approx(mhz / 1000, abs=0.012)
        assert (found["breath_peaked"][20:100] > 0.8).all()
        assert (found["breath_unsteady"][20:100] < 0.05).all()


def test_cycles_of_a_minute_are_found_with_their_length() -> None:
    found = features(swaying_beats(HOUR_S, f020=0.06, f250=0.02), HOUR_S)
    without = features(swaying_beats(HOUR_S, f250=0.02), HOUR_S)
    assert np.exp(found["cycle_length"][20:100]) == pytest.approx(50, abs=2)
    assert (found["cycle_height"][20:100] > 0.9).all()
    assert np.median(without["cycle_height"]) < 0.6
    assert (found["cycle_middle"][20:100] > without["cycle_middle"][20:100] + 2).all()


def test_a_sway_is_power_in_its_own_band() -> None:
    for mhz, band in ((15, "minute"), (30, "cycle"), (85, "lf"), (160, "breath_slow"), (280, "breath")):
        found = features(swaying_beats(HOUR_S, **{f"f{mhz:03}": 0.04}), HOUR_S)
        names = ("minute", "cycle", "lf", "breath_slow", "breath")
        powers = {name: np.median(found[f"{name}_middle"]) for name in names}
        assert max(powers, key=powers.get) == band
        assert np.exp(2 * powers[band]) == pytest.approx(0.04**2 / 2, rel=0.35)


def test_a_faster_hour_is_a_lower_logarithm_of_the_interval() -> None:
    beat_s = np.r_[np.arange(0, HOUR_S, 1.0), np.arange(HOUR_S, 2 * HOUR_S, 0.8)]
    found = features(beat_s, 2 * HOUR_S)
    assert found["level_short"][10:110] == pytest.approx(0.0, abs=1e-6)
    assert found["level_short"][130:230] == pytest.approx(np.log(0.8), abs=1e-6)
    assert found["slope"][119] < -0.2  # the change lies behind the epoch


def test_a_surge_is_how_much_faster_than_around_the_fastest_moment_was() -> None:
    rr_s = np.ones(1800)
    rr_s[900:906] = 0.8
    found = features(np.cumsum(rr_s), 1795.0)
    assert found["surge"].argmax() in (29, 30)
    assert found["surge"].max() == pytest.approx(-np.log(0.8), abs=0.02)


def test_nothing_is_known_within_a_hole_and_nothing_changes_far_from_it() -> None:
    whole_s = steady_beats(6 * HOUR_S)
    holed_s = whole_s[(whole_s < 7000) | (whole_s > 9000)]
    whole, holed = features(whole_s, 6 * HOUR_S), features(holed_s, 6 * HOUR_S)
    inside = slice(int(7600 / 30), int(8400 / 30))
    far = np.r_[20:150, 420:700]
    for name in ("level_middle", "rmssd_middle", "lf_middle", "breath_rate", "cycle_height", "turns"):
        assert np.isnan(holed[name][inside]).all()
        np.testing.assert_allclose(holed[name][far], whole[name][far], atol=0.02)


def test_a_cut_changes_nothing_away_from_its_edges() -> None:
    beat_s = faulty_beats(6 * HOUR_S)
    whole = features(beat_s, 6 * HOUR_S)
    part = features(beat_s[beat_s >= HOUR_S] - HOUR_S, 5 * HOUR_S)
    of_this_night = ("swing", *(name for name in whole if name.endswith("_of_night")))
    for name in set(whole) - set(of_this_night):
        np.testing.assert_allclose(part[name][150:-60], whole[name][270:-60], atol=0.05, err_msg=name)


def test_what_is_set_against_the_night_does_not_hang_on_level_or_scale() -> None:
    column = np.random.default_rng(0).normal(size=400)
    dark = np.arange(400) > 50
    expected = against_night(column, dark)
    np.testing.assert_allclose(against_night(5 * column - 3, dark), expected, atol=1e-9)
    assert np.abs(expected).max() <= 4
    assert np.median(expected[dark]) == pytest.approx(0, abs=1e-9)


def test_what_is_set_against_a_normal_night_is_in_standard_deviations_and_at_most_four() -> None:
    z = norm.ppf((np.arange(400) + 0.5) / 400)
    column = np.r_[60 + 8 * z, 60 + 8 * np.array([3.9, 4.1, -3.9, -4.1])]
    found = against_night(column, np.arange(404) < 400)
    assert found[:400] == pytest.approx(z, rel=0.005)
    assert found[400:] == pytest.approx([3.9, 4.0, -3.9, -4.0], rel=0.005)
    assert np.abs(found).max() == 4.0


@pytest.mark.parametrize(
    "beat_s",
    [
        np.empty(0),
        np.array([12.0]),
        np.cumsum(np.full(20, 0.9)),
        np.arange(0.0, 1790.0),
        irregular_beats(1790.0),
        np.arange(0.0, 1790.0, 20.0),
        np.sort(np.r_[np.arange(0.0, 1790.0), np.arange(0.4, 1790.0, 2.0)]),
    ],
    ids=["none", "one", "twenty", "constant", "irregular", "holes everywhere", "an early beat after each second"],
)
def test_bad_input_is_survived_with_the_same_columns(beat_s: np.ndarray) -> None:
    found = features(beat_s, 1800.0)
    usual = features(steady_beats(1800.0), 1800.0)
    assert list(found) == list(usual)
    for name, column in found.items():
        assert column.shape == (60,), name
        assert not np.isinf(column).any(), name


def test_an_interval_cut_by_a_false_beat_or_long_by_a_missed_one_does_not_fit() -> None:
    rr_s = np.array([*[1.0] * 6, 0.4, 0.6, *[1.0] * 6, 2.0, *[1.2] * 6, 4.0, 0.2])
    assert np.flatnonzero(~fits_neighbours(rr_s)).tolist() == [6, 7, 14, 21, 22]
    assert len(fits_neighbours(np.empty(0))) == 0


@pytest.mark.parametrize(("change", "fits"), [(0.295, True), (0.305, False), (-0.295, True), (-0.305, False)])
def test_three_tenths_of_the_logarithm_off_the_median_are_too_far(change: float, fits: bool) -> None:
    rr_s = np.ones(11)
    rr_s[5] = np.exp(change)
    assert fits_neighbours(rr_s)[5] == fits


def test_five_intervals_to_each_side_are_the_neighbours() -> None:
    """Of the ten around the middle one six are longer by half a logarithm; of eight, or of twelve, every other is."""
    log_rr = np.array([0, 0.5, 0, 0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0])
    assert not fits_neighbours(np.exp(log_rr))[6]


@pytest.mark.parametrize(("n", "mean"), [(20, 2.0), (19, np.nan)])
def test_a_mean_is_told_where_the_slowest_heart_would_fill_four_tenths_of_the_window(n: int, mean: float) -> None:
    """150 s hold 50 intervals of 3 s."""
    found = _mean_in(100 + np.arange(n), np.tile([1.0, 3.0], 10)[:n], np.array([120.0]), 150.0)
    assert found == pytest.approx([mean], nan_ok=True)


def beats_whose_breathing_comes_and_goes(duration_s: float) -> np.ndarray:
    """Beats that breathing moves by 0.4 to 3.4 %, more and less every ten minutes."""
    rng = np.random.default_rng(0)
    beat_s, now_s = [], 0.5
    while now_s < duration_s:
        beat_s.append(now_s)
        depth = 0.004 + 0.03 * np.sin(np.pi * now_s / 600) ** 2
        now_s += 0.9 * (1 + depth * np.sin(2 * np.pi * 0.25 * now_s)) + rng.normal(0, 0.003)
    return np.array(beat_s)


@pytest.mark.parametrize("grid_hz", [128, 250, 1000])
def test_the_time_grid_of_a_file_is_not_taken_for_physiology(grid_hz: int) -> None:
    beat_s = beats_whose_breathing_comes_and_goes(HOUR_S)
    found, on_grid = features(beat_s, HOUR_S), features(np.round(beat_s * grid_hz) / grid_hz, HOUR_S)
    for name in ("turns", "rmssd_middle", "breath_middle"):
        inner = slice(10, 110)
        off = on_grid[name][inner] - found[name][inner]
        # where every change counts as a turn, however small, `turns` is off by 1.5 to 6.3 of its spread
        assert np.sqrt(np.mean(off**2)) < 0.5 * np.std(found[name][inner]), name


def test_the_share_of_beats_that_are_not_normal_is_told() -> None:
    evidence = evidence_of(steady_beats(1800.0), 1800.0)
    shares = np.where(np.arange(len(evidence.beats)) % 4 == 0, "V", "N")
    mixed = Beats(evidence.beats.time_s, shares, evidence.beats.confidence, evidence.beats.usable)
    found = physiology(mixed, evidence.quality.usable_spans, evidence.grid, evidence.lights)
    assert np.exp(found["ectopic"][10:50]) == pytest.approx(0.25 + SOME, abs=0.01)
    assert (found["rmssd_middle"] == features(steady_beats(1800.0), 1800.0)["rmssd_middle"]).all()


def test_one_beat_that_is_not_normal_or_fits_nowhere_hardly_counts() -> None:
    beat_s = steady_beats(1800.0)
    evidence = evidence_of(beat_s, 1800.0)
    label = np.where(np.arange(len(evidence.beats)) == len(evidence.beats) // 2, "V", "N")
    one = Beats(evidence.beats.time_s, label, evidence.beats.confidence, evidence.beats.usable)
    ectopic = physiology(one, evidence.quality.usable_spans, evidence.grid, evidence.lights)["ectopic"]
    false_s = beat_s[len(beat_s) // 2] + 0.4
    misfit = features(np.sort(np.r_[beat_s, false_s]), 1800.0)["misfit_middle"]
    for found, clean in ((ectopic, features(beat_s, 1800.0)["ectopic"]), (misfit, np.log(SOME))):
        off = np.abs(found - clean)[10:50].max()
        assert 0 < off < 0.25  # logarithms; with 0.01 in place of 0.05 it would be 0.5 and 0.8


@pytest.mark.parametrize(("small", "turns"), [(0.0, 0.25), (0.0095, 0.25), (0.0105, 0.5)])
def test_four_steps_again_and_again_by_hand(small: float, turns: float) -> None:
    """Steps of the logarithm up by 0.1 and a little, down by more and 0.02; one of a hundredth or less is no turn."""
    step = np.array([0.1, small, -0.08 - small, -0.02])
    rr_s = np.exp(np.cumsum(np.tile(step, 450)))
    found = features(np.cumsum(rr_s), 1800.0)
    square = np.mean(step**2)
    for name, within in (("short", 0.03), ("middle", 0.01)):  # windows hold no whole number of fours
        assert np.exp(found[f"rmssd_{name}"][5:55]) == pytest.approx(np.sqrt(square), rel=3 * within)
        assert found[f"large_steps_{name}"][5:55] == pytest.approx(0.5, abs=within)
        assert np.exp(found[f"misfit_{name}"][5:55]) == pytest.approx(SOME)
    assert found["turns"][5:55] == pytest.approx(turns, abs=0.01)
    assert found["step_skew"][5:55] == pytest.approx(np.mean(step**3) / square**1.5, abs=0.06)


@pytest.mark.parametrize("way", [1, -1])
def test_one_wide_step_and_many_small_ones_back_are_as_skew_as_is_told(way: int) -> None:
    """Of n steps all but one small, the mean cube is about sqrt(n) of the mean square ** 1.5: beyond 5 it is 5."""
    rr_s = np.exp(way * np.cumsum(np.tile([0.25, *[-0.25 / 50] * 50], 40)))
    assert (features(np.cumsum(rr_s), 1700.0)["step_skew"][5:50] == 5 * way).all()


def test_nothing_is_stepped_over_an_interval_that_does_not_fit() -> None:
    """Ten intervals of a second, a short one, ten of 1.1 s, a short one: each alike those beside it."""
    rr_s = np.tile([*[1.0] * 10, 0.5, *[1.1] * 10, 0.5], 90)
    found = features(np.cumsum(rr_s), 1800.0)
    assert (found["large_steps_middle"][5:55] == 0).all()
    assert np.exp(found["rmssd_middle"][5:55]) == pytest.approx(0.001)
    assert np.exp(found["misfit_middle"][5:55]) == pytest.approx(1 / 11 + SOME, abs=0.008)


def test_a_turn_is_of_the_window_in_which_its_second_step_ends() -> None:
    """Windows end at 90 and 120 s; beats at 1 to 117 s, 118.1 and 119.1 s leave 116 pairs of steps, the last a turn."""
    rr_s = np.ones(1790)
    rr_s[117] = 1.1
    found = features(np.cumsum(rr_s), 1790.0)
    assert found["turns"][:2] == pytest.approx([0.0, 1 / 116])


@pytest.mark.parametrize(("n", "sd"), [(4000, 120.0), (4000, 600.0), (500, 600.0), (1, 120.0)])
def test_a_gaussian_mean_is_that_of_scipy(n: int, sd: float) -> None:
    values = 60 + np.cumsum(np.random.default_rng(n).normal(0, 0.3, n))
    np.testing.assert_allclose(_gaussian_mean(values, sd), ndimage.gaussian_filter1d(values, sd), rtol=1e-11)

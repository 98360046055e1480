"""Cyclic variation of heart rate is found where it was planted, and not in noise or breathing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from made_dips import STEP_S, even_times, every_half_second, triangles
from made_nights import RECIPE, analysed, nn_of, simulated

from holter2sleep.autonomic.cvhr import _dips, _equivalent, _shapes, _similarity, _smooth_pieces, find_cvhr
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
        ((25, 25, 25), True),
        ((24.5, 25, 25), False),
        ((130, 130, 130), True),
        ((130, 130, 130.5), False),
    ],
)
def test_cycles_are_alike_by_hayanos_product(cycles_s: tuple[float, ...], alike: bool) -> None:
    """(35, 60, 35): factors 3 - 2 I / mean of 1.385, 0.231 and 1.385, whose product 0.44 is below 0.6."""
    assert _equivalent(np.array(cycles_s, float)) is alike


# --- by hand -----------------------------------------------------------------------------------------

NOT_SMOOTHED = dataclasses.replace(RECIPE.cvhr, smoothing_s=0.01)  # the filter has one tap


def dips_at(middle_s: Sequence[float], until_s: float, depth_ms: float = 48.0) -> NN:
    """Intervals of 900 ms with straight-sided dips 20 s wide at the top, and 16 s where their width is read."""
    return every_half_second(900 - triangles(even_times(until_s), middle_s, depth_ms, 10.0))


def test_four_dips_are_four_episodes_of_their_width_with_the_beats_within() -> None:
    found = find_cvhr(dips_at([50, 90, 130, 170], 200.0), NOT_SMOOTHED)
    assert found.start_s.tolist() == [42, 82, 122, 162]
    assert found.end_s.tolist() == [58, 98, 138, 178]
    assert found.n_beats.tolist() == [32] * 4
    assert found.kind.tolist() == ["CVHR"] * 4
    assert np.isnan(found.rate_bpm).tolist() == [True] * len(found)
    assert np.isnan(found.confidence).tolist() == [True] * len(found)


@pytest.mark.parametrize(
    ("middle_s", "in_train"),
    [
        ([50, 90, 130, 170, 230, 370], [50, 90, 130, 170, 230]),
        ([50, 190, 250, 290, 330, 370], [190, 250, 290, 330, 370]),
        ([50, 180, 310, 350], []),
    ],
)
def test_a_dip_belongs_to_a_train_if_any_four_in_a_row_are_alike(middle_s: list[float], in_train: list[float]) -> None:
    """Cycles of 60, 40 and 40 s are alike as those of 40 s are, with one of 140 or 130 s none."""
    found = find_cvhr(dips_at(middle_s, 400.0), NOT_SMOOTHED)
    assert ((found.start_s + found.end_s) / 2).tolist() == in_train


def test_three_dips_are_no_train_however_little_they_need_be_alike() -> None:
    assert len(find_cvhr(dips_at([50, 90, 130], 200.0), dataclasses.replace(NOT_SMOOTHED, minimum_similarity=0.0))) == 0


def test_dips_as_alike_as_asked_for_are_a_train() -> None:
    """Three of 20 s and one of 28 s: three pairs of six correlate by 1."""
    time_s = even_times(240.0)
    series = 900 - triangles(time_s, [50, 90, 130], 48.0, 10.0) - triangles(time_s, [180], 48.0, 14.0)
    with_last = np.corrcoef(series[190:291], series[290:391])[0, 1]
    alike = (3 + 3 * with_last) / 6
    assert with_last < 0.97
    for minimum, n in ((alike - 1e-9, 4), (alike + 1e-9, 0)):
        rules = dataclasses.replace(NOT_SMOOTHED, minimum_similarity=minimum)
        assert len(find_cvhr(every_half_second(series), rules)) == n


@pytest.mark.parametrize(("n_beats", "n_pieces"), [(200, 0), (201, 1)])
def test_a_stretch_shorter_than_the_shortest_train_is_not_read(n_beats: int, n_pieces: int) -> None:
    """Ends 0.5 s apart: 201 of them lie 100 s from first to last, four cycles of 25 s."""
    assert len(_smooth_pieces(every_half_second(np.full(n_beats - 1, 900.0)), RECIPE.cvhr)) == n_pieces


@pytest.mark.parametrize(("hole_s", "n_pieces"), [(10.0, 1), (10.5, 2)])
def test_a_hole_longer_than_allowed_parts_the_series(hole_s: float, n_pieces: int) -> None:
    whole = every_half_second(np.full(500, 500.0))
    later = np.where(np.arange(501) < 250, 0.0, hole_s)
    assert len(_smooth_pieces(NN(whole.end_s + later, whole.nn_ms, whole.adjacent), RECIPE.cvhr)) == n_pieces


def test_smoothing_leaves_of_a_wave_what_a_gaussian_leaves() -> None:
    """exp(-2 (pi sigma / period)^2), here of 4 s and 40 s: 82 %."""
    time_s = even_times(400.0)
    [(found_s, smooth_ms)] = _smooth_pieces(every_half_second(900 + 50 * np.cos(2 * np.pi * time_s / 40)), RECIPE.cvhr)
    left = np.exp(-2 * (np.pi * RECIPE.cvhr.smoothing_s / 40) ** 2)
    middle = slice(100, -100)  # samples that the ends do not touch
    np.testing.assert_array_equal(found_s, time_s)
    np.testing.assert_allclose(smooth_ms[middle], 900 + 50 * left * np.cos(2 * np.pi * time_s[middle] / 40), atol=0.01)


@pytest.mark.parametrize(
    ("half_base_s", "width_s"), [(6.2, None), (6.25, 10.0), (40.0, 64.0), (75.0, 120.0), (75.5, None)]
)
def test_dips_are_ten_seconds_to_two_minutes_wide(half_base_s: float, width_s: float | None) -> None:
    """Four fifths of the way from the bottom up to the level beside it."""
    time_s = even_times(400.0)
    bottom, widths_s = _dips(900 - triangles(time_s, [210], 200.0, half_base_s), RECIPE.cvhr)
    assert bottom.tolist() == ([400] if width_s else [])
    assert widths_s.tolist() == pytest.approx([width_s] if width_s else [])


@pytest.mark.parametrize(
    ("changed", "n"),
    [
        ({"minimum_depth_ms": 80.0}, 1),
        ({"minimum_depth_ms": 80.1}, 0),
        ({"minimum_slope_ms_per_s": 1.25}, 1),
        ({"minimum_slope_ms_per_s": 1.2501}, 0),
    ],
)
def test_a_dip_as_deep_and_steep_as_asked_for_counts(changed: dict[str, float], n: int) -> None:
    """80 ms deep and 64 s wide."""
    dip = 900 - triangles(even_times(400.0), [210], 80.0, 40.0)
    assert len(_dips(dip, dataclasses.replace(RECIPE.cvhr, **changed))[0]) == n


@pytest.mark.parametrize(("away", "depth_ms"), [(240, 60.0), (241, 50.0)])
def test_the_depth_of_a_dip_is_that_over_what_lies_within_the_longest_dip_on_either_side(
    away: int, depth_ms: float
) -> None:
    """A new level 10 ms higher, 120 s away or half a second further."""
    sample = np.arange(1000)
    series = 900 - triangles(STEP_S * sample, [250], 50.0, 10.0) + 10 * (np.abs(sample - 500) >= away)
    for minimum, n in ((depth_ms, 1), (depth_ms + 0.1, 0)):
        assert len(_dips(series, dataclasses.replace(RECIPE.cvhr, minimum_depth_ms=minimum))[0]) == n


def test_a_shape_is_25_s_either_side_levelled_and_of_unit_norm_and_nothing_at_the_ends() -> None:
    series = 1e-3 * np.random.default_rng(0).normal(size=151)
    found = _shapes(series, np.array([49, 50, 100, 101]))
    assert found.shape == (4, 101)
    assert not found[[0, 3]].any()
    for row, own in zip(found[1:3], (series[:101], series[50:]), strict=True):
        np.testing.assert_allclose(row, (own - own.mean()) / np.sqrt(((own - own.mean()) ** 2).sum()))


def test_similarity_is_the_mean_correlation_of_the_six_pairs_of_a_train() -> None:
    """Two like the first, two like the second, which have nothing in common: two of six pairs."""
    first, second = np.eye(2)
    assert _similarity(np.array([first, second, first, second])) == pytest.approx(1 / 3)
    assert _similarity(np.array([first, first, first, -first])) == pytest.approx(0.0)


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

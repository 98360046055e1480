"""Surges of the heart rate are found where they were planted, and not in breathing or a new level."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_dips import STEP_S, even_times, every_half_second, triangles
from made_nights import RECIPE, nn_of
from scipy import ndimage

from holter2sleep.autonomic.surges import SMOOTHING_S, _rates, _surges_of, arousal_index, find_surges
from holter2sleep.night import NN, EpochGrid, Float

RULES = RECIPE.surges


def planted(every_s: float, rise_bpm: float, hours: float = 1.0, lasting_s: float = 8.0, seed: int = 0) -> NN:
    """60/min with breathing and a bell of the heart rate in the middle of each `every_s`."""
    rng, time_s, values = np.random.default_rng(seed), 0.0, []
    while time_s < 3600 * hours:
        bell = np.exp(-(((time_s % every_s) - every_s / 2) ** 2) / (2 * (lasting_s / 2.355) ** 2))
        rate = 60 + rise_bpm * bell + 1.5 * np.sin(2 * np.pi * 0.25 * time_s) + rng.normal(0, 0.5)
        values.append(60_000 / rate)
        time_s += values[-1] / 1000
    return nn_of(values)


def grid_of(nn: NN) -> EpochGrid:
    return EpochGrid.covering(float(nn.end_s[-1]))


@pytest.mark.parametrize("rise_bpm", [14.0, 25.0])
def test_planted_surges_are_found_once_each_where_they_are(rise_bpm: float) -> None:
    found = find_surges(planted(120.0, rise_bpm), RULES)
    assert len(found) == pytest.approx(30, abs=1)
    middle_s = (found.start_s + found.end_s) / 2
    assert np.abs(middle_s % 120 - 60).max() < 5
    assert set(found.kind.tolist()) == {"SURGE"}


@pytest.mark.parametrize("rise_bpm", [0.0, 4.0])
def test_breathing_and_small_rises_are_none(rise_bpm: float) -> None:
    assert len(find_surges(planted(120.0, rise_bpm), RULES)) == 0


def test_a_new_level_is_no_surge() -> None:
    assert len(find_surges(nn_of(np.r_[np.full(600, 1000.0), np.full(900, 700.0)]), RULES)) == 0


def test_a_fall_is_no_surge() -> None:
    assert len(find_surges(planted(120.0, -14.0), RULES)) == 0


def test_the_start_of_the_clock_changes_nothing() -> None:
    nn = planted(120.0, 14.0)
    later = NN(nn.end_s + 3600.0, nn.nn_ms, nn.adjacent)
    np.testing.assert_allclose(find_surges(later, RULES).start_s, find_surges(nn, RULES).start_s + 3600.0)


def test_nothing_is_said_across_a_hole() -> None:
    nn = planted(120.0, 14.0)
    away = (nn.end_s % 120 > 45) & (nn.end_s % 120 < 75)  # every surge is lost, with its rise and its fall
    kept = NN(nn.end_s[~away], nn.nn_ms[~away], nn.adjacent[~away])
    assert len(find_surges(kept, RULES)) == 0


def test_the_index_is_high_in_epochs_of_surges_and_low_in_others() -> None:
    nn = planted(120.0, 14.0)
    index = arousal_index(nn, grid_of(nn), RULES)[4:-4]
    surged = np.isin(np.arange(4, 4 + len(index)) % 4, [1, 2])  # 60 s into each 120 s: the border of two epochs
    assert index[surged].min() > index[~surged].max()
    assert ((index >= 0) & (index <= 1)).all()


def test_the_index_does_not_hang_on_the_size_of_a_persons_surges() -> None:
    """Rises in units of their own spread: a heart rate that swings twice as far gives the same index."""
    small, large = (
        NN(nn.end_s, 60_000 / (60 + factor * (60_000 / nn.nn_ms - 60)), nn.adjacent)
        for nn in [planted(120.0, 8.0)]
        for factor in (1.0, 2.0)
    )
    one, two = (arousal_index(nn, grid_of(small), RULES) for nn in (small, large))
    np.testing.assert_allclose(one, two, atol=0.02)


@pytest.mark.parametrize("nn_ms", [[], [1000.0] * 19, [1000.0] * 4000])
def test_too_little_and_a_constant_rate_have_none(nn_ms: list[float]) -> None:
    nn = nn_of(nn_ms)
    grid = EpochGrid.covering(4000.0)
    assert len(find_surges(nn, RULES)) == 0
    index = arousal_index(nn, grid, RULES)
    assert len(index) == grid.n
    assert not (index > 0.5).any()


def test_a_higher_limit_finds_fewer() -> None:
    nn = planted(120.0, 14.0)
    strict = dataclasses.replace(RULES, minimum_rise_bpm=30.0)
    assert len(find_surges(nn, strict)) == 0


# --- by hand -----------------------------------------------------------------------------------------


def at_rates(rate_bpm: Float) -> NN:
    return every_half_second(60_000 / rate_bpm)


def test_smoothing_leaves_of_a_wave_what_a_gaussian_leaves() -> None:
    """exp(-2 (pi sigma / period)^2), here of 1.5 s and 10 s: 64 %."""
    time_s = even_times(200.0)
    [(found_s, rate, _)] = _rates(at_rates(60 + 5 * np.cos(2 * np.pi * time_s / 10)), RULES)
    left = np.exp(-2 * (np.pi * SMOOTHING_S / 10) ** 2)
    middle = slice(50, -50)  # samples that the ends do not touch
    np.testing.assert_array_equal(found_s, time_s)
    np.testing.assert_allclose(rate[middle], 60 + 5 * left * np.cos(2 * np.pi * time_s[middle] / 10), atol=0.01)


@pytest.mark.parametrize(
    ("baseline_s", "change_bpm", "rise_bpm"),
    [(10.0, 1.0, 9.0), (10.0, -1.0, -10.0), (10.5, 1.0, 10.0), (10.5, -1.0, -10.0)],
)
def test_a_rise_is_over_the_upper_median_of_the_seconds_up_to_now(
    baseline_s: float, change_bpm: float, rise_bpm: float
) -> None:
    """A rate that changes by a quarter each half second: of the 20 or 21 samples up to now, the eleventh by size."""
    rules = dataclasses.replace(RULES, baseline_s=baseline_s)
    [(*_, rise)] = _rates(at_rates(60 + change_bpm * np.arange(-100, 101) / 4), rules)
    np.testing.assert_allclose(rise[40:-20], rise_bpm / 4, rtol=1e-9)
    assert rise[0] == 0


def test_before_a_stretch_its_first_rate_is_taken() -> None:
    """Nine seconds after the start, the eleventh of 20 sizes is still the first rate."""
    [(_, rate, rise)] = _rates(at_rates(60 + np.arange(200) / 4), RULES)
    np.testing.assert_allclose(rise[:10], rate[:10] - rate[0])
    np.testing.assert_allclose(rise[10:20], rate[10:20] - rate[1:11])


@pytest.mark.parametrize(("n_beats", "n_pieces"), [(160, 0), (161, 1)])
def test_a_stretch_of_less_than_two_of_the_longest_surges_is_not_read(n_beats: int, n_pieces: int) -> None:
    """Ends 0.5 s apart: 161 of them lie 80 s from first to last."""
    assert len(_rates(at_rates(np.full(n_beats - 1, 60.0)), RULES)) == n_pieces


@pytest.mark.parametrize(("n_samples", "found_n"), [(5, 0), (6, 1), (40, 1), (80, 1), (81, 0)])
def test_surges_last_three_to_forty_seconds_at_half_height(n_samples: int, found_n: int) -> None:
    """A level top: each sample of it lasts half a second, with the flanks' upper halves."""
    rate = np.full(800, 60.0)
    rate[300 : 300 + n_samples] = 75
    first_s, last_s = 10 + (300 - 0.5) * STEP_S, 10 + (300 + n_samples - 0.5) * STEP_S
    assert _surges_of(even_times(400.0), rate, RULES).tolist() == [[first_s, last_s]] * found_n


@pytest.mark.parametrize(("rise_bpm", "n"), [(8.0, 1), (7.99, 0)])
def test_a_surge_as_high_as_asked_for_counts(rise_bpm: float, n: int) -> None:
    time_s = even_times(400.0)
    assert len(_surges_of(time_s, triangles(time_s, [210], rise_bpm, 10.0), RULES)) == n


@pytest.mark.parametrize(("away", "n"), [(80, 1), (81, 0)])
def test_a_surge_stands_above_what_lies_within_the_longest_on_either_side(away: int, n: int) -> None:
    """7/min above its sides, and 9/min above what lies 40 s away, or half a second further."""
    sample = np.arange(400)
    rate = 60 + triangles(STEP_S * sample, [100], 7.0, 10.0) - 2.0 * (np.abs(sample - 200) >= away)
    assert len(_surges_of(STEP_S * sample, rate, RULES)) == n


def test_a_surge_is_an_episode_with_the_beats_within_and_no_rate_of_its_own() -> None:
    time_s = even_times(200.0)
    found = find_surges(at_rates(60 + triangles(time_s, [60, 140], 40.0, 20.0)), RULES)
    assert ((found.start_s + found.end_s) / 2).tolist() == pytest.approx([60, 140])
    within = [2 * np.floor(2 * (end_s - middle_s)) + 1 for end_s, middle_s in zip(found.end_s, (60, 140), strict=True)]
    assert found.n_beats.tolist() == within
    assert np.isnan(found.rate_bpm).tolist() == [True] * len(found)
    assert np.isnan(found.confidence).tolist() == [True] * len(found)


def test_the_index_is_the_logistic_of_the_largest_rise_in_units_of_the_nights_spread() -> None:
    """Two stretches, three minutes apart: the spread is that of both, epochs between them are unknown."""
    time_s = even_times(200.0)
    first, second = (at_rates(60 + triangles(time_s, middle_s, 30.0, 8.0)) for middle_s in ([70, 150], [110]))
    nn = NN(
        np.r_[first.end_s, second.end_s + 390], np.r_[first.nn_ms, second.nn_ms], np.r_[first.adjacent, second.adjacent]
    )
    rises = []
    for each in (first, second):
        rate = ndimage.gaussian_filter1d(60_000 / each.nn_ms[:-1], SMOOTHING_S / STEP_S)
        padded = np.r_[np.full(19, rate[0]), rate]
        rises.append(rate - [np.sort(padded[i : i + 20])[10] for i in range(len(rate))])
    spread = np.concatenate(rises).std()
    epoch = (np.r_[time_s, time_s + 390] // 30).astype(int)
    expected = np.full(20, np.nan)
    for each in np.unique(epoch):
        score = (np.concatenate(rises)[epoch == each].max() / spread - RULES.even_rise) / RULES.rise_scale
        expected[each] = 1 / (1 + np.exp(-score))
    found = arousal_index(nn, EpochGrid.covering(600.0), RULES)
    assert found.dtype == np.float32
    assert np.isnan(found).sum() == 6
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_rate_that_never_changes_never_rises() -> None:
    """Its rise of 0 SD is 2.5 short of even, on a scale of 1.9."""
    found = arousal_index(nn_of(np.full(300, 1000.0)), EpochGrid.covering(300.0), RULES)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(RULES.even_rise / RULES.rise_scale)), rtol=1e-6)

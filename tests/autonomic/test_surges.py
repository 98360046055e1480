"""Surges of the heart rate are found where they were planted, and not in breathing or a new level."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_nights import RECIPE, nn_of

from holter2sleep.autonomic.surges import arousal_index, find_surges
from holter2sleep.night import NN, EpochGrid

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

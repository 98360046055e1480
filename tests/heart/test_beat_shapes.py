"""How much a beat looks like the typical beat of its record."""

from __future__ import annotations

import numpy as np
import pytest
from made_nights import RECIPE, recording_of, recording_of_beats

from holter2sleep.heart.shape import Shape, beat_shapes
from holter2sleep.night import Beats

FS = 250.0
BEAT_S = np.arange(1.0, 61.0)


def lead(width_s: dict[int, float], height_mv: dict[int, float]) -> np.ndarray:
    """A beat each second, 1 mV high and 20 ms wide unless said otherwise, with a little noise."""
    time_s = np.arange(int(62 * FS)) / FS
    ecg = np.random.default_rng(0).normal(0, 0.005, len(time_s))
    for i, middle_s in enumerate(BEAT_S):
        width, height = width_s.get(i, 0.02), height_mv.get(i, 1.0)
        ecg += height * np.exp(-((time_s - middle_s) ** 2) / (2 * width**2))
    return ecg


def shapes(width_s: dict[int, float] | None = None, height_mv: dict[int, float] | None = None) -> Shape:
    shape = beat_shapes(recording_of(lead(width_s or {}, height_mv or {}), FS), BEAT_S, RECIPE.shape)
    assert shape is not None
    return shape


def test_like_beats_correlate_and_none_is_foreign() -> None:
    shape = shapes()
    assert shape.correlation.min() > 0.99
    assert not shape.foreign.any()
    np.testing.assert_allclose(shape.width, 1.0, atol=0.1)


def test_height_alone_does_not_make_a_beat_foreign() -> None:
    shape = shapes(height_mv={10: 2.5, 20: 0.4})
    assert not shape.foreign.any()


def test_an_upside_down_beat_is_foreign() -> None:
    shape = shapes(height_mv={10: -1.0})
    assert shape.foreign.nonzero()[0].tolist() == [10]
    assert shape.correlation[10] < 0


def test_a_wide_beat_is_known_by_its_width() -> None:
    shape = shapes(width_s={10: 0.045})
    assert shape.width[10] == pytest.approx(0.045 / 0.02, rel=0.15)  # area / height of a bell grows with its width
    assert shape.foreign[10]


def test_a_foreign_shape_has_a_twin_only_when_two_others_are_like_it() -> None:
    assert shapes(height_mv={10: -1.0, 20: -1.0}).twin.max() == 0.0
    thrice = shapes(height_mv={10: -1.0, 20: -1.0, 30: -1.0}).twin
    assert (thrice > 0.9).nonzero()[0].tolist() == [10, 20, 30]


def test_one_twin_may_be_chance() -> None:
    twin = shapes(width_s={30: 0.06, 40: 0.06}, height_mv={10: -1.0, 20: -1.0}).twin
    assert twin[[10, 20, 30, 40]].max() < 0.9


def test_a_beat_beside_missing_samples_or_the_end_is_judged_without_error() -> None:
    ecg = lead({}, {})
    ecg[int(10.02 * FS) : int(10.5 * FS)] = np.nan
    ecg[int(20.4 * FS) : int(21.6 * FS)] = np.nan
    shape = beat_shapes(recording_of(ecg, FS), np.r_[0.01, BEAT_S, 61.99], RECIPE.shape)
    assert shape is not None
    assert np.isfinite(shape.correlation).all()
    assert np.isfinite(shape.width).all()


def test_without_waveform_or_beats_there_is_no_shape() -> None:
    assert beat_shapes(recording_of_beats(Beats.at([1.0])), np.array([1.0]), RECIPE.shape) is None
    assert beat_shapes(recording_of(lead({}, {}), FS), np.empty(0), RECIPE.shape) is None

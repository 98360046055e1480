"""Sizes of a QRS complex are those of the figure one draws."""

from __future__ import annotations

import numpy as np
import pytest
from made_nights import RECIPE, recording_of, simulated

from holter2sleep.heart.qrs_sizes import QrsSizes, qrs_sizes
from holter2sleep.heart.shape import beat_shapes
from holter2sleep.waveform import Waveform

HZ = 250.0
QRS = slice(65, 126)


def triangle(height_mv: float, rise_s: float, fall_s: float, level_mv: float = 0.0) -> np.ndarray:
    """A window of 0.72 s with a triangle in its middle."""
    at_s = (np.arange(181) - 90) / HZ
    return level_mv + height_mv * np.interp(at_s, [-rise_s, 0.0, fall_s], [0.0, 1.0, 0.0])


def sizes(*rows: np.ndarray) -> QrsSizes:
    every = np.stack(rows).astype(np.float32)
    return qrs_sizes(every, np.median(every, axis=1), QRS, HZ)


def test_a_triangle_of_one_millivolt() -> None:
    """1 mV high, 40 ms up and 60 ms down: area 1 * 0.1 / 2 = 0.05 mV s, slopes 25 and 16.7 mV/s."""
    found = sizes(triangle(1.0, 0.04, 0.06, level_mv=0.3))
    assert found.height_mv[0] == pytest.approx(1.0, rel=1e-5)
    assert found.area_mv_s[0] == pytest.approx(0.05, rel=0.01)
    assert found.rise_mv_per_s[0] == pytest.approx(25.0, rel=1e-4)
    assert found.fall_mv_per_s[0] == pytest.approx(1 / 0.06, rel=1e-3)
    assert found.level_mv[0] == pytest.approx(0.3, rel=1e-5)


def test_the_level_and_its_drift_change_neither_height_nor_area_much() -> None:
    drift = np.linspace(-0.05, 0.05, 181)
    flat, drifting = triangle(1.0, 0.04, 0.06), triangle(1.0, 0.04, 0.06) + drift
    found = sizes(flat, drifting, flat + 2.0)
    np.testing.assert_allclose(found.area_mv_s, found.area_mv_s[0], rtol=1e-3)
    np.testing.assert_allclose(found.height_mv[2], found.height_mv[0], rtol=1e-5)


def test_turned_over_the_slopes_change_places() -> None:
    found = sizes(triangle(1.0, 0.04, 0.06), -triangle(1.0, 0.04, 0.06))
    assert found.rise_mv_per_s[0] == found.fall_mv_per_s[1]
    assert found.height_mv[0] == found.height_mv[1]
    assert found.area_mv_s[0] == found.area_mv_s[1]


@pytest.mark.parametrize("block_samples", [997, 4096, 10**7])
def test_how_much_is_read_at_a_time_changes_no_size(block_samples: int) -> None:
    night = simulated("healthy", hours=0.1)
    ecg = np.asarray(night.recording.ecg)
    expected = beat_shapes(recording_of(ecg, 256.0), night.beats.time_s, RECIPE.shape)
    lead = Waveform(len(ecg), lambda first, last: ecg[first:last], block_samples, block_samples)
    found = beat_shapes(night.recording.but(ecg=lead), night.beats.time_s, RECIPE.shape)
    assert expected is not None
    assert found is not None
    for name, column in expected.sizes.columns().items():
        np.testing.assert_array_equal(found.sizes.columns()[name], column)
        assert column.shape == night.beats.time_s.shape

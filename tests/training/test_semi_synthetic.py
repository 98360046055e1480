"""Beats of one person with the shapes of another."""

from __future__ import annotations

import numpy as np
import pytest
from made_nights import detected, recording_of, simulated

from holter2sleep.training.semi_synthetic import cut_beats, laid_out

RNG = np.random.default_rng(0)


def shapes() -> tuple[np.ndarray, np.ndarray, float]:
    truth = simulated("healthy", hours=0.2, bursts_per_hour=0.0)
    fs = truth.recording.fs
    return *cut_beats(np.nan_to_num(np.asarray(truth.recording.ecg)), fs, truth.beats.time_s), fs


def test_the_beats_of_the_waveform_are_where_they_were_put() -> None:
    rows, rr_s, fs = shapes()
    beat_s = 1.0 + np.cumsum(RNG.normal(0.9, 0.06, 400))
    ecg = laid_out(beat_s, rows, rr_s, fs, RNG)
    found_s = detected(recording_of(ecg, fs)).time_s
    nearest = np.abs(found_s[:, None] - beat_s).min(axis=0)
    assert (nearest < 0.04).mean() > 0.99
    assert len(found_s) == pytest.approx(len(beat_s), abs=3)
    assert np.diff(found_s).mean() == pytest.approx(np.diff(beat_s).mean(), rel=0.01)


def test_shapes_end_at_zero_and_keep_their_peak() -> None:
    rows, rr_s, fs = shapes()
    assert len(rows) == len(rr_s)
    assert np.abs(rows[:, [0, -1]]).max() < 1e-6
    assert np.abs(rows.mean(axis=0)).argmax() == pytest.approx(round(0.28 * fs), abs=3)


def test_a_longer_interval_brings_a_later_t_wave() -> None:
    fs = 250.0
    bump_s = (np.arange(196) - 70) / fs
    shape = np.exp(-(((bump_s - 0.3) / 0.03) ** 2)).astype(np.float32)[None]
    late = {
        rr_s: laid_out(np.arange(1, 6) * rr_s, shape, np.array([1.0]), fs, RNG)[int(2 * rr_s * fs) :][: int(0.6 * fs)]
        for rr_s in (0.8, 1.0, 1.3)
    }
    for rr_s, part in late.items():
        assert part.argmax() / fs == pytest.approx(0.06 + 0.24 * np.cbrt(rr_s), abs=0.006)


def test_beats_too_near_to_each_other_give_no_shape() -> None:
    ecg = np.zeros(2500, np.float32)
    rows, rr_s = cut_beats(ecg, 250.0, np.array([1.0, 1.5, 3.0, 4.0, 9.9]))
    assert len(rows) == len(rr_s) == 2

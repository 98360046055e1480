"""Beats of one person with the shapes of another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_nights import detected, recording_of, simulated

from holter2sleep.evaluate.ec57 import compare_beats
from holter2sleep.io import read_recording
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.night import Beats, EpochGrid, Recording, Source
from holter2sleep.training import semi_synthetic_nights
from holter2sleep.training.mitdb import DS2
from holter2sleep.training.noise_stress import gain_for
from holter2sleep.training.semi_synthetic import aligned, cut_beats, laid_out
from holter2sleep.training.semi_synthetic_nights import LEVEL_DB, SHAPES, make_nights, subject_of, with_waveforms

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


def test_beats_that_an_annotator_put_beside_their_peaks_are_put_at_one_part_of_the_qrs() -> None:
    fs = 360.0
    peak = np.cumsum(RNG.integers(280, 330, 200)) + 100
    qrs = np.exp(-((np.arange(-30, 31) / 4.0) ** 2)) - 0.3 * np.exp(-(((np.arange(-30, 31) - 9) / 4.0) ** 2))
    ecg = np.zeros(peak[-1] + 400, np.float32)
    ecg[peak[:, None] + np.arange(-30, 31)] = qrs
    ecg += RNG.normal(0, 0.02, len(ecg)).astype(np.float32)
    annotated_s = (peak + RNG.integers(-4, 5, len(peak))) / fs
    off = np.round(aligned(ecg, fs, annotated_s) * fs) - peak
    assert np.ptp(off) <= 1
    assert np.abs(off).max() <= 4
    assert np.ptp(np.round(annotated_s * fs) - peak) == 8


def test_a_beat_lies_between_samples_where_it_was_put() -> None:
    fs, width_s = 360.0, 0.012
    peak_s = 1.0 + np.cumsum(RNG.uniform(0.8, 1.0, 300))  # at any place between two samples
    at_s = np.arange(round((peak_s[-1] + 1) * fs)) / fs
    ecg = np.exp(-(((at_s[:, None] - peak_s) / width_s) ** 2)).sum(axis=1).astype(np.float32)
    rows, rr_s = cut_beats(ecg, fs, peak_s)
    beat_s = 1.0 + np.cumsum(RNG.uniform(0.8, 1.0, 300))
    found_s = detected(recording_of(laid_out(beat_s, rows, rr_s, fs, RNG), fs)).time_s
    off_s = (found_s[:, None] - beat_s)[np.arange(len(found_s)), np.abs(found_s[:, None] - beat_s).argmin(axis=1)]
    assert len(found_s) == len(beat_s)
    assert np.std(off_s) < 0.0003  # at the nearest samples it would be 0.0008


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


def test_each_man_has_shapes_of_another_that_no_detector_of_ours_was_fitted_on() -> None:
    assert len(set(SHAPES)) == 11
    assert set(SHAPES) <= set(DS2)
    assert subject_of("slp01a") == subject_of("slp01b") != subject_of("slp03")


@pytest.mark.slow
@pytest.mark.realdata
def test_a_night_made_of_two_people_has_the_beats_of_one_and_noise_of_the_level(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [shared_data / name for name in ("slpdb", "mitdb", "nstdb")]
    first, again = (next(make_nights(*folders, seed=0)) for _ in range(2))
    assert np.array_equal(np.asarray(first.recording.ecg), np.asarray(again.recording.ecg))
    monkeypatch.setattr(semi_synthetic_nights, "LEVEL_DB", 200.0)
    clean = np.asarray(next(make_nights(*folders, seed=0)).recording.ecg, np.float64)
    noise = np.asarray(first.recording.ecg, np.float64) - clean
    beats = read_recording(folders[0] / "slp01a.ecg").given_beats
    assert gain_for(clean, beats.time_s, noise, 360.0, LEVEL_DB) == pytest.approx(1, abs=0.01)
    semi_synthetic_nights.write_night(tmp_path, first, folders[0] / "slp01a.ecg")
    written = read_recording(tmp_path / "slp01a.edf")
    found = Beats.at(detected(written).time_s)
    matrix = compare_beats(beats, found, duration_s=written.duration_s)
    missed, extra = matrix.count("NSVFQ", "OX"), matrix.count("OX", "NSVFQ")
    assert max(missed, extra) < 0.01 * matrix.count("NSVFQ", "NSVFQ")
    scored, _ = read_hypnogram(tmp_path / "slp01a.hypnogram.csv", EpochGrid.covering(written.duration_s), None)
    assert (scored.stage == first.hypnogram.stage).all()


@pytest.mark.realdata
def test_each_night_of_beats_has_the_next_persons_shapes_and_noise_of_its_own(
    shared_data: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats = Beats.at(np.arange(1.0, 299.0, 0.8))
    nights = [Recording(name, Source(name, "beats", ""), 300.0, None, given_beats=beats) for name in "ab"]
    with caplog.at_level("INFO"):
        first, second = with_waveforms(nights, shared_data / "mitdb", shared_data / "nstdb", seed=2)
    assert {f"a with the shapes of {SHAPES[2]}", f"b with the shapes of {SHAPES[3]}"} <= set(caplog.messages)
    assert first.given_beats is second.given_beats is None
    assert first.duration_s == 300.0
    found = detected(first).time_s
    matrix = compare_beats(beats, Beats.at(found), duration_s=300.0)
    assert matrix.count("NSVFQ", "OX") + matrix.count("OX", "NSVFQ") < 5
    monkeypatch.setattr(semi_synthetic_nights, "SHAPES", SHAPES[:1])
    first, second = with_waveforms(nights, shared_data / "mitdb", shared_data / "nstdb", seed=2)
    assert not np.array_equal(np.asarray(first.ecg), np.asarray(second.ecg))  # the same beats and shapes, other noise

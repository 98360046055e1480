"""Hum of the mains against what was planted."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from holter2sleep.audit.facts import Scale
from holter2sleep.audit.hum import Hum, hum
from holter2sleep.audit.judge import signal_findings
from holter2sleep.audit.looked import look
from holter2sleep.audit.measures import signal_figures
from holter2sleep.io import read_recording
from tests.made_nights import RECIPE, recording_of, simulated

FS_HZ = 256.0


def noise_with(line_hz: float, fs: float, amplitude_uv: float, part: float = 1.0) -> np.ndarray:
    """Ten minutes of noise; the line is there for the first part of them."""
    time_s = np.arange(round(600 * fs)) / fs
    line = amplitude_uv / 1000 * np.sin(2 * np.pi * line_hz * time_s) * (time_s < 600 * part)
    return (0.01 * np.random.default_rng(0).standard_normal(len(time_s)) + line).astype(np.float32)


def found_in(ecg: np.ndarray, fs: float) -> Hum:
    found = hum([ecg], fs)
    assert found is not None
    return found


@pytest.mark.parametrize(("line_hz", "amplitude_uv"), [(50.0, 30.0), (60.0, 30.0), (50.3, 200.0)])
def test_hum_is_found_with_its_frequency_and_amplitude(line_hz: float, amplitude_uv: float) -> None:
    found = found_in(noise_with(line_hz, FS_HZ, amplitude_uv), FS_HZ)
    assert found.mains_hz == found.seen_hz == round(line_hz, -1)
    assert found.amplitude_uv == pytest.approx(amplitude_uv, rel=0.1)
    assert found.share == 1.0


@pytest.mark.parametrize("fs", [125.0, 128.0])
def test_sixty_hertz_is_found_just_below_half_the_rate(fs: float) -> None:
    found = found_in(noise_with(60.0, fs, 100.0), fs)
    assert found.mains_hz == 60
    assert found.amplitude_uv == pytest.approx(100, rel=0.1)
    assert hum([noise_with(60.0, fs, 0.0)], fs) is None


@pytest.mark.parametrize(
    ("line_hz", "fs", "seen_hz"), [(60.0, 100.0, 40.0), (50.0, 64.0, 14.0), (50.0, 90.0, 40.0), (60.0, 80.0, 20.0)]
)
def test_a_line_above_half_the_rate_is_found_where_sampling_folds_it(line_hz: float, fs: float, seen_hz: float) -> None:
    found = found_in(noise_with(line_hz, fs, 50.0), fs)
    assert (found.mains_hz, found.seen_hz) == (line_hz, pytest.approx(seen_hz))
    assert found.amplitude_uv == pytest.approx(50.0, rel=0.1)


def test_hum_for_part_of_the_time_is_told_with_its_share() -> None:
    found = found_in(noise_with(50.0, FS_HZ, 80.0, part=0.3), FS_HZ)
    assert found.mains_hz == 50
    assert found.share == pytest.approx(0.3, abs=0.1)
    assert found.amplitude_uv == pytest.approx(80.0, rel=0.1)


@pytest.mark.parametrize(("fs", "expected"), [(256.0, "50 Hz, "), (64.0, "50 Hz folded to 14 Hz")])
def test_the_finding_says_what_was_folded_and_how_often(fs: float, expected: str) -> None:
    ecg = noise_with(50.0, fs, 300.0, part=0.4)
    recording = recording_of(ecg, fs)
    signal = signal_figures(recording, look(recording, RECIPE))
    told = {found.id: found.found for found in signal_findings(signal, Scale(), 600.0, 0.0)}
    assert expected in told["mains_strong"]
    assert "of the minutes" in told["mains_strong"]
    steady = dataclasses.replace(signal, mains_share=1.0)
    told = {found.id: found.found for found in signal_findings(steady, Scale(), 600.0, 0.0)}
    assert "of the minutes" not in told["mains_strong"]


@pytest.mark.parametrize("fs", [64.0, 100.0, 128.0, 256.0])
def test_a_clean_lead_noise_and_silence_have_no_hum(fs: float) -> None:
    assert hum([np.asarray(simulated("clean", hours=0.2, fs=fs).recording.ecg[:])], fs) is None
    assert hum([np.random.default_rng(0).standard_normal(200_000).astype(np.float32)], fs) is None
    assert hum([np.zeros(200_000, np.float32)], fs) is None
    assert hum([], fs) is None


def test_a_heart_that_beats_like_a_clock_is_no_folded_hum() -> None:
    beat = np.zeros(64)
    beat[20:26] = [0.1, 0.5, 1.0, 0.4, -0.2, -0.1]
    for fs in (64.0, 90.0, 100.0):
        ecg = np.tile(beat, 600) + np.random.default_rng(0).normal(0, 0.005, 64 * 600)
        assert hum([ecg.astype(np.float32)], fs) is None


@pytest.mark.realdata
@pytest.mark.parametrize("fs", [64, 100])
def test_real_leads_resampled_below_the_mains_have_no_folded_hum(shared_data: Path, fs: int) -> None:
    for path in sorted((shared_data / "mitdb").glob("*.hea"))[::6]:
        recording = read_recording(path)
        assert recording.ecg is not None
        assert recording.fs == 360.0
        ecg = resample_poly(recording.ecg[:], fs, 360).astype(np.float32)
        assert hum([ecg], float(fs)) is None, path.name

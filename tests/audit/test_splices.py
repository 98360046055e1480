"""Samples left out without a mark are found where the joint shows, and whole recordings show none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from holter2sleep.audit.splices import SURE, splices
from holter2sleep.io import read_recording
from tests.made_nights import simulated

RATES_HZ = (128.0, 256.0, 500.0, 1000.0)


def lead_of(fs: float) -> np.ndarray:
    """Twelve minutes of a clean lead in steps of 1 uV."""
    return np.round(np.asarray(simulated("clean", hours=0.2, fs=fs).recording.ecg[:]), 3).astype(np.float32)


def cut(ecg: np.ndarray, at: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The lead without `n` samples from each place on, and the last sample before each joint."""
    kept = np.ones(len(ecg), bool)
    kept[at[:, None] + np.arange(n)] = False
    return ecg[kept], at - 1 - n * np.arange(len(at))


@pytest.mark.parametrize("fs", RATES_HZ)
@pytest.mark.parametrize("lost_s", [0.1, 0.5])
def test_a_good_part_of_cuts_is_found_to_the_sample_whatever_the_rate(fs: float, lost_s: float) -> None:
    ecg = lead_of(fs)
    at = np.arange(10, 700, 7) * round(fs) + np.random.default_rng(0).integers(0, round(fs), len(range(10, 700, 7)))
    broken, joints = cut(ecg, at, round(lost_s * fs))
    found, score = splices(broken, fs)
    assert np.isin(joints, found).mean() > (0.2 if fs < 200 else 0.3)
    assert np.isin(found, joints).all()
    assert (score > SURE).any()


@pytest.mark.parametrize("fs", RATES_HZ)
def test_a_whole_lead_has_no_joint(fs: float) -> None:
    assert len(splices(lead_of(fs), fs)[0]) == 0


@pytest.mark.parametrize("fs", [128.0, 256.0])
def test_a_cut_that_turns_the_phase_of_the_hum_shows_on_a_quiet_baseline(fs: float) -> None:
    time_s = np.arange(round(300 * fs)) / fs
    noise = np.random.default_rng(0).normal(0, 0.003, len(time_s))
    ecg = (noise + 0.1 * np.sin(2 * np.pi * 50 * time_s)).astype(np.float32)
    at = np.array([50, 120, 200]) * round(fs)
    half_a_wave = next(n for n in range(1, 60) if abs((50 * n / fs) % 1 - 0.5) < 0.1)
    broken, joints = cut(ecg, at, half_a_wave)
    assert np.isin(splices(broken, fs)[0], joints).all()
    assert len(splices(broken, fs)[0]) >= 1
    assert len(splices(ecg, fs)[0]) == 0


def test_cut_off_waves_spikes_bursts_and_noise_are_no_joints() -> None:
    ecg, rng = lead_of(256.0), np.random.default_rng(0)
    clipped = np.clip(ecg, -0.1, 0.4 * ecg.max())
    spiked = ecg.copy()
    spiked[5_000::9_000] += 3.0
    burst = ecg.copy()
    burst[40_000:41_000] += rng.normal(0, 1.0, 1_000).astype(np.float32)
    for made in (clipped, spiked, burst, rng.normal(0, 1.0, 200_000).astype(np.float32)):
        assert len(splices(made, 256.0)[0]) == 0


@pytest.mark.parametrize("made", [np.zeros(0), np.zeros(20_000), np.full(20_000, np.nan), np.arange(30.0)])
def test_without_a_signal_there_is_no_joint(made: np.ndarray) -> None:
    assert len(splices(made.astype(np.float32), 256.0)[0]) == 0


def test_the_border_of_missing_samples_is_no_joint() -> None:
    ecg = lead_of(256.0)
    ecg[20_000:20_500] = np.nan
    ecg[20_500:] += 2.0
    assert len(splices(ecg, 256.0)[0]) == 0


@pytest.mark.realdata
@pytest.mark.parametrize("folder", ["mitdb", "mimic_perform_af", "cpsc2021", "svdb"])
def test_no_real_recording_has_enough_joints_to_be_told(shared_data: Path, folder: str) -> None:
    for path in sorted((shared_data / folder).glob("*.hea"))[::3]:
        recording = read_recording(path)
        assert recording.ecg is not None
        assert recording.fs is not None
        found, score = splices(recording.ecg[:], recording.fs)
        assert len(found) < 3, path.name
        assert not (score > SURE).any(), path.name

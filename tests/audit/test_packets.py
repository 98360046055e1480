"""Planted packet faults are found where they were planted, and clean recordings have none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from holter2sleep.audit.packets import held_packets, repeated_blocks, steps
from holter2sleep.heart.detect import detect_beats
from holter2sleep.heart.faults import find_faults
from holter2sleep.io import read_recording
from tests.made_nights import RECIPE, simulated

FS_HZ = 256.0


@pytest.fixture(scope="module")
def lead() -> np.ndarray:
    """Ten minutes of a synthetic night as a recorder stores them, in steps of 1 uV."""
    return np.round(np.asarray(simulated("healthy", hours=0.2).recording.ecg[: round(600 * FS_HZ)]), 3)


@pytest.fixture(scope="module")
def beat_s() -> np.ndarray:
    night = simulated("healthy", hours=0.2)
    return night.beats.time_s[night.beats.time_s < 590]


@pytest.mark.parametrize("length_s", [0.25, 0.5, 2.0])
@pytest.mark.parametrize("lag_s", [0.5, 2.0, 9.5])
def test_a_packet_sent_twice_is_found_to_the_sample(
    lead: np.ndarray, beat_s: np.ndarray, length_s: float, lag_s: float
) -> None:
    ecg, n, lag = lead.copy(), round(length_s * FS_HZ), round(max(lag_s, length_s) * FS_HZ)
    at = np.round(beat_s[[80, 200, 400]] * FS_HZ).astype(int) - 30  # each holds an R wave: a quiet one is flat
    for first in at:
        ecg[first + lag : first + lag + n] = ecg[first : first + n]
    copies = repeated_blocks(ecg, FS_HZ)
    for first in at:
        hit = [copy for copy in copies if copy.first <= first and copy.last >= first + n and copy.lag == lag]
        assert len(hit) == 1, f"{length_s} s after {lag_s} s"
        assert hit[0].last - hit[0].first <= n + 8, "chance may add a sample or two"
    assert len(copies) == len(at)


def test_a_copy_of_a_flat_stretch_is_none(lead: np.ndarray) -> None:
    ecg = lead.copy()
    ecg[30_000:33_000] = 0.1
    ecg[50_000:53_000:2] = 0.1
    ecg[50_001:53_000:2] = 0.101
    assert repeated_blocks(ecg, FS_HZ) == []


def test_coarse_beats_on_a_dead_baseline_are_no_copies() -> None:
    beat = np.zeros(250)
    beat[100:120] = [1, 2, 1, 3, 4, 8, 15, 24, 12, 6, 3, -5, -8, -6, -3, -1, 1, 2, 3, 1]  # counts of 40 uV
    ecg = (0.04 * np.tile(beat, 300)).astype(np.float32)
    ecg[:: 250 * 7] += 0.04
    assert repeated_blocks(ecg, 250.0) == []


def test_a_copy_that_comes_later_than_soon_is_not_looked_for(lead: np.ndarray) -> None:
    ecg = lead.copy()
    ecg[60_000:60_500] = ecg[20_000:20_500]
    assert repeated_blocks(ecg, FS_HZ) == []


def test_missing_samples_are_no_copies(lead: np.ndarray) -> None:
    ecg = lead.copy()
    ecg[10_000:20_000] = np.nan
    assert repeated_blocks(ecg, FS_HZ) == []
    assert held_packets(ecg, FS_HZ) is None


@pytest.mark.parametrize("filling", ["held", "zero"])
def test_lost_packets_of_one_length_are_found(lead: np.ndarray, filling: str) -> None:
    ecg, n = lead.copy(), 80
    at = np.arange(5_000, 150_000, 14_000)
    for first in at:
        ecg[first : first + n] = ecg[first - 1] if filling == "held" else 0.0
    held = held_packets(ecg, FS_HZ)
    assert held is not None
    assert abs(held.n_samples - (n + 1 if filling == "held" else n)) <= 1
    assert len(held.first) >= 0.9 * len(at)
    assert held.zero_filled == (filling == "zero")


def test_stretches_of_many_lengths_are_no_lost_packets(lead: np.ndarray) -> None:
    ecg = lead.copy()
    for i, first in enumerate(range(5_000, 150_000, 14_000)):
        ecg[first : first + 60 + 17 * i] = ecg[first - 1]
    assert held_packets(ecg, FS_HZ) is None


def test_a_few_alike_among_many_others_are_no_lost_packets(lead: np.ndarray) -> None:
    ecg = lead.copy()
    lengths = [80, 80, 80, *range(100, 240, 17)]
    for length, first in zip(lengths, range(5_000, 150_000, 10_000), strict=False):
        ecg[first : first + length] = ecg[first - 1]
    assert held_packets(ecg, FS_HZ) is None


def test_steps_are_found_where_samples_shift_the_level(lead: np.ndarray, beat_s: np.ndarray) -> None:
    ecg = lead.copy()
    between = np.array([round((beat_s[i] + 0.5 * (beat_s[i + 1] - beat_s[i])) * FS_HZ) for i in (50, 200, 400)])
    for k, first in enumerate(between):
        ecg[first:] += 3.0 * (-1) ** k
    found = steps(ecg, FS_HZ, beat_s)
    assert (np.abs(found[:, None] - between) <= 1).any(axis=0).all()
    assert len(found) == len(between)


def test_a_single_spike_is_no_step(lead: np.ndarray, beat_s: np.ndarray) -> None:
    ecg = lead.copy()
    ecg[40_000::9_000] += 4.0
    assert len(steps(ecg, FS_HZ, beat_s)) == 0


def test_a_burst_of_noise_is_no_step(lead: np.ndarray, beat_s: np.ndarray) -> None:
    ecg = lead.copy()
    ecg[40_000:40_400] += np.cumsum(np.random.default_rng(0).normal(0, 2.0, 400)).astype(np.float32)
    ecg[40_400:] += ecg[40_399] - ecg[40_400]
    assert len(steps(ecg, FS_HZ, beat_s)) == 0


def test_a_clean_night_has_none_of_it(lead: np.ndarray, beat_s: np.ndarray) -> None:
    assert repeated_blocks(lead, FS_HZ) == []
    assert held_packets(lead, FS_HZ) is None
    assert len(steps(lead, FS_HZ, beat_s)) == 0


@pytest.mark.realdata
@pytest.mark.parametrize("folder", ["mitdb", "mimic_perform_af"])
def test_real_recordings_without_packets_raise_no_alarm(shared_data: Path, folder: str) -> None:
    paths = sorted((shared_data / folder).glob("*.hea"))[::5]  # the others were looked at once: none either
    assert paths
    for path in paths:
        recording = read_recording(path)
        assert recording.ecg is not None
        assert recording.fs is not None
        ecg = recording.ecg[:]
        assert repeated_blocks(ecg, recording.fs) == [], path.name
        assert held_packets(ecg, recording.fs) is None, path.name
        beats = detect_beats(recording, find_faults(recording, RECIPE.faults), RECIPE.beats)
        assert len(steps(ecg, recording.fs, beats.time_s)) < 3, path.name  # fewer are not told

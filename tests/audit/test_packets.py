"""Planted packet faults are found where they were planted, and clean recordings have none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from holter2sleep.audit.holds import held_packets
from holter2sleep.audit.packets import repeated_blocks, steps
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


@pytest.mark.parametrize(("n", "is_found"), [(500, True), (100, False)])
def test_a_copy_that_comes_later_is_found_when_it_is_long_enough(lead: np.ndarray, n: int, is_found: bool) -> None:
    ecg = lead.copy()
    ecg[100_000 : 100_000 + n] = ecg[20_000 : 20_000 + n]
    assert bool(repeated_blocks(ecg, FS_HZ)) == is_found


def test_a_short_packet_sent_twice_in_a_row_is_found(lead: np.ndarray, beat_s: np.ndarray) -> None:
    ecg, n = lead.copy(), round(0.16 * FS_HZ)
    at = np.round(beat_s[[80, 200, 400]] * FS_HZ).astype(int) - 20
    for first in at:
        ecg[first + n : first + 2 * n] = ecg[first : first + n]
    copies = repeated_blocks(ecg, FS_HZ)
    assert [copy.lag for copy in copies] == [n] * 3
    assert np.abs([copy.first - first for copy, first in zip(copies, at, strict=True)]).max() <= 8


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
    assert abs(np.median(held.length) - (n + 1 if filling == "held" else n)) <= 1
    assert len(held.first) >= 0.9 * len(at)
    assert held.zero_filled == (filling == "zero")


def test_lost_packets_of_multiples_of_one_length_are_found(lead: np.ndarray) -> None:
    ecg = lead.copy()
    at = np.arange(5_000, 150_000, 9_000)
    for i, first in enumerate(at):
        n = 64 * (1 + i % 3)
        ecg[first : first + n] = ecg[first - 1]
    held = held_packets(ecg, FS_HZ)
    assert held is not None
    assert len(held.first) >= 0.9 * len(at)
    assert set(np.round(held.length / 64).tolist()) == {1.0, 2.0, 3.0}


@pytest.mark.parametrize("step_mv", [0.001, 0.005, 0.02])
def test_lost_packets_of_any_length_are_found_in_a_part_of_the_signal_that_moves(step_mv: float) -> None:
    made = simulated("healthy", hours=0.2)
    ecg = (np.round(np.asarray(made.recording.ecg[:]) / step_mv) * step_mv).astype(np.float32)
    at = np.round(made.beats.time_s[20:300:20] * FS_HZ).astype(int) - 8  # in the rise of the QRS complex
    for i, first in enumerate(at):
        ecg[first : first + 30 + 7 * i] = ecg[first - 1]
    held = held_packets(ecg, FS_HZ)
    assert held is not None
    assert len(held.first) >= 5
    assert all(np.abs(first - at).min() <= 2 for first in held.first)


@pytest.mark.parametrize("step_mv", [0.001, 0.005, 0.02, 0.04, 0.1])
@pytest.mark.parametrize("name", ["clean", "healthy"])
def test_a_coarse_lead_that_stands_still_by_itself_holds_nothing(name: str, step_mv: float) -> None:
    ecg = np.asarray(simulated(name, hours=0.2).recording.ecg[:])
    held = held_packets((np.round(ecg / step_mv) * step_mv).astype(np.float32), FS_HZ)
    assert held is None or len(held.first) < 3  # fewer are not told


@pytest.mark.parametrize("ecg", [np.zeros(0), np.zeros(5_000), np.full(5_000, np.nan), np.arange(20.0)])
def test_without_a_signal_nothing_is_held(ecg: np.ndarray) -> None:
    assert held_packets(ecg.astype(np.float32), FS_HZ) is None


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

"""Seconds without signal are found, and asystole is not taken for a lost lead."""

from __future__ import annotations

import numpy as np
import pytest
from made_nights import RECIPE, recording_of

from holter2sleep.heart.faults import Faults, find_faults
from holter2sleep.night import Beats, Flag, Recording, Source
from holter2sleep.spans import duration

FS = 250.0


def signal(seconds: float, fs: float = FS) -> np.ndarray:
    """A lead with a deflection of 1 mV every 0.8 s and a little noise."""
    time_s = np.arange(int(seconds * fs)) / fs
    beats = np.exp(-(((time_s % 0.8) - 0.4) ** 2) / (2 * 0.012**2))
    return (beats + np.random.default_rng(0).normal(0, 0.01, len(time_s))).astype(np.float32)


def found(ecg: np.ndarray, fs: float = FS) -> Faults:
    return find_faults(recording_of(ecg, fs), RECIPE.faults)


def test_a_good_signal_has_no_fault() -> None:
    assert not found(signal(60)).flags.any()


def test_a_second_of_nan_is_missing_and_its_neighbours_are_not() -> None:
    ecg = signal(60)
    ecg[2500:2750] = np.nan
    faults = found(ecg)
    assert faults.flags.nonzero()[0].tolist() == [10]
    assert faults.flags[10] == Flag.MISSING
    assert faults.spans.tolist() == [[10.0, 11.0]]


@pytest.mark.parametrize(("lost", "is_missing"), [(0.1, False), (0.3, True)])
def test_a_second_is_missing_when_more_than_a_fifth_of_it_is(lost: float, is_missing: bool) -> None:
    ecg = signal(30)
    ecg[2500 : 2500 + int(lost * FS)] = np.nan
    assert bool(found(ecg).flags[10]) is is_missing


@pytest.mark.parametrize(("flat_s", "is_fault"), [(3.0, False), (4.0, False), (5.0, True), (30.0, True)])
def test_a_flat_line_is_a_lost_lead_only_when_longer_than_asystole(flat_s: float, is_fault: bool) -> None:
    ecg = signal(90)
    ecg[5000 : 5000 + int(flat_s * FS)] = 0.0
    faults = found(ecg)
    assert duration(faults.spans) == (flat_s if is_fault else 0.0)
    assert set(faults.flags.tolist()) <= {0, int(Flag.FLAT)}


def test_flat_at_any_offset_is_flat() -> None:
    ecg = signal(60)
    ecg[5000:7500] = -4.7
    assert found(ecg).spans.tolist() == [[20.0, 30.0]]


def test_an_amplifier_at_its_rail_is_saturated() -> None:
    ecg = signal(60)
    ecg[5000:5500] += np.linspace(0, 30, 500, dtype=np.float32)
    np.clip(ecg, -5.0, 5.0, out=ecg)
    faults = found(ecg)
    assert faults.spans.tolist() == [[20.0, 22.0]]
    assert (faults.flags[20:22] & Flag.SATURATED > 0).all()


def test_a_tall_r_wave_touches_the_highest_value_without_being_saturated() -> None:
    ecg = signal(60)
    ecg[::5000] = 9.0
    assert not found(ecg).flags.any()


def test_a_record_without_a_single_sample_is_missing_throughout() -> None:
    faults = found(np.full(2500, np.nan))
    assert faults.spans.tolist() == [[0.0, 10.0]]
    assert (faults.flags == Flag.MISSING).all()


def test_the_last_second_may_be_cut_short() -> None:
    ecg = signal(10.4)
    assert not found(ecg).flags.any()
    ecg[2500:] = np.nan
    assert found(ecg).spans.tolist() == [[10.0, 10.4]]


@pytest.mark.parametrize("fs", [62.5, 128.0, 199.8, 250.5, 1000 / 3])
def test_a_lost_hour_is_found_where_it_is_at_any_sampling_rate(fs: float) -> None:
    ecg = np.tile(signal(60, fs), 90)
    first, last = int(3600 * fs), int(4800 * fs)
    ecg[first:last] = np.nan
    spans = found(ecg, fs).spans
    np.testing.assert_allclose(spans, [[first / fs, last / fs]], atol=1.0)


def test_a_beat_file_has_no_faults() -> None:
    recording = Recording("x", Source("x", "x", "0"), 99.5, None, given_beats=Beats.at([1.0, 2.0]))
    faults = find_faults(recording, RECIPE.faults)
    assert len(faults.flags) == 100
    assert len(faults.spans) == 0

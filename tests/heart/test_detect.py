"""Beats are found where they were planted, whatever the lead, the rate and the faults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sleepecg
from made_nights import RECIPE, analysed, detected, recording_of, recording_of_beats, simulated

from holter2sleep.analyze import analyze_night
from holter2sleep.errors import NotEnoughSignal
from holter2sleep.evaluate.ec57 import BeatMatrix, compare_beats, gross, match_beats
from holter2sleep.evaluate.rhythms import read_rhythm_spans
from holter2sleep.heart.detect import Detection, detect_beats, is_inverted
from holter2sleep.heart.faults import find_faults
from holter2sleep.io import read_recording
from holter2sleep.io.beatfiles import read_beats
from holter2sleep.night import Beats, Recording
from holter2sleep.simulate import SyntheticNight
from holter2sleep.spans import as_spans, contains

HALF_HOUR = {"hours": 0.5, "bursts_per_hour": 0.0}


@pytest.fixture(scope="module")
def truth() -> SyntheticNight:
    return simulated("healthy", **HALF_HOUR)


@pytest.fixture(scope="module")
def found(truth: SyntheticNight) -> Detection:
    return detected(truth.recording)


def samples(recording: Recording) -> np.ndarray:
    assert recording.ecg is not None
    return np.array(recording.ecg)


def with_samples(recording: Recording, ecg: np.ndarray) -> Detection:
    return detected(recording.but(ecg=ecg.astype(np.float32)))


def errors_s(truth: SyntheticNight, detection: Detection) -> np.ndarray:
    """Errors of time, after showing that both lists hold the same beats."""
    assert len(detection.time_s) == len(truth.beats)
    pairs = match_beats(truth.beats.time_s, detection.time_s)
    assert len(pairs) == len(truth.beats)
    return detection.time_s - truth.beats.time_s


# --- planted beats ---------------------------------------------------------------------------------


def test_every_beat_is_found_and_none_invented_to_half_a_sample(truth: SyntheticNight, found: Detection) -> None:
    error_samples = np.abs(errors_s(truth, found)) * truth.plan.fs
    assert np.median(error_samples) < 0.5
    assert error_samples.max() < 1.0


@pytest.mark.parametrize("fs", [100.0, 128.0, 250.5, 500.0, 1000.0])
def test_any_sampling_rate_will_do(fs: float) -> None:
    truth = simulated("healthy", **{**HALF_HOUR, "hours": 0.25, "fs": fs})
    assert np.median(np.abs(errors_s(truth, detected(truth.recording)))) < 0.001
    assert np.abs(errors_s(truth, detected(truth.recording))).max() < 0.003


@pytest.mark.parametrize("stretch_s", [60.0, 300.0, 5000.0])
def test_the_length_of_a_stretch_does_not_change_the_beats_of_a_clean_night(
    truth: SyntheticNight, found: Detection, stretch_s: float
) -> None:
    other = detected(truth.recording, stretch_s=stretch_s)
    np.testing.assert_array_equal(other.time_s, found.time_s)
    np.testing.assert_array_equal(other.amplitude_mv, found.amplitude_mv)


@pytest.mark.parametrize("scale", [0.2, 5.0])
def test_a_small_or_large_lead_gives_the_same_beats(truth: SyntheticNight, found: Detection, scale: float) -> None:
    other = with_samples(truth.recording, scale * samples(truth.recording))
    np.testing.assert_allclose(other.time_s, found.time_s, atol=1e-6)
    np.testing.assert_allclose(other.amplitude_mv, scale * found.amplitude_mv, rtol=1e-4)


def test_an_offset_of_the_amplifier_changes_nothing(truth: SyntheticNight, found: Detection) -> None:
    other = with_samples(truth.recording, samples(truth.recording) - 4.0)
    np.testing.assert_allclose(other.time_s, found.time_s, atol=1e-5)
    np.testing.assert_allclose(other.amplitude_mv, found.amplitude_mv, atol=1e-4)


def test_a_baseline_that_wanders_by_two_millivolts_moves_no_beat(truth: SyntheticNight, found: Detection) -> None:
    ecg = samples(truth.recording)
    wander = np.sin(2 * np.pi * 0.2 * np.arange(len(ecg)) / truth.plan.fs)
    other = with_samples(truth.recording, ecg + wander)
    np.testing.assert_allclose(other.time_s, found.time_s, atol=0.001)


def test_the_amplitude_is_the_height_of_the_r_wave(truth: SyntheticNight, found: Detection) -> None:
    ecg = np.nan_to_num(samples(truth.recording))
    at_peak = ecg[np.round(found.time_s * truth.plan.fs).astype(int)]
    assert np.median(np.abs(found.amplitude_mv - at_peak)) < 0.1  # the lead's baseline wanders about zero


# --- polarity --------------------------------------------------------------------------------------


def test_an_inverted_lead_gives_the_same_beats_and_is_known(truth: SyntheticNight, found: Detection) -> None:
    other = with_samples(truth.recording, -samples(truth.recording))
    np.testing.assert_array_equal(other.time_s, found.time_s)
    np.testing.assert_array_equal(other.amplitude_mv, -found.amplitude_mv)
    assert is_inverted(other, RECIPE.beats)
    assert not is_inverted(found, RECIPE.beats)


def test_the_night_of_an_inverted_lead_is_that_of_the_upright_one() -> None:
    upright, inverted = (analysed("short", polarity=polarity) for polarity in (1, -1))
    assert (upright.recording.polarity, inverted.recording.polarity) == (1, -1)
    assert any("inverted" in warning for warning in inverted.warnings)
    assert not any("inverted" in warning for warning in upright.warnings)
    for name in ("time_s", "label", "amplitude_mv", "usable"):
        np.testing.assert_array_equal(getattr(inverted.beats, name), getattr(upright.beats, name))


# --- faults ----------------------------------------------------------------------------------------


def test_missing_samples_silence_their_own_seconds_only(truth: SyntheticNight, found: Detection) -> None:
    ecg = samples(truth.recording)
    ecg[:: round(10 * truth.plan.fs)] = np.nan  # one every ten seconds: enough to silence a detector for a night
    ecg[round(500 * truth.plan.fs) : round(520 * truth.plan.fs)] = np.nan
    other = with_samples(truth.recording, ecg)
    outside = (found.time_s < 500) | (found.time_s >= 520)
    np.testing.assert_allclose(other.time_s, found.time_s[outside], atol=0.01)


@pytest.mark.parametrize("value", [0.0, -3.3, np.nan])
def test_no_beat_lies_in_a_fault(truth: SyntheticNight, value: float) -> None:
    ecg = samples(truth.recording)
    ecg[round(600.25 * truth.plan.fs) : round(900.75 * truth.plan.fs)] = value
    time_s = with_samples(truth.recording, ecg).time_s
    assert not ((time_s > 600.25) & (time_s < 900.75)).any()
    assert len(time_s) == pytest.approx(len(truth.beats) * 5 / 6, rel=0.03)


def test_no_beat_is_drawn_into_a_saturated_second_beside_it(truth: SyntheticNight, found: Detection) -> None:
    ecg, fs = samples(truth.recording), truth.plan.fs
    before_s = np.ceil(found.time_s) - found.time_s
    second = np.ceil(found.time_s[(before_s > 0.02) & (before_s < 0.07)])[::5]
    assert len(second) > 10
    for start_s in second:
        ecg[round(start_s * fs) : round((start_s + 1) * fs)] = 8.0
    time_s = with_samples(truth.recording, ecg).time_s
    assert not contains(as_spans(np.column_stack([second, second + 1])), time_s).any()


@pytest.mark.parametrize("ecg", [np.zeros(25000), np.full(25000, np.nan), np.ones(3), np.r_[1.0, np.nan]])
def test_a_signal_without_any_deflection_has_no_beats(ecg: np.ndarray) -> None:
    found = detected(recording_of(ecg))
    assert (len(found.time_s), len(found.second_s), len(found.amplitude_mv)) == (0, 0, 0)
    assert not is_inverted(found, RECIPE.beats)


def test_a_beat_file_has_nothing_to_detect() -> None:
    assert len(detected(recording_of_beats(Beats.at([1.0, 2.0]))).time_s) == 0


def test_white_noise_is_refused_however_many_beats_a_detector_sees_in_it() -> None:
    noise = recording_of(np.random.default_rng(0).normal(0, 0.3, 250 * 1200))
    assert len(detected(noise).second_s) > 1000
    with pytest.raises(NotEnoughSignal, match=r"made\.edf': \d+ s analysable of 1200 s"):
        analyze_night(noise, RECIPE)


@pytest.mark.parametrize("seed", range(3))
def test_hiss_gives_hardly_a_beat(seed: int) -> None:
    hiss = recording_of(np.random.default_rng(seed).normal(0, 0.3, 250 * 600))
    assert len(detected(hiss).time_s) < 10


def test_a_t_wave_as_high_as_the_r_wave_is_no_beat(truth: SyntheticNight) -> None:
    assert len(with_bumps(truth, after_s=0.28, width_s=0.045, height_mv=1.0).time_s) == len(truth.beats)


@pytest.mark.parametrize("height_mv", [2.0, -2.0])
def test_a_pacing_spike_before_each_beat_is_no_beat_of_its_own(truth: SyntheticNight, height_mv: float) -> None:
    found = with_bumps(truth, after_s=-0.16, width_s=0.0015, height_mv=height_mv)
    pairs = match_beats(truth.beats.time_s, found.time_s)
    assert (len(pairs), len(found.time_s)) == (len(truth.beats),) * 2


def with_bumps(truth: SyntheticNight, after_s: float, width_s: float, height_mv: float) -> Detection:
    """Beats found where a wave of Gaussian shape is added at a distance from each R peak."""
    ecg, fs = samples(truth.recording).astype(np.float64), float(truth.recording.fs or 0)
    reach = round(6 * max(width_s, 1 / fs) * fs)
    for time_s in truth.beats.time_s + after_s:
        at = np.arange(max(0, round(time_s * fs) - reach), min(len(ecg), round(time_s * fs) + reach + 1))
        ecg[at] += height_mv * np.exp(-0.5 * ((at / fs - time_s) / width_s) ** 2)
    return with_samples(truth.recording, ecg)


# --- real leads ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mitdb(shared_data: Path) -> tuple[BeatMatrix, BeatMatrix]:
    """All beats of the first lead of the MIT-BIH records: ours, and SleepECG's on the same samples."""
    ours, theirs = [], []
    for header in sorted((shared_data / "mitdb").glob("*.hea")):
        recording = first_lead(header)
        assert recording.ecg is not None
        assert recording.fs is not None
        detection = detect_beats(recording, find_faults(recording, RECIPE.faults), RECIPE.beats)
        peer_s = sleepecg.detect_heartbeats(np.asarray(recording.ecg, float), recording.fs) / recording.fs
        reference, flutter = (
            read_beats(header.with_suffix(".atr")),
            read_rhythm_spans(header.with_suffix(".atr"), ["VFL"]),
        )
        for matrices, time_s in ((ours, detection.time_s), (theirs, peer_s)):
            matrices.append(
                compare_beats(reference, Beats.at(time_s), duration_s=recording.duration_s, excluded=flutter)
            )
    assert len(ours) == 42
    return gross(ours), gross(theirs)


def first_lead(header: Path) -> Recording:
    """The lead stored first, as the field scores the set."""
    name = header.read_text(encoding="latin-1").splitlines()[1].split()[-1]
    return read_recording(header, channel=name)


@pytest.mark.realdata
def test_mit_bih_beats_are_found_as_the_field_expects(mitdb: tuple[BeatMatrix, BeatMatrix]) -> None:
    measures = mitdb[0].measures()  # measured: 99.92 % and 99.87 %
    assert measures["qrs_sensitivity"] >= 0.998
    assert measures["qrs_positive_predictivity"] >= 0.998


@pytest.mark.realdata
def test_mit_bih_beats_are_found_better_than_by_sleepecg(mitdb: tuple[BeatMatrix, BeatMatrix]) -> None:
    ours, theirs = (matrix.measures() for matrix in mitdb)
    for name in ("qrs_sensitivity", "qrs_positive_predictivity"):
        assert ours[name] > theirs[name]

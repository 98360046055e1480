"""An ECG is told by its signal from everything else that a sleep recording holds."""

from __future__ import annotations

from pathlib import Path

import made_signals as made
import numpy as np
import pytest
import wfdb
from made_signals import FS

from holter2sleep.io.ecg_likeness import TAKEN_FROM, ecg_likeness


@pytest.mark.parametrize("bpm", [35, 50, 70, 110, 160])
def test_an_ecg_of_any_rate_scores_high(bpm: float) -> None:
    found = ecg_likeness(made.ecg(1, bpm), FS)
    assert found.score > 0.7
    assert found.against is None
    assert found.rate_bpm == pytest.approx(bpm, rel=0.12)


def test_unit_offset_and_polarity_change_nothing() -> None:
    ecg = made.ecg(1)
    score = ecg_likeness(ecg, FS).score
    for other in (-ecg, 1e-6 * ecg, 1e6 * ecg, ecg + 300.0):
        assert ecg_likeness(other.astype(np.float32), FS).score == pytest.approx(score, abs=0.02)


@pytest.mark.parametrize("times", [2, 4, 8])
def test_the_rate_of_sampling_changes_little(times: int) -> None:
    ecg = made.ecg(1)
    fine = np.interp(np.arange(len(ecg) * times) / times, np.arange(len(ecg)), ecg)
    assert ecg_likeness(fine, FS * times).score > 0.8


def test_fibrillation_is_an_ecg() -> None:
    rng = np.random.default_rng(3)
    beats_s = np.cumsum(rng.uniform(0.35, 1.1, 400))
    ecg = made.at_beats(beats_s, 0, 0.012, 1.0) + made.at_beats(beats_s, 0.25, 0.05, 0.2)
    assert ecg_likeness(ecg + 0.05 * made.band_noise(4, 4, 9), FS).score > 0.8


def test_wide_beats_are_an_ecg() -> None:
    """Ventricular pacing: 140 ms."""
    beats_s = made.beat_times(5, 70)
    wide = made.at_beats(beats_s, 0, 0.025, 1.0) + made.at_beats(beats_s, 0.06, 0.03, -0.8)
    assert ecg_likeness(wide + made.at_beats(beats_s, 0.33, 0.06, -0.4) + 0.02 * made.emg(1), FS).score >= TAKEN_FROM


OTHERS = {
    "pulse": made.pulse(1),
    "fast pulse": made.pulse(2, 120),
    "respiration": made.respiration(1),
    "EEG": made.eeg(1),
    "EOG": made.eog(1),
    "EMG": made.emg(1),
    "snore": made.snore(1),
    "hum": np.sin(2 * np.pi * 50 * made.times()),
    "hum and noise": np.sin(2 * np.pi * 50 * made.times()) + 0.1 * made.emg(2),
    "alpha": np.sin(2 * np.pi * 10 * made.times()) * (1 + 0.5 * np.sin(made.times())),
    "white noise": np.random.default_rng(1).normal(size=len(made.times())),
    "square wave": np.sign(np.sin(2 * np.pi * made.times() + 0.1)),
    "noisy square wave": np.sign(np.sin(2 * np.pi * made.times() + 0.1)) + 0.02 * made.emg(3),
    "impulses of a generator": ((np.arange(len(made.times())) % 128) < 6).astype(float),
    "identical beats": np.tile(made.ecg(1, noise=0)[:128], 120),
    "SpO2": 95 + np.round(made.respiration(2)),
    "position": np.repeat([1.0, 3.0, 2.0], len(made.times()) // 3),
    "nothing": np.zeros(len(made.times())),
    "missing": np.full(len(made.times()), np.nan),
    "empty": np.empty(0),
    "too short": made.ecg(1)[: int(5 * FS)],
}


@pytest.mark.parametrize("name", OTHERS)
def test_everything_else_scores_low_and_says_why(name: str) -> None:
    found = ecg_likeness(OTHERS[name], FS)
    assert found.score < TAKEN_FROM - 0.1
    assert found.against


def test_stretches_without_samples_are_left_out() -> None:
    ecg = made.ecg(1)
    ecg[: len(ecg) // 2] = np.nan
    assert ecg_likeness(ecg, FS).score > 0.8


def _middle(record: Path, seconds: float) -> tuple[list[str], np.ndarray, float]:
    header = wfdb.rdheader(str(record.with_suffix("")))
    half = round(seconds * header.fs / 2)
    first, last = max(0, header.sig_len // 2 - half), min(header.sig_len, header.sig_len // 2 + half)
    whole = wfdb.rdrecord(str(record.with_suffix("")), sampfrom=first, sampto=last)
    return whole.sig_name, whole.p_signal.T, float(whole.fs)


def test_of_ecg_pulse_and_breathing_of_one_patient_only_the_ecg_is_taken(shared_data: Path) -> None:
    taken: dict[str, list[bool]] = {"ECG": [], "PPG": [], "resp": []}
    for record in sorted((shared_data / "mimic_perform_af").glob("*.hea")):
        labels, signals, fs = _middle(record, 120)
        for label, values in zip(labels, signals, strict=True):
            taken[label.split(",")[0]].append(ecg_likeness(values, fs).score >= TAKEN_FROM)
    assert not any(taken["PPG"])
    assert not any(taken["resp"])
    assert np.mean(taken["ECG"]) >= 0.95


def test_pure_noise_of_electrodes_and_muscles_is_refused(shared_data: Path) -> None:
    for kind in ("em", "ma", "bw"):
        for start in range(0, 1800, 300):
            whole = wfdb.rdrecord(str(shared_data / "nstdb" / kind), sampfrom=360 * start, sampto=360 * (start + 300))
            for values in whole.p_signal.T:
                assert ecg_likeness(values, 360.0).score < TAKEN_FROM, (kind, start)


def test_the_first_lead_of_every_arrhythmia_record_is_an_ecg(shared_data: Path) -> None:
    records = sorted((shared_data / "mitdb").glob("*.hea"))
    scores = {record.stem: ecg_likeness(*_first(record)).score for record in records}
    low = {name for name, score in scores.items() if score < TAKEN_FROM}
    assert low <= {"107"}  # paced, with complexes as wide as a pulse wave's rise


def _first(record: Path) -> tuple[np.ndarray, float]:
    _, signals, fs = _middle(record, 120)
    return signals[0], fs

"""P waves are seen where they are, missed where they are not, and unknown in noise."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_nights import analysed, simulated

from holter2sleep.heart import p_waves as module
from holter2sleep.heart.p_waves import LAG_S, averaged_power, p_waves
from holter2sleep.night import Beats, Recording
from holter2sleep.spans import contains
from holter2sleep.waveform import Waveform

FS = 250.0


def lead(p_mv: float, noise_mv: float, seed: int = 0, n: int = 200) -> tuple[Recording, Beats]:
    """R waves of 1 mV at 60/min with P waves 160 ms before them, and noise."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(n) + 1.0 + rng.uniform(-0.05, 0.05, n)
    at = np.arange(int((n + 2) * FS)) / FS
    ecg = rng.normal(0, noise_mv, len(at))
    for height, offset, width in ((1.0, 0.0, 0.012), (p_mv, -0.16, 0.022)):
        for t in time_s:
            near = slice(int((t - 0.4) * FS), int((t + 0.2) * FS))
            ecg[near] += height * np.exp(-(((at[near] - t - offset) / width) ** 2) / 2)
    beats = Beats.at(time_s).but(amplitude_mv=np.ones(n, np.float32))
    base = simulated("clean", hours=0.1).recording
    return dataclasses.replace(base, ecg=Waveform.of(ecg), fs=FS, duration_s=len(ecg) / FS), beats


def middle(found: module.PWaves) -> tuple[float, float]:
    return float(np.median(found.absent[20:-20])), float(np.median(found.present[20:-20]))


@pytest.mark.parametrize("polarity", [1, -1])
def test_a_p_wave_is_present_whichever_way_it_points(polarity: int) -> None:
    absent, present = middle(p_waves(*lead(0.12 * polarity, 0.02)))
    assert absent == 0.0
    assert present > 1.0


def test_a_clean_lead_without_p_waves_says_so() -> None:
    absent, present = middle(p_waves(*lead(0.0, 0.02)))
    assert absent > 1.0
    assert present == 0.0


@pytest.mark.parametrize("p_mv", [0.0, 0.1])
def test_in_noise_nothing_is_said(p_mv: float) -> None:
    absent, present = middle(p_waves(*lead(p_mv, 1.0)))
    assert absent < 0.1
    assert present < 0.1


def test_a_beat_file_says_nothing() -> None:
    recording, beats = lead(0.1, 0.01, n=50)
    assert p_waves(dataclasses.replace(recording, ecg=None, given_beats=beats), beats) is None


def test_missing_samples_and_no_beats_are_no_error() -> None:
    recording, beats = lead(0.12, 0.02)
    ecg = np.array(recording.ecg)
    ecg[5000:9000] = np.nan
    found = p_waves(recording.but(ecg=Waveform.of(ecg)), beats)
    assert np.isfinite(found.absent + found.present).all()
    assert len(p_waves(recording, Beats.at([])).absent) == 0


def test_beats_looked_at_together_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    recording, beats = lead(0.03, 0.05)
    whole = p_waves(recording, beats)
    monkeypatch.setattr(module, "BATCH", 37)
    parts = p_waves(recording, beats)
    np.testing.assert_allclose(parts.absent, whole.absent, atol=1e-9)
    np.testing.assert_allclose(parts.present, whole.present, atol=1e-9)


def test_of_noise_the_average_keeps_what_chance_leaves() -> None:
    rows = np.random.default_rng(0).normal(0, 1, (4000, len(LAG_S)))
    signal, noise, n = averaged_power(rows, np.ones(4000, bool))
    assert n[100] == 30
    assert signal[50:-50].mean() == pytest.approx(noise[50:-50].mean(), rel=0.05)
    assert noise[50:-50].mean() == pytest.approx(1 / 30, rel=0.02)


def test_in_a_night_p_waves_are_present_in_sinus_rhythm_and_absent_in_fibrillation() -> None:
    changes = {"hours": 3.0, "af": ((0.2, 1200.0), (0.6, 2400.0)), "bursts_per_hour": 0.0}
    truth, night = simulated("af", **changes), analysed("af", **changes)
    found = p_waves(night.recording, night.beats)
    inside = contains(truth.episodes.of("AFIB").spans, night.beats.time_s)
    assert np.median(found.present[~inside]) > 0.3 > np.median(found.present[inside])
    assert np.median(found.absent[inside]) >= np.median(found.absent[~inside])

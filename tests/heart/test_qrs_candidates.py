"""What the networks of the detector are shown, and that they count as the trained ones do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_nights import simulated
from scipy import signal

from holter2sleep.heart.candidates import WORK_HZ, Candidates, find_candidates, in_bands, qrs_height, resampled
from holter2sleep.heart.refine import WEIGHTS, chance_of_beat, taller_side, usual_range
from holter2sleep.heart.second_look import rhythm, second_look
from holter2sleep.heart.sequence_net import chances, logits
from holter2sleep.heart.weights import read_weights
from holter2sleep.training.noise_stress import gain_for, noise_rms
from holter2sleep.training.noise_stress import qrs_height as peak_to_peak
from holter2sleep.training.sequence import Course, Net


def clean_lead() -> tuple[np.ndarray, np.ndarray]:
    """Five minutes at `WORK_HZ`, and when its beats are."""
    truth = simulated("clean", hours=0.2)
    fs = truth.recording.fs
    work = resampled(truth.recording.ecg[: round(300 * fs)], fs)
    beat_s = truth.beats.time_s
    return work, beat_s[beat_s < 300]


def candidates_of(work: np.ndarray) -> Candidates:
    energy, shape = in_bands(work)
    return find_candidates(work, qrs_height(energy), shape)


def test_a_band_is_that_of_a_filter_run_both_ways() -> None:
    work, _ = clean_lead()
    sos = signal.butter(2, (8, 20), "bandpass", fs=WORK_HZ, output="sos")
    expected = signal.sosfiltfilt(sos, work.astype(np.float64)) ** 2
    inside = slice(512, -512)  # the ends are mirrored in other ways
    assert in_bands(work)[0][inside] == pytest.approx(expected[inside], abs=1e-5)


def test_every_beat_is_among_the_candidates_and_gets_a_high_chance() -> None:
    work, beat_s = clean_lead()
    candidates = candidates_of(work)
    nearest = np.abs(candidates.time_s[:, None] - beat_s).argmin(axis=0)
    assert np.abs(candidates.time_s[nearest] - beat_s).max() < 0.1
    chance = chance_of_beat(candidates)
    assert chance[nearest].min() > 0.5
    assert np.delete(chance, nearest).max(initial=0.0) < 0.5


@pytest.mark.parametrize("factor", [1e-3, 40.0])
def test_what_is_seen_does_not_hang_on_the_scale(factor: float) -> None:
    work, _ = clean_lead()
    leads = (x / np.float32(usual_range(x)) for x in (work, np.float32(factor) * work))
    once, again = (candidates_of(x) for x in leads)
    assert again.time_s.tolist() == once.time_s.tolist()
    assert again.patches == pytest.approx(once.patches, abs=1e-3)
    assert again.features == pytest.approx(once.features, abs=2e-2)


@pytest.mark.parametrize("fs", [100.0, 125.0, 128.0, 250.0, 256.0, 360.0, 500.0, 1000.0])
def test_a_second_is_a_second_at_every_rate(fs: float) -> None:
    pulse = np.zeros(round(10 * fs), np.float32)
    pulse[round(5 * fs) - 2 : round(5 * fs) + 3] = 1.0
    work = resampled(pulse, fs)
    assert len(work) == pytest.approx(10 * WORK_HZ, abs=1)
    assert np.argmax(work) / WORK_HZ == pytest.approx(5.0, abs=0.02)


@pytest.mark.parametrize("fs", [127.9, 249.97, 256.001, 256.3, 997.0, 4001.0, 5000.0, 20000.0])
def test_ten_minutes_are_ten_minutes_at_odd_rates(fs: float) -> None:
    pulse = np.exp(-0.5 * ((np.arange(round(600 * fs)) / fs - 599.0) / 0.02) ** 2)
    assert np.argmax(resampled(pulse, fs)) / WORK_HZ == pytest.approx(599.0, abs=0.008)


def test_the_usual_range_looks_past_flat_seconds() -> None:
    wave = np.tile(np.r_[np.zeros(64), np.full(64, 2.0)].astype(np.float32), 10)
    assert usual_range(np.r_[wave, np.zeros(12800, np.float32)]) == 2.0
    assert usual_range(np.zeros(640, np.float32)) == usual_range(np.zeros(3, np.float32)) == 1.0


def test_the_taller_side_turns_with_the_lead() -> None:
    work, _ = clean_lead()
    assert taller_side(work) == -taller_side(-work) == 1.0


def test_no_candidates_no_chances() -> None:
    silent = np.zeros(640, np.float32)
    assert len(chance_of_beat(candidates_of(silent))) == 0


def test_rhythm_expects_a_beat_one_interval_away() -> None:
    time_s = np.arange(0.0, 40.0, 0.8)
    before_after = rhythm(time_s, np.full(len(time_s), 0.99))
    assert before_after[10:-10, :2] == pytest.approx(0.99)
    assert before_after[10:-10, 2] == pytest.approx(np.log(0.8))


def test_numpy_and_torch_give_the_same_logits() -> None:
    weights = read_weights(WEIGHTS)["second"]
    net = Net(17, 33, Course(2, 1, 0))
    state = {name: torch.from_numpy(np.array(weights[name].T)) for name in net.state_dict()}
    net.load_state_dict(state)
    rng = np.random.default_rng(0)
    features, patches = (rng.normal(size=(40, n)).astype(np.float32) for n in (17, 33))
    known = torch.from_numpy((features - weights["mean"]) / weights["sd"])
    with torch.no_grad():
        expected = net.eval()(known[None], torch.from_numpy(patches)[None])[0].numpy()
    assert logits(weights, features, patches) == pytest.approx(expected, abs=1e-4)
    assert chances(expected).sum(axis=1) == pytest.approx(np.ones(40))


def test_second_look_adds_eight_features() -> None:
    work, _ = clean_lead()
    candidates = candidates_of(work)
    assert second_look(candidates, np.full(len(candidates), 0.5)).shape == (len(candidates), 17)


def test_noise_at_a_ratio_has_the_power_it_says() -> None:
    fs, n = 100.0, 60_000
    ecg = np.zeros(n, np.float32)
    beat_s = np.arange(1.0, 590.0)
    ecg[np.round(beat_s * fs).astype(int)] = 2.0  # 2 mV peak to peak: 4 / 8 = 0.5 mV2
    noise = np.tile(np.float32([1, -1]), n // 2)
    assert peak_to_peak(ecg, fs, beat_s) == pytest.approx(2.0)
    assert noise_rms(noise, fs) == pytest.approx(1.0)
    assert gain_for(ecg, beat_s, noise, fs, 0.0) == pytest.approx(np.sqrt(0.5))
    assert gain_for(ecg, beat_s, noise, fs, 20.0) == pytest.approx(np.sqrt(0.5) / 10)

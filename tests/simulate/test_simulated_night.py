"""What is planted in a synthetic night can be found in it."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest

from holter2sleep.night import EpochGrid
from holter2sleep.simulate import PRESETS, NightPlan, SyntheticNight, preset, simulate_night
from holter2sleep.simulate.night import PAUSE_S
from holter2sleep.simulate.signals import band_noise
from holter2sleep.spans import as_spans, contains, covers


@cache
def night(name: str, seed: int = 0) -> SyntheticNight:
    return simulate_night(preset(name), np.random.default_rng(seed))


def made(seed: int = 1, **changes: object) -> SyntheticNight:
    plan = dataclasses.replace(preset("clean"), **{"hours": 2.0, "fs": 128.0, **changes})
    return simulate_night(plan, np.random.default_rng(seed))


def stage_at_beats(night: SyntheticNight) -> np.ndarray:
    return night.hypnogram.stage[night.hypnogram.grid.epoch_of(night.beats.time_s)]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_makes_the_night_it_announces(name: str) -> None:
    synthetic, plan = night(name), preset(name)
    recording = synthetic.recording
    assert recording.ecg is not None
    assert recording.ecg.shape == (round(plan.duration_s * plan.fs),)
    assert recording.duration_s == plan.duration_s
    assert synthetic.hypnogram.grid == EpochGrid.covering(plan.duration_s)
    assert len(synthetic.respiration_rate_bpm) == synthetic.hypnogram.grid.n
    assert 0 < synthetic.beats.time_s[0] < 2
    assert plan.duration_s - 2 < synthetic.beats.time_s[-1] < plan.duration_s
    assert np.isnan(recording.ecg).sum() == round((recording.gaps[:, 1] - recording.gaps[:, 0]).sum() * plan.fs)


def test_the_same_seed_gives_the_same_night_and_another_seed_another() -> None:
    first, again, other = made(seed=3), made(seed=3), made(seed=4)
    assert first.recording.source.sha256 == again.recording.source.sha256
    np.testing.assert_array_equal(first.beats.time_s, again.beats.time_s)
    assert first.recording.source.sha256 != other.recording.source.sha256


def test_noise_changes_neither_beats_nor_sleep() -> None:
    quiet, noisy = made(), made(noise_mv=0.1, wander_mv=0.3, mains_mv=0.05)
    np.testing.assert_array_equal(quiet.beats.time_s, noisy.beats.time_s)
    np.testing.assert_array_equal(quiet.hypnogram.stage, noisy.hypnogram.stage)


@pytest.mark.parametrize(
    "changes", [{}, {"fs": 256.0, "pvc_per_hour": 60.0, "pac_per_hour": 60.0}, {"af": ((0.2, 3600.0),)}]
)
def test_the_true_r_time_lies_within_one_sample_of_the_highest_sample_around_it(changes: dict) -> None:
    synthetic = made(**changes)
    fs, ecg = synthetic.recording.fs, np.asarray(synthetic.recording.ecg)
    window = np.arange(-round(0.06 * fs), round(0.06 * fs) + 1)
    beat = synthetic.beats.time_s[2:-2] * fs
    index = np.rint(beat).astype(int)[:, np.newaxis] + window
    highest = index[np.arange(len(index)), ecg[index].argmax(axis=1)]
    assert np.abs(highest - beat).max() <= 1


def test_an_inverted_lead_is_the_upright_one_turned_over() -> None:
    np.testing.assert_array_equal(made(polarity=-1).recording.ecg, -np.asarray(made().recording.ecg))


def test_heart_rate_falls_from_wake_over_rem_to_n3() -> None:
    synthetic = night("clean")
    rate = 60 / synthetic.beats.rr_s
    stage = stage_at_beats(synthetic)
    wake, rem, n3 = (np.nanmean(rate[stage == name]) for name in ("W", "R", "N3"))
    assert wake > rem + 3 > n3 + 6
    assert np.nanmean(rate[stage == "N2"]) == pytest.approx(60, rel=0.04)


@pytest.mark.parametrize("rmssd_ms", [20.0, 32.0, 60.0])
def test_rmssd_in_n2_is_the_planned_one(rmssd_ms: float) -> None:
    synthetic = made(rmssd_ms=rmssd_ms, hours=4.0)
    in_n2 = stage_at_beats(synthetic) == "N2"
    differences_ms = 1000 * np.diff(synthetic.beats.rr_s)[in_n2[1:] & in_n2[:-1]]
    assert np.sqrt(np.nanmean(differences_ms**2)) == pytest.approx(rmssd_ms, rel=0.08)


def test_the_night_has_n3_early_and_rem_late() -> None:
    stage = night("healthy").hypnogram.stage
    half = len(stage) // 2
    assert (stage[:half] == "N3").sum() > 2 * (stage[half:] == "N3").sum()
    assert (stage[half:] == "R").sum() > 1.5 * (stage[:half] == "R").sum()
    assert set(stage.tolist()) == {"W", "N1", "N2", "N3", "R"}
    assert stage[0] == stage[-1] == "W"


def test_a_ventricular_beat_is_early_and_followed_by_a_full_compensatory_pause() -> None:
    synthetic = made(pvc_per_hour=40.0, rmssd_ms=10.0)
    rr = synthetic.beats.rr_s
    at = np.flatnonzero(synthetic.beats.label == "V")
    at = at[(at > 3) & (at < len(rr) - 2)]
    sinus = rr[at - 1]
    assert len(at) > 50
    assert ((rr[at] / sinus > 0.45) & (rr[at] / sinus < 0.70)).all()
    assert np.median((rr[at] + rr[at + 1]) / sinus) == pytest.approx(2, rel=0.02)


def test_an_atrial_beat_is_early_and_its_pause_is_not_compensatory() -> None:
    synthetic = made(pac_per_hour=40.0, rmssd_ms=10.0)
    rr = synthetic.beats.rr_s
    at = np.flatnonzero(synthetic.beats.label == "S")
    at = at[(at > 3) & (at < len(rr) - 2)]
    assert len(at) > 50
    assert np.median(rr[at] / rr[at - 1]) == pytest.approx(0.67, abs=0.03)
    assert np.median((rr[at] + rr[at + 1]) / rr[at - 1]) == pytest.approx(0.67 + 1.08, abs=0.04)


def test_a_ventricular_beat_is_wide_and_has_an_inverted_t() -> None:
    synthetic = made(pvc_per_hour=20.0)
    fs, ecg = synthetic.recording.fs, np.asarray(synthetic.recording.ecg)
    width, after = {}, {}
    for label in "NV":
        beat_s = synthetic.beats.time_s[synthetic.beats.label == label][3:20]
        windows = ecg[np.rint(beat_s * fs).astype(int)[:, np.newaxis] + np.arange(-20, 64)]
        width[label] = np.median((windows > windows.max(axis=1, keepdims=True) / 2).sum(axis=1)) / fs
        after[label] = np.median(windows[:, 20 + round(0.29 * fs)])
    assert width["V"] > 2 * width["N"]
    assert after["V"] < -0.2 < 0.2 < after["N"]


def test_heart_rate_turbulence_follows_lone_ventricular_beats() -> None:
    synthetic = made(pvc_per_hour=20.0, hours=6.0)
    rr = synthetic.beats.rr_s
    at = np.flatnonzero(synthetic.beats.label == "V")
    at = at[(at > 5) & (at < len(rr) - 20)]
    alone = np.diff(at, prepend=-100, append=len(rr) + 100) > 20
    at = at[alone[1:] & alone[:-1]]
    before, early = (rr[at - 1] + rr[at - 2]), (rr[at + 2] + rr[at + 3])
    onset_percent = 100 * np.mean((early - before) / before)
    late = np.mean([rr[at + k] for k in range(7, 10)])
    assert onset_percent < -1.5
    assert late > np.mean(rr[at - 1])


def test_runs_and_couplets_in_the_truth_are_those_of_the_labels() -> None:
    synthetic = night("ectopy")
    letters = "".join(synthetic.beats.label.tolist())
    runs_of_v = [len(run) for run in letters.replace("S", "N").split("N") if run]
    assert len(synthetic.episodes.of("COUPLET_V")) == runs_of_v.count(2)
    vt = synthetic.episodes.of("VT")
    assert sorted(vt.n_beats.tolist()) == sorted(n for n in runs_of_v if n >= 3) == [3, 4, 9]
    assert len(synthetic.episodes.of("SVTA")) == 2


def test_intervals_in_atrial_fibrillation_have_no_memory_and_outside_they_have() -> None:
    synthetic = made(af=((0.25, 1800.0),))
    rr, time_s = synthetic.beats.rr_s[1:], synthetic.beats.time_s
    af = covers(synthetic.episodes.of("AFIB").spans, time_s[:-1], time_s[1:])
    spread = {inside: rr[af == inside].std() / rr[af == inside].mean() for inside in (True, False)}
    memory = {inside: np.corrcoef(rr[af == inside][1:], rr[af == inside][:-1])[0, 1] for inside in (True, False)}
    assert spread[True] > 0.18 > 0.12 > spread[False]
    assert abs(memory[True]) < 0.08
    assert memory[False] > 0.6
    assert 60 / rr[af].mean() == pytest.approx(88, rel=0.05)
    assert set(synthetic.beats.label.tolist()) == {"N"}


def test_there_is_no_p_wave_in_atrial_fibrillation() -> None:
    synthetic = made(af=((0.25, 1800.0),))
    fs, ecg = synthetic.recording.fs, np.asarray(synthetic.recording.ecg)
    fibrillating = contains(synthetic.episodes.of("AFIB").spans, synthetic.beats.time_s)
    fibrillating[:3] = fibrillating[-3:] = True  # beats at the border have no whole window
    far_from_t = np.r_[0, synthetic.beats.rr_s[1:]] > 0.75

    def mean_p(mask: np.ndarray) -> float:
        beat_s = synthetic.beats.time_s[3:-3][mask[3:-3]]
        windows = ecg[np.rint(beat_s * fs).astype(int)[:, np.newaxis] + np.arange(-round(0.24 * fs), 0)]
        average = windows.mean(axis=0)
        return float(average[round(0.05 * fs) : round(0.11 * fs)].max() - average[0])

    assert mean_p(~fibrillating & far_from_t) > 0.08
    assert abs(mean_p(fibrillating & far_from_t)) < 0.04


def test_atrial_fibrillation_lasts_as_long_as_planned() -> None:
    spans = night("af").episodes.of("AFIB").spans
    np.testing.assert_allclose(spans[:, 1] - spans[:, 0], [2400, 7200, 900], atol=3)


def test_heart_rate_swings_with_every_apnoea_and_breathing_stops() -> None:
    synthetic = made(apnoea_trains=((0.3, 15),))
    apnoeas = synthetic.episodes.of("RESP").spans
    period_s = np.diff(apnoeas[:, 0])
    assert len(apnoeas) == 15
    assert period_s.min() > 25
    assert period_s.max() < 60
    beats_s, rr = synthetic.beats.time_s, synthetic.beats.rr_s
    late = [np.median(rr[(beats_s > end - 6) & (beats_s < end)]) for _, end in apnoeas]
    after = [np.median(rr[(beats_s > end + 2) & (beats_s < end + 8)]) for _, end in apnoeas]
    assert np.mean(late) > 1.12 * np.mean(after)


def test_the_apnoea_rate_is_near_the_planned_one_and_sleep_only() -> None:
    synthetic = made(hours=8.0, apnoeas_per_hour=(0.0, 20.0, 20.0, 20.0, 20.0))
    apnoeas = synthetic.episodes.of("RESP")
    stage = synthetic.hypnogram.stage
    sleep_h = (stage != "W").sum() / 120
    assert len(apnoeas) / sleep_h == pytest.approx(20, rel=0.15)
    assert (stage[synthetic.hypnogram.grid.epoch_of(apnoeas.start_s)] != "W").all()


def test_pauses_are_every_interval_of_two_seconds_and_nothing_else() -> None:
    synthetic = made(pauses=((0.3, 2.8), (0.6, 3.4)))
    pauses = synthetic.episodes.of("PAUSE")
    np.testing.assert_allclose(pauses.end_s - pauses.start_s, [2.8, 3.4])
    assert (synthetic.beats.rr_s[1:] >= PAUSE_S).sum() == 2


def test_a_lead_that_is_off_is_flat_and_its_beats_cannot_be_used() -> None:
    synthetic = made(lead_off=((0.5, 120.0),), noise_mv=0.05)
    ecg = np.asarray(synthetic.recording.ecg)
    off = as_spans([(3600, 3720)])
    np.testing.assert_array_equal(synthetic.episodes.of("LEADOFF").spans, off)
    assert np.ptp(ecg[3600 * 128 : 3720 * 128]) == 0
    assert np.ptp(ecg[3590 * 128 : 3600 * 128]) > 0.5
    np.testing.assert_array_equal(synthetic.beats.usable, ~contains(off, synthetic.beats.time_s))


def test_a_gap_is_missing_in_the_signal_and_the_clock_runs_on() -> None:
    synthetic = night("gaps")
    assert synthetic.recording.gaps.tolist() == [[1080, 1180], [2520, 2557]]
    missing = np.isnan(synthetic.recording.ecg)
    assert missing[1080 * 256 : 1180 * 256].all()
    assert missing.sum() == 137 * 256
    assert contains(synthetic.recording.gaps, synthetic.beats.time_s[~synthetic.beats.usable]).all()


def test_noise_bursts_are_louder_than_the_rest() -> None:
    synthetic = night("noisy")
    noise = contains(synthetic.episodes.of("NOISE").spans, np.arange(len(synthetic.recording.ecg)) / 256)
    steps = np.abs(np.diff(synthetic.recording.ecg))
    assert np.median(steps[noise[1:]]) > 1.3 * np.median(steps[~noise[1:]])


def test_the_sample_night_shows_every_track() -> None:
    kinds = {"AFIB", "VT", "SVTA", "B", "COUPLET_V", "PAUSE", "RESP", "NOISE", "LEADOFF"}
    sample = night("sample")
    assert kinds <= set(sample.episodes.kind.tolist())
    assert set(sample.beats.label.tolist()) == {"N", "S", "V"}
    assert len(sample.episodes.of("AFIB")) == 2


def test_band_noise_has_unit_variance_and_stays_in_its_band() -> None:
    noise = band_noise(np.random.default_rng(0), 40_000, 4.0, 0.07, 0.13)
    power = np.abs(np.fft.rfft(noise * np.hanning(len(noise)))) ** 2
    freqs_hz = np.fft.rfftfreq(len(noise), 0.25)
    assert noise.std() == pytest.approx(1, rel=0.05)
    assert power[(freqs_hz > 0.065) & (freqs_hz < 0.135)].sum() > 0.99 * power.sum()


def test_a_night_shorter_than_an_epoch_is_still_a_night() -> None:
    assert len(made(hours=0.005, fs=100.0).beats) > 10


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"hours": 0.0}, "hours"),
        ({"hours": -1.0}, "hours"),
        ({"hours": float("nan")}, "hours"),
        ({"fs": 49.0}, "fs"),
        ({"heart_rate_bpm": 0.0}, "heart_rate_bpm"),
        ({"af": ((1.0, 60.0),)}, "af"),
        ({"lead_off": ((0.5, 0.0),)}, "lead_off"),
        ({"apnoeas_per_hour": (1.0,)}, "apnoeas_per_hour"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_by_the_name_of_its_field(changes: dict, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        NightPlan(**changes)


def test_an_unknown_preset_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match="did you mean 'apnea'"):
        preset("apnoea")
    with pytest.raises(ValueError, match="known: healthy, sample"):
        preset("zzz")


def rem_left(synthetic: SyntheticNight) -> int:
    stage = synthetic.hypnogram.stage
    return int(((stage[:-1] == "R") & (stage[1:] != "R")).sum())


def test_rem_is_broken_as_often_as_planned_and_without_breaks_nothing_changes() -> None:
    plain, broken = made(hours=8.0), made(hours=8.0, rem_breaks_per_hour=20.0)
    rem_h = (plain.hypnogram.stage == "R").sum() / 120
    assert rem_left(broken) - rem_left(plain) == pytest.approx(20 * rem_h, abs=3 * np.sqrt(20 * rem_h))
    changed = plain.hypnogram.stage != broken.hypnogram.stage
    assert set(plain.hypnogram.stage[changed]) == {"R"}
    assert set(broken.hypnogram.stage[changed]) <= {"W", "N1"}
    assert not (changed[1:] & changed[:-1]).any()

"""A synthetic night: one recorded lead with everything that is true of it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import numpy as np

from holter2sleep.night import Beats, Episodes, Float, Hypnogram, Recording, Source, Subject
from holter2sleep.simulate.breathing import Breathing, simulate_breathing
from holter2sleep.simulate.noise import add_noise, movement_spans
from holter2sleep.simulate.plan import NightPlan
from holter2sleep.simulate.rhythm import FIBRILLATING, SINUS, Rhythm, simulate_rhythm
from holter2sleep.simulate.signals import body_time_s
from holter2sleep.simulate.sinus import sinus_rr_s
from holter2sleep.simulate.sleep import simulate_hypnogram
from holter2sleep.simulate.waveform import Signal, draw_ecg, posture_course
from holter2sleep.spans import Spans, contains
from holter2sleep.waveform import Waveform

PAUSE_S = 2.0  # every interval this long is a pause, whatever caused it
# Runs in the letters of successive beats, with the WFDB code of each.
RUNS = {
    "COUPLET_V": "(?<!V)VV(?!V)",
    "VT": "VVV+",
    "COUPLET_S": "(?<!S)SS(?!S)",
    "SVTA": "SSS+",
    "B": "(?:NV){3,}",
}

Row = tuple[float, float, str]  # start_s, end_s, kind


@dataclass(frozen=True)
class SyntheticNight:
    """The recording and its truth.

    `beats` holds every beat of the heart; `usable` is False for those the lead does not show (lead off, gap).
    `episodes` holds AFIB, VT, SVTA, B, couplets, PAUSE, RESP (apnoeas), and NOISE, LEADOFF, GAP; AFIB lasts as planned,
    other episodes of beats from their first beat to their last.
    """

    plan: NightPlan
    recording: Recording
    beats: Beats
    episodes: Episodes
    hypnogram: Hypnogram
    respiration_rate_bpm: Float  # (n_epochs,), of the breathing movements between apnoeas


def simulate_night(plan: NightPlan, rng: np.random.Generator) -> SyntheticNight:
    """A night as planned; the same plan and generator state give the same night, bit for bit."""
    for_sleep, for_breath, for_sinus, for_rhythm, for_shape, for_noise = rng.spawn(6)
    time_s = body_time_s(plan.duration_s)
    hypnogram = simulate_hypnogram(plan, for_sleep)
    breathing = simulate_breathing(plan, hypnogram, time_s, for_breath)
    rr_s = sinus_rr_s(plan, hypnogram, breathing, time_s, for_sinus)
    rhythm = simulate_rhythm(plan, time_s, rr_s, for_rhythm)
    movement = movement_spans(plan, hypnogram, for_noise)
    posture = posture_course(time_s, movement[:, 0], for_shape)
    n_samples = int(plan.duration_s * plan.fs)
    ecg = draw_ecg(n_samples, plan.fs, rhythm, time_s, breathing.effort, posture, for_shape)
    add_noise(ecg, plan, time_s, breathing.effort, movement, for_noise)
    _lose_contact(ecg, plan)
    beats = _true_beats(plan, rhythm)
    return SyntheticNight(
        plan,
        _recording(plan, ecg),
        beats,
        _true_episodes(plan, beats, rhythm, breathing, movement),
        hypnogram,
        _rate_per_epoch(hypnogram, breathing, time_s),
    )


def _lose_contact(ecg: Signal, plan: NightPlan) -> None:
    """Turn the lead over if asked, flatten it where it is off, empty it where the recorder stood still."""
    ecg *= plan.polarity
    for name, value in (("lead_off", 0.0), ("gaps", np.nan)):
        for start_s, end_s in plan.spans(name):
            ecg[round(start_s * plan.fs) : round(end_s * plan.fs)] = value


def _recording(plan: NightPlan, ecg: Signal) -> Recording:
    sha256 = hashlib.sha256(ecg.tobytes()).hexdigest()
    return Recording(
        recording_id="synthetic",
        source=Source("synthetic", "simulated", sha256, "mV", 1.0),
        duration_s=len(ecg) / plan.fs,
        fs=plan.fs,
        start=plan.start,
        subject=Subject(plan.age_years, plan.sex),
        channel="ECG",
        ecg=Waveform.of(ecg),
        gaps=plan.spans("gaps"),
    )


def _true_beats(plan: NightPlan, rhythm: Rhythm) -> Beats:
    label = np.where(rhythm.origin == FIBRILLATING, SINUS, rhythm.origin)  # EC57: conducted beats in AF are N
    hidden = contains(plan.spans("lead_off"), rhythm.time_s) | contains(plan.spans("gaps"), rhythm.time_s)
    return Beats(rhythm.time_s, label, np.ones(len(label), np.float32), ~hidden)


def _true_episodes(plan: NightPlan, beats: Beats, rhythm: Rhythm, breathing: Breathing, movement: Spans) -> Episodes:
    rows: list[Row] = [(start_s, end_s, "AFIB") for start_s, end_s in rhythm.af_spans]
    rows += _runs(beats)
    rows += [
        (float(beats.time_s[i - 1]), float(beats.time_s[i]), "PAUSE") for i in np.flatnonzero(beats.rr_s >= PAUSE_S)
    ]
    spans = {"RESP": breathing.apnoeas, "NOISE": movement, "LEADOFF": plan.spans("lead_off"), "GAP": plan.spans("gaps")}
    rows += [(float(start_s), float(end_s), kind) for kind, pairs in spans.items() for start_s, end_s in pairs]
    return _episodes(sorted(rows), beats)


def _runs(beats: Beats) -> list[Row]:
    """Couplets, runs and bigeminy, each from its first beat to its last."""
    letters = "".join(beats.label.tolist())
    return [
        (float(beats.time_s[run.start()]), float(beats.time_s[run.end() - 1]), kind)
        for kind, pattern in RUNS.items()
        for run in re.finditer(pattern, letters)
    ]


def _episodes(rows: list[Row], beats: Beats) -> Episodes:
    if not rows:
        return Episodes.none()
    start_s, end_s = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    n_beats = np.searchsorted(beats.time_s, end_s, side="right") - np.searchsorted(beats.time_s, start_s)
    rate_bpm = 60 * (n_beats - 1) / (end_s - start_s)
    return Episodes(
        start_s, end_s, np.array([row[2] for row in rows]), n_beats, rate_bpm, np.ones(len(rows), np.float32)
    )


def _rate_per_epoch(hypnogram: Hypnogram, breathing: Breathing, time_s: Float) -> Float:
    epoch = hypnogram.grid.epoch_of(time_s)
    return 60 * np.bincount(epoch, breathing.rate_hz, hypnogram.grid.n) / np.bincount(epoch, minlength=hypnogram.grid.n)

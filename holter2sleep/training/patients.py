"""Patients to learn from: windows of recordings, of composed stretches and of synthetic nights."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.io import read_recording
from holter2sleep.io.wfdb_header import read_wfdb_header
from holter2sleep.night import Beats, Float, Recording
from holter2sleep.recipe import Recipe
from holter2sleep.simulate import NightPlan, SyntheticNight, simulate_night
from holter2sleep.sleep.staging.profiles import PROFILES, WINDOW_S, Windows, encoder_windows, z_scored
from holter2sleep.spans import Spans
from holter2sleep.training import physiology
from holter2sleep.training.composed import Donor, Rhythm, compose

log = logging.getLogger(__name__)

STEP_S = 5.0  # windows overlap by half
HEADER = ("age", "sex")
TARGETS = (*physiology.NAMES, "breathing_rate")  # the last is known of synthetic nights only
PROFILE = PROFILES["clef"]
SIMULATED_HOURS = 1 / 6
SPEEDS = (0.65, 1.1)  # at which a recording is shown once more: few patients show few heart rates
RATE_STEP_HZ = 10  # so that the rate of such a copy and 500 Hz have a simple ratio
UNKNOWN_HEADER = np.full(len(HEADER), np.nan)
MIXTURES = 2  # of the leads of a record with several: further angles at the same heart


@dataclass(frozen=True)
class Patient:
    """One person's windows, and what is known of them; NaN where something is not."""

    recording_id: str
    windows: NDArray[np.float16]  # (n_windows, n_leads, 5000), each lead z-scored
    header: Float  # (2,): age in years, sex (0 woman, 1 man)
    targets: NDArray[np.float32]  # (n_windows, n_leads, len(TARGETS))
    real: bool = False  # a recording; else made up

    @property
    def attributes(self) -> Float:
        """Age, sex and measured physiology of each window: what takes the place of a risk score."""
        everywhere = np.broadcast_to(self.header, (len(self.windows), len(HEADER)))
        return np.concatenate([everywhere, self.targets[:, 0, : len(physiology.CORE)]], axis=1)


@dataclass(frozen=True)
class Heard:
    """A recording in all its leads, with its beats and its time in AF."""

    leads: Sequence[Recording]
    beats: Beats
    af: Spans


def hear(path: Path, recipe: Recipe) -> Heard | None:
    """A recording as the pipeline hears it; None where it has no waveform."""
    recording = read_recording(path)
    if recording.ecg is None:
        log.warning("%s: holds beats and no waveform", recording.recording_id)
        return None
    return Heard([recording, *_other_leads(path, recording)], *physiology.heard_by_pipeline(recording, recipe))


def patient_of(heard: Heard) -> Patient | None:
    """The windows of a recording, at its speed and at another; None without a window that is signal throughout."""
    name, subject = heard.leads[0].recording_id, heard.leads[0].subject
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    shown = [_shown(heard, rng), _shown(at_speed(heard, rng.uniform(*SPEEDS)), rng)]
    if not len(shown[0][0]):
        log.warning("%s: no window of %g s is signal from end to end", name, WINDOW_S)
        return None
    header = np.array([subject.age_years or np.nan, {"F": 0.0, "M": 1.0}.get(subject.sex or "", np.nan)])
    windows, targets = (np.concatenate(parts) for parts in zip(*shown, strict=True))
    return Patient(name, windows, header, targets, real=True)


def at_speed(heard: Heard, speed: float) -> Heard:
    """The same, with time running slower or faster."""
    fs = float(heard.leads[0].fs or 0)
    speed = max(1, round(fs * speed / RATE_STEP_HZ)) * RATE_STEP_HZ / fs
    leads = [
        lead.but(
            fs=float(lead.fs or 0) * speed,
            duration_s=lead.duration_s / speed,
            gaps=lead.gaps / speed,
            signal_gaps=None if lead.signal_gaps is None else lead.signal_gaps / speed,
        )
        for lead in heard.leads
    ]
    return Heard(leads, heard.beats.but(time_s=heard.beats.time_s / speed), heard.af / speed)


def _shown(heard: Heard, rng: np.random.Generator) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
    """Windows of every lead and of mixtures of them, and what each shows: (n, n_leads, 5000), (n, n_leads, n_targets).

    What only a plan knows is NaN.
    """
    start_s, views = _usable_windows(heard.leads)
    if len(views) > 1:
        for _ in range(MIXTURES):
            parts = rng.normal(size=(len(views[0]), len(heard.leads)))
            mixed = np.einsum("wl,lwt->wt", parts, np.stack(views[: len(heard.leads)]))
            views.append(z_scored(mixed).astype(np.float32))
    told = physiology.physiology_of_leads(views, start_s, heard.beats, heard.af, heard.leads[0].duration_s)
    seen = np.stack(told, axis=1).astype(np.float32)
    unknown = np.full((*seen.shape[:2], 1), np.nan, np.float32)
    return np.stack(views, axis=1).astype(np.float16), np.concatenate([seen, unknown], axis=2)


def _usable_windows(leads: Sequence[Recording]) -> tuple[Float, list[Windows]]:
    """When the windows begin that are signal throughout in every lead, and the windows of each lead."""
    start_s = np.arange(0.0, leads[0].duration_s - WINDOW_S + 1e-6, STEP_S)
    cut = [encoder_windows(lead, start_s, PROFILE) for lead in leads]
    usable = np.logical_and.reduce([mask for _, mask in cut])
    return start_s[usable], [windows[usable] for windows, _ in cut]


def _other_leads(path: Path, chosen: Recording) -> Iterator[Recording]:
    """Further channels in mV of a WFDB record, each by a label of its own."""
    if path.suffix != ".hea":
        return
    labels = [signal.label for signal in read_wfdb_header(path).signals if signal.unit == "mV"]
    for label in labels:
        if label != chosen.channel and labels.count(label) == 1:
            yield read_recording(path, channel=label)


def simulated_patients(n: int, seed: int) -> Iterator[Patient]:
    """Synthetic stretches of ten minutes, no two of one plan. Age and sex have no bearing there, so are not told."""
    for i in range(n):
        rng = np.random.default_rng([seed, i])
        yield of_synthetic(f"synthetic-{i}", simulate_night(plan_by_chance(rng), rng))


def plan_by_chance(rng: np.random.Generator) -> NightPlan:
    """A stretch with or without AF, ectopy and noise, of any usual rate of heart and breath."""
    plan = NightPlan(
        hours=SIMULATED_HOURS,
        polarity=1 if rng.random() < 0.8 else -1,
        heart_rate_bpm=rng.uniform(42, 105),
        rmssd_ms=float(np.exp(rng.uniform(np.log(8), np.log(90)))),
        respiration_bpm=rng.uniform(8, 24),
        noise_mv=float(np.exp(rng.uniform(np.log(0.005), np.log(0.08)))),
        wander_mv=rng.uniform(0.02, 0.3),
        bursts_per_hour=rng.uniform(0, 12),
    )
    kind = rng.choice(["sinus", "ectopy", "af"], p=[0.4, 0.35, 0.25])
    if kind == "af":
        return replace(plan, af=((rng.uniform(0, 0.5), rng.uniform(120, 600)),), af_rate_bpm=rng.uniform(60, 130))
    if kind == "ectopy":
        return replace(plan, pvc_per_hour=rng.uniform(0, 500), pac_per_hour=rng.uniform(0, 300))
    return plan


def of_synthetic(recording_id: str, night: SyntheticNight) -> Patient:
    """The windows of a synthetic night, with its planted beats, AF and breathing."""
    recording = night.recording
    start_s, (windows,) = _usable_windows([recording])
    af = night.episodes.of("AFIB").spans
    seen = physiology.window_physiology(windows, start_s, night.beats, af, recording.duration_s)
    breathing = np.log(night.respiration_rate_bpm[night.hypnogram.grid.epoch_of(start_s + WINDOW_S / 2)])
    targets = np.column_stack([seen, breathing]).astype(np.float32)
    return Patient(recording_id, windows[:, None].astype(np.float16), UNKNOWN_HEADER, targets[:, None])


def composed_patients(rhythms: Sequence[Rhythm], donors: Sequence[Donor], n: int, seed: int) -> Iterator[Patient]:
    """Made-up stretches with real rhythms and real beat shapes, and what is planted in them."""
    rng = np.random.default_rng(seed)
    for made in compose(rhythms, donors, n, seed):
        windows, targets = _shown(Heard([made.recording], made.rhythm.beats, made.rhythm.af), rng)
        yield Patient(made.recording.recording_id, windows, UNKNOWN_HEADER, targets)

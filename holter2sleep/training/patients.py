"""Patients to learn from: windows of recordings, and of synthetic nights whose physiology is known."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.io import read_recording
from holter2sleep.io.wfdb_header import read_wfdb_header
from holter2sleep.night import Float, Recording
from holter2sleep.recipe import Recipe
from holter2sleep.simulate import NightPlan, SyntheticNight, simulate_night
from holter2sleep.sleep.staging.profiles import PROFILES, WINDOW_S, encoder_windows
from holter2sleep.training import physiology

log = logging.getLogger(__name__)

STEP_S = 5.0  # windows overlap by half
HEADER = ("age", "sex")
TARGETS = (*physiology.NAMES, "breathing_rate")  # the last is known of synthetic nights only
PROFILE = PROFILES["clef"]
SIMULATED_HOURS = 1 / 6


@dataclass(frozen=True)
class Patient:
    """One person's windows, and what is known of them; NaN where something is not."""

    recording_id: str
    windows: NDArray[np.float16]  # (n_windows, n_leads, 5000), each lead z-scored
    header: Float  # (2,): age in years, sex (0 woman, 1 man)
    targets: Float  # (n_windows, len(TARGETS))

    @property
    def attributes(self) -> Float:
        """Age, sex and measured physiology of each window: what takes the place of a risk score."""
        everywhere = np.broadcast_to(self.header, (len(self.windows), len(HEADER)))
        return np.concatenate([everywhere, self.targets[:, : len(physiology.NAMES)]], axis=1)


def read_patient(path: Path, recipe: Recipe) -> Patient | None:
    """The windows of a recording; None where it has no waveform, or no window that is signal from end to end."""
    recording = read_recording(path)
    if recording.ecg is None:
        log.warning("%s: holds beats and no waveform", recording.recording_id)
        return None
    leads = [recording, *_other_leads(path, recording)]
    start_s = np.arange(0.0, recording.duration_s - WINDOW_S + 1e-6, STEP_S)
    cut = [encoder_windows(lead, start_s, PROFILE) for lead in leads]
    usable = np.logical_and.reduce([mask for _, mask in cut])
    if not usable.any():
        log.warning("%s: no window of %g s is signal from end to end", recording.recording_id, WINDOW_S)
        return None
    beats, af = physiology.heard_by_pipeline(recording, recipe)
    seen = physiology.window_physiology(cut[0][0][usable], start_s[usable], beats, af, recording.duration_s)
    windows = np.stack([lead[usable] for lead, _ in cut], axis=1).astype(np.float16)
    subject = recording.subject
    header = np.array([subject.age_years or np.nan, {"F": 0.0, "M": 1.0}.get(subject.sex or "", np.nan)])
    unknown = np.full((len(seen), 1), np.nan)
    return Patient(recording.recording_id, windows, header, np.concatenate([seen, unknown], axis=1))


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
    start_s = np.arange(0.0, recording.duration_s - WINDOW_S + 1e-6, STEP_S)
    windows, usable = encoder_windows(recording, start_s, PROFILE)
    start_s, windows = start_s[usable], windows[usable]
    af = night.episodes.of("AFIB").spans
    seen = physiology.window_physiology(windows, start_s, night.beats, af, recording.duration_s)
    breathing = np.log(night.respiration_rate_bpm[night.hypnogram.grid.epoch_of(start_s + WINDOW_S / 2)])
    targets = np.column_stack([seen, breathing])
    return Patient(recording_id, windows[:, None].astype(np.float16), np.full(len(HEADER), np.nan), targets)

"""Breathing of the night: rate, depth, and the apnoeas in which it stops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holter2sleep.night import EPOCH_S, Float, Hypnogram
from holter2sleep.simulate.plan import STAGES, NightPlan
from holter2sleep.simulate.signals import GRID_HZ, band_noise, since_last, stage_course
from holter2sleep.spans import Spans, contains

RATE_FACTOR = {"W": 1.08, "N1": 1.02, "N2": 1.0, "N3": 0.97, "R": 1.06}
RATE_SPREAD = {"W": 0.14, "N1": 0.07, "N2": 0.04, "N3": 0.02, "R": 0.12}  # regular in N3, irregular in REM
DEPTH = {"W": 1.1, "N1": 0.95, "N2": 1.0, "N3": 1.05, "R": 0.8}
APNOEA_S = (15.0, 30.0)
RECOVERY_S = (14.0, 24.0)  # with the apnoea a cycle of 29-54 s, as in cyclic variation of heart rate
EVENTS_A_TRAIN = 10


@dataclass(frozen=True)
class Breathing:
    """Breathing on the slow grid."""

    rate_hz: Float
    effort: Float  # signed, about -1 to 1; zero in an apnoea
    depth: Float  # amplitude of the effort
    phase: Float  # rad
    apnoeas: Spans


def simulate_breathing(plan: NightPlan, hypnogram: Hypnogram, time_s: Float, rng: np.random.Generator) -> Breathing:
    """Rate and effort on the slow grid, with apnoeas as planned."""
    apnoeas = _apnoeas(plan, hypnogram, rng)
    drift = band_noise(rng, len(time_s), GRID_HZ, 0.003, 0.06)
    rate_hz = plan.respiration_bpm / 60 * stage_course(hypnogram, RATE_FACTOR, time_s)
    rate_hz = rate_hz * np.clip(1 + stage_course(hypnogram, RATE_SPREAD, time_s) * drift, 0.55, 1.6)
    depth = stage_course(hypnogram, DEPTH, time_s) * _ventilation(time_s, apnoeas)
    depth = depth * np.clip(1 + 0.12 * band_noise(rng, len(time_s), GRID_HZ, 0.005, 0.1), 0.5, 1.5)
    phase = 2 * np.pi * np.cumsum(rate_hz) / GRID_HZ
    return Breathing(rate_hz, depth * np.sin(phase), depth, phase, apnoeas)


def _ventilation(time_s: Float, apnoeas: Spans) -> Float:
    """One when breathing, zero in an apnoea, above one in the deep breaths after it."""
    open_airway = np.where(contains(apnoeas, time_s), 0.0, 1 + 0.6 * np.exp(-since_last(time_s, apnoeas[:, 1]) / 8))
    kernel = np.ones(int(2 * GRID_HZ) + 1)
    return np.convolve(open_airway, kernel / kernel.sum(), mode="same")


def _apnoeas(plan: NightPlan, hypnogram: Hypnogram, rng: np.random.Generator) -> Spans:
    """Trains of apnoeas: the placed ones, then as many as the rates per hour ask for."""
    rate_of_stage = dict(zip(STAGES, plan.apnoeas_per_hour, strict=True))
    rate = np.array([rate_of_stage[stage] for stage in hypnogram.stage.tolist()])
    events = [
        event
        for start_s, n_events in plan.placed("apnoea_trains")
        for event in _train(start_s, int(n_events), plan.duration_s, rng)
    ]
    missing = rate.sum() * EPOCH_S / 3600
    for _ in range(1000):  # trains that meet wakefulness or one another are cut, so their number is not known before
        if missing < 1:
            break
        start_s = EPOCH_S * float(rng.choice(len(rate), p=rate / rate.sum()))
        train = _train(start_s, min(EVENTS_A_TRAIN, round(missing)), plan.duration_s, rng)
        added = _until_refused(train, rate, events)
        missing -= len(added)
        events += added
    return np.array(sorted(events)).reshape(-1, 2)


def _train(start_s: float, n_events: int, duration_s: float, rng: np.random.Generator) -> list[tuple[float, float]]:
    apnoea_s, recovery_s = rng.uniform(*APNOEA_S, n_events), rng.uniform(*RECOVERY_S, n_events)
    starts = start_s + np.cumsum(apnoea_s + recovery_s) - apnoea_s
    return [(a, a + d) for a, d in zip(starts.tolist(), apnoea_s.tolist(), strict=True) if a + d < duration_s]


def _until_refused(
    train: list[tuple[float, float]], rate: Float, events: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    """The train up to the first event outside the stages that have apnoeas, or too near to another event."""
    taken = []
    for start_s, end_s in train:
        near = any(start_s < end + RECOVERY_S[0] and end_s + RECOVERY_S[0] > begin for begin, end in events)
        if near or rate[min(int(start_s // EPOCH_S), len(rate) - 1)] == 0:
            break
        taken.append((start_s, end_s))
    return taken

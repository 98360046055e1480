"""What spoils a lead at home: muscle noise, wandering baseline, mains, movement."""

from __future__ import annotations

import numpy as np

from holter2sleep.night import Float, Hypnogram
from holter2sleep.simulate.plan import NightPlan
from holter2sleep.simulate.signals import GRID_HZ, band_noise, bout_onsets_s
from holter2sleep.simulate.waveform import Signal
from holter2sleep.spans import Spans, as_spans

BURST_S = (4.0, 35.0)
AWAKENING_WITH_MOVEMENT = 0.7  # share
WANDER_HZ = (0.02, 0.35)
MOTION_HZ = (0.4, 9.0)  # overlaps the QRS band, so that filtering does not remove it
BREATHING_MV = 0.04  # baseline swing with each breath
BLOCK_S = 600.0  # bounds the memory of the fast noise


def movement_spans(plan: NightPlan, hypnogram: Hypnogram, rng: np.random.Generator) -> Spans:
    """When the sleeper moves: at most awakenings, and now and then."""
    if plan.bursts_per_hour == 0:
        return np.empty((0, 2))
    onsets = bout_onsets_s(hypnogram, "W")
    onsets = onsets[rng.random(len(onsets)) < AWAKENING_WITH_MOVEMENT] + 1.0
    others = rng.uniform(0, plan.duration_s, rng.poisson(plan.bursts_per_hour * plan.hours))
    start_s = np.concatenate([onsets, others])
    end_s = np.minimum(start_s + rng.uniform(*BURST_S, len(start_s)), plan.duration_s)
    return as_spans(np.column_stack([start_s, end_s]))


def add_noise(
    ecg: Signal, plan: NightPlan, time_s: Float, effort: Float, movement: Spans, rng: np.random.Generator
) -> None:
    """Add baseline, muscle, mains and movement noise to the lead in place."""
    baseline = plan.wander_mv * band_noise(rng, len(time_s), GRID_HZ, *WANDER_HZ, exponent=1.0)
    if plan.wander_mv > 0:
        baseline += BREATHING_MV * effort
    n_block = round(BLOCK_S * plan.fs)
    for first in range(0, len(ecg), n_block):
        block = ecg[first : first + n_block]
        at_s = (first + np.arange(len(block))) / plan.fs
        block += np.interp(at_s, time_s, baseline).astype(np.float32)
        block += plan.mains_mv * np.sin(2 * np.pi * plan.mains_hz * at_s).astype(np.float32)
        block += plan.noise_mv * _muscle(len(block), rng)
    for start_s, end_s in movement:
        first, last = round(start_s * plan.fs), min(round(end_s * plan.fs), len(ecg))
        ecg[first:last] += _burst(last - first, plan, rng)


def _muscle(n: int, rng: np.random.Generator) -> Signal:
    """White noise with its low half weakened, unit variance."""
    white = rng.standard_normal(n + 1, dtype=np.float32)
    coloured = (white[1:] - 0.5 * white[:-1]) / np.sqrt(1.25)
    return coloured.astype(np.float32)


def _burst(n: int, plan: NightPlan, rng: np.random.Generator) -> Float:
    envelope = np.sin(np.linspace(0, np.pi, n)) ** 0.5
    motion = band_noise(rng, n, plan.fs, MOTION_HZ[0], MOTION_HZ[1], exponent=1.0)
    size_mv = plan.burst_mv * rng.uniform(0.5, 1.5)
    return envelope * size_mv * (motion + 0.25 * _muscle(n, rng))

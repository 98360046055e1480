"""The sinus interval as a course in time: stage, time of night, breathing, apnoeas, slow variability."""

from __future__ import annotations

import numpy as np

from holter2sleep.night import Float, Hypnogram
from holter2sleep.simulate.breathing import DEPTH, Breathing
from holter2sleep.simulate.plan import NightPlan
from holter2sleep.simulate.signals import GRID_HZ, band_noise, bout_onsets_s, since_last, stage_course
from holter2sleep.spans import contains

RATE_FACTOR = {"W": 1.15, "N1": 1.03, "N2": 1.0, "N3": 0.96, "R": 1.07}
RMSSD_FACTOR = {"W": 0.85, "N1": 0.95, "N2": 1.0, "N3": 1.1, "R": 0.8}
LF_SPREAD = {"W": 0.030, "N1": 0.022, "N2": 0.018, "N3": 0.010, "R": 0.028}  # share of RR, about 0.1 Hz
SLOW_SPREAD = {"W": 0.050, "N1": 0.035, "N2": 0.025, "N3": 0.014, "R": 0.045}  # share of RR, 1/f below 0.04 Hz
LF_HZ = 0.1


def sinus_rr_s(
    plan: NightPlan, hypnogram: Hypnogram, breathing: Breathing, time_s: Float, rng: np.random.Generator
) -> Float:
    """Momentary sinus interval on the slow grid."""
    n = len(time_s)
    rate_bpm = plan.heart_rate_bpm * stage_course(hypnogram, RATE_FACTOR, time_s)
    rate_bpm = rate_bpm * (1 + 0.04 * np.cos(np.pi * time_s / (0.65 * plan.duration_s)))  # lowest after two thirds
    rate_bpm = rate_bpm * (1 + _awakening_surge(time_s, bout_onsets_s(hypnogram, "W")))
    rr_s = 60 / rate_bpm
    slow = stage_course(hypnogram, SLOW_SPREAD, time_s) * band_noise(rng, n, GRID_HZ, 0.0005, 0.04, exponent=1.0)
    lf_spread = stage_course(hypnogram, LF_SPREAD, time_s)
    lf = lf_spread * band_noise(rng, n, GRID_HZ, 0.07, 0.13)
    rsa = _rsa_amplitude(plan, hypnogram, breathing, time_s, rr_s, lf_spread) * np.sin(breathing.phase)
    depth = breathing.depth / stage_course(hypnogram, DEPTH, time_s)  # deep breaths sway the heart more
    swing = plan.cvhr_depth * _apnoea_swing(time_s, breathing)
    return np.clip(rr_s * (1 + slow + lf - rsa * depth + swing), 0.35, 1.9)


def _rsa_amplitude(
    plan: NightPlan, hypnogram: Hypnogram, breathing: Breathing, time_s: Float, rr_s: Float, lf_spread: Float
) -> Float:
    """Amplitude of the respiratory arrhythmia, as a share of RR, that brings RMSSD to its planned value.

    An oscillation of amplitude A at f Hz, averaged over a cycle of T s and differenced from beat to beat, has the
    root mean square sqrt(2) A sinc(f T) sin(pi f T).
    """
    lf_difference = 2 * lf_spread * np.sin(np.pi * LF_HZ * rr_s)
    target = plan.rmssd_ms / 1000 * stage_course(hypnogram, RMSSD_FACTOR, time_s) / rr_s
    own = np.sqrt(np.maximum(target**2 - lf_difference**2, (0.3 * target) ** 2))
    cycles = np.clip(breathing.rate_hz * rr_s, 0.1, 0.5)
    return own / (np.sqrt(2) * np.sinc(cycles) * np.sin(np.pi * cycles))


def _awakening_surge(time_s: Float, onset_s: Float) -> Float:
    since_s = since_last(time_s, onset_s - 4.0)  # the heart speeds up a few beats before the eyes open
    return np.where(np.isfinite(since_s), 0.18 * np.minimum(since_s / 5, 1) * np.exp(-since_s / 25), 0.0)


def _apnoea_swing(time_s: Float, breathing: Breathing) -> Float:
    """Cyclic variation of heart rate: 0 to 1 (slowing) in an apnoea, about -1 just after it, back to 0."""
    apnoeas = breathing.apnoeas
    if len(apnoeas) == 0:
        return np.zeros(len(time_s))
    since_start, since_end = since_last(time_s, apnoeas[:, 0]), since_last(time_s, apnoeas[:, 1])
    slowing = np.where(contains(apnoeas, time_s), np.minimum(since_start, 30) / 22, 0.0)
    quickening = np.where(since_end < since_start, 1.2 * np.exp(-np.minimum(since_end, 60) / 8), 0.0)
    kernel = np.hanning(int(5 * GRID_HZ) + 2)
    return np.convolve(slowing - quickening, kernel / kernel.sum(), mode="same")

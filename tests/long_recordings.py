"""Beats of several days with planted sleep: a rate that falls asleep, rises in awakenings, and jumps about by day."""

from __future__ import annotations

import numpy as np

from holter2sleep.night import Beats

Sleep = tuple[float, float]  # hours from the start


def days_of_beats(
    hours: float,
    sleeps: tuple[Sleep, ...],
    seed: int = 0,
    awake_bpm: float = 82.0,
    asleep_bpm: float = 60.0,
    evening_bpm: float | None = None,
) -> Beats:
    """Beats of a person who sleeps when told.

    By day the rate changes every few minutes (sitting, walking, stairs: standard deviation 12 %); asleep it follows
    the 90-minute cycle (4 %), with an awakening of eight minutes every two hours. The last three hours before each
    sleep may have a rate of their own.
    """
    rng = np.random.default_rng(seed)
    minute = np.arange(int(60 * hours))
    rate = awake_bpm * np.exp(np.repeat(rng.normal(0, 0.12, len(minute) // 5 + 1), 5)[: len(minute)])
    rate *= np.exp(rng.normal(0, 0.04, len(minute)))
    for start_h, end_h in sleeps:
        if evening_bpm is not None:
            sitting = (minute >= 60 * (start_h - 3)) & (minute < 60 * start_h)
            rate[sitting] = evening_bpm * np.exp(rng.normal(0, 0.04, sitting.sum()))
        asleep = (minute >= 60 * start_h) & (minute < 60 * end_h)
        since = minute[asleep] - 60 * start_h
        awakening = (since % 120 >= 100) & (since % 120 < 108)
        course = asleep_bpm * (1 + 0.04 * np.sin(2 * np.pi * since / 90)) * np.exp(rng.normal(0, 0.012, asleep.sum()))
        rate[asleep] = np.where(awakening, awake_bpm, course)
    return beats_at_rate(rate, rng)


def beats_at_rate(rate_bpm: np.ndarray, rng: np.random.Generator) -> Beats:
    """Beats whose rate is as given for each minute, with 3 % of respiratory arrhythmia."""
    n_beats = np.r_[0.0, np.cumsum(rate_bpm)]
    whole = np.arange(0.5, n_beats[-1])
    time_s = np.interp(whole, n_beats, 60.0 * np.arange(len(n_beats)))
    rr_s = np.diff(time_s, prepend=0.0)
    return Beats.at(
        np.maximum.accumulate(time_s + 0.03 * rr_s * np.sin(rng.uniform(0, 6) + np.arange(len(time_s)) * 1.6))
    )

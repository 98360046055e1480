"""Beats whose QRS and T ends are known to the sample: waves that are zero outside their length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from made_nights import recording_of
from numpy.typing import ArrayLike

from holter2sleep.heart.morphology_marks import AveragedBeat
from holter2sleep.night import Beats, Float, Recording


def hump(time_s: Float, centre_s: float, half_s: float, height_mv: float) -> Float:
    """A raised cosine: zero, and without slope, from `half_s` on either side."""
    x = (time_s - centre_s) / half_s
    return np.where(np.abs(x) < 1, height_mv * 0.5 * (1 + np.cos(np.pi * np.clip(x, -1, 1))), 0.0)


@dataclass(frozen=True)
class Made:
    """A heart beat of planted lengths; the T wave follows the cube root of RR."""

    rr_s: float = 1.0
    wide: float = 1.0  # 1: QRS of 100 ms, 1.6: 160 ms
    t_mv: float = 0.3
    qt_stretch: float = 1.0
    polarity: int = 1

    @property
    def qrs_ms(self) -> float:
        return 100.0 * self.wide

    @property
    def t_centre_s(self) -> float:
        return 0.27 * float(np.cbrt(self.rr_s)) * self.qt_stretch

    @property
    def t_half_s(self) -> float:
        return 0.11 * float(np.cbrt(self.rr_s)) * self.qt_stretch

    @property
    def qt_ms(self) -> float:
        """QT by the tangent: a raised cosine's steepest tangent meets zero at (1/2 + 1/pi) of its half length."""
        return 1000 * (0.045 * self.wide + self.t_centre_s + self.t_half_s * (0.5 + 1 / np.pi))

    def draw(self, time_s: Float) -> Float:
        """One beat with R at 0 s, mV."""
        mv = hump(time_s, -0.16, 0.05, 0.12) + hump(time_s, self.t_centre_s, self.t_half_s, self.t_mv)
        for centre_s, half_s, height_mv in ((-0.03, 0.015, -0.1), (0.0, 0.025, 1.2), (0.035, 0.02, -0.3)):
            mv += hump(time_s, centre_s * self.wide, half_s * self.wide, height_mv)
        return self.polarity * mv

    def averaged(self, fs: float = 500.0, n_beats: int = 100) -> AveragedBeat:
        """The beat as if averaged, with the next one behind it."""
        time_s = np.arange(round(-0.35 * fs), round(0.75 * fs) + 1) / fs
        mv = self.draw(time_s) + self.draw(time_s - self.rr_s)
        return AveragedBeat(mv, fs, round(0.35 * fs), n_beats, self.rr_s, False)


def beat_times(duration_s: float, rr_s: float, seed: int = 0) -> Float:
    """R times that fall anywhere between two samples."""
    n = int((duration_s - 2.0) / rr_s)
    return 1.0 + rr_s * np.arange(n) + np.random.default_rng(seed).uniform(0, 0.02, n)


def recorded(
    made: Made, beat_s: Float, duration_s: float, fs: float, noise_mv: float = 0.0, wander_mv: float = 0.0
) -> Recording:
    """The beats in a lead, with white noise and breathing-like wander of the given sizes."""
    n = round(duration_s * fs)
    ecg = np.zeros(n)
    for at_s in beat_s:
        first, last = max(0, int((at_s - 0.4) * fs)), min(n, int((at_s + 0.9) * fs))
        ecg[first:last] += made.draw(np.arange(first, last) / fs - at_s)
    ecg += np.random.default_rng(1).normal(0, noise_mv, n)
    ecg += wander_mv * np.sin(2 * np.pi * 0.23 * np.arange(n) / fs)
    return recording_of(ecg, fs)


def labelled(beat_s: Float, label: ArrayLike | str = "N") -> Beats:
    """Beats at known times, all usable."""
    return Beats.at(beat_s, label)

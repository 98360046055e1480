"""Hum of the mains: its frequency and size, whether it is there all the time, and where sampling folded it.

A line above half the sampling rate is seen at another frequency. Only a folded line of 10 Hz or more can be told from
the heart, whose beats are lines themselves when they come as steadily as those of a pacemaker.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import signal

from holter2sleep.audit.pieces import minutes
from holter2sleep.night import Float
from holter2sleep.waveform import Signal

MAINS_HZ = (50.0, 60.0)
ABOVE = 10.0  # times the power density beside it
ABOVE_FOLDED = 30.0  # below half the rate lies the heart as well
WINDOW_S = 4.0
NEAR_HZ, BESIDE_HZ = 0.75, (2.0, 6.0)
LOWEST_FOLDED_HZ = 10.0
LEAST_PIECES = 2  # minutes with hum, to tell of a part of the time
LEAST_UV = 10.0  # in such a minute


@dataclass(frozen=True)
class Hum:
    """A line of the mains."""

    mains_hz: float
    seen_hz: float  # where it shows: elsewhere, when sampling has folded it
    amplitude_uv: float  # in the minutes that have it
    share: float  # of the minutes


def hum(parts: list[Signal], fs: float) -> Hum | None:
    """The strongest line of the mains that stands out against its neighbours, at least in two minutes."""
    n_window = round(WINDOW_S * fs)
    pieces = [piece for piece in minutes(parts, fs) if len(piece) >= n_window]
    if not pieces:
        return None
    power = np.array([signal.welch(piece, fs, nperseg=n_window)[1] for piece in pieces])
    found = [line for mains_hz in MAINS_HZ if (line := _line(power, mains_hz, fs)) is not None]
    return max(found, key=lambda line: line.amplitude_uv * line.share, default=None)


def seen_at(mains_hz: float, fs: float) -> float:
    """Frequency at which a line shows once it is sampled.

    Examples
    --------
    >>> seen_at(60.0, 100.0), seen_at(50.0, 256.0)
    (40.0, 50.0)
    """
    return abs(mains_hz - fs * round(mains_hz / fs))


def _line(power: Float, mains_hz: float, fs: float) -> Hum | None:
    """Hum of one frequency by the power densities of minutes: in their median, or in some of them."""
    seen_hz = seen_at(mains_hz, fs)
    is_folded = seen_hz != mains_hz
    # near half the rate a line has neighbours on one side only, and at it none that tell its size
    if seen_hz + 2 > fs / 2 or (is_folded and seen_hz < LOWEST_FOLDED_HZ):
        return None
    above = ABOVE_FOLDED if is_folded else ABOVE
    steady_uv = _amplitude_uv(np.median(power, axis=0)[None], seen_hz, fs, above)[0]
    each_uv = _amplitude_uv(power, seen_hz, fs, above)
    has_it = each_uv >= LEAST_UV
    if steady_uv > 0:
        return Hum(mains_hz, seen_hz, float(steady_uv), max(0.5, float((each_uv > 0).mean())))
    if has_it.sum() < LEAST_PIECES:
        return None
    return Hum(mains_hz, seen_hz, float(np.median(each_uv[has_it])), float(has_it.mean()))


def _amplitude_uv(power: Float, line_hz: float, fs: float, above: float) -> Float:
    """Amplitude of a line in each power density, uV; 0 where it does not stand out. array (n,)."""
    hertz = np.fft.rfftfreq(round(WINDOW_S * fs), 1 / fs)
    away = np.abs(hertz - line_hz)
    beside = np.median(power[:, (away >= BESIDE_HZ[0]) & (away <= BESIDE_HZ[1])], axis=1)
    peak = power[:, away <= NEAR_HZ]
    total = np.sum(peak - beside[:, None], axis=1) * (hertz[1] - hertz[0])
    amplitude_uv = 1e3 * np.sqrt(2 * np.maximum(total, 0.0))
    return np.asarray(np.where(peak.max(axis=1) > above * beside, amplitude_uv, 0.0), np.float64)

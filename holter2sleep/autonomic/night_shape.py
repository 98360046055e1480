"""The course of the heart rate over a night: nadir, trend, slow waves, what sleep onset and awakenings do to it.

All functions read the rate epoch by epoch, NaN where it is unknown, and answer NaN where too little of it is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from holter2sleep.night import EPOCH_S, Bool, Float

NADIR_EPOCHS = 10  # 5 min, the Task Force's short-term window: shorter than a stage, longer than a breath or an arousal
KNOWN_SHARE = 0.8  # of the epochs of such a window
ONSET_EPOCHS = 10  # 5 min on either side of sleep onset
MOST_IN_PAIRS = 2000  # epochs whose pairs are all formed, 16 h of sleep; of a fortnight's they would fill any memory
ULTRADIAN_MIN = np.arange(60.0, 121.0, 5.0)  # periods of the NREM-REM cycle, 90 to 110 min on average
CYCLES_SEEN = 2  # of the longest period: less time cannot tell a wave from a trend
SMALLEST_BPM = 1e-6  # root mean square beside the trend: less is rounding

# seconds around the start of the first wake epoch, which begins up to 15 s before or after the awakening itself
BASELINE_S = (-90.0, -30.0)
RESPONSE_S = (-30.0, 60.0)
SMOOTHING_BEATS = 5  # a lone early beat is no surge
LEAST_BEATS = 10  # of a window


@dataclass(frozen=True)
class Nadir:
    """The lowest rate of 5 min, and when: the middle of those minutes."""

    rate_bpm: float
    at_s: float


def nadir(rate_bpm: Float, onset_s: Float, asleep: Bool) -> Nadir:
    """Lowest 5-min mean of the rate that lies wholly in sleep; NaN where no 5 min are.

    Examples
    --------
    An hour at 60/min with ten minutes at 50/min from minute 30 on:

    >>> rate = np.full(120, 60.0)
    >>> rate[60:80] = 50
    >>> found = nadir(rate, 30.0 * np.arange(120), np.ones(120, bool))
    >>> found.rate_bpm, found.at_s / 60
    (50.0, 32.5)
    """
    known = np.isfinite(rate_bpm) & asleep
    n = _running(known.astype(float))
    whole = (n >= KNOWN_SHARE * NADIR_EPOCHS) & (_running(asleep.astype(float)) == NADIR_EPOCHS)
    if not whole.any():
        return Nadir(np.nan, np.nan)
    means = np.where(whole, _running(np.where(known, rate_bpm, 0.0)) / np.maximum(n, 1), np.inf)
    first = int(means.argmin())
    return Nadir(float(means[first]), float(onset_s[first] + NADIR_EPOCHS * EPOCH_S / 2))


def _running(values: Float) -> Float:
    """Sum of each ten successive values."""
    if len(values) < NADIR_EPOCHS:
        return np.empty(0)
    return np.convolve(values, np.ones(NADIR_EPOCHS), "valid")


def trend_per_hour(rate_bpm: Float, onset_s: Float, asleep: Bool) -> tuple[float, tuple[float, float]]:
    """Change of the rate in sleep, bpm per hour, and its 95 % interval: the median of all pairwise slopes.

    Of more than 2,000 epochs every second, third ... is taken.

    References
    ----------
    Sen PK (1968) J Am Stat Assoc 63:1379-1389. Epochs close in time are not independent: the interval flatters.
    """
    known = np.isfinite(rate_bpm) & asleep
    if known.sum() < 3:
        return np.nan, (np.nan, np.nan)
    some = np.flatnonzero(known)
    some = some[:: 1 + (len(some) - 1) // MOST_IN_PAIRS]
    found = stats.theilslopes(rate_bpm[some], onset_s[some] / 3600)
    return float(found.slope), (float(found.low_slope), float(found.high_slope))


def change_at_onset(rate_bpm: Float, first_asleep: int) -> float:
    """Mean rate of the 5 min after sleep onset less that of the 5 min before; both must be mostly known."""
    before = rate_bpm[max(0, first_asleep - ONSET_EPOCHS) : first_asleep]
    return mean_of_known(rate_bpm[first_asleep : first_asleep + ONSET_EPOCHS]) - mean_of_known(before)


def mean_of_known(rate_bpm: Float, epochs: int = ONSET_EPOCHS) -> float:
    """Mean of what is known; NaN where that is less than the least share of so many epochs."""
    known = rate_bpm[np.isfinite(rate_bpm)]
    return float(known.mean()) if len(known) and len(known) >= KNOWN_SHARE * epochs else np.nan


@dataclass(frozen=True)
class Wave:
    """A slow wave: its period, half of its swing, and the share of the variance it explains."""

    period_min: float
    amplitude_bpm: float
    share: float


NO_WAVE = Wave(np.nan, np.nan, np.nan)


def ultradian_wave(rate_bpm: Float, onset_s: Float) -> Wave:
    """The sine of 60 to 120 min that fits the rate of the sleep period best, besides a straight trend.

    NaN where less than two of the longest cycles are known, or nothing is left beside the trend.
    """
    known = np.isfinite(rate_bpm)
    if known.sum() * EPOCH_S / 60 < CYCLES_SEEN * ULTRADIAN_MIN[-1]:
        return NO_WAVE
    minutes, values = onset_s[known] / 60, rate_bpm[known]
    line = np.column_stack([np.ones(len(minutes)), minutes - minutes.mean()])
    straight = _fit(line, values)[1]
    if straight <= len(values) * SMALLEST_BPM**2:
        return NO_WAVE
    fits = {}
    for period in ULTRADIAN_MIN:
        angle = 2 * np.pi * minutes / period
        weights, left = _fit(np.column_stack([line, np.cos(angle), np.sin(angle)]), values)
        fits[float(period)] = (left, float(np.hypot(*weights[2:])))
    period, (left, amplitude) = min(fits.items(), key=lambda fit: fit[1][0])
    return Wave(period, amplitude, 1 - left / straight)


def _fit(design: Float, values: Float) -> tuple[Float, float]:
    """Weights of a least-squares fit, and the squares left."""
    weights = np.asarray(np.linalg.lstsq(design, values)[0], np.float64)
    return weights, float(((values - design @ weights) ** 2).sum())


def responses_to(moments_s: Float, end_s: Float, rr_s: Float) -> Float:
    """Rise of the rate at each moment, bpm: the highest 5-beat rate around it over the mean rate before it.

    Parameters
    ----------
    moments_s
        array (n,); starts of the first wake epochs.
    end_s, rr_s
        arrays (n_intervals,); trusted intervals and their ends, s.

    Returns
    -------
    array (n,), NaN where either window holds fewer than ten intervals.

    Examples
    --------
    60/min, and 80/min for 20 s from second 300 on:

    >>> rr_s = np.r_[np.ones(300), np.full(27, 0.75), np.ones(200)]
    >>> round(float(responses_to(np.array([300.0]), np.cumsum(rr_s), rr_s)[0]), 6)
    20.0
    """
    running = _running_rate(rr_s)
    rises = np.full(len(moments_s), np.nan)
    for i, moment_s in enumerate(moments_s):
        before, around = (
            slice(*np.searchsorted(end_s, moment_s + np.array(span))) for span in (BASELINE_S, RESPONSE_S)
        )
        if min(len(rr_s[before]), len(rr_s[around])) >= LEAST_BEATS:
            rises[i] = running[around].max() - 60 / rr_s[before].mean()
    return rises


def _running_rate(rr_s: Float) -> Float:
    """Rate over five intervals around each; the first and last two take the nearest. array (n_intervals,)."""
    if len(rr_s) < SMOOTHING_BEATS:
        return np.full(len(rr_s), np.nan)
    whole = 60 * SMOOTHING_BEATS / np.convolve(rr_s, np.ones(SMOOTHING_BEATS), "valid")
    return np.pad(whole, SMOOTHING_BEATS // 2, mode="edge")

"""Where the QRS complex of an averaged beat begins and ends, and its T wave ends, by two methods of our own.

`slope` looks for the steepness of the signal, `area` for the area under it; they share no threshold.

References
----------
Lepeschkin E, Surawicz B. The measurement of the Q-T interval of the electrocardiogram. Circulation 1952;6:378-388
(the tangent at the steepest descent of the T wave).
Zhang Q, Illanes Manriquez A, Medigue C, Papelier Y, Sorine M. An algorithm for robust and efficient location of T-wave
ends in electrocardiograms. IEEE Trans Biomed Eng 2006;53:2544-2552 (the area in a sliding window).
Illanes-Manriquez A, Zhang Q. An algorithm for robust detection of QRS onset and offset in ECG signals. Computers in
Cardiology 2008;35:857-860 (the same area under an envelope of the QRS).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import signal

from holter2sleep.night import Bool, Float

SMOOTHING_S = 0.012  # parabolas through so long a piece give the slopes: a QRS edge lasts longer
QRS_REACH_S = 0.16  # a QRS of 0.2 s whose dominant deflection is not in its middle
SLOPE_SHARES = (0.04, 0.08)  # of the steepest slope: below, the QRS is over; the second where ST or PQ slope too
QUIET_S = 0.012  # so long: a summit within the QRS is flat for less
QRS_WINDOW_S = 0.08  # window of the area under the envelope: spans the gap between two waves of a wide QRS
T_WINDOW_S = 0.128  # Zhang 2006
T_LEVEL_S = 0.016  # Zhang 2006: the level is the mean so far on either side
T_GAP_S = 0.06  # no T summit comes sooner after the QRS
T_FOOT_SHARE = 0.1  # of its summit: what comes below it is no part of the descent
P_ROOM_S, T_SHARE_OF_RR = 0.25, 0.62  # the T wave ends before the next P wave; at fast rates the two draw together
ISOELECTRIC_S = 0.02  # before the QRS: the PQ segment


TEnd = Callable[[Float, int, int, float], float | None]  # upright beat, T summit, latest end, rate -> end, samples


@dataclass(frozen=True)
class AveragedBeat:
    """The mean of many beats, and what it rests on."""

    mv: Float  # (n_samples,)
    fs: float  # Hz
    r_index: int  # sample of the R peak
    n_beats: int
    rr_s: float  # mean interval before the beats
    in_af: bool


@dataclass(frozen=True)
class Marks:
    """Times against the R peak, s, and the T summit above the PQ segment, mV; None where it cannot be seen."""

    qrs_on_s: float | None
    qrs_off_s: float | None
    t_peak_s: float | None = None
    t_end_s: float | None = None
    t_mv: float | None = None

    @property
    def qrs_ms(self) -> float | None:
        """QRS duration."""
        return _between_ms(self.qrs_on_s, self.qrs_off_s)

    @property
    def qt_ms(self) -> float | None:
        """QRS onset to T end."""
        return _between_ms(self.qrs_on_s, self.t_end_s)


def _between_ms(start_s: float | None, end_s: float | None) -> float | None:
    return None if start_s is None or end_s is None else 1000 * (end_s - start_s)


def marks_by_slope(beat: AveragedBeat, least_t_share: float) -> Marks:
    """QRS as far as the slope of its first and last wave reaches, T end by Lepeschkin's tangent."""
    steep = np.abs(_slope(beat))
    first, last = _qrs_reach(beat)
    core = first + int(steep[first:last].argmax())
    back = _last_wave_end(steep[::-1], len(steep) - 1 - core, beat.fs)
    on, off = None if back is None else len(steep) - 1 - back, _last_wave_end(steep, core, beat.fs)
    return _with_t(beat, on, off, least_t_share, _tangent_end)


def marks_by_area(beat: AveragedBeat, least_t_share: float) -> Marks:
    """QRS and T end where the area above the level of a sliding window's edge is largest."""
    envelope = _envelope(beat)
    first, last = _qrs_reach(beat)
    core = first + int(envelope[first:last].argmax())
    off = core + _largest_area(envelope[core - round(QRS_WINDOW_S * beat.fs) : last], beat.fs, QRS_WINDOW_S)
    before = envelope[first : core + round(QRS_WINDOW_S * beat.fs) + 1][::-1]
    on = core - _largest_area(before, beat.fs, QRS_WINDOW_S)
    return _with_t(beat, on, off, least_t_share, _area_end)


def _slope(beat: AveragedBeat) -> Float:
    """Derivative of the smoothed beat, mV/s. array (n_samples,)."""
    return beat.fs * _parabola_slope(beat.mv, max(2, round(SMOOTHING_S * beat.fs / 2)))


def _parabola_slope(values: Float, half: int) -> Float:
    """Slope per sample of the parabola through `half` samples on either side (Savitzky and Golay 1964)."""
    weights = np.arange(half, -half - 1, -1.0)
    return np.convolve(np.pad(values, half, mode="edge"), weights / (weights**2).sum(), "valid")


def _envelope(beat: AveragedBeat) -> Float:
    """Size of the slope whatever its sign, without the gaps at summits. array (n_samples,)."""
    return np.abs(signal.hilbert(_slope(beat)))


def _qrs_reach(beat: AveragedBeat) -> tuple[int, int]:
    """First sample of the stretch that holds the QRS, and the one behind its last."""
    reach = round(QRS_REACH_S * beat.fs)
    return beat.r_index - reach, beat.r_index + reach + 1


def _last_wave_end(steep: Float, core: int, fs: float) -> int | None:
    """Where the QRS behind `core` has lost its slope; None when it does not end in reach."""
    ends = (_quiet_after(steep < share * steep[core], core, fs) for share in SLOPE_SHARES)
    return next((end for end in ends if end is not None), None)


def _quiet_after(quiet: Bool, core: int, fs: float) -> int | None:
    """First sample behind `core` from which it stays quiet for a while; None when it never does in reach."""
    length = max(2, round(QUIET_S * fs))
    stretch = quiet[core : core + round(QRS_REACH_S * fs)]
    whole = np.convolve(stretch, np.ones(length, int), "valid") == length if len(stretch) >= length else np.zeros(0)
    return core + int(whole.argmax()) if whole.any() else None


def _largest_area(values: Float, fs: float, window_s: float) -> int:
    """Samples from the window's first full position to where the area above its last value is largest."""
    n = round(window_s * fs)
    total = np.cumsum(values)
    area = total[n:] - total[:-n] - n * values[n:]
    return int(area.argmax())


def _with_t(beat: AveragedBeat, on: int | None, off: int | None, least_t_share: float, end: TEnd) -> Marks:
    """The marks of a QRS, and those of the T wave behind it, whose end the function `end` finds."""
    on_s, off_s = (None if at is None else (at - beat.r_index) / beat.fs for at in (on, off))
    if on is None or off is None:
        return Marks(on_s, off_s)
    level = beat.mv - beat.mv[max(0, on - round(ISOELECTRIC_S * beat.fs)) : on + 1].mean()
    t = _t_wave(beat, level, off, least_t_share)
    if t is None:
        return Marks(on_s, off_s)
    peak, behind = t
    t_mv = float(level[peak])
    at = end(np.sign(t_mv) * level, peak, behind, beat.fs)
    t_end_s = None if at is None or at >= behind else float(at - beat.r_index) / beat.fs
    return Marks(on_s, off_s, (peak - beat.r_index) / beat.fs, t_end_s, t_mv)


def _t_wave(beat: AveragedBeat, level: Float, off: int, least_t_share: float) -> tuple[int, int] | None:
    """Summit of the T wave and the sample its end must come before; None when it is flat or has no summit."""
    reach_s = max(beat.rr_s - P_ROOM_S, T_SHARE_OF_RR * beat.rr_s)
    behind = min(beat.r_index + round(reach_s * beat.fs), len(level) - 1)
    first = off + round(T_GAP_S * beat.fs)
    if behind - first < round(T_WINDOW_S * beat.fs):
        return None
    peak = first + int(np.abs(level[first:behind]).argmax())
    first_r, last_r = _qrs_reach(beat)
    if peak in (first, behind - 1) or abs(level[peak]) < least_t_share * np.ptp(level[first_r:last_r]):
        return None
    return peak, behind


def _tangent_end(upright: Float, peak: int, behind: int, fs: float) -> float | None:
    """Where the tangent at the steepest descent meets the level of the PQ segment."""
    slope = _parabola_slope(upright, max(2, round(T_LEVEL_S * fs / 2)))
    low = np.flatnonzero(upright[peak:behind] < T_FOOT_SHARE * upright[peak])
    foot = peak + int(low[0]) if len(low) else behind
    steepest = peak + int(slope[peak : foot + 1].argmin())
    if slope[steepest] >= 0:
        return None
    return steepest - upright[steepest] / slope[steepest]


def _area_end(upright: Float, peak: int, behind: int, fs: float) -> float | None:
    """Where the area of the past 128 ms above the present level is largest (Zhang 2006)."""
    n, around = round(T_WINDOW_S * fs), round(T_LEVEL_S * fs)
    total = np.cumsum(np.pad(upright, (1, 0)))
    at = np.arange(peak, min(behind + 1, len(upright) - around))
    here = (total[at + around + 1] - total[at - around]) / (2 * around + 1)
    area = total[at + 1] - total[at + 1 - n] - n * here
    best = int(area.argmax())
    return float(at[best]) if 0 < best < len(at) - 1 else None

"""ECG to R peaks: two independent detectors, guarded against NaN, gaps and steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import sleepecg
from numpy.typing import NDArray
from scipy import ndimage, signal

from holter2sleep.heart.faults import Faults
from holter2sleep.night import Float, Recording
from holter2sleep.spans import contains, covers, runs
from holter2sleep.waveform import Signal, Waveform

# Elgendi 2013 (PLoS ONE 8:e73557), table 3: lengths of a QRS complex and of a beat, band and offset
QRS_S, BEAT_S, OFFSET, BAND_HZ = 0.097, 0.611, 0.08, (8.0, 20.0)
SLEEPECG_LOWEST_HZ = 100.0  # what its documentation recommends; its band-pass reaches to 30 Hz
BATCH = 2000  # beats whose windows are gathered at a time: a day at 1,000 Hz must not be in memory twice


@dataclass(frozen=True)
class BeatRules:
    """Keys of `[beats]`."""

    stretch_s: float
    overlap_s: float
    refractory_s: float
    search_s: float
    inverted_ratio: float


@dataclass(frozen=True)
class Detection:
    """R peaks as found, before anything is judged.

    `second_s` comes from the second detector and serves only to judge the first.
    """

    time_s: Float  # (n_beats,)
    amplitude_mv: Float  # (n_beats,), height of the dominant deflection above the local baseline, signed
    second_s: Float  # (n_other,)


def detect_beats(recording: Recording, faults: Faults, rules: BeatRules) -> Detection:
    """R peaks of a waveform.

    The first detector is that of Elgendi 2013 (two moving averages), the second SleepECG's (a modified
    Pan-Tompkins 1985). Both see the record in stretches whose missing, flat and saturated seconds are bridged
    by a straight line, so that one NaN cannot silence a night. Each peak is then placed on the
    dominant deflection of the record, between samples by a parabola.

    Returns
    -------
    Detection
        Empty when there is no waveform or no signal in it.
    """
    if recording.ecg is None or recording.fs is None:
        empty = np.empty(0)
        return Detection(empty, empty, empty)
    first: list[Float] = []
    second: list[Float] = []
    for part, core in _stretches(recording, faults, rules):
        # the second detector tells up from down: it sees the taller side up, so that a lead turned over gives the same
        for found, detector, ecg in (
            (first, _two_moving_averages, part.ecg),
            (second, _sleepecg_beats, part.ecg * _taller_side(part.ecg)),
        ):
            times = (detector(ecg, recording.fs) + part.start) / recording.fs
            found.append(times[(times >= core[0]) & (times < core[1])])
    coarse_s, second_s = (np.concatenate([np.empty(0), *found]) for found in (first, second))
    time_s, amplitude_mv = _on_dominant_deflection(recording.ecg, recording.fs, coarse_s, rules)
    order = np.argsort(time_s, kind="stable")
    time_s, amplitude_mv = time_s[order], amplitude_mv[order]
    keep = _spaced(time_s, amplitude_mv, rules.refractory_s) & ~contains(faults.spans, time_s)
    return Detection(time_s[keep], amplitude_mv[keep], second_s)


def amplitude_at(recording: Recording, time_s: Float, rules: BeatRules) -> NDArray[np.float32]:
    """Height of the dominant deflection near each time, mV; NaN without a waveform. array (n,)."""
    if recording.ecg is None or recording.fs is None:
        return np.full(len(time_s), np.nan, np.float32)
    return _on_dominant_deflection(recording.ecg, recording.fs, time_s, rules)[1].astype(np.float32)


def is_inverted(detection: Detection, rules: BeatRules) -> bool:
    """Whether the dominant deflection of most beats points down, so that the lead should be turned."""
    up = np.sum(detection.amplitude_mv > 0)
    down = np.sum(detection.amplitude_mv < 0)
    return bool(down > rules.inverted_ratio * up)


@dataclass(frozen=True)
class _Stretch:
    start: int  # sample of the stretch's first value
    ecg: NDArray[np.float64]  # gapless


def _stretches(
    recording: Recording, faults: Faults, rules: BeatRules
) -> Iterator[tuple[_Stretch, tuple[float, float]]]:
    """Overlapping stretches of bridged signal, each with the time its beats are taken from."""
    if recording.ecg is None or recording.fs is None:
        return
    n, fs = len(recording.ecg), recording.fs
    core, overlap = round(rules.stretch_s * fs), round(rules.overlap_s * fs)
    for start in range(0, n, core):
        first, last = max(0, start - overlap), min(n, start + core + overlap)
        if covers(faults.spans, np.array([first / fs]), np.array([last / fs]))[0]:
            continue  # days may lie between two stretches of a file
        ecg = _bridged(recording.ecg[first:last], first, fs, faults)
        if ecg is not None:
            yield _Stretch(first, ecg), (start / fs, (start + core) / fs)


def _bridged(ecg: Signal, start: int, fs: float, faults: Faults) -> NDArray[np.float64] | None:
    """The signal with its faulty parts replaced by straight lines; None when hardly anything is left."""
    good = np.isfinite(ecg)
    least = 2 * fs  # both detectors learn their thresholds from two seconds
    if good.sum() < least:
        return None
    good &= ~contains(faults.spans, (start + np.arange(len(ecg))) / fs)
    if good.sum() < least:
        return None
    whole = ecg.astype(np.float64)
    if not good.all():
        index = np.arange(len(ecg))
        whole = np.interp(index, index[good], whole[good])
    return None if np.ptp(whole) == 0 else whole


def _taller_side(ecg: NDArray[np.float64]) -> float:
    """1 where the signal reaches further above its median than below it, else -1."""
    above = ecg - np.median(ecg)
    return 1.0 if (above * above * above).sum() >= 0 else -1.0


def _sleepecg_beats(ecg: NDArray[np.float64], fs: float) -> NDArray[np.int64]:
    if fs < SLEEPECG_LOWEST_HZ:
        doubled = signal.resample_poly(ecg, 2, 1)
        return np.asarray(sleepecg.detect_heartbeats(doubled, 2 * fs), dtype=np.int64) // 2
    return np.asarray(sleepecg.detect_heartbeats(ecg, fs), dtype=np.int64)


def _two_moving_averages(ecg: NDArray[np.float64], fs: float) -> NDArray[np.int64]:
    """R peaks after Elgendi 2013: QRS energy against the energy of a whole beat."""
    sos = signal.butter(3, BAND_HZ, "bandpass", fs=fs, output="sos")
    energy = signal.sosfiltfilt(sos, ecg) ** 2
    qrs = ndimage.uniform_filter1d(energy, max(1, round(QRS_S * fs)))
    beat = ndimage.uniform_filter1d(energy, max(1, round(BEAT_S * fs)))
    # the offset (of the mean energy) from the median over seconds: a burst must not hide the beats around it
    second = max(1, round(fs))
    level = np.median(energy[: len(energy) // second * second].reshape(-1, second).mean(axis=1))
    start, end = runs(qrs > beat + OFFSET * level)
    wide = end - start >= round(QRS_S * fs)
    return _highest(energy, start[wide], end[wide])


def _highest(values: NDArray[np.float64], first: NDArray[np.intp], behind: NDArray[np.intp]) -> NDArray[np.int64]:
    """Index of the first of the highest values within each of some stretches, one after another. array (n,)."""
    if len(first) == 0:
        return np.empty(0, np.int64)
    length = behind - first
    within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    index = np.repeat(first, length) + within
    top = np.maximum.reduceat(values[index], np.cumsum(length) - length)
    at = index[values[index] == np.repeat(top, length)]
    return at[np.searchsorted(at, first)].astype(np.int64)


def _spaced(time_s: Float, height: Float, least_s: float) -> NDArray[np.bool_]:
    """False for the lower one of each two beats that come too close. array (n_beats,)."""
    keep = np.ones(len(time_s), bool)
    for i in np.flatnonzero(np.diff(time_s) <= least_s) + 1:
        before = i - 1
        while before > 0 and not keep[before]:
            before -= 1
        if keep[before] and time_s[i] - time_s[before] <= least_s:
            keep[min(before, i, key=lambda beat: abs(height[beat]))] = False
    return keep


def _on_dominant_deflection(ecg: Waveform, fs: float, coarse_s: Float, rules: BeatRules) -> tuple[Float, Float]:
    """Times moved to the record's dominant deflection, and its signed height above the baseline."""
    if len(coarse_s) == 0:
        return np.empty(0), np.empty(0)
    centre = np.clip(np.round(coarse_s * fs).astype(np.int64), 0, len(ecg) - 1)
    reach = max(1, round(rules.search_s * fs))
    batches = [_summits(ecg, centre[i : i + BATCH], reach, fs) for i in range(0, len(centre), BATCH)]
    # which way the record's beats point is known only after the last: both summits of each are kept until then
    up, down = (np.concatenate(side, axis=1) for side in zip(*batches, strict=True))
    chosen = up if np.median(up[1]) >= np.median(-down[1]) else down
    return (centre + chosen[0]) / fs, chosen[1]


def _summits(ecg: Waveform, centre: NDArray[np.int64], reach: int, fs: float) -> tuple[Float, Float]:
    """Highest and lowest point near each centre: offset in samples and height. Two arrays (2, n)."""
    near = _near(ecg, centre, reach, fs)
    row = np.arange(len(near))
    summits = []
    for sign in (1.0, -1.0):
        peak = np.argmax(sign * near, axis=1)
        summits.append(np.array([peak - reach + _parabola_shift(sign * near, peak), near[row, peak]]))
    return summits[0], summits[1]


def _near(ecg: Waveform, centre: NDArray[np.int64], reach: int, fs: float) -> Signal:
    """The signal around each centre above the median of the 0.6 s around it. array (n, 2 reach + 1)."""
    wide = max(reach, 2, round(0.3 * fs))
    windows = ecg.around(centre, wide)
    baseline = _medians(windows)
    return np.nan_to_num(windows[:, wide - reach : wide + reach + 1] - baseline[:, None])


def _medians(rows: Signal) -> Signal:
    """Median of what is there of each row, 0 where nothing is. array (n,)."""
    finite = np.isfinite(rows)
    medians = np.median(rows, axis=1)  # ten times as fast as where NaN must be passed over
    holey = ~finite.all(axis=1)
    if holey.any():
        known = np.where(finite[holey].any(axis=1, keepdims=True), rows[holey], 0)
        medians[holey] = np.nanmedian(known, axis=1)
    return np.asarray(medians)


def _parabola_shift(rows: NDArray[np.floating], peak: NDArray[np.int64]) -> Float:
    """Offset of the vertex of the parabola through each peak and its neighbours, in samples (-0.5 to 0.5)."""
    inner = np.clip(peak, 1, rows.shape[1] - 2)
    n = np.arange(len(rows))
    left, top, right = rows[n, inner - 1], rows[n, inner], rows[n, inner + 1]
    bend = (left - 2 * top + right).astype(np.float64)
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1), 0.0)
    return np.where(inner == peak, np.clip(shift, -0.5, 0.5), 0.0)

"""ECG to R peaks: two independent detectors, guarded against NaN, gaps and steps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.heart.candidates import find_candidates, in_bands, qrs_height, resampled
from holter2sleep.heart.faults import Faults
from holter2sleep.heart.moving_averages import beats_by_energy
from holter2sleep.heart.refine import chance_of_beat, taller_side, usual_range
from holter2sleep.heart.summits import on_dominant_deflection
from holter2sleep.night import Float, Recording
from holter2sleep.spans import as_spans, contains, covers, intersection
from holter2sleep.waveform import Signal


@dataclass(frozen=True)
class BeatRules:
    """Keys of `[beats]`."""

    stretch_s: float
    overlap_s: float
    least_chance: float
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
    chance: Float  # (n_beats,), that it is a QRS complex, by the networks
    second_s: Float  # (n_other,)


def detect_beats(recording: Recording, faults: Faults, rules: BeatRules) -> Detection:
    """R peaks of a waveform.

    The first detector lets small networks judge every wave that could be a QRS complex; the second, after
    Elgendi 2013 (two moving averages), knows nothing of shapes. Both see the record in stretches whose missing, flat
    and saturated seconds are bridged by a straight line, so that one NaN cannot silence a night. Each peak is then
    placed on the dominant deflection of the record, between samples by a parabola.

    Returns
    -------
    Detection
        Empty when there is no waveform or no signal in it.
    """
    if recording.ecg is None or recording.fs is None:
        return Detection(*(np.empty(0),) * 4)
    fs = recording.fs
    parts = [
        _within(_looked_at(part.ecg, fs, rules), part.start / fs, core)
        for part, core in _stretches(recording, faults, rules)
    ]
    nothing = (np.empty(0),) * 3
    coarse_s, chance, second_s = (np.concatenate(column) for column in zip(nothing, *parts, strict=True))
    time_s, amplitude_mv = on_dominant_deflection(recording.ecg, fs, coarse_s, rules.search_s)
    order = np.argsort(time_s, kind="stable")
    time_s, amplitude_mv, chance = time_s[order], amplitude_mv[order], chance[order]
    keep = _spaced(time_s, chance, rules.refractory_s) & ~contains(faults.spans, time_s)
    return Detection(time_s[keep], amplitude_mv[keep], chance[keep], second_s)


def _looked_at(ecg: Signal, fs: float, rules: BeatRules) -> tuple[Float, Float, Float]:
    """Beats of the first detector, their chances, and beats of the second, s from the first sample."""
    work = resampled(ecg, fs)
    work *= np.float32(taller_side(work) / usual_range(work))
    energy, shape = in_bands(work)
    candidates = find_candidates(work, qrs_height(energy), shape)
    chance = chance_of_beat(candidates)
    found = chance >= rules.least_chance
    return candidates.time_s[found], chance[found], beats_by_energy(energy)


def _within(found: tuple[Float, Float, Float], start_s: float, core: tuple[float, float]) -> tuple[Float, Float, Float]:
    """Of what was found in a stretch, what lies in its own time; times from the start of the recording."""
    first_s, chance, second_s = found[0] + start_s, found[1], found[2] + start_s
    own, own_second = ((times >= core[0]) & (times < core[1]) for times in (first_s, second_s))
    return first_s[own], chance[own], second_s[own_second]


def amplitude_at(recording: Recording, time_s: Float, rules: BeatRules) -> NDArray[np.float32]:
    """Height of the dominant deflection near each time, mV; NaN without a waveform. array (n,)."""
    if recording.ecg is None or recording.fs is None:
        return np.full(len(time_s), np.nan, np.float32)
    return on_dominant_deflection(recording.ecg, recording.fs, time_s, rules.search_s)[1].astype(np.float32)


def is_inverted(detection: Detection, rules: BeatRules) -> bool:
    """Whether the dominant deflection of most beats points down, so that the lead should be turned."""
    up = np.sum(detection.amplitude_mv > 0)
    down = np.sum(detection.amplitude_mv < 0)
    return bool(down > rules.inverted_ratio * up)


@dataclass(frozen=True)
class _Stretch:
    start: int  # sample of the stretch's first value
    ecg: Signal  # gapless


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


def _bridged(ecg: Signal, start: int, fs: float, faults: Faults) -> Signal | None:
    """The signal with its faulty parts replaced by straight lines; None when hardly anything is left."""
    good = np.isfinite(ecg)
    least = 2 * fs  # both detectors learn their thresholds from two seconds
    if good.sum() < least:
        return None
    for first_s, last_s in intersection(faults.spans, as_spans([(start / fs, (start + len(ecg)) / fs)])):
        good[max(0, math.ceil(first_s * fs) - start) : max(0, math.ceil(last_s * fs) - start)] = False
    if good.sum() < least:
        return None
    whole = ecg
    if not good.all():
        index = np.arange(len(ecg))
        whole = np.interp(index, index[good], ecg[good]).astype(np.float32)
    return None if np.ptp(whole) == 0 else whole


def _spaced(time_s: Float, chance: Float, least_s: float) -> NDArray[np.bool_]:
    """False for the less likely of each two beats that come too close. array (n_beats,)."""
    keep = np.ones(len(time_s), bool)
    for i in np.flatnonzero(np.diff(time_s) <= least_s) + 1:
        before = i - 1
        while before > 0 and not keep[before]:
            before -= 1
        if keep[before] and time_s[i] - time_s[before] <= least_s:
            keep[min(before, i, key=lambda beat: chance[beat])] = False
    return keep

"""Which way up a lead is, all night long: stretches in which it points the other way.

An electrode cable that is put on again the wrong way round turns every wave of the ECG over. That is told from a
change of the heart's axis (body position): the beats of a swapped stretch are the other beats times minus one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from holter2sleep.night import Float, Recording
from holter2sleep.spans import EMPTY, Spans, as_spans, runs
from holter2sleep.waveform import Signal, Waveform

NEAR_S = 0.12  # the dominant deflection lies this near to a detected beat, whichever of its waves was detected
BEAT_S = (0.2, 0.4)  # P to T: a swapped cable turns the T wave too, which another axis of the heart leaves
BASELINE_S = 0.3  # either side of a beat
BATCH = 2000  # beats whose windows are gathered at a time
STRIDE = 5  # beats between those looked at first: a stretch of minutes shows in every fifth beat
SMOOTHING_BEATS = 31  # running median of directions: extrasystoles often point the other way
SHORT_S = 60.0
SHAPE_BEATS = 200  # enough for a typical beat


@dataclass(frozen=True)
class PolarityRules:
    """Keys of `[polarity]`."""

    minimum_s: float
    opposite_correlation: float


def opposite_spans(recording: Recording, time_s: Float, rules: PolarityRules) -> Spans:
    """Stretches of a minute and more in which the lead looks upside down against the rest of the recording.

    Parameters
    ----------
    recording
        With a waveform; without one nothing is found.
    time_s
        Detected beats, array (n_beats,), s.

    Returns
    -------
    Spans
        From midway between the last beat of one direction and the first of the other; array (n, 2), s.
    """
    if recording.ecg is None or recording.fs is None or len(time_s) < SMOOTHING_BEATS * STRIDE:
        return EMPTY
    ecg, fs = recording.ecg, recording.fs
    coarse_s = time_s[::STRIDE]
    coarse = _opposite_runs(coarse_s, _peaks(ecg, fs, coarse_s)[1], recording.duration_s, SHORT_S / 2)
    if not coarse:
        return EMPTY
    centre, height = _peaks(ecg, fs, time_s)
    swapped = _opposite_runs(time_s, height, recording.duration_s, SHORT_S)
    inside = np.zeros(len(time_s), bool)
    for first, behind, _ in swapped:
        inside[first:behind] = True
    usual = _typical(ecg, fs, centre[~inside])
    kept = [
        span
        for first, behind, span in swapped
        if np.corrcoef(-_typical(ecg, fs, centre[first:behind]), usual)[0, 1] >= rules.opposite_correlation
    ]
    return as_spans(kept)


def is_swapped(spans: Spans, rules: PolarityRules) -> bool:
    """Whether such stretches are believed: where one lasts `minimum_s`, cables were moved, and short ones count too."""
    return bool((spans[:, 1] - spans[:, 0] >= rules.minimum_s).any())


def turned_within(recording: Recording, spans: Spans) -> Recording:
    """The recording with the samples inside the spans turned over."""
    if recording.ecg is None or recording.fs is None:
        return recording
    ecg, fs = recording.ecg, recording.fs
    borders = [(round(start_s * fs), round(end_s * fs)) for start_s, end_s in spans.tolist()]

    def read(first: int, last: int) -> Signal:
        part = ecg[first:last].copy()
        for start, end in borders:
            part[max(0, start - first) : max(0, end - first)] *= -1
        return part

    return recording.but(ecg=Waveform(len(ecg), read), turned=spans)


def _opposite_runs(
    time_s: Float, height: Float, duration_s: float, minimum_s: float
) -> list[tuple[int, int, tuple[float, float]]]:
    """Runs of beats against the majority's direction: first beat, the one behind the last, and the time they cover."""
    direction = ndimage.median_filter(np.sign(height), size=SMOOTHING_BEATS, mode="nearest")
    usual = 1.0 if np.sum(direction) >= 0 else -1.0
    edges = np.concatenate([[0.0], (time_s[:-1] + time_s[1:]) / 2, [duration_s]])
    first, behind = runs(direction == -usual)
    found = [(int(a), int(b), (float(edges[a]), float(edges[b]))) for a, b in zip(first, behind, strict=True)]
    return [run for run in found if run[2][1] - run[2][0] >= minimum_s]


def _peaks(ecg: Waveform, fs: float, time_s: Float) -> tuple[NDArray[np.int64], Float]:
    """Sample and signed height of the largest deflection near each time. Two arrays (n,)."""
    near, wide = max(1, round(NEAR_S * fs)), max(2, round(BASELINE_S * fs))
    centre = np.clip(np.round(time_s * fs).astype(np.int64), 0, len(ecg) - 1)
    samples, heights = [], []
    for at in range(0, len(centre), BATCH):
        windows = np.nan_to_num(ecg.around(centre[at : at + BATCH], wide))
        core = windows[:, wide - near : wide + near + 1] - np.median(windows[:, ::3], axis=1, keepdims=True)
        peak = np.argmax(np.abs(core), axis=1)
        samples.append(centre[at : at + BATCH] + peak - near)
        heights.append(core[np.arange(len(core)), peak])
    return np.concatenate(samples), np.concatenate(heights).astype(np.float64)


def _typical(ecg: Waveform, fs: float, centre: NDArray[np.int64]) -> Float:
    """Median beat of an even sample of beats, from before the P wave to behind the T wave."""
    chosen = np.unique(centre[:: max(1, len(centre) // SHAPE_BEATS)])
    before, behind = (round(side_s * fs) for side_s in BEAT_S)
    beats = np.nan_to_num(ecg.around(chosen, max(before, behind)))[:, max(0, behind - before) :]
    return np.median(beats - np.median(beats, axis=1, keepdims=True), axis=0).astype(np.float64)

"""An ECG from the beat times of one person and the beat shapes of another.

Scored nights with beats have no waveform in the open, and waveforms no stages: a waveform built from both lets a head
learn how what an encoder sees goes together with what the beats tell.

References
----------
Fridericia LS (1920) Die Systolendauer im Elektrokardiogramm. Acta Med Scand 53:469-486 (the T wave follows the RR).
Woody CD (1967) Characterization of an adaptive filter for the analysis of variable latency neuroelectric signals. Med
Biol Eng 5:539-554.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from holter2sleep.heart.summits import parabola_shift
from holter2sleep.night import Float

BEFORE_S, AFTER_S = 0.28, 0.50  # of the R peak: from before the P wave to behind the T wave
QRS_AFTER_S = 0.06  # to here time runs as it did; behind it the T wave comes sooner or later with the RR
TAPER_S = 0.04  # of the ends, so that no step is left where beats are joined
MAX_STRETCH = 1.3  # of the T wave's time, either way
# Annotators put a beat on any part of its QRS complex: in record 117 of MIT-BIH over 20 ms, 8 ms from beat to beat.
HALF_QRS_S, REACH_S, ROUNDS = 0.08, 0.04, 3

Rows = NDArray[np.float32]


def cut_beats(ecg: NDArray[np.float32], fs: float, beat_s: Float) -> tuple[Rows, Float]:
    """Beats of a waveform with their ends at zero, and the interval before each, s.

    Parameters
    ----------
    ecg
        mV, without missing samples; array (n_samples,).
    beat_s
        Times of the R peaks of normal beats; those too near an end are left out.

    Returns
    -------
    arrays (n_beats, n_window) and (n_beats,).
    """
    before, after = round(BEFORE_S * fs), round(AFTER_S * fs)
    beat_s = aligned(ecg, fs, beat_s)
    rr_s, at = np.diff(beat_s), beat_s[1:] * fs  # between samples: a shape cut at the nearest would be late or early
    inside = (at >= before) & (at + after <= len(ecg) - 1) & (rr_s > BEFORE_S + AFTER_S)
    rows = ndimage.map_coordinates(ecg, [at[inside, None] + np.arange(-before, after + 1)], order=3, mode="nearest")
    return tapered(rows, fs), rr_s[inside]


def tapered(rows: Rows, fs: float) -> Rows:
    """Rows (..., n_window) without the straight line between their ends, which come to zero."""
    n_taper, n = round(TAPER_S * fs), rows.shape[-1]
    ramp = np.linspace(rows[..., :n_taper].mean(axis=-1), rows[..., -n_taper:].mean(axis=-1), n, axis=-1)
    edge = np.sin(np.linspace(0, np.pi / 2, n_taper)) ** 2
    return ((rows - ramp) * np.r_[edge, np.ones(n - 2 * n_taper), edge[::-1]]).astype(np.float32)


def aligned(ecg: NDArray[np.float32], fs: float, beat_s: Float) -> Float:
    """Beats moved so far that their QRS complexes lie best on their mean (Woody 1967). array (n_beats,), s.

    They come to lie between samples, by the vertex of the parabola through the best three; those too near an end stay
    where they are.
    """
    half, reach = round(HALF_QRS_S * fs), round(REACH_S * fs)
    at = np.round(beat_s * fs).astype(np.int64)
    inside = (at >= half + reach) & (at + half + reach < len(ecg))
    rows = ecg[at[inside, None] + np.arange(-half - reach, half + reach + 1)]
    lags = np.lib.stride_tricks.sliding_window_view(rows, 2 * half + 1, axis=1)  # (n_beats, 2 reach + 1, QRS)
    best = np.full(len(rows), reach)
    for _ in range(ROUNDS):
        mean = lags[np.arange(len(rows)), best].mean(axis=0)
        likeness = lags @ (mean - mean.mean())
        best = likeness.argmax(axis=1)
    moved_s = beat_s.copy()
    moved_s[inside] = (at[inside] + best + parabola_shift(likeness, best) - reach) / fs
    return moved_s


def laid_out(beat_s: Float, shapes: Rows, shape_rr_s: Float, fs: float, rng: np.random.Generator) -> Rows:
    """Waveform with a beat of the given shapes at each time; a beat's T wave is moved by the cube root of its RR.

    Neighbouring beats take neighbouring shapes, so that slow changes of the shapes stay slow.
    array (n_samples,) float32, mV; it ends a second behind the last beat.
    """
    ecg = np.zeros(int((beat_s[-1] + 1) * fs), np.float32)
    rr_s = np.diff(beat_s, prepend=beat_s[0] - np.median(shape_rr_s))
    add_beats(ecg, beat_s, rr_s, shapes, shape_rr_s, fs, rng)
    return ecg


def add_beats(
    ecg: Rows, beat_s: Float, rr_s: Float, shapes: Rows, shape_rr_s: Float, fs: float, rng: np.random.Generator
) -> None:
    """A beat at each time put into a waveform, in place; `rr_s` are the intervals before the beats."""
    n, first = len(ecg), rng.integers(len(shapes))
    for i, (time_s, own_rr_s) in enumerate(zip(beat_s, rr_s, strict=True)):
        row = (first + i) % len(shapes)
        stretch = float(np.clip(np.cbrt(own_rr_s / shape_rr_s[row]), 1 / MAX_STRETCH, MAX_STRETCH))
        start, samples = _at(shapes[row], time_s, stretch, fs)
        low, high = max(start, 0), min(start + len(samples), n)
        if low < high:
            ecg[low:high] += samples[low - start : high - start]


def _at(shape: Rows, time_s: float, stretch: float, fs: float) -> tuple[int, Rows]:
    """First sample and samples of a shape whose R peak lies at a time, between samples too."""
    start = int(np.ceil((time_s - BEFORE_S) * fs))
    end = int(np.floor((time_s + QRS_AFTER_S + (AFTER_S - QRS_AFTER_S) * stretch) * fs))
    at_s = np.arange(start, end + 1) / fs - time_s
    own_s = np.where(at_s > QRS_AFTER_S, QRS_AFTER_S + (at_s - QRS_AFTER_S) / stretch, at_s)
    shape_s = (np.arange(len(shape)) - round(BEFORE_S * fs)) / fs
    return start, np.interp(own_s, shape_s, shape, left=0, right=0).astype(np.float32)

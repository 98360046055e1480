"""What the readers of a single lead share: possible rates, the middle of a channel, missing stretches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holter2sleep.io.channels import MIN_FS_HZ, Choice
from holter2sleep.io.units import USUAL_SHARE, Size
from holter2sleep.night import Float
from holter2sleep.spans import EMPTY, Spans, as_spans, runs
from holter2sleep.waveform import Signal, Waveform

MAX_FS_HZ = 50_000.0  # the fastest ECG recorders (late potentials, pacing spikes) stay below
LARGEST_MV = 1e8  # a millivolt wrong by eight powers of ten; products of energies of more overflow
LOOK_S = 300.0  # of a channel's middle, to tell an ECG by its signal
# Of up to so many windows, each with one beat at least and no drift, as many samples as show its R wave
_WINDOW_S, _MAX_WINDOWS, _SAMPLES_OF_WINDOW = 2.0, 2000, 400
_MIN_GAP_S = 1.0  # shorter stretches without a sample stay NaN and are not called a gap


def rate_fault(fs: float) -> str | None:
    """Why a channel of this rate (Hz) cannot be an ECG; None when it can."""
    if fs < MIN_FS_HZ:
        return f"its rate of {fs:g} Hz is too low for an ECG"
    return None if fs <= MAX_FS_HZ else f"its rate of {fs:g} Hz is too high for an ECG"


def middle_of(lead: Waveform, fs: float) -> Signal:
    """Some minutes from the middle of a lead."""
    centre, half = len(lead) // 2, round(LOOK_S * fs / 2)
    return lead[max(0, centre - half) : centre + half]


def lead_of(choice: Choice, lead: Callable[[int], Waveform], ratio: float = 1.0) -> Waveform:
    """The chosen channel, or the difference of the chosen two, as far as both go.

    `lead` gives a channel by its number, `ratio` the unit of the second in that of the first.
    """
    plus = lead(choice.index)
    if choice.minus is None:
        return plus
    minus, scale = lead(choice.minus), np.float32(ratio)
    return Waveform(min(len(plus), len(minus)), lambda first, last: plus[first:last] - scale * minus[first:last])


def millivolt(values: NDArray[Any], scale: float) -> Signal:
    """Values times the factor to mV as float32; what is not finite or beyond any unit's mistake is missing."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = (values.astype(np.float64) * scale).astype(np.float32)
        scaled[~(np.abs(scaled) <= LARGEST_MV)] = np.nan
    return scaled


def in_millivolt(lead: Waveform, scale: float) -> Waveform:
    """A lead in the file's unit times its factor to mV."""
    return Waveform(len(lead), lambda first, last: millivolt(lead[first:last], scale), kept_samples=1)


@dataclass(frozen=True)
class Survey:
    """What all samples of a lead say, in the file's unit."""

    size: Size
    gaps: Spans  # stretches of a second or more without a sample, s


def survey(lead: Waveform, fs: float) -> Survey:
    """Size and gaps of a lead. Reads the whole lead once, block by block."""
    largest, missing, windows = 0.0, [EMPTY], []
    length, every = _windows(len(lead), fs)
    for first, block in lead.blocks():
        is_missing = np.isnan(block)
        largest = max(largest, float(np.nanmax(np.abs(block), initial=0.0)))
        windows += [_from_middle(part) for part in _each(block, first, length, every)]
        start, behind = runs(is_missing)
        # a short run at the edge of a block may be part of a long one
        kept = (behind - start >= _MIN_GAP_S * fs) | (start == 0) | (behind == len(block))
        missing.append(_as_floats(start[kept], behind[kept], first))
    samples = as_spans(np.concatenate(missing))  # whole numbers: a length of exactly a second is not lost by rounding
    size = Size(largest, _usual(np.concatenate(windows) if windows else np.empty(0)))
    return Survey(size, samples[samples[:, 1] - samples[:, 0] >= _MIN_GAP_S * fs] / fs)


def _windows(n_samples: int, fs: float) -> tuple[int, int]:
    """Samples in a window, and of how many windows one is looked at."""
    length = max(1, min(n_samples, round(_WINDOW_S * fs)))
    return length, max(1, n_samples // (length * _MAX_WINDOWS))


def _each(block: Signal, first: int, length: int, every: int) -> Signal:
    """Windows of a block that begins with sample `first`, evenly spread over the lead. array (n_windows, n_samples)."""
    length = min(length, len(block))
    windows = block[: len(block) // length * length].reshape(-1, length)
    return windows[-(first // length) % every :: every, :: max(1, length // _SAMPLES_OF_WINDOW)]


def _from_middle(window: Signal) -> Signal:
    """Distances of the samples that are there from their median."""
    known = window[np.isfinite(window)]
    return np.abs(known - np.median(known)) if len(known) else known


def _usual(distances: NDArray[Any]) -> float:
    return float(np.quantile(distances, USUAL_SHARE)) if len(distances) else 0.0


def _as_floats(start: np.ndarray, behind: np.ndarray, first: int) -> Float:
    return np.column_stack([start, behind]).astype(np.float64) + first

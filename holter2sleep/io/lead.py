"""What the readers of a single lead share: possible rates, the middle of a channel, missing stretches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holter2sleep.io.channels import MIN_FS_HZ, Choice
from holter2sleep.night import Float
from holter2sleep.spans import EMPTY, Spans, as_spans, runs
from holter2sleep.waveform import Signal, Waveform

MAX_FS_HZ = 50_000.0  # the fastest ECG recorders (late potentials, pacing spikes) stay below
LARGEST_MV = 1e8  # a millivolt wrong by eight powers of ten; products of energies of more overflow
LOOK_S = 300.0  # of a channel's middle, to tell an ECG by its signal
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


def survey(lead: Waveform, fs: float) -> tuple[float, Spans]:
    """Largest magnitude of a lead, and its stretches of a second or more without a sample, s.

    Reads the whole lead once, block by block.
    """
    largest, missing = 0.0, [EMPTY]
    for first, block in lead.blocks():
        is_missing = np.isnan(block)
        largest = max(largest, float(np.nanmax(np.abs(block), initial=0.0)))
        start, behind = runs(is_missing)
        # a short run at the edge of a block may be part of a long one
        kept = (behind - start >= _MIN_GAP_S * fs) | (start == 0) | (behind == len(block))
        missing.append(_as_floats(start[kept], behind[kept], first))
    samples = as_spans(np.concatenate(missing))  # whole numbers: a length of exactly a second is not lost by rounding
    return largest, samples[samples[:, 1] - samples[:, 0] >= _MIN_GAP_S * fs] / fs


def _as_floats(start: np.ndarray, behind: np.ndarray, first: int) -> Float:
    return np.column_stack([start, behind]).astype(np.float64) + first

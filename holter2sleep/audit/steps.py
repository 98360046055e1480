"""The step between neighbouring values of a lead that was digitised: what one count is worth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from holter2sleep.waveform import Signal, Waveform

_LOOKED_AT = 1 << 18  # samples
_ENOUGH_VALUES = 30  # different ones, to tell a step
_GROWTH = (50.0, 1000.0, np.inf)  # counts within which a value's count is certain, each step measured by the one before
_NEAR = 0.02  # of a step that a value may lie beside its count: float32 leaves 0.004 at 32,767 counts


def step_mv(ecg: Waveform) -> tuple[float, float] | None:
    """Largest step of which all samples are whole multiples, and the largest amplitude, mV; None without one.

    Examples
    --------
    >>> step, largest = step_mv(Waveform.of(np.arange(-40, 40) * 0.005))
    >>> round(step, 6), round(largest, 6)
    (0.005, 0.2)
    """
    values = next((v for part in _parts(ecg) if len(v := _different(part)) >= _ENOUGH_VALUES), None)
    if values is None:
        return None
    step, largest = _refined(values), 0.0
    for part in _parts(ecg):
        counts = part.astype(np.float64) / step
        if len(counts) and np.abs(counts - np.rint(counts)).max() > _NEAR:
            return None
        largest = max(largest, float(np.abs(part).max(initial=0.0)))
    return step, largest


def _parts(ecg: Waveform) -> Iterator[Signal]:
    """The samples that are not missing, some at a time."""
    for first in range(0, len(ecg), _LOOKED_AT):
        part = ecg[first : first + _LOOKED_AT]
        yield part[np.isfinite(part)]


def _different(part: Signal) -> NDArray[np.float64]:
    return np.unique(np.abs(part)).astype(np.float64)


def _refined(values: NDArray[np.float64]) -> float:
    """The step of the values, first from their smallest difference, then from ever larger ones."""
    differences = values - values[0]
    step = float(np.diff(values).min())
    for reach in _GROWTH:
        step = _fitted(differences[differences <= reach * step], step)
    return _fitted(values, step)


def _fitted(values: NDArray[np.float64], step: float) -> float:
    """The step that fits the values best, known well enough beforehand to tell their counts."""
    counts = np.rint(values / step)
    return float((values * counts).sum() / (counts * counts).sum()) if counts.any() else step

"""Whether R waves have a plausible height, and which other unit would give them one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from holter2sleep.io.units import unit_of_factor
from holter2sleep.night import Beats

PLAUSIBLE_R_MV = (0.2, 5.0)  # of the median R wave, above the baseline
UNUSUAL_R_MV = (0.1, 10.0)  # outside, no electrode position explains it
_WRONG_UNITS = (1e3, 1e-3, 1e6, 1e-6, 1e9, 1e-9)  # V, mV, uV and nV taken for one another


@dataclass(frozen=True)
class ScaleDoubt:
    """Why the height of the R waves is doubted; `factor` would make it plausible (None: it may be true)."""

    r_mv: float
    factor: float | None
    text: str


def typical_r_mv(beats: Beats) -> float | None:
    """Median height of the R waves of usable beats (of all, where none is), mV; None when unknown."""
    known = np.isfinite(beats.amplitude_mv)
    chosen = known & beats.usable if (known & beats.usable).any() else known
    return float(np.median(np.abs(beats.amplitude_mv[chosen]))) if chosen.any() else None


def doubt_scale(
    r_mv: float | None, unit: str | None = None, scale_to_mv: float | None = None, relative: bool = False
) -> ScaleDoubt | None:
    """A doubt when R waves are lower or taller than a heart makes them; None when they are plausible or unknown.

    Parameters
    ----------
    r_mv
        Typical height of the R waves with the present scale.
    unit, scale_to_mv
        As written in the file, and the factor that was applied.
    relative
        Whether nobody says what a count is, so that there are no millivolts to speak of.

    Examples
    --------
    >>> doubt_scale(1.1) is None, doubt_scale(0.0011).factor, doubt_scale(900.0).factor, doubt_scale(0.15).factor
    (True, 1000.0, 0.001, None)
    """
    if r_mv is None or PLAUSIBLE_R_MV[0] <= r_mv <= PLAUSIBLE_R_MV[1]:
        return None
    low, high = PLAUSIBLE_R_MV
    said = f"{_number(r_mv)} in relative units" if relative else f"{_number(r_mv)} mV"
    found = f"R waves of {said} (expected {low:g} to {high:g} mV)"
    written = f"the unit in the file is {unit!r}" if unit and unit.strip() else "the file gives no unit"
    if UNUSUAL_R_MV[0] <= r_mv <= UNUSUAL_R_MV[1]:
        size = "low" if r_mv < low else "high"
        return ScaleDoubt(r_mv, None, f"{found}: {size} amplitude, or wrong unit; {written}; not rescaled")
    factor = _factor(r_mv)
    right_r = f"{_number(r_mv * factor)} mV"
    told = f"{found}: {written} and may be wrong by a factor of {_number(factor)}, which would give {right_r}"
    right = unit_of_factor(scale_to_mv * factor) if scale_to_mv else None
    return ScaleDoubt(r_mv, factor, f"{told}; not rescaled{f' (--unit {right} applies it)' if right else ''}")


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _factor(r_mv: float) -> float:
    """The confusion of units that makes the height plausible, else the power of ten that brings it nearest to 1 mV."""
    if r_mv <= 0:
        return 1.0
    for low, high in (PLAUSIBLE_R_MV, UNUSUAL_R_MV):
        units = [factor for factor in _WRONG_UNITS if low <= r_mv * factor <= high]
        if units:
            return units[0]
    return 10.0 ** round(-math.log10(r_mv))

"""Traces of breathing and its events."""

from __future__ import annotations

import numpy as np

from holter2sleep.night import AF_KINDS, Night
from holter2sleep.phenotypes.measures.measured import Measured
from holter2sleep.recipe import Recipe
from holter2sleep.spans import duration, intersection


def cvhr_measures(part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Cyclic variation of heart rate per analysable hour outside AF."""
    n, hours = _cvhr_cycles(part, night)
    return Measured({"cvhr_index": n / hours if hours else np.nan}, n, 3600 * hours)


def respiratory_measures(_part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Respiratory events that the cycles in sleep suggest, per analysable hour of sleep outside AF."""
    n, hours = _cvhr_cycles(night.within("sleep"), night)
    return Measured({"respiratory_index": n / hours if hours else np.nan}, n, 3600 * hours)


def _cvhr_cycles(part: Night, night: Night) -> tuple[int, float]:
    """Number of cycles that begin in the part, and its analysable hours outside AF."""
    af_s = duration(intersection(part.usable_spans, night.episodes.of(*AF_KINDS).spans))
    return len(part.episodes.of("CVHR")), (part.usable_s - af_s) / 3600

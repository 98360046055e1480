"""What one domain of the dictionary says of a part of a night."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.night import Float, Night

Values = dict[str, float | None]


@dataclass(frozen=True)
class Measured:
    """Values of one domain, what they rest on, and the interval of those that have one."""

    values: Values
    n: int
    coverage_s: float
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


def trusted_rr_s(part: Night) -> Float:
    """Intervals between successive usable beats of the part."""
    return part.beats.rr_s[trusted_rr(part.beats, part.usable_spans)]


def mean(values: np.ndarray) -> float:
    """Their mean; NaN of none."""
    return float(values.mean()) if len(values) else np.nan

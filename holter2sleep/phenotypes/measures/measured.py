"""What one domain of the dictionary says of a part of a night."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.night import AF_KINDS, Float, Night
from holter2sleep.spans import subtraction

Values = dict[str, float | None]


@dataclass(frozen=True)
class Measured:
    """Values of one domain, what they rest on, and the interval of those that have one."""

    values: Values
    n: int
    coverage_s: float
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)

    def renamed(self, name_of: Callable[[str], str]) -> Measured:
        """The same under other names."""
        values = {name_of(name): value for name, value in self.values.items()}
        intervals = {name_of(name): interval for name, interval in self.intervals.items()}
        return dataclasses.replace(self, values=values, intervals=intervals)


def trusted_rr_s(part: Night) -> Float:
    """Intervals between successive usable beats of the part."""
    return part.beats.rr_s[trusted_rr(part.beats, part.usable_spans)]


def outside_af(night: Night) -> Night:
    """The same night without the time in AF, where the rate tells neither of sleep nor of the sinus node."""
    af = night.episodes.of(*AF_KINDS).spans
    return night.during(subtraction(night.spans, af)) if len(af) else night


def mean(values: np.ndarray) -> float:
    """Their mean; NaN of none."""
    return float(values.mean()) if len(values) else np.nan


def percent_of(seconds: float, whole_s: float) -> float:
    """Share of a time in percent; NaN of none. Sums of the same spans may differ in their last bit: never above 100."""
    return min(100.0, 100 * seconds / whole_s) if whole_s > 0 else np.nan

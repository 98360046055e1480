"""Ectopic beats in a row or in a cycle: couplets, runs, bigeminy and trigeminy, from the classes of beats."""

from __future__ import annotations

import numpy as np

from holter2sleep.heart.stretches import Stretches, between_s, linked
from holter2sleep.night import Beats, Bool

RUN_BEATS = 3  # EC57: two in a row are a couplet, three or more a run
TACHYCARDIA_BPM = 100.0  # a run at this rate or faster is a tachycardia (VT, SVTA)
FAST = {"V": "VT", "S": "SVTA"}


def runs_of(beats: Beats, trusted: Bool, label: str, excluded: Bool) -> list[Stretches]:
    """Couplets, runs at tachycardia rate, and slower ventricular runs (IVR) of one class."""
    pairs = linked((beats.label == label) & beats.usable & ~excluded, trusted)
    couplets = [(a, b) for a, b in pairs if b - a + 1 == RUN_BEATS - 1]
    longer = [(a, b) for a, b in pairs if b - a + 1 >= RUN_BEATS]
    fast = [(a, b) for a, b in longer if is_tachycardia(beats, a, b)]
    slow = [pair for pair in longer if pair not in fast] if label == "V" else []
    return [
        Stretches.of(f"COUPLET_{label}", couplets),
        Stretches.of(FAST[label], fast),
        Stretches.of("IVR", slow),
    ]


def is_tachycardia(beats: Beats, first: int, last: int) -> bool:
    """Whether the beats follow one another at 100/min or faster."""
    return 60 * (last - first) >= TACHYCARDIA_BPM * between_s(beats, first, last)


def cycles_of_v(beats: Beats, trusted: Bool, least_cycles: int) -> list[Stretches]:
    """Bigeminy (every second beat V) and trigeminy (every third), for at least so many cycles."""
    is_v = (beats.label == "V") & beats.usable
    found = []
    for kind, period in (("B", 2), ("T", 3)):
        pairs = linked(_periodic(is_v, period), trusted)
        found.append(Stretches.of(kind, [(a, b) for a, b in pairs if is_v[a : b + 1].sum() >= least_cycles]))
    return found


def _periodic(is_v: Bool, period: int) -> Bool:
    """Beats between two V that are exactly `period` beats apart, with no V between them."""
    index = np.flatnonzero(is_v)
    inside = np.zeros(len(is_v), bool)
    for start in index[:-1][np.diff(index) == period]:
        inside[start : start + period + 1] = True
    return inside

"""Rhythms that begin from one beat to the next: fast runs, and intervals of twice the length.

The sinus node changes its rate over several beats. A run that doubles it at once, and lets it go at once, is a
tachycardia even when it is so long that its beats are early no more; a beat that comes after two cycles was dropped.
Intervals are compared with the median of those before, so that nothing hangs on the classes of the beats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holter2sleep.heart.runs import is_tachycardia
from holter2sleep.heart.stretches import Stretches, merged
from holter2sleep.night import Beats, Bool, Float

BEFORE = 8  # intervals that say what the rhythm was
STEADY = 0.08  # of their median, mean distance from it: an unsteady rhythm has no beat to drop
# A dropped beat leaves two cycles; sinus arrhythmia bends them a little (MIT-BIH 231: 1.7 to 2.0).
TWO_CYCLES = (1.7, 2.3)
PREMATURE = 0.9  # of the median: after a beat earlier than this a pause is its compensation
SHORTEST_CYCLE_S = 0.6  # the pause that ends a tachycardia (above 100/min) is no dropped beat
STILL_TWO_CYCLES = (1.5, 2.5)  # for the following ones, while the sinus rate drifts


@dataclass(frozen=True)
class SuddenRules:
    """Keys of `[rhythm.sudden]`."""

    faster: float
    still_faster: float
    released: float
    least_beats: int


def fast_runs(beats: Beats, trusted: Bool, excluded: Bool, rules: SuddenRules) -> Stretches:
    """SVTA: beats at tachycardia rate that begin and end from one beat to the next; mostly not V."""
    if len(beats) <= BEFORE:
        return Stretches("SVTA", [], [])
    before_s = median_before(beats.rr_s)
    opens = trusted & ~excluded & (beats.rr_s < rules.faster * before_s) & _known_before(trusted)
    pairs: list[tuple[int, int]] = []
    for first in np.flatnonzero(opens).tolist():
        if pairs and first <= pairs[-1][1]:
            continue
        behind = _while(beats.rr_s, trusted & ~excluded, first, (0.0, rules.still_faster * before_s[first]))
        if _is_run(beats, trusted, first, behind, rules):
            pairs.append((first, behind - 1))
    return Stretches.of("SVTA", pairs)


def _is_run(beats: Beats, trusted: Bool, first: int, behind: int, rules: SuddenRules) -> bool:
    """Whether the beats are enough, fast enough, mostly not V, and the rhythm is let go at once."""
    if behind - first < rules.least_beats or behind >= len(beats) or not trusted[behind]:
        return False
    released = beats.rr_s[behind] >= rules.released * np.median(beats.rr_s[max(first + 1, behind - BEFORE) : behind])
    mostly_v = (beats.label[first:behind] == "V").mean() >= 0.5
    return bool(released and not mostly_v and is_tachycardia(beats, first, behind - 1))


def dropped_beats(beats: Beats, trusted: Bool, excluded: Bool) -> Stretches:
    """BII: intervals of two cycles in an otherwise steady rhythm, one or many; suspected second-degree block.

    A sinus beat that was not formed, a premature one that was not conducted, and a QRS too small to be seen look the
    same: a reader must decide.
    """
    if len(beats) <= BEFORE:
        return Stretches("BII", [], [])
    before_s = median_before(beats.rr_s)
    calm = trusted & ~excluded & _known_before(trusted) & _steady_before(beats.rr_s, before_s)
    calm &= before_s >= SHORTEST_CYCLE_S
    calm[1:] &= (beats.label[:-1] != "V") & (beats.rr_s[:-1] >= PREMATURE * before_s[1:])
    ratio = beats.rr_s / before_s
    opens = calm & (ratio >= TWO_CYCLES[0]) & (ratio <= TWO_CYCLES[1])
    pairs = []
    for first in np.flatnonzero(opens).tolist():
        low, high = (share * before_s[first] for share in STILL_TWO_CYCLES)
        pairs.append((first - 1, _while(beats.rr_s, trusted & ~excluded, first, (low, high)) - 1))
    return Stretches.of("BII", merged(pairs))


def median_before(rr_s: Float) -> Float:
    """Median of the BEFORE intervals before each; NaN where one of them is unknown. array (n,)."""
    windows = np.lib.stride_tricks.sliding_window_view(rr_s, BEFORE)[:-1]
    return np.r_[np.full(BEFORE, np.nan), np.median(windows, axis=1)]


def _steady_before(rr_s: Float, before_s: Float) -> Bool:
    windows = np.lib.stride_tricks.sliding_window_view(rr_s, BEFORE)[:-1]
    away = np.median(np.abs(windows - before_s[BEFORE:, None]), axis=1)
    return np.r_[np.zeros(BEFORE, bool), away <= STEADY * before_s[BEFORE:]]


def _known_before(trusted: Bool) -> Bool:
    """Whether all the intervals that the median is taken of are trusted."""
    count = np.convolve(trusted, np.ones(BEFORE, int))[: len(trusted)]
    return np.r_[False, count[:-1] == BEFORE]


def _while(rr_s: Float, trusted: Bool, first: int, limits: tuple[float, float]) -> int:
    """Index behind the trusted intervals from `first` on that stay within the limits."""
    behind = first
    while behind < len(rr_s) and trusted[behind] and limits[0] <= rr_s[behind] <= limits[1]:
        behind += 1
    return behind

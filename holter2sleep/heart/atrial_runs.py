"""Runs of atrial beats between long sinus pauses: the brady-tachycardia pattern of a sick sinus node.

Where a slow sinus rhythm is broken again and again by runs at a steady faster rate, the runs begin with one sudden
premature beat and end with a long pause; each beat but the first is early against the sinus interval only, not
against its neighbours. Two rhythms look alike and are left out: block that drops single beats, whose pause is twice
the interval (second degree, Mobitz II; SA block), and atrial fibrillation, whose intervals have no steady rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holter2sleep.night import Bool, Float
from holter2sleep.spans import runs


@dataclass(frozen=True)
class AtrialRunRules:
    """Keys of `[classes.atrial_runs]`."""

    pause_s: float
    longest_s: float
    share: float
    steady_percent: float
    block_ratio: float
    minimum_runs: int
    within_s: float


def atrial_runs(time_s: Float, rr_s: Float, trusted: Bool, rules: AtrialRunRules) -> Bool:
    """Beats of runs that are fast against the pauses around them. array (n_beats,).

    Parameters
    ----------
    time_s, rr_s
        Beats, and the interval that ends at each, s; arrays (n_beats,).
    trusted
        Whether each interval may be believed.
    """
    slow = trusted & (rr_s >= rules.pause_s)
    first, behind = runs(trusted & (rr_s < rules.pause_s))
    closed = np.array(
        [a > 0 and b < len(rr_s) and slow[a - 1] and slow[b] for a, b in zip(first, behind, strict=True)], bool
    )
    first, behind = first[closed], behind[closed]
    kept = np.zeros(len(rr_s), bool)
    if len(first) == 0:
        return kept
    inside = [rr_s[a:b] for a, b in zip(first, behind, strict=True)]
    usual_s = np.array([np.median(part) for part in inside])
    # sinus arrhythmia and arousals speed up beat by beat; an ectopic focus fires at its own rate from the first beat on
    unsteady = np.array(
        [np.abs(part[[0, -1]] / middle - 1).max() for part, middle in zip(inside, usual_s, strict=True)]
    )
    ratio = rr_s[behind] / usual_s
    fast = usual_s <= rules.share * np.minimum(rr_s[first - 1], rr_s[behind])
    fast &= (100 * unsteady <= rules.steady_percent) & (usual_s <= rules.longest_s)
    for index in np.flatnonzero(fast):
        near = fast & (np.abs(time_s[first] - time_s[first[index]]) <= rules.within_s)
        if near.sum() >= rules.minimum_runs and not _like_block(ratio[near], rules):
            kept[first[index] : behind[index]] = True
    return kept


def _like_block(ratio: Float, rules: AtrialRunRules) -> bool:
    """Whether pauses are about twice the interval: a beat was dropped, the atria went on."""
    return bool(np.median(np.abs(ratio - 2)) <= rules.block_ratio)

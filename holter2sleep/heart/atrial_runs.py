"""Runs of atrial beats between long sinus pauses: the brady-tachycardia pattern of a sick sinus node.

Where a slow sinus rhythm is broken again and again by runs at a steady faster rate, a run begins with one sudden
premature beat and ends with a long pause; each of its beats is early against the sinus interval only, not against its
neighbours. Two rhythms look alike and are left out: where single beats are dropped (second-degree block, or a QRS not
seen) the pause is a multiple of the interval; sleep and breathing speed the sinus node up beat by beat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holter2sleep.night import Bool, Float
from holter2sleep.spans import runs

MULTIPLE = 0.2  # a pause this near to a whole number of intervals may be dropped beats


@dataclass(frozen=True)
class AtrialRunRules:
    """Keys of `[classes.atrial_runs]`."""

    pause_s: float
    longest_interval_s: float
    share: float
    steady_percent: float
    longest_beats: int
    minimum_runs: int
    within_s: float


def atrial_runs(time_s: Float, rr_s: Float, trusted: Bool, rules: AtrialRunRules) -> Bool:
    """Beats of runs that are fast against the pauses around them. array (n_beats,).

    Parameters
    ----------
    time_s, rr_s
        Beats, and the interval that ends at each, s; arrays (n_beats,).
    trusted
        Whether each interval may be believed; those of ventricular beats should not.
    """
    first, behind = _between_pauses(trusted, trusted & (rr_s >= rules.pause_s))
    found = np.zeros(len(rr_s), bool)
    if len(first) == 0:
        return found
    usual_s = np.array([np.median(rr_s[a:b]) for a, b in zip(first, behind, strict=True)])
    fast = usual_s <= np.minimum(rules.share * np.minimum(rr_s[first - 1], rr_s[behind]), rules.longest_interval_s)
    for border in (rr_s[first], rr_s[behind - 1]):
        fast &= 100 * np.abs(border / usual_s - 1) <= rules.steady_percent
    fast &= behind - first <= rules.longest_beats
    pauses = rr_s[behind] / usual_s
    multiple = np.abs(pauses - np.round(pauses)) <= MULTIPLE
    for index in np.flatnonzero(fast):
        near = fast & (np.abs(time_s[first] - time_s[first[index]]) <= rules.within_s)
        if near.sum() >= rules.minimum_runs and multiple[near].mean() < 0.5:
            found[first[index] : behind[index]] = True
    return found


def _between_pauses(trusted: Bool, pause: Bool) -> tuple[np.ndarray, np.ndarray]:
    """Runs of trusted shorter intervals with a pause on each side: first beat, and the pause behind the last."""
    first, behind = runs(trusted & ~pause)
    inner = (first > 0) & (behind < len(pause))
    first, behind = first[inner], behind[inner]
    closed = pause[first - 1] & pause[behind]
    return first[closed], behind[closed]

"""RR intervals to NN intervals."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from holter2sleep.heart.intervals import local_median, trusted_rr
from holter2sleep.night import AF_KINDS, NN, WARN_SHARE, Beats, Bool, Episodes, Float
from holter2sleep.spans import Spans, contains

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NnRules:
    """Keys of `[nn]`."""

    minimum_ms: float
    maximum_ms: float
    maximum_change_percent: float
    neighbours: int


def rr_intervals(beats: Beats, episodes: Episodes, usable_spans: Spans) -> NN:
    """Intervals between any two successive usable beats in unbroken usable time and outside AF, nothing removed.

    What variability was before ectopic beats were handled.
    """
    outside = trusted_rr(beats, usable_spans) & ~_in_af(beats, episodes)
    return _series(beats, outside)


def nn_intervals(beats: Beats, episodes: Episodes, usable_spans: Spans, rules: NnRules) -> NN:
    """Intervals between two successive normal beats, in unbroken usable time and outside AF.

    Left out as well are intervals outside the plausible range, and those that differ too much from the
    median of their neighbours: a missed or an extra beat. What is left out is removed, never replaced.

    References
    ----------
    Task Force 1996, "normal-to-normal".
    """
    trusted = trusted_rr(beats, usable_spans)
    outside = trusted & ~_in_af(beats, episodes)
    normal = outside & _between_normal(beats)
    keep = like_neighbours(np.where(normal, _rr_ms(beats), np.nan), rules)
    _report(int(trusted.sum()), int(outside.sum()), int(normal.sum()), int(keep.sum()))
    return _series(beats, keep)


def normal_intervals(beats: Beats, episodes: Episodes, usable_spans: Spans) -> NN:
    """Intervals between two successive normal beats, in unbroken usable time and outside AF, of whatever length."""
    return _series(beats, trusted_rr(beats, usable_spans) & ~_in_af(beats, episodes) & _between_normal(beats))


def like_neighbours(rr_ms: Float, rules: NnRules) -> Bool:
    """Plausible intervals that do not differ too much from the median of the plausible ones around. array (n,).

    NaN is no interval.
    """
    plausible = (rr_ms >= rules.minimum_ms) & (rr_ms <= rules.maximum_ms)
    typical_ms = local_median(np.where(plausible, rr_ms, np.nan), rules.neighbours)
    return plausible & ~(np.abs(rr_ms - typical_ms) > rules.maximum_change_percent / 100 * typical_ms)


def _between_normal(beats: Beats) -> Bool:
    normal = beats.label == "N"
    return normal & np.r_[False, normal[:-1]]


def _in_af(beats: Beats, episodes: Episodes) -> Bool:
    """Whether the interval that ends at each beat lies in AF. array (n_beats,)."""
    middle_s = beats.time_s - beats.rr_s / 2  # an episode ends at its last beat, whose interval belongs to it
    return contains(episodes.of(*AF_KINDS).spans, middle_s)


def _rr_ms(beats: Beats) -> Float:
    return np.round(1000 * beats.rr_s, 3)


def _series(beats: Beats, keep: Bool) -> NN:
    """The intervals that end at the chosen beats; two are neighbours when they share a beat."""
    adjacent = keep & np.r_[False, keep[:-1]]
    return NN(beats.time_s[keep], _rr_ms(beats)[keep], adjacent[keep])


def _report(n_rr: int, n_outside: int, n_normal: int, n_nn: int) -> None:
    """Tell how many intervals each step left out."""
    share = 1 - n_nn / n_rr if n_rr else 0.0
    level = logging.WARNING if share > WARN_SHARE else logging.INFO
    log.log(
        level,
        "%d of %d RR intervals (%.1f %%) left out of NN: %d in AF, %d beside beats that are not normal, %d "
        "implausible or unlike their neighbours",
        *(n_rr - n_nn, n_rr, 100 * share),
        *(n_rr - n_outside, n_outside - n_normal, n_normal - n_nn),
    )

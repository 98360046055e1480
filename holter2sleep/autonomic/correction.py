"""RR intervals to intervals whose artefacts and ectopic beats are corrected, not removed."""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from holter2sleep.autonomic.nn import NnRules
from holter2sleep.night import CORRECTIONS, NN, WARN_SHARE, Bool, Corrections, Float
from holter2sleep.spans import runs

log = logging.getLogger(__name__)

# Lipponen & Tarvainen 2019 (J Med Eng Technol 43:173-181)
ALPHA = 5.2  # quartile deviations that make a threshold
WINDOW_BEATS = 91  # of the quartiles
QUARTILE_RANKS = (22, 67)  # of 91 values: a quartile lies half way between this and the next
MEDIAN_BEATS = 11  # of the median that an interval is held against
SLOPE, OFFSET = 0.13, 0.17  # of the lines that fence in the ectopic pattern
DEVIATION = 3.0  # thresholds from the median: too long or too short without any pattern

Kinds = NDArray[np.int8]  # index into CORRECTIONS, -1 where nothing is wrong
ECTOPIC, LONG, SHORT, MISSED, EXTRA = range(len(CORRECTIONS))
FINE = -1


@dataclass(frozen=True)
class CorrectionRules:
    """Keys of `[correction]`."""

    least_threshold_ms: float
    longest_line: int


def correct_intervals(rr: NN, rules: CorrectionRules, limits: NnRules) -> tuple[NN, Corrections]:
    """Each unbroken stretch of RR intervals with its artefacts corrected, and what was corrected.

    The change from the interval before (dRR) and the distance from the median of 11 (mRR) are held against
    thresholds of 5.2 quartile deviations of the 91 around. An ectopic beat gives both its intervals, a long or a
    short interval itself, new values on a line between their neighbours; a missed beat halves its interval, an extra
    beat joins its two. This is repeated as long as it leaves fewer artefacts than it found. An interpolated interval
    keeps the time of the beat that ended it. Left out are stretches too short for a median of 11, what is an artefact
    even then, lines over more than `longest_line` intervals (in bigeminy all are ectopic, and none is left to draw a
    line from), and intervals outside the limits of NN: several beats missed in a row cannot be told from a pause.

    Where beats are missed by the dozen the thresholds swell, and misses pass (apnea-ecg a02, 14 % of its intervals
    artefacts): trust NN there, which removes by a fixed rule.

    References
    ----------
    Lipponen and Tarvainen 2019, J Med Eng Technol 43:173-181.
    """
    borders = np.r_[np.flatnonzero(~rr.adjacent), len(rr)]
    made = [
        _without_artefacts(_Series.of(rr.end_s[a:b], rr.nn_ms[a:b]), rules)
        for a, b in itertools.pairwise(borders)
        if b - a >= MEDIAN_BEATS
    ]
    whole = _Series(*(np.concatenate(column) for column in zip(*map(_columns, [_Series.empty(), *made]), strict=True)))
    linked = np.concatenate([np.empty(0, bool), *(np.arange(len(one.rr_ms)) > 0 for one in made)])
    keep = whole.fine & (whole.rr_ms >= limits.minimum_ms) & (whole.rr_ms <= limits.maximum_ms)
    keep &= ~_long_runs(whole.on_line, rules.longest_line)
    adjacent = linked & np.r_[False, keep][: len(keep)]
    order = np.argsort(whole.fixed_s, kind="stable")
    corrections = Corrections(whole.fixed_s[order], np.array(CORRECTIONS)[whole.fixed_kind[order]])
    _report(len(rr), len(corrections))
    return NN(whole.end_s[keep], whole.rr_ms[keep], adjacent[keep]), corrections


@dataclass(frozen=True)
class _Series:
    """Intervals of one stretch, and what has been corrected in it so far."""

    end_s: Float  # (n,)
    rr_ms: Float  # (n,)
    fine: Bool  # (n,), no artefact, as far as is known
    on_line: Bool  # (n,), a new value between neighbours
    fixed_s: Float  # (n_fixed,)
    fixed_kind: Kinds  # (n_fixed,)

    @classmethod
    def of(cls, end_s: Float, rr_ms: Float) -> _Series:
        n = len(rr_ms)
        return cls(end_s, rr_ms, np.ones(n, bool), np.zeros(n, bool), np.empty(0), np.empty(0, np.int8))

    @classmethod
    def empty(cls) -> _Series:
        return cls.of(np.empty(0), np.empty(0))


def _columns(series: _Series) -> tuple[NDArray[np.generic], ...]:
    return tuple(vars(series).values())


def _without_artefacts(series: _Series, rules: CorrectionRules) -> _Series:
    n_before = len(series.rr_ms) + 1
    while True:
        kind = _kinds(series.rr_ms, rules)
        n_found = int((kind != FINE).sum())
        if n_found == 0 or n_found >= n_before or not _spared(kind).any():
            return replace(series, fine=_spared(kind))
        series, n_before = _corrected(series, kind), n_found


# --- what is wrong ---------------------------------------------------------------------------------


def _kinds(rr_ms: Float, rules: CorrectionRules) -> Kinds:
    """What is wrong with each interval; an ectopic beat is noted at the interval that follows it. array (n,)."""
    median_ms = ndimage.median_filter(rr_ms, MEDIAN_BEATS)
    away_ms = rr_ms - median_ms
    away_ms = np.where(away_ms < 0, 2 * away_ms, away_ms)  # a short interval cannot be as far off as a long one
    away_limit_ms = _threshold(away_ms, rules)
    change_ms = np.diff(rr_ms, prepend=rr_ms[0])
    change, away = change_ms / _threshold(change_ms, rules), away_ms / away_limit_ms
    joined_ms = rr_ms + np.r_[rr_ms[1:], np.inf]

    kind = np.full(len(rr_ms), FINE, np.int8)
    kind[_returns(change, 1) | (away > DEVIATION)] = LONG
    kind[_returns(change, -1) | (away < -DEVIATION)] = SHORT
    kind[(kind == LONG) & (np.abs(rr_ms / 2 - median_ms) < away_limit_ms)] = MISSED
    kind[(kind == SHORT) & (np.abs(joined_ms - median_ms) < away_limit_ms)] = EXTRA
    ectopic = _is_ectopic(change)
    kind[np.r_[ectopic[1:], False]] = FINE  # the interval before it belongs to the pattern
    kind[ectopic] = ECTOPIC
    return _one_at_a_time(kind)


def _threshold(values: Float, rules: CorrectionRules) -> Float:
    """Quartile deviations of the sizes of 91 values around each, times alpha. array (n,)."""
    size = np.abs(values)
    low, high = (_between(size, rank) for rank in QUARTILE_RANKS)
    return np.maximum(ALPHA * (high - low) / 2, rules.least_threshold_ms)


def _between(size: Float, rank: int) -> Float:
    """Mean of the values of a rank and the next in the window around each. array (n,)."""
    return (ndimage.rank_filter(size, rank, WINDOW_BEATS) + ndimage.rank_filter(size, rank + 1, WINDOW_BEATS)) / 2


def _is_ectopic(change: Float) -> Bool:
    """A change between two opposite ones, noted at the middle one (equation for the S1 plane). array (n,)."""
    before, after = np.r_[0.0, change[:-1]], np.r_[change[1:], 0.0]
    fence = SLOPE * np.abs(change) + OFFSET
    rise = (change > 1) & (np.maximum(before, after) < -fence)
    fall = (change < -1) & (np.minimum(before, after) > fence)
    return rise | fall


def _returns(change: Float, sign: int) -> Bool:
    """A change in the given direction that is undone by one of the next two (the S2 plane). array (n,)."""
    along = sign * change
    return (along > 1) & (np.minimum(np.r_[along[1:], 0.0], np.r_[along[2:], 0.0, 0.0]) < -1)


def _one_at_a_time(kind: Kinds) -> Kinds:
    """An extra beat takes the next interval along; what else is wrong there is left to the next round. array (n,)."""
    extra = kind == EXTRA
    touches_ectopic = np.r_[kind[1:] == ECTOPIC, False] | np.r_[kind[2:] == ECTOPIC, False, False]
    kind[extra & (np.r_[False, extra[:-1]] | touches_ectopic)] = FINE
    kind[np.r_[False, kind[:-1] == EXTRA]] = FINE
    return kind


# --- what is done ----------------------------------------------------------------------------------


def _spared(kind: Kinds) -> Bool:
    """Intervals that no correction touches. array (n,)."""
    return (kind == FINE) & ~np.r_[False, kind[:-1] == EXTRA] & ~np.r_[kind[1:] == ECTOPIC, False]


def _corrected(series: _Series, kind: Kinds) -> _Series:
    """The series after one round."""
    rr_ms, place = series.rr_ms.copy(), np.arange(len(kind))
    after_extra = np.r_[False, kind[:-1] == EXTRA]
    rr_ms[after_extra] += rr_ms[np.flatnonzero(after_extra) - 1]
    spared = _spared(kind)
    new = np.isin(kind, (ECTOPIC, LONG, SHORT)) | np.r_[kind[1:] == ECTOPIC, False]
    rr_ms[new] = np.interp(place[new], place[spared], rr_ms[spared])
    rr_ms[kind == MISSED] /= 2
    n_times = np.where(kind == MISSED, 2, np.where(kind == EXTRA, 0, 1))
    again, values_ms = np.repeat(place, n_times), np.repeat(rr_ms, n_times)
    begin_s = np.r_[series.end_s[0] - series.rr_ms[0] / 1000, series.end_s[:-1]]
    first_half = np.r_[again[:-1] == again[1:], False]
    end_s = np.where(first_half, (begin_s + series.end_s)[again] / 2, series.end_s[again])
    wrong = kind != FINE
    fixed_s, fixed_kind = np.r_[series.fixed_s, series.end_s[wrong]], np.r_[series.fixed_kind, kind[wrong]]
    return _Series(end_s, values_ms, np.ones(len(again), bool), (series.on_line | new)[again], fixed_s, fixed_kind)


def _long_runs(mask: Bool, longest: int) -> Bool:
    """True values in runs of more than so many. array (n,)."""
    first, behind = runs(mask)
    long = behind - first > longest
    steps = np.zeros(len(mask) + 1, int)
    steps[first[long]], steps[behind[long]] = 1, -1
    return np.cumsum(steps)[:-1] > 0


def _report(n_rr: int, n_corrected: int) -> None:
    share = n_corrected / n_rr if n_rr else 0.0
    level = logging.WARNING if share > WARN_SHARE else logging.INFO
    log.log(level, "%d of %d RR intervals (%.1f %%) corrected", n_corrected, n_rr, 100 * share)

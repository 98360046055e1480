"""Atrial fibrillation: intervals without a pattern, and beats without a P wave.

Each beat gets the log odds of AF by a small logistic model of what surrounds it; the likeliest course of the rhythm,
in which every change costs, makes episodes of them. The weights are fitted by
`python -m holter2sleep.training.fibrillation`; the file that holds them names the records.

References
----------
Petrenas A, Marozas V, Sornmo L. Low-complexity detection of atrial fibrillation in continuous long-term monitoring.
Comput Biol Med 2015;65:184-191 (unlike pairs among neighbouring intervals, relative to their length).
Viterbi AJ. Error bounds for convolutional codes. IEEE Trans Inf Theory 1967;13:260-269.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.heart.intervals import touches_v
from holter2sleep.heart.irregularity import WINDOW, Irregularity, irregularity
from holter2sleep.heart.p_waves import PWaves
from holter2sleep.night import Beats, Bool, Float
from holter2sleep.spans import Spans, as_spans, runs

WEIGHTS = Path(__file__).with_name("af_weights.json")
FEATURES = ("alike_best", "alike_next", "periodicity", "rr_s")
SMALL_SHARE = 0.03  # keeps the log of a share finite: one pair of a window
BORDER = WINDOW // 2  # beats either side that a border may move: a window astride it looks like neither rhythm
FEWEST_BESIDE = 10  # beats on either side of a border, to tell how the intervals differ
SMALLEST_SPREAD_S = 0.01  # of such intervals: no rhythm is steadier than a sample or two
# A share of alike pairs at some lag that makes a cycle (bigeminy, ...): AF has 0.39 at most (95 % of windows of afdb).
REPEATED = 0.5
CYCLE_LOG_ODDS = -3.0  # of AF in a cycle, at most: the fit has hardly seen one
SLOW_RR_S = 1.0  # beyond it slowness says no more: AF under drugs is slow, and sinus arrhythmia is slow


@dataclass(frozen=True)
class AfRules:
    """Keys of `[rhythm.af]`."""

    prior_odds: float
    switch_cost: float
    minimum_s: float
    bridge_s: float
    minimum_beats: int


@dataclass(frozen=True)
class AfModel:
    """Weights of the log odds: intervals, then P waves."""

    bias: float
    rr: Float  # (n_features,), in the order of FEATURES
    p_absent: float
    p_present: float


@cache
def load_af_model() -> AfModel:
    """The weights that come with the package."""
    facts = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    rr = np.array([facts["rr"][name] for name in FEATURES])
    return AfModel(facts["bias"], rr, facts["p_absent"], facts["p_present"])


@dataclass(frozen=True)
class Fibrillation:
    """Episodes of AF and how sure each is."""

    spans: Spans  # from beat to beat
    probability: NDArray[np.float32]  # (n_spans,), mean over the beats inside


def find_fibrillation(
    beats: Beats, trusted: Bool, waves: PWaves, rules: AfRules, model: AfModel | None = None
) -> Fibrillation:
    """Time in AF, from beat to beat; stretches no more than `bridge_s` apart are one episode.

    Intervals next to a V are left out: a ventricular premature beat is irregular, and is not fibrillation. The other
    classes are not looked at.
    """
    model = model or load_af_model()
    clear = ~touches_v(beats)
    parts, log_odds = [], np.full(len(beats), np.nan)
    for piece in _pieces(beats.time_s, trusted, rules.bridge_s):
        index = piece[clear[piece]]
        if len(index) >= rules.minimum_beats:
            log_odds[index] = np.log(rules.prior_odds) + af_log_odds(beats.rr_s[index], _at(waves, index), model)
            course = likeliest_course(log_odds[index], rules.switch_cost)
            parts.append(_spans_of_beats(beats, index, with_sharp_borders(course, beats.rr_s[index])))
    spans = _joined(as_spans(np.concatenate(parts)) if parts else as_spans([]), rules.bridge_s)
    spans = spans[spans[:, 1] - spans[:, 0] >= rules.minimum_s]
    return Fibrillation(spans, _probability(spans, beats.time_s, log_odds))


def af_log_odds(rr_s: Float, waves: PWaves, model: AfModel) -> Float:
    """Log odds of AF at each interval, before any prior. array (n,)."""
    found = irregularity(rr_s)
    rr = model.bias + rr_features(found) @ model.rr
    rr = np.where(found.alike_best >= REPEATED, np.minimum(rr, CYCLE_LOG_ODDS), rr)
    return rr + model.p_absent * waves.absent - model.p_present * waves.present


def rr_features(found: Irregularity) -> Float:
    """What the model sees of the intervals. array (n, n_features)."""
    shares = (np.log(found.alike_best + SMALL_SHARE), np.log(found.alike_next + SMALL_SHARE))
    return np.column_stack([*shares, found.periodicity, np.minimum(found.rr_s, SLOW_RR_S)])


def likeliest_course(log_odds: Float, switch_cost: float) -> Bool:
    """Whether each beat is in AF, in the course with the largest sum of log odds less the cost of its changes.

    array (n,). The course may begin and end in either rhythm (Viterbi 1967, two states).

    Examples
    --------
    >>> likeliest_course(np.array([-2.0, -2.0, 3.0, -1.0, 3.0, -2.0, -2.0]), 2.0).tolist()
    [False, False, True, True, True, False, False]
    """
    lead, came = 0.0, []  # how far AF is ahead; the rhythm it pays to have changed from, if any
    for value in log_odds.tolist():
        came.append(-1 if lead < -switch_cost else 1 if lead > switch_cost else 0)
        lead = min(max(lead, -switch_cost), switch_cost) + value
    in_af, course = lead > 0, np.zeros(len(came), bool)
    for i in range(len(came) - 1, -1, -1):
        course[i] = in_af
        if came[i]:
            in_af = came[i] > 0
    return course


def with_sharp_borders(course: Bool, rr_s: Float) -> Bool:
    """The course with each border moved to the most likely place of the change, half a window away at most. array (n,).

    The change that explains best the intervals near it: normal ones with the mean and spread of those further on
    either side.
    """
    sharp = np.zeros_like(course)
    for first, behind in zip(*runs(course), strict=True):
        start = first + _shift(rr_s[:behind], first) if first > 0 else first
        stop = behind - _shift(rr_s[first:][::-1], len(rr_s) - behind) if behind < len(course) else behind
        sharp[start:stop] = True
    return sharp


def _shift(rr_s: Float, border: int) -> int:
    """How many beats later AF begins than at `border`, when it lasts to the end of these intervals."""
    low, high = max(0, border - BORDER), min(len(rr_s), border + BORDER)
    outside, inside = rr_s[max(0, low - WINDOW) : low], rr_s[high : high + WINDOW]
    if min(len(outside), len(inside)) < FEWEST_BESIDE:
        return 0
    gain = _log_density(rr_s[low:high], inside) - _log_density(rr_s[low:high], outside)
    to_the_end = np.r_[np.cumsum(gain[::-1])[::-1], 0.0]
    return low + int(np.argmax(to_the_end)) - border


def _log_density(values: Float, like: Float) -> Float:
    """Of the normal distribution with the mean and spread of other values, but for a constant."""
    spread = max(float(like.std()), SMALLEST_SPREAD_S)
    return -(((values - like.mean()) / spread) ** 2) / 2 - np.log(spread)


def _at(waves: PWaves, index: NDArray[np.intp]) -> PWaves:
    return PWaves(waves.absent[index], waves.present[index])


def _probability(spans: Spans, time_s: Float, log_odds: Float) -> NDArray[np.float32]:
    edges = np.searchsorted(time_s, spans)
    chance = 1 / (1 + np.exp(-np.clip(log_odds, -50, 50)))
    return np.array([np.nanmean(chance[first : last + 1]) for first, last in edges], np.float32)


def _joined(spans: Spans, bridge_s: float) -> Spans:
    """Spans with the short gaps between them filled."""
    apart = spans[1:, 0] - spans[:-1, 1] > bridge_s
    return np.column_stack([spans[np.r_[True, apart], 0], spans[np.r_[apart, True], 1]]) if len(spans) else spans


def _pieces(time_s: Float, trusted: Bool, bridge_s: float) -> list[np.ndarray]:
    """Beat indices of trusted intervals, cut where more than `bridge_s` lies between two of them."""
    index = np.flatnonzero(trusted)
    return np.split(index, np.flatnonzero(np.diff(time_s[index]) > bridge_s) + 1) if len(index) else []


def _spans_of_beats(beats: Beats, index: np.ndarray, chosen: Bool) -> Spans:
    """Time from the beat that opens each run of chosen intervals to the one that closes it."""
    opening, behind = runs(chosen)
    first, last = index[opening], index[behind - 1]
    return np.column_stack([beats.time_s[np.maximum(first - 1, 0)], beats.time_s[last]])

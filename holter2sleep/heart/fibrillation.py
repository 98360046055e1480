"""Atrial fibrillation from the irregularity of RR intervals.

After Petrenas, Marozas and Sornmo 2015, "Low-complexity detection of atrial fibrillation in continuous
long-term monitoring" (Comput Biol Med 65:184-191): the share of unlike pairs among neighbouring
intervals, relative to their length, with a term that silences bigeminy. Two conditions are ours: hardly any
intervals are alike, and the irregularity has no period: breathing makes the pulse of the young as irregular, but with
its own rhythm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from holter2sleep.night import Beats, Bool, Float
from holter2sleep.spans import Spans, as_spans, runs

WINDOW = 8  # beats in a window, Petrenas 2015
BATCH = 1 << 16  # windows looked at together
UNLIKE_S = 0.03  # two intervals this far apart are unlike, ibid.
SMOOTHING = 0.02  # of the exponential average run forward and backward, ibid.
PERIODIC_WINDOW = 64  # beats: a dozen breaths
DRIFT_BINS = 2  # of the spectrum of such a window: slower than 32 beats
BIGEMINY = 2e-4  # below it the irregularity is put down to ectopic beats, ibid.


@dataclass(frozen=True)
class AfRules:
    """Keys of `[rhythm.af]`."""

    threshold: float
    alike_percent: float
    alike_share: float
    alike_beats: int
    periodic_share: float
    minimum_s: float
    bridge_s: float
    minimum_beats: int


def af_spans(beats: Beats, trusted: Bool, rules: AfRules) -> Spans:
    """Time in atrial fibrillation, from beat to beat; stretches no more than `bridge_s` apart are one episode.

    Intervals next to a V are left out: a ventricular premature beat is irregular, and is not fibrillation.
    """
    clear = trusted & ~_touches_v(beats)
    parts = []
    for piece in _pieces(beats.time_s, trusted, rules.bridge_s):
        index = piece[clear[piece]]
        if len(index) >= rules.minimum_beats:
            rr_s = beats.rr_s[index]
            in_af = (irregularity(rr_s) > rules.threshold) & (alike_share(rr_s, rules) < rules.alike_share)
            in_af = _without_periodic(in_af, rr_s, rules)
            parts.append(_spans_of_beats(beats, index, in_af))
    if not parts:
        return as_spans([])
    spans = _joined(as_spans(np.concatenate(parts)), rules.bridge_s)
    return spans[spans[:, 1] - spans[:, 0] >= rules.minimum_s]


def _joined(spans: Spans, bridge_s: float) -> Spans:
    """Spans with the short gaps between them filled."""
    apart = spans[1:, 0] - spans[:-1, 1] > bridge_s
    return np.column_stack([spans[np.r_[True, apart], 0], spans[np.r_[apart, True], 1]]) if len(spans) else spans


def irregularity(rr_s: Float) -> Float:
    """Petrenas' decision value per interval; above about 0.7 the rhythm is called AF. array (n,)."""
    level = _smooth(rr_s)
    windows = np.lib.stride_tricks.sliding_window_view(_padded(rr_s), WINDOW)
    # in batches: the pairs of a month of beats would fill 2 GB
    unlike = np.concatenate([_unlike_share(windows[i : i + BATCH]) for i in range(0, len(windows), BATCH)])
    value = _smooth(unlike) / level
    filtered = signal.medfilt(rr_s, 3)
    filtered[[0, -1]] = rr_s[[0, -1]]  # the filter pads with zeros
    ratio = np.lib.stride_tricks.sliding_window_view(_padded(filtered), WINDOW).sum(axis=1) / windows.sum(axis=1)
    ectopic = _smooth((ratio - 1) ** 2)
    return np.where(ectopic >= BIGEMINY, value, ectopic)


def _unlike_share(windows: NDArray[np.float64]) -> Float:
    """Share of the pairs of intervals in each window that differ. array (n_windows,)."""
    first, second = np.triu_indices(WINDOW, 1)
    return (np.abs(windows[:, first] - windows[:, second]) >= UNLIKE_S).mean(axis=1)


def alike_share(rr_s: Float, rules: AfRules) -> Float:
    """Share of successive intervals that hardly differ, in a window of beats: near 0 only in AF. array (n,).

    Frequent premature beats are irregular too, but leave runs of like intervals between them.
    """
    change = np.abs(np.diff(rr_s, prepend=rr_s[0])) / ndimage.median_filter(rr_s, 9, mode="nearest")
    alike = (change < rules.alike_percent / 100).astype(np.float64)
    return ndimage.uniform_filter1d(alike, rules.alike_beats, mode="reflect")


def _without_periodic(in_af: Bool, rr_s: Float, rules: AfRules) -> Bool:
    """The runs of AF whose irregularity has no period. array (n,)."""
    kept = in_af.copy()
    for first, behind in zip(*runs(in_af), strict=True):
        if np.median(periodicity(rr_s, np.arange(first, behind, 8))) >= rules.periodic_share:
            kept[first:behind] = False
    return kept


def periodicity(rr_s: Float, at: NDArray[np.intp]) -> Float:
    """Share of the variation of the 64 intervals around each place that lies at one period. array (len(at),).

    Taken from the spectrum of the ranks, so that one long interval does not rule it: the strongest three neighbouring
    bins against all, slow drift left out. About 0.25 for independent intervals, 0.5 and more where breathing rules.
    """
    half = PERIODIC_WINDOW // 2
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(rr_s, (half, half - 1), mode="reflect"), PERIODIC_WINDOW)
    ranks = windows[at].argsort(axis=1).argsort(axis=1) - (PERIODIC_WINDOW - 1) / 2
    power = np.abs(np.fft.rfft(ranks * np.hanning(PERIODIC_WINDOW), axis=1))[:, DRIFT_BINS:] ** 2
    return (power[:, :-2] + power[:, 1:-1] + power[:, 2:]).max(axis=1) / power.sum(axis=1)


def _smooth(values: Float) -> Float:
    """Exponential average, forward and backward so that it does not lag."""
    b, a = [SMOOTHING], [1, SMOOTHING - 1]
    start = signal.lfilter_zi(b, a)
    forward, _ = signal.lfilter(b, a, values, zi=start * values[:WINDOW].mean())
    backward, _ = signal.lfilter(b, a, forward[::-1], zi=start * forward[-1])
    return backward[::-1]


def _padded(values: Float) -> Float:
    return np.pad(values, (WINDOW // 2, WINDOW - 1 - WINDOW // 2), mode="edge")


def _touches_v(beats: Beats) -> Bool:
    is_v = beats.label == "V"
    return is_v | np.r_[False, is_v[:-1]]


def _pieces(time_s: Float, trusted: Bool, bridge_s: float) -> list[np.ndarray]:
    """Beat indices of trusted intervals, cut where more than `bridge_s` lies between two of them."""
    index = np.flatnonzero(trusted)
    return np.split(index, np.flatnonzero(np.diff(time_s[index]) > bridge_s) + 1) if len(index) else []


def _spans_of_beats(beats: Beats, index: np.ndarray, chosen: Bool) -> Spans:
    """Time from the beat that opens each run of chosen intervals to the one that closes it."""
    opening, behind = runs(chosen)
    first, last = index[opening], index[behind - 1]
    return np.column_stack([beats.time_s[np.maximum(first - 1, 0)], beats.time_s[last]])

"""Beats to episodes: atrial fibrillation, runs, bigeminy, pauses, slow and fast rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from holter2sleep.heart.fibrillation import AfRules, af_spans
from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.night import AF_KINDS, Beats, Bool, Episodes, Float
from holter2sleep.spans import Spans, as_spans, contains, runs

RUN_BEATS = 3  # EC57: two in a row are a couplet, three or more a run
TACHYCARDIA_BPM = 100.0  # a run at this rate or faster is a tachycardia (VT, SVTA)


@dataclass(frozen=True)
class RhythmRules:
    """Keys of `[rhythm]`."""

    pause_s: float
    bigeminy_cycles: int
    brady_bpm: float
    tachy_bpm: float
    sustained_s: float
    smoothing_beats: int
    af_margin_s: float
    af: AfRules


@dataclass(frozen=True)
class _Found:
    """One kind of episode as pairs of first and last beat index."""

    kind: str
    first: list[int]
    last: list[int]


def find_episodes(beats: Beats, usable_spans: Spans, rules: RhythmRules) -> Episodes:
    """All episodes of a recording, by start.

    An episode begins at its first beat and ends at its last (a pause: from beat to beat). Nothing is said
    of time that is not usable. Kinds: AFIB; VT, SVTA (runs at tachycardia rate), IVR (slower ventricular run);
    COUPLET_V, COUPLET_S; B, T (bi-, trigeminy); PAUSE; BRADY, TACHY.
    """
    trusted = trusted_rr(beats, usable_spans)
    fibrillation = af_spans(beats, trusted, rules.af)
    near_af = _near_af(fibrillation, beats, rules)
    found = [
        *_runs(beats, trusted, "V", np.zeros_like(near_af)),
        *_runs(beats, trusted, "S", near_af),
        *_cycles(beats, trusted, rules),
        _pauses(beats, trusted, rules),
        *_sustained_rates(beats, trusted, rules),
        *_af(beats, fibrillation),
    ]
    return _episodes(beats, found)


def without_s_in_af(beats: Beats, episodes: Episodes, rules: RhythmRules) -> Beats:
    """The beats with S in AF, or just beside it, called N: prematurity means nothing where every interval differs."""
    inside = _near_af(episodes.of(*AF_KINDS).spans, beats, rules)
    return beats.but(label=np.where((beats.label == "S") & inside, "N", beats.label))


def _near_af(spans: Spans, beats: Beats, rules: RhythmRules) -> Bool:
    """Whether each beat lies in AF, or within the margin beside it. array (n_beats,)."""
    return contains(as_spans(spans + np.array([-rules.af_margin_s, rules.af_margin_s])), beats.time_s)


def _linked(mask: Bool, trusted: Bool) -> tuple[list[int], list[int]]:
    """Runs of true values whose intervals from one to the next are all trusted."""
    first, last = [], []
    for start, behind in zip(*runs(mask), strict=True):
        breaks = [int(start), *(i for i in range(start + 1, behind) if not trusted[i]), int(behind)]
        first += breaks[:-1]
        last += [b - 1 for b in breaks[1:]]
    return first, last


def _runs(beats: Beats, trusted: Bool, label: str, excluded: Bool) -> list[_Found]:
    first, last = _linked((beats.label == label) & beats.usable & ~excluded, trusted)
    couplet, fast, slow = (
        _Found(kind, [], []) for kind in (f"COUPLET_{label}", {"V": "VT", "S": "SVTA"}[label], "IVR")
    )
    for a, b in zip(first, last, strict=True):
        if b - a + 1 == 2:
            _add(couplet, a, b)
        elif b - a + 1 >= RUN_BEATS:
            if 60 * (b - a) >= TACHYCARDIA_BPM * _between(beats, a, b):
                _add(fast, a, b)
            elif label == "V":
                _add(slow, a, b)
    return [couplet, fast, slow]


def _between(beats: Beats, first: int, last: int) -> float:
    """Seconds from one beat to another, whole microseconds: no limit may hang on the rounding of a float."""
    return round(float(beats.time_s[last] - beats.time_s[first]), 6)


def _add(found: _Found, first: int, last: int) -> None:
    found.first.append(first)
    found.last.append(last)


def _cycles(beats: Beats, trusted: Bool, rules: RhythmRules) -> list[_Found]:
    """Bigeminy (every second beat V) and trigeminy (every third), for at least so many cycles."""
    is_v = (beats.label == "V") & beats.usable
    found = []
    for kind, period in (("B", 2), ("T", 3)):
        in_cycle = _periodic(is_v, period)
        first, last = _linked(in_cycle, trusted)
        long = [(a, b) for a, b in zip(first, last, strict=True) if is_v[a : b + 1].sum() >= rules.bigeminy_cycles]
        found.append(_Found(kind, [a for a, _ in long], [b for _, b in long]))
    return found


def _periodic(is_v: Bool, period: int) -> Bool:
    """Beats between two V that are exactly `period` beats apart, with no V between them."""
    index = np.flatnonzero(is_v)
    inside = np.zeros(len(is_v), bool)
    for start in index[:-1][np.diff(index) == period]:
        inside[start : start + period + 1] = True
    return inside


def _pauses(beats: Beats, trusted: Bool, rules: RhythmRules) -> _Found:
    end = np.flatnonzero(trusted & (beats.rr_s >= rules.pause_s))
    return _Found("PAUSE", (end - 1).tolist(), end.tolist())


def _sustained_rates(beats: Beats, trusted: Bool, rules: RhythmRules) -> list[_Found]:
    """BRADY and TACHY: the smoothed rate stays beyond the limit for at least `sustained_s`."""
    if trusted.sum() < rules.smoothing_beats:
        return []
    rr_s = np.where(trusted, beats.rr_s, np.nan)
    filled = np.interp(beats.time_s, beats.time_s[trusted], rr_s[trusted])
    rate_bpm = 60 / ndimage.median_filter(filled, rules.smoothing_beats, mode="nearest")
    found = []
    for kind, beyond in (("BRADY", rate_bpm < rules.brady_bpm), ("TACHY", rate_bpm > rules.tachy_bpm)):
        first, last = _linked(beyond & beats.usable, trusted)
        opened = [a - int(trusted[a]) for a in first]  # the first such interval begins at the beat before
        long = [(a, b) for a, b in zip(opened, last, strict=True) if _between(beats, a, b) >= rules.sustained_s]
        found.append(_Found(kind, [a for a, _ in long], [b for _, b in long]))
    return found


def _af(beats: Beats, spans: Spans) -> list[_Found]:
    first = np.searchsorted(beats.time_s, spans[:, 0]).tolist()
    last = (np.searchsorted(beats.time_s, spans[:, 1], side="right") - 1).tolist()
    return [_Found("AFIB", first, last)]


def _episodes(beats: Beats, found: list[_Found]) -> Episodes:
    kind = np.concatenate([np.empty(0, "<U12"), *(np.full(len(f.first), f.kind) for f in found)])
    first = np.concatenate([np.empty(0, int), *(np.array(f.first, int) for f in found)])
    last = np.concatenate([np.empty(0, int), *(np.array(f.last, int) for f in found)])
    order = np.lexsort((kind, beats.time_s[first]))
    kind, first, last = kind[order], first[order], last[order]
    start_s, end_s = beats.time_s[first], beats.time_s[last]
    rate_bpm: Float = 60 * (last - first) / (end_s - start_s)
    unknown = np.full(len(kind), np.nan, np.float32)
    return Episodes(start_s, end_s, kind, last - first + 1, rate_bpm, unknown)

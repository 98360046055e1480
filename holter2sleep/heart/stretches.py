"""Stretches of beats: what an episode is before it has times."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from holter2sleep.night import Beats, Bool, Float, Text
from holter2sleep.spans import runs


@dataclass(frozen=True)
class Stretches:
    """Episodes of one kind, each from its first beat to its last, both included."""

    kind: str
    first: list[int]
    last: list[int]

    @classmethod
    def of(cls, kind: str, pairs: list[tuple[int, int]]) -> Stretches:
        """From pairs of first and last beat."""
        return cls(kind, [a for a, _ in pairs], [b for _, b in pairs])

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """First and last beat of each."""
        return list(zip(self.first, self.last, strict=True))

    def mask(self, n_beats: int) -> Bool:
        """Beats that lie in any of them. array (n_beats,)."""
        edges = np.zeros(n_beats + 1, int)
        np.add.at(edges, self.first, 1)
        np.add.at(edges, np.array(self.last, int) + 1, -1)
        return np.cumsum(edges)[:-1] > 0


def linked(mask: Bool, trusted: Bool) -> list[tuple[int, int]]:
    """First and last beat of the runs of true values whose intervals from one to the next are all trusted.

    Examples
    --------
    >>> linked(np.array([False, True, True, True, True]), np.array([False, True, True, False, True]))
    [(1, 2), (3, 4)]
    """
    pairs: list[tuple[int, int]] = []
    for start, behind in zip(*runs(mask), strict=True):
        breaks = [int(start), *(i for i in range(start + 1, behind) if not trusted[i]), int(behind)]
        pairs += [(a, b - 1) for a, b in itertools.pairwise(breaks)]
    return pairs


def merged(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs with overlapping ones joined.

    Examples
    --------
    >>> merged([(5, 9), (1, 3), (8, 12)])
    [(1, 3), (5, 12)]
    """
    joined: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def between_s(beats: Beats, first: int, last: int) -> float:
    """Seconds from one beat to another, whole microseconds: no limit may hang on the rounding of a float."""
    return round(float(beats.time_s[last] - beats.time_s[first]), 6)


def gathered(beats: Beats, found: list[Stretches]) -> tuple[Float, Float, Text, np.ndarray, Float]:
    """Start, end, kind, number of beats and rate of all stretches, by start."""
    kind = np.concatenate([np.empty(0, "<U12"), *(np.full(len(f.first), f.kind) for f in found)])
    first = np.concatenate([np.empty(0, int), *(np.array(f.first, int) for f in found)])
    last = np.concatenate([np.empty(0, int), *(np.array(f.last, int) for f in found)])
    order = np.lexsort((kind, beats.time_s[first]))
    kind, first, last = kind[order], first[order], last[order]
    start_s, end_s = beats.time_s[first], beats.time_s[last]
    return start_s, end_s, kind, last - first + 1, 60 * (last - first) / (end_s - start_s)

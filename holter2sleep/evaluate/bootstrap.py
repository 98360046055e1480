"""Intervals by drawing whole subjects with replacement.

The unit of resampling is the subject, never the epoch or the night: all nights of a drawn person come along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000  # the 2.5th percentile is the fiftieth of them

Interval = tuple[float, float] | None


class Draws:
    """How often each night comes in each of the draws; the same draws serve every figure, so that they can be paired.

    With fewer than two subjects there is nothing to draw, and every interval is None.
    """

    def __init__(self, subjects: Sequence[str], seed: int, draws: int = DRAWS) -> None:
        names, self.person = np.unique(np.asarray(subjects, str), return_inverse=True)
        n = len(names)
        self.n_subjects = n
        drawn = np.random.default_rng(seed).integers(n, size=(draws, n)) if n >= 2 else np.empty((0, n), np.int64)
        self.people: NDArray[np.int64] = drawn  # (draws, n_subjects)

    def of_sums(self, by_night: Sequence[Any], measure: Callable[[Any], float | None]) -> Interval:
        """Interval of a measure of a sum over nights, such as of counts. `by_night`: arrays of one shape."""
        if not len(self.people):
            return None
        times = np.array([np.bincount(people, minlength=self.n_subjects) for people in self.people])
        return interval_of(map(measure, np.tensordot(times[:, self.person], np.array(by_night), axes=1)))

    def nights(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """The nights of each draw, and of whom each is, 0, 1, ...; a person drawn twice is two persons."""
        nights_of = [np.flatnonzero(self.person == i) for i in range(self.n_subjects)]
        for people in self.people:
            own = [nights_of[i] for i in people]
            yield np.concatenate(own), np.repeat(np.arange(len(own)), [len(of) for of in own])


def interval_of(values: Iterable[float | None]) -> Interval:
    """From the 2.5th to the 97.5th percentile of the values that are defined; None where none is."""
    defined = [value for value in values if value is not None]
    if not defined:
        return None
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)

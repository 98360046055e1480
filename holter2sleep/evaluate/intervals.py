"""RMS error of the RR intervals of a test against its reference.

ANSI/AAMI EC57 asks for it beside the beat-by-beat table, because a detector may find every beat and place it badly.
An interval counts when both its beats are paired with two beats that follow each other on the other side, so that no
missed or extra beat poses as a timing error. (The C program `bxb` also counts the intervals pending at an unmatched
beat; there a missed beat adds a whole interval to the error.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from holter2sleep.evaluate.ec57 import match_beats
from holter2sleep.evaluate.protocol import STANDARD, Protocol
from holter2sleep.night import Beats
from holter2sleep.spans import Spans, covers


@dataclass(frozen=True)
class RRError:
    """Number of intervals compared, and the sum of their squared errors."""

    n: int
    sum_of_squares_ms2: float

    @property
    def rms_ms(self) -> float | None:
        """Root mean square error, ms; None without an interval."""
        return math.sqrt(self.sum_of_squares_ms2 / self.n) if self.n else None


def compare_intervals(reference: Beats, test: Beats, unbroken: Spans, protocol: Protocol = STANDARD) -> RRError:
    """Error of the intervals whose reference beats lie within one stretch of `unbroken` scored time.

    Examples
    --------
    >>> reference, test = Beats.at([400.0, 401.0, 402.0]), Beats.at([400.01, 401.0, 401.98])
    >>> compare_intervals(reference, test, np.array([[300.0, 500.0]])).rms_ms  # errors of 10 and 20 ms
    15.811388300841896
    """
    pairs = match_beats(reference.time_s, test.time_s, protocol.window_s)
    follow = (np.diff(pairs, axis=0) == 1).all(axis=1)
    first, second = pairs[:-1][follow], pairs[1:][follow]
    inside = covers(unbroken, reference.time_s[first[:, 0]], reference.time_s[second[:, 0]])
    second = second[inside]
    error_ms = np.round(1000 * (test.rr_s[second[:, 1]] - reference.rr_s[second[:, 0]]), 3)
    return RRError(len(second), float((error_ms**2).sum()))


def pooled_rr_error(errors: Sequence[RRError]) -> RRError:
    """All records as one: every interval has the same weight."""
    return RRError(sum(error.n for error in errors), sum(error.sum_of_squares_ms2 for error in errors))

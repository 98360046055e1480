"""Runs of ectopic beats of a test against its reference, as EC57 compares them.

A run is a series of beats of one class with no other beat between them: couplet 2, short run 3 to 5, long run 6 and
more. For every run of one side the longest run of the other is looked up in a window from one match window before its
first beat to one behind its last; only beats within that window count.

Checked against the C program `rxr`, whose conventions are kept: a fusion beat extends a run of V; ventricular
fibrillation is a run of V of the longest kind; in atrial fibrillation every beat that would be N is S; a shutdown
ends a run. One difference: a run that the end of the record cuts off counts here.

References
----------
ANSI/AAMI EC57:2012/(R)2020, run-by-run comparison. Moody, WFDB Applications Guide, rxr(1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.evaluate.ec57 import ratio
from holter2sleep.evaluate.protocol import STANDARD, Protocol
from holter2sleep.evaluate.sides import Side
from holter2sleep.night import frozen_array
from holter2sleep.spans import contains, runs

Counts = NDArray[np.int64]  # (7, 7): row = length in the reference, column = length in the test

LENGTHS = ("0", "1", "2", "3", "4", "5", ">5")
LONGEST = 6  # a run of six and more is long, whatever its length
RUN_CLASSES = ("V", "S")
KINDS = {"couplet": slice(2, 3), "short_run": slice(3, 6), "long_run": slice(6, 7)}


@dataclass(frozen=True)
class RunTables:
    """Number of runs by their length in the reference (row) and in the test (column): 0 to 5, and more."""

    sensitivity: Counts  # one for each run of the reference, with the longest of the test beside it
    predictivity: Counts  # one for each run of the test, with the longest of the reference beside it

    def __post_init__(self) -> None:
        for name in ("sensitivity", "predictivity"):
            table = frozen_array(getattr(self, name), np.int64)
            if table.shape != (len(LENGTHS),) * 2:
                raise ValueError(f"a table of runs is 7 x 7, not {table.shape}")
            object.__setattr__(self, name, table)

    def found(self, kind: str) -> tuple[int, int]:
        """Runs of a kind in the reference that the test meets with as long a kind, and those it does not."""
        return _met_and_not(self.sensitivity, kind)

    def confirmed(self, kind: str) -> tuple[int, int]:
        """Runs of a kind in the test that the reference meets with as long a kind, and those it does not."""
        return _met_and_not(self.predictivity.T, kind)

    def measures(self) -> dict[str, float | None]:
        """Sensitivity and positive predictivity of couplets, short and long runs, as shares of 1."""
        return {
            f"{kind}_{name}": ratio(met, met + not_met)
            for kind in KINDS
            for name, (met, not_met) in (
                ("sensitivity", self.found(kind)),
                ("positive_predictivity", self.confirmed(kind)),
            )
        }


def _met_and_not(table: Counts, kind: str) -> tuple[int, int]:
    """Runs of a kind (rows) beside one that is at least as long as the kind's shortest, and the others."""
    rows = table[KINDS[kind]]
    met = int(rows[:, KINDS[kind].start :].sum())
    return met, int(rows.sum()) - met


@dataclass(frozen=True)
class _Marks:
    """Everything that makes or ends a run, in time order, in whole microseconds."""

    start: NDArray[np.int64]  # (n_marks,)
    end: NDArray[np.int64]  # (n_marks,); that of a beat is its start
    length: NDArray[np.int64]  # (n_marks,), beats it adds to a run; 0 ends one

    def within(self, first: int, last: int) -> NDArray[np.int64]:
        """Lengths of the marks that touch a window."""
        return self.length[np.searchsorted(self.end, first) : np.searchsorted(self.start, last, side="right")]

    def of(self, chosen: NDArray[np.bool_]) -> _Marks:
        """The chosen marks."""
        return _Marks(self.start[chosen], self.end[chosen], self.length[chosen])


def compare_runs(
    reference: Side, test: Side, label: str, *, duration_s: float, protocol: Protocol = STANDARD
) -> RunTables:
    """Tables of the runs of V or of S.

    Runs are looked for after the learning period, with what they have of it cut off.
    """
    ours, theirs = _marks(reference, label), _marks(test, label)
    first, last, window = (round(1e6 * value) for value in (protocol.learning_s, duration_s, protocol.window_s))
    there, back = (_table(_cut(a, first, last), b, window) for a, b in ((ours, theirs), (theirs, ours)))
    return RunTables(sensitivity=there, predictivity=back.T)


def pooled_runs(tables: Sequence[RunTables]) -> RunTables:
    """All records as one: every run has the same weight."""
    none = np.zeros((len(LENGTHS), len(LENGTHS)), np.int64)
    return RunTables(sum((t.sensitivity for t in tables), none), sum((t.predictivity for t in tables), none))


def _microseconds(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole microseconds: no border may hang on the rounding of a float."""
    return np.round(seconds * 1e6).astype(np.int64)


def _marks(side: Side, label: str) -> _Marks:
    """Beats, ventricular fibrillation and the beginnings of shutdowns of one side."""
    outside = ~contains(side.ventricular_fibrillation, side.beats.time_s)
    time_s = side.beats.time_s[outside]
    shutdown_s = side.shutdown[:, 0]
    fibrillates = np.full(len(side.ventricular_fibrillation), LONGEST if label == "V" else 0)
    start_s = np.r_[time_s, side.ventricular_fibrillation[:, 0], shutdown_s]
    end_s = np.r_[time_s, side.ventricular_fibrillation[:, 1], shutdown_s]
    length = np.r_[_is_of_run(side, label)[outside], fibrillates, np.zeros(len(shutdown_s))]
    order = np.argsort(start_s, kind="stable")
    end = np.maximum.accumulate(_microseconds(end_s)[order])  # a shutdown within fibrillation ends with it
    return _Marks(_microseconds(start_s)[order], end, length.astype(np.int64)[order])


def _is_of_run(side: Side, label: str) -> NDArray[np.bool_]:
    """Whether each beat belongs to runs of the class."""
    labels = side.beats.label
    if label == "V":
        return np.isin(labels, ["V", "F"])
    return (labels == "S") | ((labels == "N") & contains(side.atrial_fibrillation, side.beats.time_s))


def _cut(marks: _Marks, first: int, last: int) -> _Marks:
    """The marks within the scored time; fibrillation that began before begins with it."""
    inside = (marks.end >= first) & (marks.start <= last)
    return _Marks(np.maximum(marks.start, first), marks.end, marks.length).of(inside)


def _table(own: _Marks, other: _Marks, window: int) -> Counts:
    """Row: length of each run of `own`; column: the longest run of `other` beside it."""
    table = np.zeros((len(LENGTHS), len(LENGTHS)), np.int64)
    for first, behind in zip(*runs(own.length > 0), strict=True):
        beside = other.within(int(own.start[first]) - window, int(own.end[behind - 1]) + window)
        table[min(int(own.length[first:behind].sum()), LONGEST), _longest(beside)] += 1
    return table


def _longest(length: NDArray[np.int64]) -> int:
    """Beats of the longest run among marks, at most six."""
    lengths = (int(length[first:behind].sum()) for first, behind in zip(*runs(length > 0), strict=True))
    return min(max(lengths, default=0), LONGEST)

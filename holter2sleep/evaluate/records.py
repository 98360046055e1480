"""One record beat by beat, run by run and in its RR intervals, and many records as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from holter2sleep.evaluate.ec57 import BeatMatrix, compare_beats, gross, scored_spans
from holter2sleep.evaluate.intervals import RRError, compare_intervals, pooled_rr_error
from holter2sleep.evaluate.protocol import STANDARD, Protocol
from holter2sleep.evaluate.run_by_run import RUN_CLASSES, RunTables, compare_runs, pooled_runs
from holter2sleep.evaluate.sides import Side
from holter2sleep.spans import as_spans


@dataclass(frozen=True)
class BeatAgreement:
    """What EC57 says of the beats of a record, or of many pooled."""

    matrix: BeatMatrix
    rr_error: RRError
    runs: Mapping[str, RunTables]  # V and S

    def measures(self) -> dict[str, float | None]:
        """Beat by beat, as shares of 1."""
        return self.matrix.measures()


def compare_sides(reference: Side, test: Side, duration_s: float, protocol: Protocol = STANDARD) -> BeatAgreement:
    """Everything EC57 compares of the beats of a record.

    The reference's ventricular fibrillation is left out of the beats, whatever the test says there.
    """
    flutter = reference.ventricular_fibrillation
    unread = as_spans(np.vstack([flutter, test.shutdown, reference.shutdown]))
    matrix = compare_beats(
        reference.beats,
        test.beats,
        duration_s=duration_s,
        excluded=flutter,
        shutdown=test.shutdown,
        reference_shutdown=reference.shutdown,
        protocol=protocol,
    )
    rr_error = compare_intervals(reference.beats, test.beats, scored_spans(duration_s, unread, protocol), protocol)
    runs = {name: compare_runs(reference, test, name, duration_s=duration_s, protocol=protocol) for name in RUN_CLASSES}
    return BeatAgreement(matrix, rr_error, runs)


def gross_agreement(agreements: Sequence[BeatAgreement]) -> BeatAgreement:
    """All records pooled: every beat, interval and run has the same weight."""
    return BeatAgreement(
        gross([agreement.matrix for agreement in agreements]),
        pooled_rr_error([agreement.rr_error for agreement in agreements]),
        {name: pooled_runs([agreement.runs[name] for agreement in agreements]) for name in RUN_CLASSES},
    )

"""EC57: the RMS error of RR intervals, and the whole of a record side by side."""

from __future__ import annotations

import math

import numpy as np
import pytest

from holter2sleep.evaluate.ec57 import CLASSES
from holter2sleep.evaluate.intervals import RRError, compare_intervals, pooled_rr_error
from holter2sleep.evaluate.protocol import STANDARD, Protocol
from holter2sleep.evaluate.records import compare_sides, gross_agreement
from holter2sleep.evaluate.sides import Side
from holter2sleep.night import Beats
from holter2sleep.spans import as_spans

SCORED = as_spans([(300.0, 3600.0)])


def error_of(reference_s: list[float], test_s: list[float], protocol: Protocol = STANDARD) -> RRError:
    return compare_intervals(Beats.at(reference_s), Beats.at(test_s), SCORED, protocol)


def test_worked_rms_error_by_hand() -> None:
    error = error_of([400.0, 401.0, 402.0], [400.01, 401.0, 401.98])
    assert (error.n, error.sum_of_squares_ms2) == (2, 10.0**2 + 20.0**2)
    assert error.rms_ms == pytest.approx(math.sqrt(250))


def test_a_constant_offset_is_no_error_of_intervals() -> None:
    assert error_of([400.0, 401.0, 402.0], [400.1, 401.1, 402.1]).rms_ms == 0.0


def test_an_interval_with_a_missed_beat_is_not_compared() -> None:
    assert error_of([400.0, 401.0, 402.0, 403.0], [400.0, 402.0, 403.0]) == RRError(1, 0.0)


def test_an_interval_with_an_extra_beat_is_not_compared() -> None:
    assert error_of([400.0, 401.0, 402.0], [400.0, 400.5, 401.0, 402.0]) == RRError(1, 0.0)


def test_intervals_of_the_learning_period_are_not_compared() -> None:
    assert error_of([299.0, 300.0, 301.0], [299.1, 300.0, 301.0]) == RRError(1, 0.0)


def test_no_interval_spans_what_is_left_out() -> None:
    broken = as_spans([(300.0, 400.5), (400.6, 3600.0)])
    reference, test = Beats.at([400.0, 401.0, 402.0]), Beats.at([400.05, 401.0, 402.0])
    assert compare_intervals(reference, test, broken) == RRError(1, 0.0)


def test_without_an_interval_there_is_no_error() -> None:
    assert error_of([], []).rms_ms is None
    assert error_of([400.0], [400.0]).rms_ms is None


def test_pooled_error_weighs_intervals() -> None:
    assert pooled_rr_error([RRError(3, 300.0), RRError(1, 500.0), RRError(0, 0.0)]) == RRError(4, 800.0)


# --- a record --------------------------------------------------------------------------------------


def test_a_beat_found_in_a_shutdown_of_the_reference_goes_to_row_x() -> None:
    reference = Side(Beats.at([400.0, 420.0]), shutdown=as_spans([(405.0, 415.0)]))
    matrix = compare_sides(reference, Side(Beats.at([400.0, 410.0, 420.0], list("NVN"))), 3600.0).matrix
    assert (matrix.count("X", "V"), matrix.count("O", CLASSES), matrix.shutdown_s) == (1, 0, 0.0)
    assert matrix.measures()["veb_positive_predictivity"] == 0.0


def test_a_shutdown_without_end_lasts_to_the_end_of_the_record() -> None:
    test = Side(Beats.at([400.0]), shutdown=as_spans([(500.0, np.inf)]))
    matrix = compare_sides(Side(Beats.at([400.0, 600.0])), test, 3600.0).matrix
    assert (matrix.count("N", "X"), matrix.shutdown_s) == (1, 3100.0)


def test_fibrillation_that_only_the_test_calls_is_scored() -> None:
    reference = Side(Beats.at([400.0, 401.0]))
    test = Side(Beats.at([400.0]), ventricular_fibrillation=as_spans([(400.5, 410.0)]))
    assert compare_sides(reference, test, 3600.0).matrix.count("N", "O") == 1


def test_gross_pools_beats_intervals_and_runs() -> None:
    beats = Beats.at([400.0, 401.0, 402.0, 403.0], list("NVVN"))
    one = compare_sides(Side(beats), Side(beats), 3600.0)
    total = gross_agreement([one, one])
    assert total.matrix.count("V", "V") == 4
    assert total.rr_error == RRError(6, 0.0)
    assert total.runs["V"].found("couplet") == (2, 0)


# --- what a developer may change -------------------------------------------------------------------


def test_a_changed_window_and_learning_period_are_named() -> None:
    assert str(STANDARD) == "EC57"
    assert str(Protocol(0.05, 0.0)) == (
        "non-standard: match window 50 ms (standard 150 ms), learning period 0 s (standard 300 s)"
    )


def test_a_narrow_window_pairs_fewer_beats() -> None:
    reference, test = Side(Beats.at([100.0, 400.0])), Side(Beats.at([100.06, 400.04]))
    matrix = compare_sides(reference, test, 3600.0, Protocol(window_s=0.05, learning_s=0.0)).matrix
    assert (matrix.count("N", "N"), matrix.count("N", "O"), matrix.count("O", "N")) == (1, 1, 1)


@pytest.mark.parametrize(("window_s", "learning_s"), [(0.0, 300.0), (-1.0, 300.0), (np.nan, 300.0), (0.15, -1.0)])
def test_a_protocol_that_cannot_be_is_refused(window_s: float, learning_s: float) -> None:
    with pytest.raises(ValueError, match=r"longer than 0 s|0 s or more"):
        Protocol(window_s, learning_s)

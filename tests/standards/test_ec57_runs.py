"""EC57: run-by-run comparison, rule by rule; and as `rxr` does where the standard's text leaves a choice."""

from __future__ import annotations

import numpy as np
import pytest

from holter2sleep.evaluate.protocol import Protocol
from holter2sleep.evaluate.run_by_run import LENGTHS, RunTables, compare_runs, pooled_runs
from holter2sleep.evaluate.sides import Side
from holter2sleep.night import Beats
from holter2sleep.spans import Spans, as_spans

HOUR_S = 3600.0
BEGIN_S = 400.0


def side(labels: str, begin_s: float = BEGIN_S, **spans: Spans) -> Side:
    """A beat a second; a dot stands for no beat."""
    at = [i for i, label in enumerate(labels) if label != "."]
    return Side(Beats.at(begin_s + np.array(at, float), [labels[i] for i in at]), **spans)


def compare(reference: Side | str, test: Side | str, label: str = "V", **options: object) -> RunTables:
    sides = (side(one) if isinstance(one, str) else one for one in (reference, test))
    return compare_runs(*sides, label, duration_s=HOUR_S, **options)  # type: ignore[arg-type]


def cells(table: np.ndarray) -> dict[tuple[str, str], int]:
    """What a table counts: length in the reference, length in the test."""
    return {(LENGTHS[r], LENGTHS[c]): int(table[r, c]) for r, c in np.argwhere(table)}


# --- what a run is ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "length"), [(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5"), (6, ">5"), (9, ">5")])
def test_a_run_is_as_long_as_its_beats_and_six_is_the_longest(n: int, length: str) -> None:
    labels = "N" + "V" * n + "N"
    tables = compare(labels, labels)
    assert cells(tables.sensitivity) == cells(tables.predictivity) == {(length, length): 1}


@pytest.mark.parametrize("between", ["N", "S", "Q"])
def test_a_beat_of_another_class_ends_a_run_of_v(between: str) -> None:
    assert cells(compare(f"NVV{between}VN", "NNNNNN").sensitivity) == {("2", "0"): 1, ("1", "0"): 1}


def test_a_fusion_beat_extends_a_run_of_v_and_ends_a_run_of_s() -> None:
    assert cells(compare("NVFVN", "NNNNN").sensitivity) == {("3", "0"): 1}
    assert cells(compare("NSFSN", "NNNNN", "S").sensitivity) == {("1", "0"): 2}


def test_runs_of_s_are_counted_apart_from_those_of_v() -> None:
    tables = compare("NSSSNVVN", "NSSSNVVN", "S")
    assert cells(tables.sensitivity) == {("3", "3"): 1}


def test_ventricular_fibrillation_is_a_run_of_the_longest_kind() -> None:
    fibrillation = as_spans([(402.5, 409.5)])
    reference = side("NNN.......NN", ventricular_fibrillation=fibrillation)
    assert cells(compare(reference, "NNVVVVVVVVNN").sensitivity) == {(">5", ">5"): 1}
    assert cells(compare(reference, "NNNVVNNNNNNN").sensitivity) == {(">5", "2"): 1}
    assert cells(compare("NNVVVVVVVVNN", reference).sensitivity) == {(">5", ">5"): 1}


def test_beats_within_fibrillation_are_no_runs_of_their_own() -> None:
    reference = side("NNNNVNNVVNNN", ventricular_fibrillation=as_spans([(402.5, 409.5)]))
    assert cells(compare(reference, "NNNNNNNNNNNN").sensitivity) == {(">5", "0"): 1}


def test_in_atrial_fibrillation_every_normal_beat_is_supraventricular() -> None:
    reference = side("NNNNNNNNNNNN", atrial_fibrillation=as_spans([(401.5, 409.5)]))
    assert cells(compare(reference, "NNNNNNNNNNNN", "S").sensitivity) == {(">5", "0"): 1}
    assert cells(compare(reference, reference, "S").sensitivity) == {(">5", ">5"): 1}


def test_a_shutdown_ends_a_run() -> None:
    reference = side("NVVVVN", shutdown=as_spans([(402.5, 402.8)]))
    assert cells(compare(reference, "NNNNNN").sensitivity) == {("2", "0"): 2}


# --- what stands beside it -------------------------------------------------------------------------


def test_the_longest_run_beside_it_counts() -> None:
    assert cells(compare("NVVVVVN", "NVNVVNN").sensitivity) == {("5", "2"): 1}


def test_only_beats_within_the_window_count() -> None:
    """The test calls seven beats V, two of which lie within the couplet of the reference."""
    tables = compare("NNNNVVNNNN", "NNVVVVVVVN")
    assert cells(tables.sensitivity) == {("2", "2"): 1}
    assert cells(tables.predictivity) == {("2", ">5"): 1}


@pytest.mark.parametrize(("shift_s", "beside"), [(0.150, "2"), (0.151, "1"), (-0.150, "2"), (-0.151, "1")])
def test_the_window_reaches_150_ms_beyond_both_ends(shift_s: float, beside: str) -> None:
    test = side("NVVN", begin_s=BEGIN_S + shift_s)
    assert cells(compare("NVVN", test).sensitivity) == {("2", beside): 1}


def test_a_changed_window_changes_what_is_beside() -> None:
    test = side("NVVN", begin_s=BEGIN_S + 0.1)
    tables = compare("NVVN", test, protocol=Protocol(window_s=0.05))
    assert cells(tables.sensitivity) == {("2", "1"): 1}


def test_runs_of_the_learning_period_are_cut_off() -> None:
    reference = side("NVVVVN", begin_s=297.5)  # the third V comes at 300.5 s
    assert cells(compare(reference, reference).sensitivity) == {("2", "2"): 1}
    early = side("NVVN", begin_s=100.0)
    assert cells(compare(early, early).sensitivity) == {}


def test_a_record_that_ends_in_a_run_counts_it() -> None:
    assert cells(compare("NVVV", "NVVV").sensitivity) == {("3", "3"): 1}


def test_a_side_without_beats_has_no_runs() -> None:
    tables = compare("NVVN", side(""))
    assert (cells(tables.sensitivity), cells(tables.predictivity)) == ({("2", "0"): 1}, {})


# --- the measures ----------------------------------------------------------------------------------


def worked_example() -> RunTables:
    # couplet found, called single; short run called couplet, found; long run called short; extra couplet
    return compare(
        "NVVNN VVN VVVN VVVVN VVVVVVVN NNN".replace(" ", ""),
        "NVVNN VNN VVNN VVVNN VVVVNVVN VVN".replace(" ", ""),
    )


def test_worked_run_tables_by_hand() -> None:
    tables = worked_example()
    assert cells(tables.sensitivity) == {
        ("2", "2"): 1,
        ("2", "1"): 1,
        ("3", "2"): 1,
        ("4", "3"): 1,
        (">5", "4"): 1,
    }
    assert cells(tables.predictivity) == {
        ("2", "2"): 3,  # the couplet found, the couplet within the short run, the tail of the long one
        ("1", "1"): 1,
        ("3", "3"): 1,
        ("4", "4"): 1,  # of the seven beats of the reference four lie in the window
        ("0", "2"): 1,
    }


def test_worked_run_measures_by_hand() -> None:
    assert worked_example().measures() == {
        "couplet_sensitivity": 1 / 2,
        "couplet_positive_predictivity": 3 / 4,
        "short_run_sensitivity": 1 / 2,
        "short_run_positive_predictivity": 2 / 2,
        "long_run_sensitivity": 0 / 1,
        "long_run_positive_predictivity": None,
    }


def test_a_measure_without_runs_is_none() -> None:
    assert set(compare("NNN", "NNN").measures().values()) == {None}


def test_swapping_the_sides_swaps_sensitivity_and_predictivity() -> None:
    rng = np.random.default_rng(5)
    one, other = ("".join(rng.choice(list("NNVVF"), 500)) for _ in range(2))
    there, back = compare(one, other), compare(other, one)
    assert there.sensitivity.tolist() == back.predictivity.T.tolist()


def test_pooled_runs_add_up() -> None:
    tables = worked_example()
    assert pooled_runs([tables, tables]).sensitivity.tolist() == (2 * tables.sensitivity).tolist()
    assert pooled_runs([]).sensitivity.sum() == 0


def test_tables_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="7 x 7"):
        RunTables(np.zeros((6, 7)), np.zeros((7, 7)))

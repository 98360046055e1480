"""What annotation files say beyond beats: fibrillation, and when the signal could not be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_annotations import UNREADABLE, write_annotations

from holter2sleep.errors import RecordingError
from holter2sleep.evaluate.nights import compare_night_episodes, compare_night_record
from holter2sleep.evaluate.pairs import Pair
from holter2sleep.evaluate.protocol import Protocol
from holter2sleep.evaluate.shutdowns import read_shutdowns
from holter2sleep.evaluate.sides import read_side
from holter2sleep.io.annotations import read_annotations


def beats(*times_s: float) -> list[tuple[float, str]]:
    return [(time_s, "N") for time_s in times_s]


def test_subtypes_are_signed_and_zero_where_there_is_none(tmp_path: Path) -> None:
    path = write_annotations(tmp_path / "r.atr", [(1, "N"), (2, "~", UNREADABLE), (3, "~", 0x11), (4, "~")])
    assert read_annotations(path).subtype.tolist() == [0, -1, 17, 0]


def test_a_shutdown_lasts_from_its_start_mark_to_its_stop_mark(tmp_path: Path) -> None:
    marks = [*beats(1), (2, "~", UNREADABLE), (5, "~", 0), *beats(6)]
    assert read_shutdowns(write_annotations(tmp_path / "r.atr", marks)).tolist() == [[2.0, 5.0]]


@pytest.mark.parametrize("subtype", [0, 1, 0x10, 0x23])
def test_noise_in_which_a_signal_can_be_read_is_no_shutdown(tmp_path: Path, subtype: int) -> None:
    marks = [*beats(1), (2, "~", subtype), (5, "~", 0), *beats(6)]
    assert len(read_shutdowns(write_annotations(tmp_path / "r.atr", marks))) == 0


def test_a_single_mark_lasts_from_the_beat_before_to_the_one_after_less_a_window_each(tmp_path: Path) -> None:
    path = write_annotations(tmp_path / "r.atr", [*beats(1), (3, "~", UNREADABLE), *beats(6)])
    assert read_shutdowns(path) == pytest.approx(np.array([[1.15, 5.85]]))
    assert read_shutdowns(path, Protocol(window_s=0.5)) == pytest.approx(np.array([[1.5, 5.5]]))


def test_a_single_mark_after_fibrillation_begins_at_its_end(tmp_path: Path) -> None:
    marks = [*beats(1), (2, "["), (4, "]"), (5, "~", UNREADABLE), *beats(8)]
    assert read_shutdowns(write_annotations(tmp_path / "r.atr", marks)) == pytest.approx(np.array([[4.15, 7.85]]))


def test_a_shutdown_that_nothing_closes_lasts_for_ever(tmp_path: Path) -> None:
    path = write_annotations(tmp_path / "r.atr", [*beats(1), (2, "~", UNREADABLE), (3, "~", UNREADABLE)])
    assert read_shutdowns(path).tolist() == [[2.0, np.inf]]


def test_a_file_that_is_none_has_no_shutdowns_but_an_error(tmp_path: Path) -> None:
    path = tmp_path / "r.atr"
    path.write_text("no annotations")
    with pytest.raises(RecordingError, match=r"r\.atr"):
        read_shutdowns(path)


def test_a_side_holds_both_kinds_of_fibrillation(tmp_path: Path) -> None:
    marks = [
        (1, "+", "(AFIB"),
        *beats(1.5),
        (3, "+", "(N"),
        (4, "["),
        (6, "]"),
        (7, "+", "(AFL"),
        (9, "+", "(VFL"),
        *beats(10),
    ]
    side = read_side(write_annotations(tmp_path / "r.atr", marks))
    assert side.atrial_fibrillation.tolist() == [[1.0, 3.0], [7.0, 9.0]]
    assert side.ventricular_fibrillation.tolist() == [[4.0, 6.0], [9.0, 10.0]]


def test_a_table_of_beats_says_nothing_of_fibrillation_or_shutdown(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("time_s,label\n1.0,N\n2.0,V\n")
    side = read_side(path)
    assert (len(side.beats), len(side.shutdown), len(side.ventricular_fibrillation)) == (2, 0, 0)


# --- files against files ---------------------------------------------------------------------------


def pair(tmp_path: Path, reference: list, test: list) -> Pair:
    return Pair("r", write_annotations(tmp_path / "r.atr", reference), write_annotations(tmp_path / "r.qrs", test))


def test_start_and_stop_marks_of_a_tested_file_are_its_shutdown(tmp_path: Path) -> None:
    reference = beats(400, 410, 420, 430)
    test = [*beats(400), (405, "~", UNREADABLE), (425, "~", 0), *beats(430)]
    matrix = compare_night_record(pair(tmp_path, reference, test)).matrix
    assert (matrix.count("N", "N"), matrix.count("N", "X"), matrix.shutdown_s) == (2, 2, 20.0)
    assert matrix.scored_s == 600.0  # 900 s by the header, less the learning period


def test_flutter_called_fibrillation_is_no_false_positive_where_only_fibrillation_is_asked_for(tmp_path: Path) -> None:
    reference = [*beats(1), (400, "+", "(AFL"), (500, "+", "(AFIB"), (600, "+", "(N"), *beats(890)]
    test = [*beats(1), (420, "+", "(AFIB"), (480, "+", "(N"), (490, "+", "(AFIB"), (600, "+", "(N"), *beats(890)]
    measures = compare_night_episodes(pair(tmp_path, reference, test), ["AFIB"], 30.0).measures()
    assert measures == {
        "episode_sensitivity": 1.0,
        "episode_positive_predictivity": 1.0,  # the episode within flutter is not judged
        "duration_sensitivity": 1.0,
        "duration_positive_predictivity": 1.0,  # nor are the 10 s of flutter before the other
    }
    both = compare_night_episodes(pair(tmp_path, reference, test), ["AF"], 30.0).measures()
    assert both["duration_sensitivity"] == (60 + 110) / 200


def test_ventricular_fibrillation_of_brackets_and_of_notes_is_compared(tmp_path: Path) -> None:
    reference = [*beats(1), (400, "["), (440, "]"), *beats(890)]
    test = [*beats(1), (410, "+", "(VFIB"), (450, "+", "(N"), *beats(890)]
    agreement = compare_night_episodes(pair(tmp_path, reference, test), ["VF"], 0.0)
    assert (agreement.n_reference_met, agreement.n_test_met, agreement.overlap_s) == (1, 1, 30.0)


def test_a_changed_learning_period_scores_from_there(tmp_path: Path) -> None:
    reference = [*beats(1), (100, "+", "(AFIB"), (200, "+", "(N"), *beats(890)]
    compared = pair(tmp_path, reference, reference)
    assert compare_night_episodes(compared, ["AF"], 30.0).n_reference == 0
    assert compare_night_episodes(compared, ["AF"], 30.0, Protocol(learning_s=150.0)).reference_s == 50.0

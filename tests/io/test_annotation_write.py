"""Annotation files that we write: wfdb and our own reader read the same marks back."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given
from hypothesis import strategies as st

from holter2sleep.clock import NO_DATE
from holter2sleep.io.annotation_write import Mark, annotation_bytes, header_text, spread, wfdb_comments
from holter2sleep.io.annotations import UNREADABLE, read_annotations
from holter2sleep.io.beatfiles import read_beat_file, read_beat_recording
from holter2sleep.io.wfdb_header import read_wfdb_header
from holter2sleep.night import Subject


def written(path: Path, marks: list[Mark], ticks_hz: float = 250.0) -> Path:
    path.write_bytes(annotation_bytes(marks, ticks_hz))
    return path


def test_wfdb_reads_the_marks_that_were_written(tmp_path: Path) -> None:
    marks = [
        Mark(4, "+", "(N"),
        Mark(5, "N"),
        Mark(1028, "S"),  # 1023 samples on: the longest step of one word
        Mark(2052, "V"),  # 1024: one more
        Mark(3_000_000, "~", subtype=UNREADABLE),
        Mark(3_000_070, "~"),
        Mark(3_000_071, '"', "PAUSE 2.40 s"),
        Mark(3_000_080, "F"),
        Mark(3_000_090, "Q"),
    ]
    written(tmp_path / "a.atr", marks, 249.9)
    read = wfdb.rdann(str(tmp_path / "a"), "atr")
    assert read.fs == 249.9
    assert read.sample.tolist() == [mark.tick for mark in marks]
    assert read.symbol == [mark.symbol for mark in marks]
    assert read.subtype.tolist() == [mark.subtype for mark in marks]
    assert [note.rstrip("\0") for note in read.aux_note] == [mark.text for mark in marks]


def test_our_reader_reads_the_marks_that_were_written(tmp_path: Path) -> None:
    marks = [Mark(5, "N"), Mark(70_000, "~", subtype=UNREADABLE), Mark(70_001, "+", "(AFIB")]
    read = read_annotations(written(tmp_path / "a.atr", marks, 1000 / 3))
    assert read.sample.tolist() == [5, 70_000, 70_001]
    assert read.symbol.tolist() == ["N", "~", "+"]
    assert read.subtype.tolist() == [0, UNREADABLE, 0]
    assert read.text == ("", "", "(AFIB")
    assert read.resolution_hz == pytest.approx(1000 / 3, rel=1e-11)


@given(st.lists(st.integers(0, 5_000_000), min_size=1, max_size=20, unique=True).map(sorted))
def test_any_beats_come_back(tmp_path_factory: pytest.TempPathFactory, ticks: list[int]) -> None:
    path = tmp_path_factory.mktemp("marks") / "a.atr"
    assert read_annotations(written(path, [Mark(tick, "V") for tick in ticks])).sample.tolist() == ticks


def test_beats_where_no_signal_can_be_read_are_unusable_and_so_is_their_time(tmp_path: Path) -> None:
    beats = [Mark(tick, "N") for tick in range(100, 2600, 250)]
    marks = spread(beats, [(Mark(400, "~", subtype=UNREADABLE), 1), (Mark(900, "~"), 1)])
    found = read_beat_file(written(tmp_path / "a.atr", marks))
    assert found.beats.time_s[~found.beats.usable].tolist() == [2.4, 3.4]
    assert found.gaps.tolist() == [[pytest.approx(1.404), 4.4]]


def test_noise_of_single_signals_leaves_the_beats_usable(tmp_path: Path) -> None:
    beats = [Mark(tick, "N") for tick in range(100, 2600, 250)]
    marks = spread(beats, [(Mark(400, "~", subtype=2), 1), (Mark(900, "~"), 1)])
    found = read_beat_file(written(tmp_path / "a.atr", marks))
    assert found.beats.usable.all()
    assert len(found.gaps) == 0


def test_signal_that_stays_unreadable_is_so_to_the_end(tmp_path: Path) -> None:
    marks = [Mark(100, "N"), Mark(350, "N"), Mark(400, "~", subtype=UNREADABLE), Mark(600, "N"), Mark(850, "N")]
    assert read_beat_file(written(tmp_path / "a.atr", marks)).beats.usable.tolist() == [True, True, False, False]


def test_each_mark_gets_a_sample_of_its_own_and_beats_stay() -> None:
    beats = [Mark(0, "N"), Mark(1, "V"), Mark(9, "N")]
    marks = spread(beats, [(Mark(0, "+", "(N"), -1), (Mark(9, "+", "(B"), -1), (Mark(9, "~"), 1), (Mark(10, '"'), 1)])
    assert [(mark.tick, mark.symbol) for mark in marks] == [
        (0, "N"), (1, "V"), (2, "+"), (8, "+"), (9, "N"), (10, "~"), (11, '"'),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("start", "first"),
    [
        (None, "a 0 250 5000"),
        (datetime(2024, 3, 1, 22, 30), "a 0 250 5000 22:30:00 01/03/2024"),
        (datetime(2024, 3, 1, 22, 30, 0, 250_000), "a 0 250 5000 22:30:00.250000 01/03/2024"),
        (datetime.combine(NO_DATE, datetime(2024, 3, 1, 22, 30).time()), "a 0 250 5000 22:30:00"),
    ],
    ids=["no clock", "clock", "fraction", "no date"],
)
def test_a_header_without_signals_is_read_by_wfdb_and_by_us(tmp_path: Path, start: datetime | None, first: str) -> None:
    text = header_text("a", 250.0, 5000, start, wfdb_comments(Subject(54.0, "F")))
    assert text.splitlines()[0] == first
    (tmp_path / "a.hea").write_text(text)
    ours, theirs = read_wfdb_header(tmp_path / "a.hea"), wfdb.rdheader(str(tmp_path / "a"))
    assert (ours.fs, ours.n_samples, ours.start, ours.subject) == (250.0, 5000, start, Subject(54.0, "F"))
    assert (theirs.fs, theirs.sig_len, theirs.n_sig) == (250.0, 5000, 0)
    assert theirs.base_time == (start.time() if start else None)


def test_a_record_of_annotations_keeps_length_start_and_person(tmp_path: Path) -> None:
    start = datetime(2024, 3, 1, 22, 30)
    (tmp_path / "a.hea").write_text(header_text("a", 250.0, 50_000, start, wfdb_comments(Subject(None, "M"))))
    recording = read_beat_recording(written(tmp_path / "a.atr", [Mark(100, "N"), Mark(350, "V")]), "a")
    assert (recording.duration_s, recording.start, recording.subject.sex) == (200.0, start, "M")
    assert recording.given_beats is not None
    assert np.array_equal(recording.given_beats.label, ["N", "V"])

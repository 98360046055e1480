"""Beat files: annotations, R points, tables and RR text become beats at the right times, or a clear refusal."""

from __future__ import annotations

import hashlib
import tracemalloc
import warnings
from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made_nights import simulated
from reading import read_made, read_or_refusal

from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.evaluate.rhythms import read_rhythm_spans
from holter2sleep.io import read_recording
from holter2sleep.io.annotations import AAMI_CLASS, read_annotations
from holter2sleep.io.beatfiles import read_beat_file, read_beats
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.io.sampled_text import looks_sampled
from holter2sleep.night import EpochGrid, Recording
from holter2sleep.spans import contains

NORMAL, VENTRICULAR, ATRIAL, RHYTHM, SKIP, AUX = 1, 5, 8, 28, 59, 63
QUALITY, ARTEFACT = 14, 16


def word(code: int, value: int) -> bytes:
    return ((code << 10) | value).to_bytes(2, "little")


def skip(samples: int) -> bytes:
    """A long interval: high word first, as annot(5) has it."""
    raw = samples & 0xFFFFFFFF
    return word(SKIP, 0) + (raw >> 16).to_bytes(2, "little") + (raw & 0xFFFF).to_bytes(2, "little")


def note(text: str) -> bytes:
    raw = text.encode()
    return word(AUX, len(raw)) + raw + b"\0" * (len(raw) % 2)


END = word(0, 0)


def beats(recording: Recording) -> tuple[list[float], str]:
    assert recording.ecg is None
    assert recording.given_beats is not None
    return recording.given_beats.time_s.round(9).tolist(), "".join(recording.given_beats.label)


# --- WFDB annotations ------------------------------------------------------------------------------


def test_annotations_with_long_gaps_notes_and_classes(tmp_path: Path) -> None:
    (tmp_path / "night.hea").write_text(
        "night 1 100 6000000 23:00:00 1/2/2003\nnight.dat 16 200 12 0 0 0 0 ECG\n# 44 M\n"
    )
    content = word(NORMAL, 100) + word(RHYTHM, 5) + note("(AFIB") + word(VENTRICULAR, 95)
    content += skip(5_000_000) + word(ATRIAL, 0) + END
    recording = read_made(tmp_path, content, "night.atr")
    assert beats(recording) == ([1.0, 2.0, 50002.0], "NVS")
    assert (recording.fs, recording.duration_s) == (100.0, 60000.0)
    assert recording.start == datetime(2003, 2, 1, 23)
    assert recording.subject.age_years == 44
    assert recording.warnings == ()
    both = (tmp_path / "night.hea").read_bytes() + content
    assert recording.source.sha256 == hashlib.sha256(both).hexdigest()


def test_without_a_header_250_hz_is_assumed_aloud(tmp_path: Path) -> None:
    recording = read_made(tmp_path, word(NORMAL, 250) + word(NORMAL, 500) + END, "night.atr")
    assert beats(recording) == ([1.0, 3.0], "NN")
    assert recording.duration_s == 3.0
    assert "250 Hz assumed" in recording.warnings[0]
    assert read_beats(tmp_path / "night.atr", fs=500).time_s.tolist() == [0.5, 1.5]


def test_the_files_own_time_resolution_goes_before_header_and_default(tmp_path: Path) -> None:
    stated = word(22, 0) + note("## time resolution: 500")
    recording = read_made(tmp_path, stated + word(NORMAL, 250) + word(NORMAL, 500) + END, "night.atr")
    assert beats(recording) == ([0.5, 1.5], "NN")
    assert recording.warnings == ()


@pytest.mark.parametrize(("header", "resolution", "ticks_hz"), [(None, None, 250), (100, None, 100), (100, 500, 500)])
def test_an_annotation_file_has_one_clock_for_beats_stages_and_rhythms(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, header: int | None, resolution: int | None, ticks_hz: int
) -> None:
    if header:
        (tmp_path / "night.hea").write_text(f"night 0 {header} 60000\n")
    stated = word(22, 0) + note(f"## time resolution: {resolution}") if resolution else b""
    content = stated + word(RHYTHM, 0) + note("(AFIB") + word(22, 0) + note("R") + skip(120 * ticks_hz)
    path = tmp_path / "night.atr"
    path.write_bytes(content + word(NORMAL, 0) + word(22, 0) + note("W") + END)
    assert read_beats(path).time_s.tolist() == [120.0]
    assert read_rhythm_spans(path, ["AFIB"]).tolist() == [[0.0, 120.0]]
    scored = path.rename(path.with_suffix(".st"))
    hypnogram, _ = read_hypnogram(scored, EpochGrid.covering(150.0), None)
    assert hypnogram.stage.tolist() == ["R", "U", "U", "U", "W"]
    assert caplog.text.count("250 Hz assumed") == (0 if header else 3)


@pytest.mark.parametrize("suffix", [".wqrs", ".gqrs", ".ann", ".man", ".xyz"])
def test_annotations_of_any_suffix_are_beats_where_the_header_of_their_record_lies_beside(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"night{suffix}"
    path.write_bytes(word(NORMAL, 360) * 200 + END)
    with pytest.raises(RecordingError, match="no recording by its first bytes"):
        read_recording(path)
    header = tmp_path / "night.hea"
    header.write_text("night 1 360 100000 22:00:00\nnight.dat 16 200 16 0 0 0 0 ECG\n# 44 M\n")
    recording = read_recording(path)
    assert beats(recording)[0][:3] == [1.0, 2.0, 3.0]
    assert recording.subject.age_years == 44
    assert not recording.beats_classified  # whoever wrote it called every beat N
    # a file that the header names holds samples, whatever its bytes look like
    header.write_text(f"night 1 360 200\nnight{suffix} 16 200 16 0 0 0 0 ECG\n")
    assert read_recording(path).ecg is not None


def test_other_files_beside_a_header_are_no_beats(tmp_path: Path) -> None:
    (tmp_path / "night.hea").write_text("night 1 360 100000\nnight.dat 16 200 16 0 0 0 0 ECG\n")
    for content in (b"some text of the ward", bytes(range(1, 256)) * 3):
        (tmp_path / "night.log").write_bytes(content)
        with pytest.raises(RecordingError, match="no recording by its first bytes"):
            read_recording(tmp_path / "night.log")


def test_a_table_of_results_is_no_list_of_intervals(tmp_path: Path) -> None:
    content = "id,NNmean,SDNN\n" + "1,800,40\n2,790,45\n3,810,38\n" * 20
    with pytest.raises(RecordingError, match="a table with the columns id, nnmean, sdnn"):
        read_made(tmp_path, content, "results.csv")


def test_annotations_without_a_note_of_rhythm_have_no_rhythm(tmp_path: Path) -> None:
    (tmp_path / "night.hea").write_text("night 0 100 60000\n")
    (tmp_path / "night.atr").write_bytes(word(NORMAL, 100) + word(NORMAL, 100) + END)
    assert read_rhythm_spans(tmp_path / "night.atr", ["AFIB", "VFL"]).tolist() == []


def test_doubled_and_unsorted_annotations_are_cleaned_aloud(tmp_path: Path) -> None:
    content = word(NORMAL, 500) + word(NORMAL, 0) + skip(-250) + word(VENTRICULAR, 0) + END
    recording = read_made(tmp_path, content, "night.atr")
    assert beats(recording) == ([1.0, 2.0], "VN")
    assert "sorted" in recording.warnings[1]
    assert "1 of 3 beats dropped" in recording.warnings[2]


def test_beats_beyond_the_headers_length_are_trusted(tmp_path: Path) -> None:
    (tmp_path / "night.hea").write_text("night 0 100 50\n")
    recording = read_made(tmp_path, word(NORMAL, 100) + END, "night.atr")
    assert recording.duration_s == 1.0
    assert "the beats were trusted" in recording.warnings[0]


def test_a_detectors_all_normal_file_is_not_classified(tmp_path: Path) -> None:
    content = word(NORMAL, 250) + word(NORMAL, 250) + END
    assert not read_made(tmp_path, content, "night.qrs").beats_classified
    assert read_made(tmp_path, content, "night.atr").beats_classified


@pytest.mark.parametrize(
    ("marks", "gaps"),
    [
        ([ARTEFACT], [[1.004, 3.0]]),
        ([QUALITY, QUALITY], [[1.004, 3.0]]),
        ([QUALITY, ARTEFACT, ARTEFACT, QUALITY], [[1.004, 3.0]]),
        ([QUALITY], []),
        ([RHYTHM], []),
    ],
)
def test_time_between_beats_that_holds_an_artefact_or_a_whole_noise_is_a_gap(
    tmp_path: Path, marks: list[int], gaps: list[list[float]]
) -> None:
    content = word(NORMAL, 250) + b"".join(word(mark, 50) for mark in marks)
    content += word(NORMAL, 500 - 50 * len(marks)) + word(NORMAL, 250) + END
    recording = read_made(tmp_path, content, "night.atr")
    assert beats(recording) == ([1.0, 3.0, 4.0], "NNN")
    assert recording.gaps.tolist() == gaps
    assert any("1 of 2 intervals" in warning for warning in recording.warnings) == bool(gaps)


def test_a_beat_between_two_artefacts_lies_in_no_gap(tmp_path: Path) -> None:
    content = word(NORMAL, 250) + 2 * (word(ARTEFACT, 125) + word(NORMAL, 125)) + END
    assert read_made(tmp_path, content, "night.atr").gaps.tolist() == [[1.004, 2.0], [2.004, 3.0]]


def test_artefacts_before_the_first_and_behind_the_last_beat_make_no_gap(tmp_path: Path) -> None:
    content = word(ARTEFACT, 50) + word(NORMAL, 200) + word(NORMAL, 250) + word(ARTEFACT, 50) + END
    assert read_made(tmp_path, content, "night.atr").gaps.tolist() == []


def test_a_beat_file_tells_its_clock_gaps_and_warnings_also_when_it_is_no_recording(tmp_path: Path) -> None:
    content = word(NORMAL, 250) + word(ARTEFACT, 50) + word(NORMAL, 200) + END
    (tmp_path / "night.qrs").write_bytes(content)
    found = read_beat_file(tmp_path / "night.qrs", 500)
    assert found.beats.time_s.tolist() == [0.5, 1.0]
    assert (found.classified, found.fs, found.gaps.tolist()) == (False, 500, [[0.502, 1.0]])
    assert ["left out" in found.warnings[0], "no beat classes" in found.warnings[1]] == [True, True]
    (tmp_path / "rr.txt").write_text("0.8\n0.9\n")
    with pytest.raises(RecordingError, match="read as ms"):
        read_beat_file(tmp_path / "rr.txt", rr_unit="ms")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (word(RHYTHM, 10) + note("(N") + END, "holds no beat"),
        (END, "not a WFDB annotation file"),
        (word(52, 10) + END, "not a WFDB annotation file"),
        (b"This is a text, and not an annotation file at all.", "no end mark"),
        (word(NORMAL, 10), "no end mark"),
        (b"ISHNE1.0" + bytes(600), "ISHNE"),
        (skip(2_000_000_000) + word(NORMAL, 0) + END, "a beat at 92.6 days"),
        (b"", "empty"),
    ],
)
def test_what_is_no_beat_annotation_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        read_made(tmp_path, content, "night.ecg")


def test_a_broken_header_beside_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "night.hea").write_text("nonsense")
    with pytest.raises(RecordingError, match=r"night\.hea"):
        read_made(tmp_path, word(NORMAL, 100) + END, "night.atr")


def test_every_beat_code_has_its_aami_class_and_nothing_else_has() -> None:
    classes = {"N": "NLRBejn", "S": "AaJS", "V": "VEr", "F": "F", "Q": "/fQ?"}
    assert {symbol: name for name, symbols in classes.items() for symbol in symbols} == AAMI_CLASS
    assert not set('+~|![]x"sT*D=ptu^@()') & set(AAMI_CLASS)


# --- tables ----------------------------------------------------------------------------------------


def test_nsrr_r_points_use_seconds_and_keep_artefacts_unusable(tmp_path: Path) -> None:
    text = "RPoint,Type,Class,seconds\n512,1,0,2.0\n256,1,0,1.0\n768,2,0,3.0\n1024,0,0,4.0\n1280,3,0,5.0\n"
    recording = read_made(tmp_path, text, "a-rpoint.csv")
    assert beats(recording) == ([1.0, 2.0, 3.0, 4.0, 5.0], "NNVQS")
    assert recording.given_beats is not None
    assert recording.given_beats.usable.tolist() == [True, True, True, False, True]
    assert (recording.beats_classified, recording.fs) == (True, None)
    assert any("1 artefacts" in warning for warning in recording.warnings)


@pytest.mark.parametrize(("separator", "name"), [(",", "b.csv"), ("\t", "b.tsv"), (";", "b.txt")])
def test_a_table_of_times_and_labels(tmp_path: Path, separator: str, name: str) -> None:
    rows = [["time_s", "label"], ["0.5", "N"], ["1.25", "V"], ["2.0", "A"], ["2.5", "L"]]
    recording = read_made(tmp_path, "\n".join(separator.join(row) for row in rows), name)
    assert beats(recording) == ([0.5, 1.25, 2.0, 2.5], "NVSN")
    assert (recording.duration_s, recording.beats_classified) == (2.5, True)


def test_our_own_beats_table_comes_back_as_it_was(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "time_s": [0.5, 1.5],
            "label": ["N", "V"],
            "confidence": [0.75, None],
            "rr_ms": [None, 1000.0],
            "usable": [True, False],
            "amplitude_mv": [1.25, None],
        }
    )
    table.write_parquet(tmp_path / "beats.parquet")
    found = read_beats(tmp_path / "beats.parquet")
    np.testing.assert_array_equal(found.amplitude_mv, np.array([1.25, np.nan], np.float32))
    assert found.time_s.tolist() == [0.5, 1.5]
    assert "".join(found.label) == "NV"
    assert found.usable.tolist() == [True, False]
    np.testing.assert_array_equal(found.confidence, np.array([0.75, np.nan], np.float32))


def test_times_without_labels_are_normal_and_unclassified(tmp_path: Path) -> None:
    recording = read_made(tmp_path, "time_s\n0.5\n1.5\n", "b.csv")
    assert beats(recording) == ([0.5, 1.5], "NN")
    assert not recording.beats_classified
    assert "no beat classes" in recording.warnings[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time_s,label\n0.5,N\n1.0,Z\n", "column label holds 'Z'"),
        ("time_s,label\n0.5,N\nsoon,N\n", "row 2 of column 'time_s' holds \\(4 characters of text\\)"),
        ("time_s,label\n0.5,N,1,2\n", "table is broken"),
        ("time_s,label\n", "holds no beat"),
        ("time_s\n-3\n-2\n", "before the start"),
        ("time_s\n1e300\n", "days"),
    ],
)
def test_a_broken_table_is_refused_with_its_fault(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        read_made(tmp_path, text, "b.csv")


# --- RR text ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "790\n815\n800\n",
        "0.790\n0.815\n0.800\n",
        "0,790\n0,815\n0,800\n",
        "\ufeff790\r\n815\r\n800\r\n\r\n",
        "rr (ms)\n790\n815\n800\n",
        "# device\n# exported\nRR\n790\n815\n800\n\n\x1a",
        "time,rri\n1,790\n2,815\n3,800\n",
        "1,790\n2,815\n3,800\n",
        "rri;time\n790;1\n815;2\n800;3\n",
        "rri;time\n0,790;1\n0,815;2\n0,800;3\n",
        "time,rri\n26/06/2018 22:41:56,790\n26/06/2018 22:41:57,815\n26/06/2018 22:41:58,800\n",
        "790,790\n815,815\n800,800\n",
        "790 1\n815 2\n800 3\n",
        "0,0.790\n0.790,0.815\n1.605,0.800\n",
        "0.790\t0.790\n1.605\t0.815\n2.405\t0.800\n",
    ],
)
@pytest.mark.parametrize("suffix", [".txt", ".csv", ".ibi"])
def test_every_way_to_write_the_same_intervals_gives_the_same_beats(tmp_path: Path, text: str, suffix: str) -> None:
    recording = read_made(tmp_path, text, f"rr{suffix}")
    assert beats(recording)[0] == pytest.approx([0.0, 0.790, 1.605, 2.405])
    assert recording.duration_s == pytest.approx(2.405)
    assert not recording.beats_classified


@pytest.mark.parametrize("of_ten_in_s", [1, 5, 9])
def test_intervals_in_two_units_are_refused_and_counted(tmp_path: Path, of_ten_in_s: int) -> None:
    rr_ms = np.random.default_rng(0).normal(900, 50, 1000)
    in_s = np.arange(1000) % 10 < of_ten_in_s
    (tmp_path / "rr.txt").write_text(
        "\n".join(f"{x / 1000:.3f}" if s else f"{x:.0f}" for x, s in zip(rr_ms, in_s, strict=True))
    )
    words = rf"{100 * min(of_ten_in_s, 10 - of_ten_in_s)} of 1000 intervals seem to be written in|the median of 1000"
    with pytest.raises(RecordingError, match=words):
        read_recording(tmp_path / "rr.txt")


def test_a_few_holes_as_long_as_intervals_in_another_unit_stay_holes(tmp_path: Path) -> None:
    rr_s = ["0.9"] * 300 + ["700"] + ["0.8"] * 300 + ["900"] + ["0.9"] * 300
    assert read_made(tmp_path, "\n".join(rr_s), "rr.txt").duration_s == pytest.approx(1600 + 540 + 240, abs=1)


def test_the_unit_can_be_forced(tmp_path: Path) -> None:
    assert read_made(tmp_path, "0.8\n0.9\n", "rr.txt", rr_unit="s").duration_s == pytest.approx(1.7)
    with pytest.raises(RecordingError, match="read as ms"):
        read_made(tmp_path, "0.8\n0.9\n", "rr.txt", rr_unit="ms")
    with pytest.raises(ValueError, match="auto, s or ms"):
        read_made(tmp_path, "0.8\n", "rr.txt", rr_unit="min")


def test_a_hole_in_the_time_column_stays_a_hole(tmp_path: Path) -> None:
    text = "time,rr\n0.8,0.8\n1.6,0.8\n2.4,0.8\n62.4,0.8\n63.2,0.8\n"
    assert beats(read_made(tmp_path, text, "rr.csv"))[0] == pytest.approx([0.0, 0.8, 1.6, 2.4, 61.6, 62.4, 63.2])


@pytest.mark.parametrize(
    ("stamp", "start", "tolerance_s"),
    [
        ("2024-03-01T23:59:{:06.3f}", datetime(2024, 3, 1, 23, 59, 57, 200_000), 1e-6),
        ("23:59:{:06.3f}", datetime(1985, 1, 1, 23, 59, 57, 200_000), 1e-6),
        ("2024-03-01 23:59:{:02.0f}", datetime(2024, 3, 1, 23, 59, 57, 200_000), 1.0),
    ],
)
def test_a_hole_by_the_clock_stays_a_hole_across_midnight_and_the_start_is_told(
    tmp_path: Path, stamp: str, start: datetime, tolerance_s: float
) -> None:
    seconds, behind = (58.0, 58.8, 59.6), (0.0, 0.8, 1.6)
    before, after = ([stamp.format(int(s) if tolerance_s == 1.0 else s) for s in part] for part in (seconds, behind))
    after = [text.replace("23:59", "00:01").replace("03-01", "03-02") for text in after]
    lines = [f"{when},0.8" for when in (*before, *after)]
    recording = read_made(tmp_path, "\n".join(["time,RR", *lines, ""]), "rr.csv")
    assert beats(recording)[0] == pytest.approx([0.0, 0.8, 1.6, 2.4, 62.0, 62.8, 63.6, 64.4], abs=tolerance_s)
    assert abs((recording.start - start).total_seconds()) <= tolerance_s


def test_clock_times_that_do_not_advance_with_the_intervals_give_the_start_alone_and_say_so(tmp_path: Path) -> None:
    text = "time,RR\n22:30:00,0.8\n22:35:00,0.8\n22:40:00,0.9\n"
    recording = read_made(tmp_path, text, "rr.csv")
    assert recording.duration_s == pytest.approx(2.5)
    assert recording.start == datetime(1985, 1, 1, 22, 30)
    assert "only the start is taken" in " ".join(recording.warnings)


def test_an_implausibly_long_interval_gets_no_invented_beat(tmp_path: Path) -> None:
    assert beats(read_made(tmp_path, "800\n60000\n800\n", "rr.txt"))[0] == pytest.approx([0.0, 0.8, 60.8, 61.6])


def test_a_few_intervals_of_zero_and_below_mark_lost_beats(tmp_path: Path) -> None:
    """A size that an interval may have is kept, the median stands for others; the beat at their end is unusable."""
    rr = [800.0] * 100
    rr[10], rr[20], rr[30] = -900.0, 0.0, -1.0
    found = read_made(tmp_path, "\n".join(f"{x:g}" for x in rr), "rr.txt").given_beats
    assert found is not None
    assert np.flatnonzero(~found.usable).tolist() == [11, 21, 31]
    assert np.diff(found.time_s)[[10, 20, 30]] == pytest.approx([0.9, 0.8, 0.8])


@pytest.mark.parametrize("first_s", [0.0, 0.8])  # stamps of the beat before each interval, or behind it
def test_marks_keep_the_time_that_the_file_says(tmp_path: Path, first_s: float) -> None:
    rows = [[first_s + 0.8 * i + (0.5 if i > 50 else 0.0), 800.0] for i in range(100)]
    rows[50][1] = -1.0
    text = "time,RR\n" + "\n".join(f"{t:.3f},{rr:g}" for t, rr in rows)
    found = read_made(tmp_path, text, "rr.csv").given_beats
    assert found is not None
    assert found.time_s[-1] == pytest.approx(100 * 0.8 + 0.5)
    assert (~found.usable).sum() == 1
    assert 49 <= np.flatnonzero(~found.usable)[0] <= 51


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("800\n700\ns\n890\n", "line 3: 's' is no interval"),
        ("900\n810\n670, wat\nHello\n", "line 3"),
        ("800\n-700\n", "line 2: '-700' is below 0"),
        ("800\nnan\n", "line 2: .3 characters of text"),
        ("0\n0\n2\n2\n3\n5\n5\n", "sleep stages"),
        ("hello\nworld\n", "no line holds an interval"),
        ("237\n231\n228\n", "no RR intervals"),
        ("466\n4703\n49340\n", "no RR intervals"),
        ("\n\n", "no line holds an interval"),
        ("", "empty"),
        ("8\x0000\n", "binary"),
    ],
)
def test_text_that_is_no_rr_series_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        read_made(tmp_path, text, "rr.txt")


def test_a_channel_of_a_beat_file_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no channels"):
        read_made(tmp_path, "800\n810\n", "rr.txt", channel="ECG")


def test_read_beats_refuses_a_suffix_it_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "beats.xyz").write_text("800\n")
    with pytest.raises(RecordingError, match=r"\.xyz"):
        read_beats(tmp_path / "beats.xyz")


# --- real files ------------------------------------------------------------------------------------


def classes(folder: Path, pattern: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for path in sorted(folder.glob(pattern)):
        recording = read_recording(path)
        assert recording.given_beats is not None
        assert recording.warnings == () or all(
            any(known in text for known in ("start time without a date", "classes", "by the file's marks"))
            for text in recording.warnings
        )
        total += Counter(recording.given_beats.label.tolist())
    return total


@pytest.mark.realdata
def test_slpdb_has_its_published_number_of_beats(shared_data: Path) -> None:
    total = classes(shared_data / "slpdb", "*.ecg")
    assert total.total() == 244_269
    assert [total[name] for name in "VSFQ"] == [114, 260, 4, 2]
    assert read_recording(shared_data / "slpdb" / "slp01a.ecg").start == datetime(1989, 1, 19, 23, 7)


@pytest.mark.realdata
def test_apnea_ecg_is_read_at_100_hz(shared_data: Path) -> None:
    recording = read_recording(shared_data / "apnea-ecg" / "a01.qrs")
    assert (recording.fs, recording.duration_s, recording.beats_classified) == (100.0, 29570.0, False)
    assert classes(shared_data / "apnea-ecg", "???.qrs").total() == 1_111_008


@pytest.mark.realdata
def test_nsrdb_and_sddb_have_their_published_number_of_beats(shared_data: Path) -> None:
    assert classes(shared_data / "nsrdb", "*.atr").total() == 1_249_844
    audited = classes(shared_data / "sddb", "*.atr")
    assert (audited.total(), audited["V"]) == (578_495, 15_350 + 6)  # 6 of them escape beats (E) or R-on-T (r)
    assert classes(shared_data / "sddb", "*.ari").total() == 1_364_532


@pytest.mark.realdata
def test_noise_in_a_healthy_record_is_no_pause(shared_data: Path) -> None:
    recording = read_recording(shared_data / "nsrdb" / "16265.atr")
    assert recording.given_beats is not None
    time_s = recording.given_beats.time_s
    long = np.flatnonzero(np.diff(time_s) >= 2)
    assert len(long) == 32
    assert contains(recording.gaps, (time_s[long] + time_s[long + 1]) / 2).all()


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name",
    ["slpdb/slp41.ecg", "sddb/31.atr", "nsrdb/16265.atr", "mitdb/207.atr", "slpdb/slp41.st", "apnea-ecg/a01.apn"],
)
def test_annotations_are_those_that_wfdb_reads(shared_data: Path, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb
    path = shared_data / name
    ours, other = read_annotations(path), wfdb.rdann(str(path.with_suffix("")), path.suffix[1:])
    np.testing.assert_array_equal(ours.sample, other.sample)
    assert ours.symbol.tolist() == other.symbol
    assert list(ours.text) == [text.rstrip("\0") for text in other.aux_note]


@pytest.mark.realdata
def test_published_rr_texts_are_read_or_refused(shared_data: Path) -> None:
    folder = shared_data / "hrv_reference"
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".txt", ".csv", ".ibi"):
            found = read_or_refusal(path)
            assert isinstance(found, Recording) or found.startswith(path.name)
    four = [0.0, 0.79, 1.605, 2.405, 3.2]
    for name in ("rri_1", "rri_header", "rri_semicolon", "rri_multiple_columns", "rri_multiple_columns_datetime"):
        assert beats(read_recording(folder / "rhenanbartels_hrv" / f"{name}.csv"))[0] == pytest.approx(four)


# --- what is no list of intervals ------------------------------------------------------------------


def ecg_counts(fs: int, minutes: float = 10.0) -> np.ndarray:
    """A lead in counts whose middle looks like intervals in ms."""
    lead = np.asarray(simulated("clean", hours=minutes / 60, fs=float(fs)).recording.ecg)
    return np.round(900 + 200 * lead).astype(int)


@pytest.mark.parametrize("fs", [100, 128, 250, 500])
@pytest.mark.parametrize("header", ["", "value\n"])
def test_samples_of_an_ecg_are_not_taken_for_intervals(tmp_path: Path, fs: int, header: str) -> None:
    path = tmp_path / "ecg.csv"
    path.write_text(header + "\n".join(map(str, ecg_counts(fs))))
    with pytest.raises(RecordingError, match=r"no RR intervals.*--fs"):
        read_recording(path)


def test_a_pulse_wave_is_not_taken_for_intervals(tmp_path: Path) -> None:
    path = tmp_path / "pulse.txt"
    path.write_text("\n".join(f"{900 + 100 * np.sin(i / 8):.0f}" for i in range(6000)))
    with pytest.raises(RecordingError, match="neighbours hardly differ"):
        read_recording(path)


@pytest.mark.parametrize("name", ["ecg", "ppg", "SpO2", "'sample #','MLII'", "acc_x"])
def test_a_column_named_as_a_signal_is_not_taken_for_intervals(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.csv"
    n_columns = name.count(",") + 1
    rng = np.random.default_rng(0)
    rows = [",".join([str(i), f"{rr:.0f}"][-n_columns:]) for i, rr in enumerate(rng.normal(900, 50, 400))]
    path.write_text("\n".join([name, *rows]))
    with pytest.raises(RecordingError, match=r"holds no RR intervals.*--fs"):
        read_recording(path)


def test_real_irregular_and_exercising_hearts_stay_intervals() -> None:
    rng = np.random.default_rng(0)
    fibrillating = rng.normal(700, 130, 20_000)
    exercising = np.interp(np.arange(3000), [0, 900, 2000, 3000], [900, 880, 350, 600]) + rng.normal(0, 4, 3000)
    exercising[:900] += rng.normal(0, 40, 900)
    bigeminy = np.where(np.arange(20_000) % 2, 1100.0, 600.0) + rng.normal(0, 10, 20_000)
    for rr_ms in (fibrillating, exercising, bigeminy):
        assert looks_sampled(rr_ms / 1000) is None


def test_beats_closer_than_a_microsecond_are_one(tmp_path: Path) -> None:
    pl.DataFrame({"time_s": [0.0, 1e-200, 1e-9, 0.8, 1.6]}).write_parquet(tmp_path / "b.parquet")
    recording = read_recording(tmp_path / "b.parquet")
    assert recording.given_beats is not None
    assert recording.given_beats.time_s.tolist() == [0.0, 0.8, 1.6]


@pytest.mark.parametrize("column", ["time_s", "label"])
@pytest.mark.parametrize("value", [[1.0], b"\xff\xfe", {"a": 1.0}])
def test_parquet_columns_of_lists_structures_or_bytes_are_refused_or_left_out(
    tmp_path: Path, column: str, value: object
) -> None:
    path = tmp_path / "beats.parquet"
    pl.DataFrame({"time_s": [1.0, 2.0], "label": ["N", "N"]} | {column: [value, value]}).write_parquet(path)
    if column == "time_s" or isinstance(value, bytes):
        with pytest.raises(RecordingError, match=r"beats\.parquet"):
            read_beat_file(path)
    else:
        assert not read_beat_file(path).classified


@pytest.mark.parametrize("step_s", [0.004, 0.1])
def test_times_as_dense_as_samples_are_no_beats(tmp_path: Path, step_s: float) -> None:
    pl.DataFrame({"time_s": step_s * np.arange(3000), "label": ["N"] * 3000}).write_csv(tmp_path / "t.csv")
    with pytest.raises(RecordingError, match=r"a minute, which no heart reaches.*--fs"):
        read_recording(tmp_path / "t.csv")


def test_a_month_of_intervals_needs_little_more_than_its_numbers(tmp_path: Path) -> None:
    path = tmp_path / "month.txt"
    path.write_text("\n".join(map(str, np.random.default_rng(1).integers(500, 1200, 200_000).tolist())))
    tracemalloc.start()
    assert len(read_beats(path)) == 200_001
    assert tracemalloc.get_traced_memory()[1] < 40e6  # bytes; 60 with objects for each line
    tracemalloc.stop()


def test_equal_intervals_raise_no_warning_of_numpy(tmp_path: Path) -> None:
    assert len(read_made(tmp_path, "800\n" * 2000, "paced.txt").given_beats) == 2001


def test_absurd_numbers_are_refused_without_a_word_of_any_library(tmp_path: Path) -> None:
    pl.DataFrame({"time_s": [-1e306, 1.0, 1e303]}).write_parquet(tmp_path / "b.parquet")
    (tmp_path / "rr.txt").write_text("800\n810\n1" + 305 * "0" + "\n790\n")
    for name in ("b.parquet", "rr.txt"):
        with pytest.raises(RecordingError, match="days"):
            read_recording(tmp_path / name)
    pl.DataFrame({"time_s": [-1e306, 1.0, 1.8, 2.6]}).write_parquet(tmp_path / "c.parquet")
    assert len(read_recording(tmp_path / "c.parquet").given_beats or ()) == 3


def test_several_intervals_on_a_line_are_refused_rather_than_read_in_part(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "rr.txt").write_text(
        "\n".join(" ".join(f"{rr:.0f}" for rr in row) for row in rng.normal(800, 40, (50, 10)))
    )
    with pytest.raises(RecordingError, match="10 columns without a name"):
        read_recording(tmp_path / "rr.txt")


@pytest.mark.parametrize("labels", [[["N"]] * 30, [["N", "V"]] * 30, [{"code": "N"}] * 30])
def test_classes_in_lists_are_left_out_with_the_true_reason(tmp_path: Path, labels: list[object]) -> None:
    table = pl.DataFrame({"time_s": 0.8 * np.arange(30), "label": labels})
    table.write_parquet(tmp_path / "beats.parquet")
    found = read_beat_file(tmp_path / "beats.parquet")
    assert (set(found.beats.label), found.classified) == ({"N"}, False)
    (note,) = found.warnings
    assert note.startswith(f"column label holds {str(table.schema['label']).casefold()} and no texts")

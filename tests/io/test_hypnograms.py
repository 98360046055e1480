"""Hypnogram files land on the grid by time, in AASM letters, and are never stretched."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from edf_bytes import EdfFile
from test_beatfiles import END, note, skip, word

from holter2sleep.clock import NO_DATE, Clock
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.io.export import write_edf
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.io.stage_codes import letters_of_codes, stage_letter
from holter2sleep.night import EpochGrid, Hypnogram, Recording, Source

GRID = EpochGrid.covering(180.0)
START = datetime(2020, 3, 2, 22, 30)


def read(
    tmp_path: Path,
    content: str | bytes,
    name: str,
    grid: EpochGrid = GRID,
    start: datetime | None = None,
    code: str | None = None,
) -> tuple[Hypnogram, tuple[str, ...]]:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_hypnogram(path, grid, Clock(start) if start else None, code=code)


def stages(hypnogram: Hypnogram) -> list[str]:
    return hypnogram.stage.tolist()


def nsrr(*events: tuple[str, float, float]) -> str:
    body = "".join(
        f"<ScoredEvent><EventType>Stages|Stages</EventType><EventConcept>{concept}</EventConcept>"
        f"<Start>{start}</Start><Duration>{length}</Duration></ScoredEvent>"
        for concept, start, length in events
    )
    other = "<ScoredEvent><EventType>Respiratory|Respiratory</EventType></ScoredEvent>"
    scored = f"<EpochLength>30</EpochLength><ScoredEvents>{other}{body}</ScoredEvents>"
    return f"<?xml version='1.0'?><PSGAnnotation>{scored}</PSGAnnotation>"


def edf_hypnogram(*tals: str, **fields: str) -> bytes:
    notes = dict(enumerate(f"{tal}\x14\x00" for tal in tals))
    onsets = ["+0"] * len(tals)
    return EdfFile([], len(tals), "0", reserved="EDF+C", onsets=onsets, notes=notes, fields=dict(fields)).tobytes()


WANTED = ["W", "N1", "N2", "N3", "N3", "R"]
NSRR_XML = nsrr(
    ("Wake|0", 0, 30), ("Stage 1 sleep|1", 30, 30), ("Stage 2 sleep|2", 60, 30),
    ("Stage 3 sleep|3", 90, 30), ("Stage 4 sleep|4", 120, 30), ("REM sleep|5", 150, 30),
)  # fmt: skip
EDF_PLUS = edf_hypnogram(
    "+0\x1530\x14Sleep stage W", "+30\x1530\x14Sleep stage 1", "+60\x1530\x14Sleep stage 2",
    "+90\x1560\x14Sleep stage 3", "+95\x1510\x14Arousal", "+150\x1530\x14Sleep stage R",
)  # fmt: skip
WFDB_ST = word(22, 1) + note("W") + skip(7499)
for stage in ("1 H A", "2 HA", "3", "4 LA LA"):
    WFDB_ST += word(22, 0) + note(stage) + skip(7500)
WFDB_ST += word(22, 0) + note("R") + END


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (NSRR_XML, "night-nsrr.xml"),
        (EDF_PLUS, "hypnogram.edf"),
        (WFDB_ST, "night.st"),
        ("W\nN1\nN2\nN3\nN3\nR\n", "stages.txt"),
        ("stage\nW\n1\n2\n3\n4\nREM\n", "stages.csv"),
        (
            "Sleep stage W\nSleep stage N1\nSleep stage N2\nSleep stage N3\nSleep stage N3\nSleep stage R\n",
            "stages.txt",
        ),
        ("onset,duration,stage\n0,30,W\n30,30,N1\n60,30,N2\n90,60,N3\n150,30,R\n", "stages.csv"),
        (
            "onset\tduration\ttrial_type\n0\t30\tW\n30\t30\tN1\n60\t30\tN2\n70\t3\tarousal\n90\t60\tN3\n150\tn/a\tR\n",
            "e.tsv",
        ),
        ("onset;stage\n0,0;W\n30,0;N1\n60,0;N2\n90,0;N3\n150,0;R\n", "stages.csv"),
        ("stage\n0\n1\n2\n3\n4\n5\n", "stages.csv"),
        ("0\n1\n2\n3\n4\n5\n", "stages.txt"),
    ],
)
def test_every_dialect_says_the_same_night(tmp_path: Path, content: str | bytes, name: str) -> None:
    hypnogram, _ = read(tmp_path, content, name)
    assert stages(hypnogram) == WANTED
    assert (hypnogram.scheme, hypnogram.scorer, hypnogram.proba) == ("AASM5", name, None)


def test_our_own_epoch_table_comes_back(tmp_path: Path) -> None:
    pl.DataFrame({"epoch": range(6), "onset_s": [30.0 * i for i in range(6)], "stage": WANTED}).write_parquet(
        tmp_path / "e.parquet"
    )
    hypnogram, notes = read_hypnogram(tmp_path / "e.parquet", GRID, None)
    assert (stages(hypnogram), notes) == (WANTED, ())


def test_movement_time_and_unscored_are_u(tmp_path: Path) -> None:
    hypnogram, _ = read(tmp_path, "W\nMT\n?\nUnscored\nN2\nArtefact\n", "stages.txt")
    assert stages(hypnogram) == ["W", "U", "U", "U", "N2", "U"]


def test_the_clock_of_an_edf_hypnogram_shifts_it(tmp_path: Path) -> None:
    content = edf_hypnogram("+0\x1560\x14Sleep stage N2", time="22.31.00")
    hypnogram, notes = read(tmp_path, content, "h.edf", start=START)
    assert stages(hypnogram) == ["U", "U", "N2", "N2", "U", "U"]
    assert "+60.0 s from the recording's" in notes[0]


def test_of_a_clock_days_away_only_the_time_of_day_is_believed(tmp_path: Path) -> None:
    content = edf_hypnogram("+0\x1560\x14Sleep stage N2", date="02.03.85", time="22.31.00")
    hypnogram, notes = read(tmp_path, content, "h.edf", start=START)
    assert stages(hypnogram) == ["U", "U", "N2", "N2", "U", "U"]
    assert "+60.0 s, the difference of the times of day" in notes[0]


def test_without_dates_the_nearer_way_round_midnight_counts(tmp_path: Path) -> None:
    content = edf_hypnogram("+60\x1560\x14Sleep stage N2", date="01.01.85", time="23.59.30")
    start = datetime.combine(NO_DATE, time(0, 0))
    hypnogram, notes = read(tmp_path, content, "h.edf", start=start)
    assert stages(hypnogram) == ["U", "N2", "N2", "U", "U", "U"]
    assert "-30.0 s" in notes[0]


def test_summer_time_that_ends_between_recording_and_scoring_counts(tmp_path: Path) -> None:
    clock = Clock(datetime(2024, 3, 31, 1, 59), "Europe/Berlin")  # clocks go forward at two
    path = tmp_path / "h.edf"
    path.write_bytes(edf_hypnogram("+0\x1560\x14Sleep stage N2", date="31.03.24", time="03.00.00"))
    hypnogram, _ = read_hypnogram(path, GRID, clock)
    assert stages(hypnogram) == ["U", "U", "N2", "N2", "U", "U"]


@pytest.mark.parametrize(
    "table",
    [
        "time,stage\n22:31:00,N2\n22:32:00,W\n22:32:30,R\n",
        "start_time;sleep_stage\n2020-03-02 22:31:00;N2\n2020-03-02 22:32:00;W\n2020-03-02 22:32:30;R\n",
        "Time [hh:mm:ss]\tEvent\n22:31:00\tN2\n22:32:00\tW\n22:32:30\tR\n",
        "onset,stage\n22:31:00,N2\n22:32:00,W\n22:32:30,R\n",
        "epoch,stage\n3,N2\n4,N2\n5,W\n6,R\n",
        "Time_ms,stage\n60000,N2\n120000,W\n150000,R\n",
    ],
)
def test_tables_with_clock_times_or_epoch_numbers_are_laid_by_them(tmp_path: Path, table: str) -> None:
    hypnogram, _ = read(tmp_path, table, "stages.csv", start=START)
    assert stages(hypnogram) == ["U", "U", "N2", "N2", "W", "R"]


def test_clock_times_go_on_over_midnight(tmp_path: Path) -> None:
    table = "time,stage\n23:59:00,N2\n23:59:30,W\n00:00:00,R\n00:00:30,N3\n"
    hypnogram, _ = read(tmp_path, table, "stages.csv", start=datetime(2020, 3, 2, 23, 58, 30))
    assert stages(hypnogram) == ["U", "N2", "W", "R", "N3", "U"]


def test_a_time_that_is_none_is_refused_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="row 2: the time is no number of seconds and no clock time"):
        read(tmp_path, "time,stage\n22:31:00,N2\nsoon,W\n", "stages.csv", start=START)


def test_the_clock_of_an_nsrr_file_shifts_it(tmp_path: Path) -> None:
    start = "<ScoredEvent><EventConcept>Recording Start Time</EventConcept><Start>0</Start><Duration>600</Duration>"
    text = nsrr(("Stage 2 sleep|2", 0, 60)).replace(
        "<ScoredEvents>", f"<ScoredEvents>{start}<ClockTime>00.00.00 22.31.00</ClockTime></ScoredEvent>"
    )
    hypnogram, _ = read(tmp_path, text, "x-nsrr.xml", start=START)
    assert stages(hypnogram) == ["U", "U", "N2", "N2", "U", "U"]


def test_an_epoch_takes_the_stage_that_covers_most_of_it(tmp_path: Path) -> None:
    text = "onset,duration,stage\n0,40,W\n40,40,N2\n80,12,R\n92,78,N3\n"
    hypnogram, _ = read(tmp_path, text, "stages.csv")
    # 60-90: 20 s N2, 10 s R; 150-180: 20 s N3, 10 s nothing
    assert stages(hypnogram) == ["W", "N2", "N2", "N3", "N3", "N3"]


def test_less_than_half_an_epoch_of_scoring_leaves_it_unscored(tmp_path: Path) -> None:
    hypnogram, _ = read(tmp_path, "onset,duration,stage\n20,20,W\n", "stages.csv")
    assert stages(hypnogram) == ["U"] * 6


def test_the_last_epoch_takes_the_stage_of_most_of_what_was_recorded_of_it(tmp_path: Path) -> None:
    grid = EpochGrid.covering(46.0)  # its last epoch holds 16 s
    assert stages(read(tmp_path, nsrr(("Wake|0", 0, 30), ("REM sleep|5", 30, 12)), "n.xml", grid)[0]) == ["W", "R"]
    assert stages(read(tmp_path, nsrr(("Wake|0", 0, 30), ("REM sleep|5", 30, 7)), "n.xml", grid)[0]) == ["W", "U"]


def test_a_longer_hypnogram_is_cut_and_a_shorter_left_unscored_never_stretched(tmp_path: Path) -> None:
    longer, notes = read(tmp_path, "W\n" * 5 + "N2\n" * 5, "stages.txt")
    assert stages(longer) == ["W"] * 5 + ["N2"]
    assert notes == ("120 s of scoring lie outside the recording: left out",)
    shorter, notes = read(tmp_path, "W\n" * 4, "stages.txt")
    assert stages(shorter) == ["W"] * 4 + ["U"] * 2
    assert "scored from 0 to 120 s of 180 s" in notes[0]


def test_slpdb_stamps_its_first_epoch_at_sample_one_and_may_start_late(tmp_path: Path) -> None:
    content = skip(15000) + word(22, 0) + note("2") + skip(7500) + word(22, 0) + note("R") + END
    hypnogram, _ = read(tmp_path, content, "night.st")
    assert stages(hypnogram) == ["U", "U", "N2", "R", "U", "U"]


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("W\nL\nL\nN3\nR\nW\n", "CARDIO4"),
        ("W\nNREM\nNREM\nR\nNREM\nW\n", "CARDIO3"),
        ("W\nN1\nN2\nN3\nR\nW\n", "AASM5"),
    ],
)
def test_the_letters_tell_the_scheme(tmp_path: Path, text: str, scheme: str) -> None:
    assert read(tmp_path, text, "stages.txt")[0].scheme == scheme


def test_letters_of_two_schemes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="fit no scheme"):
        read(tmp_path, "W\nL\nN1\nN3\nR\nW\n", "stages.txt")


# --- integer codes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "code", "letters", "warned"),
    [
        ([0, 1, 2, 3, 4, 5], None, ["W", "N1", "N2", "N3", "N3", "R"], True),
        ([0, 1, 2, 3, 4], None, ["W", "N1", "N2", "N3", "R"], True),
        ([0, 1, 2, 3], None, ["W", "N1", "N2", "N3"], False),
        ([0, 4, 9], "nsrr", ["W", "N3", "U"], False),
        ([0, 1, 2, 5, 7], "ucddb", ["W", "R", "N1", "N3", "U"], False),
        ([-1, 0, 4], "yasa", ["U", "W", "R"], False),
    ],
)
def test_integers_are_read_by_their_code(values: list[int], code: str | None, letters: list[str], warned: bool) -> None:
    found, warning = letters_of_codes(values, code)
    assert found == letters
    assert (warning is not None) == warned


def test_a_value_outside_the_code_and_an_unknown_code_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="stage 5 is not in code yasa"):
        read(tmp_path, "0\n5\n", "stages.txt", code="yasa")
    with pytest.raises(ValueError, match="nsrr, yasa, ucddb"):
        read(tmp_path, "0\n", "stages.txt", code="klingon")


@pytest.mark.parametrize(
    ("text", "letter"),
    [("Sleep stage ?", "U"), ("sleep_stage_N2", "N2"), ("Stage 4 sleep|4", "N3"), ("Movement time", "U"), ("n/a", "U"),
     ("NREM 3", "N3"), ("nonrem", "NREM"), ("Hypopnea|Hypopnea", None), ("7", None), ("", None)],
)  # fmt: skip
def test_words_for_stages(text: str, letter: str | None) -> None:
    assert stage_letter(text) == letter


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("W\nN1\nbanana\n", "stages.txt", "line 3: .6 characters of text. is no stage"),
        ("stage\nW\nbanana\n", "stages.csv", "row 2: .6 characters of text. is no stage"),
        ("onset,stage\nsoon,W\n", "stages.csv", "onset is no number"),
        ("only a sentence\n", "stages.txt", "no sleep stage"),
        ("<html><body/></html>", "n.xml", "root 'html'"),
        ("<PSGAnnotation>", "n.xml", "not valid XML"),
        (nsrr(), "n.xml", "no sleep stage"),
        (nsrr(("Flying|8", 0, 30)), "n.xml", "unknown stage .8 characters of text.".replace("|", r"\|")),
        (
            "<PSGAnnotation><ScoredEvent><EventType>Stages</EventType></ScoredEvent></PSGAnnotation>",
            "n.xml",
            "without Start",
        ),
        (edf_hypnogram("+0\x1530\x14Arousal"), "h.edf", "no sleep stage"),
        (word(1, 5) + END, "n.st", "no sleep stage"),
        (b"PAR1 and no more", "e.parquet", "not a Parquet table"),
        (b"\x00\x01\x02\x03", "stages.txt", "binary"),
        (b"", "stages.txt", "empty"),
    ],
)
def test_what_is_no_hypnogram_is_refused(tmp_path: Path, content: str | bytes, name: str, message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        read(tmp_path, content, name)


def test_an_empty_file_is_told_what_a_hypnogram_is(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="What would work: NSRR or Profusion XML"):
        read(tmp_path, b"", "stages.txt")


def test_a_missing_file_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_hypnogram(tmp_path / "none.xml", GRID, None)


# --- real files ------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_slpdb_has_its_published_stages(shared_data: Path) -> None:
    total: Counter[str] = Counter()
    for path in sorted((shared_data / "slpdb").glob("slp*.st")):
        if path.name != "README.st":
            hypnogram, _ = read_hypnogram(path, EpochGrid.covering(24000.0), None)
            total += Counter(hypnogram.stage.tolist())
    # R&K: W 2257, 1 1220, 2 2574, 3 344, 4 97, R 424; movement time (3) is unscored
    scored = {"W": 2257, "N1": 1220, "N2": 2574, "N3": 344 + 97, "R": 424}
    assert {stage: total[stage] for stage in scored} == scored


@pytest.mark.realdata
@pytest.mark.parametrize("suffix", ["edf", "bdf"])
def test_sleep_edf_sc4001_has_its_published_stages(shared_data: Path, suffix: str) -> None:
    path = shared_data / "reader_samples" / "edfio" / f"SC4001EC-Hypnogram.{suffix}"
    hypnogram, _ = read_hypnogram(path, EpochGrid.covering(79_500.0), None)
    found = Counter(hypnogram.stage.tolist())
    # Sleep-EDF Expanded, SC4001: 58 epochs of stage 1, 250 of 2, 220 of 3 and 4, 125 of REM
    assert {stage: found[stage] for stage in ("N1", "N2", "N3", "R")} == {"N1": 58, "N2": 250, "N3": 220, "R": 125}


@pytest.mark.realdata
def test_st_vincents_integers_need_their_own_code(shared_data: Path) -> None:
    total: Counter[str] = Counter()
    for path in sorted((shared_data / "ucddb_hypnograms").glob("*_stage.txt")):
        hypnogram, _ = read_hypnogram(path, EpochGrid.covering(40_000.0), None, code="ucddb")
        total += Counter(hypnogram.stage.tolist())
    assert {stage: total[stage] for stage in ("W", "R", "N1", "N2", "N3")} == {
        "W": 4707, "R": 3016, "N1": 3403, "N2": 6985, "N3": 673 + 1990,
    }  # fmt: skip
    assert np.isin(list(total), ["W", "N1", "N2", "N3", "R", "U"]).all()


# --- stretches that are none -----------------------------------------------------------------------


@pytest.mark.parametrize("length", ["nan", "0", "-30"])
def test_stages_of_which_none_lasts_are_refused(tmp_path: Path, length: str) -> None:
    with pytest.raises(RecordingError, match="none lasts longer than 0 s"):
        read(tmp_path, nsrr(("Wake|0", 0, float(length))), "night.xml")


def test_stages_that_do_not_last_are_left_out_and_said(tmp_path: Path) -> None:
    hypnogram, notes = read(tmp_path, nsrr(("Wake|0", 0, 180), ("Stage 1 sleep|1", 60, 0)), "night.xml")
    assert stages(hypnogram) == ["W"] * 6
    assert any("1 of 2 stages last no longer than 0 s" in note for note in notes)


@pytest.mark.parametrize("length", ["inf", "1e18"])
def test_a_stage_without_end_is_refused(tmp_path: Path, length: str) -> None:
    with pytest.raises(RecordingError, match="beyond any recording"):
        read(tmp_path, nsrr(("Wake|0", 0, float(length))), "night.xml")


def test_stages_that_overlap_are_told_in_seconds(tmp_path: Path) -> None:
    _, notes = read(tmp_path, nsrr(("Wake|0", 0, 120), ("Stage 1 sleep|1", 60, 120)), "night.xml")
    assert any("stages overlap for 60 s" in note for note in notes)


def test_millions_of_stages_are_refused_by_their_size(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="MB"):
        read(tmp_path, "2\n" * 9_000_000, "night.txt")


@pytest.mark.parametrize("values", [[["N2"]], [{"a": 1}], [b"\xff\xfe"]])
def test_columns_of_lists_structures_or_bytes_are_refused(tmp_path: Path, values: list[object]) -> None:
    path = tmp_path / "night.parquet"
    pl.DataFrame({"onset": [0.0], "stage": values}).write_parquet(path)
    with pytest.raises(RecordingError, match=r"night\.parquet"):
        read_hypnogram(path, GRID, None)


def test_a_fraction_of_the_start_shifts_no_edf_hypnogram(tmp_path: Path) -> None:
    start = datetime(2024, 3, 1, 22, 30, 0, 250_000)
    ecg = np.zeros(128 * 90, np.float32)
    recording = Recording("a", Source("a.edf", "EDF", ""), 90.0, 128.0, start=start, channel="ECG", ecg=ecg)
    write_edf(tmp_path / "a.edf", recording, [(0.0, 60.0, "Sleep stage N2"), (60.0, 30.0, "Sleep stage R")])
    hypnogram, notes = read_hypnogram(tmp_path / "a.edf", EpochGrid.covering(90.0), Clock(start))
    assert hypnogram.stage.tolist() == ["N2", "N2", "R"]
    assert notes == ()

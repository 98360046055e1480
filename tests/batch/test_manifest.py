"""A manifest: every bad row is told before anything runs, and every column travels along."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest
from command_runs import ok, run
from made_cohorts import FAST, asked, write_cohort, write_rr

from holter2sleep.batch.manifest import Manifest, Row, read_manifest
from holter2sleep.batch.manifest_file import read_rows, with_numbers
from holter2sleep.errors import UsageError


def read(folder: Path, text: str, name: str = "m.csv") -> Manifest:
    for i in range(3):
        write_rr(folder / f"n{i}.txt", i, 1)
    (folder / name).write_text(text, encoding="utf-8")
    return read_manifest(folder / name)


def faults(folder: Path, text: str) -> dict[int, str]:
    return {row.line: row.message for row in read(folder, text).bad}


def test_understood_columns_become_the_request_of_a_night(tmp_path: Path) -> None:
    text = "recording_id,path,age,sex,channel,beats,lights_off,lights_on\na,n0.txt,54,female,II,n1.txt,22:45,900s\n"
    (row,) = read(tmp_path, text).rows
    request = row.request(asked(tmp_path / "out", channel="V5"))
    assert (request.recording_id, request.age, request.sex, request.channel) == ("a", 54.0, "F", "II")
    assert (request.beats, request.lights_off, request.lights_on) == (tmp_path / "n1.txt", "22:45", "900s")


@pytest.mark.parametrize("empty", ["", "NA", "N/A", "n/a", " nan ", "null", "None"])
def test_a_cell_that_says_nothing_leaves_its_column_one_of_numbers(tmp_path: Path, empty: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(f"recording_id,path,sbp\na,n0.txt,130\nb,n1.txt,{empty}\n", encoding="utf-8")
    assert with_numbers(read_rows(path))["sbp"].to_list() == [130, None]


def test_what_a_row_leaves_open_is_that_of_all_nights(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "recording_id,path,age,channel\na,n0.txt,NA,\n").rows
    request = row.request(asked(tmp_path / "out", channel="V5"))
    assert (request.age, request.channel) == (None, "V5")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv_of_any_office_is_read(tmp_path: Path, separator: str, end: str, mark: str) -> None:
    rows = [["recording_id", " path ", "bmi"], ["007", "n0.txt", "24.5"], ["b", " n1.txt", ""]]
    found = read(tmp_path, mark + end.join(separator.join(row) for row in rows) + end)
    assert [(row.recording_id, row.path.name) for row in found.rows] == [("007", "n0.txt"), ("b", "n1.txt")]
    assert found.columns["bmi"].to_list() == [24.5, None]


def test_parquet_is_read_with_its_numbers(tmp_path: Path) -> None:
    write_rr(tmp_path / "n0.txt", 0, 1)
    table = pl.DataFrame({"recording_id": [1001], "path": ["n0.txt"], "age": [54.5], "site": ["x"]})
    table.write_parquet(tmp_path / "m.parquet")
    (row,) = read_manifest(tmp_path / "m.parquet").rows
    assert (row.recording_id, row.age) == ("1001", 54.5)


def test_other_columns_travel_with_the_kind_that_their_values_have(tmp_path: Path) -> None:
    text = "recording_id,path,subject_id,visit,site,bmi,arm,age\na,n0.txt,01,1,02,24.5,x,50\nb,n1.txt,01,2,10,25,y,51\n"
    columns = read(tmp_path, text).columns
    assert columns.schema == pl.Schema(
        {
            "recording_id": pl.String,
            "subject_id": pl.String,
            "visit": pl.Int64,
            "site": pl.String,  # 02 is a code
            "bmi": pl.Float64,
            "arm": pl.String,
        }
    )
    assert columns["subject_id"].to_list() == ["01", "01"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a,missing.txt,,,,", "path 'missing.txt': no such file"),
        ("a,.,,,,", "path '.': not a file"),
        ("a,,,,,", "no path"),
        (",n0.txt,,,,", "no recording_id"),
        ("../a,n0.txt,,,,", "recording_id '../a': expected up to 200 letters"),
        ("Cohort,n0.txt,,,,", "recording_id 'Cohort': the folder of that name"),
        ("a,n0.txt,abc,,,", "age 'abc': expected years"),
        ("a,n0.txt,-1,,,", "age '-1': expected years"),
        ("a,n0.txt,inf,,,", "age 'inf': expected years"),
        ("a,n0.txt,,X,,", "sex 'X': expected F or M"),
        ("a,n0.txt,,,25:99,", "lights_off '25:99': "),
        ("a,n0.txt,,,,h.xml", "hypnogram 'h.xml': no such file"),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_what_would_work(tmp_path: Path, row: str, words: str) -> None:
    found = faults(tmp_path, f"recording_id,path,age,sex,lights_off,hypnogram\nok,n1.txt,,,,\n{row}\n")
    assert list(found) == [3]
    assert words in found[3]


def test_all_faults_of_a_row_are_told_at_once(tmp_path: Path) -> None:
    found = faults(tmp_path, "recording_id,path,age,sex\na,missing.txt,abc,X\n")[2]
    assert found.count(";") == 2


def test_rows_that_exclude_one_another_are_told(tmp_path: Path) -> None:
    rows = ("recording_id,path,subject_id,sex", "a,n0.txt,s1,F", "A,n1.txt,s2,F", "b,n0.txt,s3,M", "c,n2.txt,s1,M")
    text = "\n".join([*rows, "a_night01,m.csv,,"])
    assert faults(tmp_path, text) == {
        3: "recording_id 'A' is that of row 2 too",
        4: "path 'n0.txt' is that of row 2 too, with the same channel",
        5: "subject 's1' is M here and F in row 2",
        6: "the name of a night of 'a' in row 2; rename one",
    }


def test_one_file_may_be_two_nights_by_two_channels(tmp_path: Path) -> None:
    assert len(read(tmp_path, "recording_id,path,channel\na,n0.txt,I\nb,n0.txt,II\n").rows) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no table"),
        ("recording_id,path\n", "no row"),
        ("recording_id,file\na,n0.txt\n", "no column 'path'"),
        ("recording_id,path,path\na,n0.txt,n0.txt\n", "'path' is there twice"),
        ("recording_id,path,subject\na,n0.txt,s\n", "call it subject_id"),
        ("recording_id,path,rmssd__night\na,n0.txt,3\n", "call it another name"),
    ],
)
def test_a_table_that_is_no_manifest_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read(tmp_path, text)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00r\x00e", b"PAR1 is no Parquet"])
@pytest.mark.parametrize("name", ["m.csv", "m.parquet"])
def test_bytes_that_are_no_table_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError):
        read_manifest(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_no_file_and_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.edf")
    assert "not a file" in faults(tmp_path, "recording_id,path\na,pipe.edf\n")[2]


def test_a_folder_is_no_manifest_and_the_command_that_drafts_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a folder, not a manifest; `holter2sleep batch init FOLDER` drafts one"):
        read_manifest(tmp_path, asked(tmp_path / "out"))


def test_nothing_runs_while_a_row_is_bad(tmp_path: Path) -> None:
    manifest = write_cohort(tmp_path, 2)
    with manifest.open("a", encoding="utf-8") as file:
        file.write("x,missing.txt\ny,gone.txt\n")
    result = run("batch", manifest, "--out", tmp_path / "out", *FAST)
    assert result.exit_code == 2
    assert "row 4 (x): path 'missing.txt'" in result.output
    assert "row 5 (y): path 'gone.txt'" in result.output
    assert "2 of 4 rows cannot be used, so nothing was run" in result.output
    assert not (tmp_path / "out").exists()


# --- batch init ------------------------------------------------------------------------------------


def test_a_draft_is_a_manifest_with_a_name_for_each_recording(tmp_path: Path) -> None:
    for folder in ("v1", "v2", "v1/deep"):
        (tmp_path / "data" / folder).mkdir(parents=True)
        write_rr(tmp_path / "data" / folder / "s1.txt", 1)
    write_rr(tmp_path / "data" / "odd (2).txt", 2)
    ok("batch", "init", tmp_path / "data", "--out", tmp_path / "m.csv")
    found = read_manifest(tmp_path / "m.csv")
    assert not found.bad
    assert [row.recording_id for row in found.rows] == ["odd _2_", "v1-deep-s1-txt", "v1-s1-txt", "v2-s1-txt"]
    assert all(not line.split(",")[1].startswith("/") for line in (tmp_path / "m.csv").read_text().splitlines())


def test_a_draft_finds_hypnograms_by_their_names(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "scored").mkdir(parents=True)
    for name in ("s1", "s2", "s3"):
        write_rr(data / f"{name}.txt", 1)
    for path in (data / "s1.hypnogram.csv", data / "scored" / "S2-nsrr.xml", tmp_path / "s3.st"):
        path.write_text("W\n", encoding="utf-8")
    said = ok("batch", "init", data, "--out", tmp_path / "m.csv").output
    assert said.startswith("3 rows, 2 with a hypnogram: ")
    found = {row.recording_id: row.hypnogram for row in read_manifest(tmp_path / "m.csv").rows}
    assert found == {"s1": data / "s1.hypnogram.csv", "s2": data / "scored" / "S2-nsrr.xml", "s3": None}


def drafted(data: Path, own: str) -> tuple[dict[str, Row], Manifest, str]:
    """The rows of a draft by their ids, the manifest, and what was said."""
    table = data.parent / "people.csv"
    table.write_text(own, encoding="utf-8")
    out = data.parent / "m.csv"
    said = ok("batch", "init", data, "--out", out, "--subjects", table, "--overwrite").output
    found = read_manifest(out)
    assert not found.bad
    return {row.recording_id: row for row in found.rows}, found, said


def test_a_table_of_people_fills_the_draft_by_folders_and_names(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for place in ("p1.txt", "p1_2.txt", "p10-a.txt", "p2/first.txt", "p3/p1_x.txt", "p1b.txt"):
        (data / place).parent.mkdir(parents=True, exist_ok=True)
        write_rr(data / place, 1)
    people = "subject_id,age,sex,site\np1,51,F,A\np10,62,male,B\np2,70,,\np3,40,M,A\np9,33,F,B\n"
    rows, manifest, said = drafted(data, people)
    found = {name: (row.subject_id, row.age, row.sex) for name, row in rows.items()}
    assert found == {
        "p1": ("p1", 51.0, "F"),
        "p1_2": ("p1", 51.0, "F"),
        "p10-a": ("p10", 62.0, "M"),
        "first": ("p2", 70.0, None),
        "p1_x": (None, None, None),  # the folder says p3, the name p1
        "p1b": (None, None, None),
    }
    sites = dict(manifest.columns.select("recording_id", "site").iter_rows())
    assert (sites["p1_2"], sites["p10-a"], sites["first"]) == ("A", "B", None)
    assert "6 rows, 0 with a hypnogram, 4 with a row of people.csv" in said
    assert "no row of people.csv fits p1b, p1_x: left empty" in said
    assert "no recording fits p3, p9 of people.csv" in said


def test_a_table_of_recordings_fills_the_draft_by_their_ids(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("n1", "n2"):
        write_rr(data / f"{name}.txt", 1)
    own = "\ufeffrecording_id;subject_id;visit;age\nn2;x;2;55\nn1;x;1;54\n"
    rows, manifest, _ = drafted(data, own)
    assert {name: (row.subject_id, row.age) for name, row in rows.items()} == {"n1": ("x", 54.0), "n2": ("x", 55.0)}
    assert manifest.columns["visit"].to_list() == [1, 2]


def test_a_table_with_semicolons_may_have_decimal_commas(tmp_path: Path) -> None:
    write_rr(tmp_path / "a.txt", 1)
    write_rr(tmp_path / "b.txt", 2)
    (tmp_path / "m.csv").write_text("recording_id;path;age;bmi;code\na;a.txt;50,5;24,1;1,2\nb;b.txt;;NA;x\n")
    found = read_manifest(tmp_path / "m.csv")
    assert (found.bad, [row.age for row in found.rows]) == ((), [50.5, None])
    assert found.columns["bmi"].to_list() == [24.1, None]
    assert found.columns["code"].to_list() == ["1,2", "x"]  # words among them: no column of numbers


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("id,age\np1,50\n", "no column subject_id or recording_id among id, age"),
        ("subject_id,age\np1,50\np1,51\n", "row 3 is the second of subject_id 'p1'; name the recording"),
        ("subject_id,age\n,50\n", "row 2 has no subject_id"),
        ("subject_id,Age\np1,50\n", "column 'Age' is not understood; write 'age'"),
        ("subject_id,rmssd__rem\np1,50\n", "has a name of the cohort's own tables"),
        (None, "no such file; give a table"),
    ],
)
def test_a_table_of_people_that_cannot_be_used_is_told(tmp_path: Path, own: str | None, said: str) -> None:
    (tmp_path / "data").mkdir()
    write_rr(tmp_path / "data" / "p1.txt", 1)
    if own is not None:
        (tmp_path / "own.csv").write_text(own, encoding="utf-8")
    words = ("batch", "init", tmp_path / "data", "--out", tmp_path / "m.csv", "--subjects", tmp_path / "own.csv")
    done = run(*words)
    assert done.exit_code == 2
    assert said in done.output
    assert not (tmp_path / "m.csv").exists()


def test_a_draft_replaces_no_manifest_unasked(tmp_path: Path) -> None:
    write_rr(tmp_path / "a.txt", 1)
    (tmp_path / "m.csv").write_text("mine", encoding="utf-8")
    assert run("batch", "init", tmp_path, "--out", tmp_path / "m.csv").exit_code == 2
    assert (tmp_path / "m.csv").read_text(encoding="utf-8") == "mine"
    ok("batch", "init", tmp_path, "--out", tmp_path / "m.csv", "--overwrite")


def test_a_draft_of_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "n.edf").write_bytes(b"")
    for wrong in ("nowhere", "n.edf"):
        result = run("batch", "init", tmp_path / wrong, "--out", tmp_path / "m.csv")
        assert result.exit_code == 2
        assert "give the folder" in result.output
    assert not (tmp_path / "m.csv").exists()

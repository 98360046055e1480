"""`holter2sleep review` without a browser: corrections from a file, the log, its chain."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import polars as pl
import pytest
from command_runs import ok, run

from holter2sleep.review.log import verified


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def times(night: Path) -> list[float]:
    return pl.read_parquet(night / "beats.parquet")["time_s"].to_list()


def test_corrections_of_a_table_are_logged_and_the_night_recomputed(night: Path, tmp_path: Path) -> None:
    at = times(night)
    path = written(
        tmp_path,
        "c.csv",
        "kind,time_s,label,first_epoch,last_epoch,stage,text,start_s,end_s\n"
        f"beat_relabel,{at[100] + 0.05},V,,,,,,\n"
        f"beat_delete,{at[200]},,,,,,,\n"
        "stage,,,2,3,W,,,\n"
        'note,,,,,,"a, b",1,2\n',
    )
    result = ok("review", night, "--apply", path, "--who", "  A.   Reader ")
    assert "4 edits of c.csv added" in result.output
    assert [edit.who for edit in verified(night)] == ["A. Reader"] * 4
    beats = pl.read_parquet(night / "beats.parquet")
    assert beats.filter(time_s=at[100])["label"].item() == "V"
    assert beats.filter(time_s=at[200]).is_empty()
    assert json.loads((night / "run.json").read_text())["edits"]["n"] == 4


def test_pages_that_are_not_drawn_again_are_named(night: Path, tmp_path: Path) -> None:
    ok("report", night, "--html")
    path = written(tmp_path, "c.jsonl", '{"kind":"note","start_s":1,"end_s":2,"text":"x"}\n')
    told = ok("review", night, "--apply", path, "--who", "A").output
    assert "not drawn anew: report.html; holter2sleep report makes them" in told
    assert not (night / "report.html").exists()
    ok("report", night, "--html")
    assert "not drawn anew: report.html" in ok("review", night, "--recompute").output
    assert "not drawn anew" not in ok("review", night, "--recompute").output


def test_corrections_may_come_as_json_lines_and_be_undone(night: Path, tmp_path: Path) -> None:
    path = written(
        tmp_path, "c.jsonl", '{"kind":"stage","first_epoch":2,"last_epoch":3,"stage":"R"}\n{"kind":"undo","number":1}\n'
    )
    ok("review", night, "--apply", path, "--who", "A")
    listed = ok("review", night, "--list").output
    assert "stage, epochs 2 to 3" in listed
    assert "(undone)" in listed.splitlines()[0]
    assert "undo of 1" in listed.splitlines()[1]


def test_the_log_is_listed_as_json_too(night: Path, tmp_path: Path) -> None:
    assert ok("review", night, "--list").output == "no edits\n"
    assert json.loads(ok("review", night, "--list", "--json").output) == []
    path = written(tmp_path, "c.jsonl", '{"kind":"note","start_s":1,"end_s":2,"text":"x"}\n')
    ok("review", night, "--apply", path, "--who", "A")
    (line,) = json.loads(ok("review", night, "--list", "--json").output)
    assert (line["who"], line["after"], line["sha256"]) == ("A", "x", verified(night)[0].sha256)


def test_the_chain_is_verified(night: Path, tmp_path: Path) -> None:
    path = written(tmp_path, "c.jsonl", '{"kind":"note","start_s":1,"end_s":2,"text":"x"}\n')
    ok("review", night, "--apply", path, "--who", "A")
    assert "1 edit, the chain is whole, the last with SHA-256" in ok("review", night, "--verify").output
    log = night / "edits.jsonl"
    log.write_text(log.read_text().replace('"x"', '"y"'))
    result = run("review", night, "--verify")
    assert result.exit_code == 3
    assert "line 1: its hash is not that of its text" in result.output
    assert run("report", night).exit_code == 3


@pytest.mark.parametrize(
    ("name", "text", "code", "says"),
    [
        ("c.csv", "kind,time_s,label\nbeat_relabel,5000,V\n", 2, "row 1: time_s 5000.0: expected a number from 0 to"),
        ("c.csv", "kind,time_s,label\nbeat_relabel,soon,V\n", 3, "row 1: time_s 'soon' is no number"),
        ("c.csv", "kind,time\nbeat_delete,1\n", 3, "column 'time'"),
        ("c.csv", "time_s,label\n1,V\n", 3, "no column 'kind'"),
        ("c.csv", "kind,time_s\nbeat_delete,1,2\n", 3, "row 1: more cells than columns"),
        ("c.csv", "", 3, "no column 'kind'"),
        ("c.jsonl", "{\n", 3, "row 1: not valid JSON"),
        ("c.jsonl", "[]\n", 3, "row 1: expected an object"),
        ("c.xml", "<a/>", 2, "expected a .csv or .jsonl file"),
        ("none.csv", None, 2, "no such file"),
    ],
)  # fmt: skip
def test_a_slip_in_the_file_is_told_with_its_row_and_nothing_is_logged(
    night: Path, tmp_path: Path, name: str, text: str | None, code: int, says: str
) -> None:
    path = tmp_path / name if text is None else written(tmp_path, name, text)
    result = run("review", night, "--apply", path, "--who", "A")
    assert result.exit_code == code, result.output
    assert says in result.output
    assert verified(night) == ()


def test_of_a_file_all_is_logged_or_nothing(night: Path, tmp_path: Path) -> None:
    at = times(night)[100]
    path = written(
        tmp_path, "c.csv", f"kind,time_s,label\nbeat_relabel,{at},V\nbeat_delete,{at},\nbeat_relabel,{at},S\n"
    )
    result = run("review", night, "--apply", path, "--who", "A")
    assert result.exit_code == 2
    assert "row 3: no beat within 150 ms" in result.output
    assert verified(night) == ()


def test_nobody_edits_without_a_name(night: Path, tmp_path: Path) -> None:
    path = written(tmp_path, "c.jsonl", '{"kind":"note","start_s":1,"end_s":2,"text":"x"}\n')
    for words in ((), ("--who", " "), ("--who", "a\tb\x00"), ("--who", "x" * 101)):
        assert run("review", night, "--apply", path, *words).exit_code == 2
    assert verified(night) == ()


def test_an_unedited_night_is_not_recomputed(night: Path) -> None:
    before = {path.name: path.read_bytes() for path in night.iterdir()}
    ok("review", night, "--recompute")
    assert {path.name: path.read_bytes() for path in night.iterdir()} == before


def test_a_folder_that_is_no_night_is_told(tmp_path: Path) -> None:
    for words in (("--list",), ("--verify",), ("--recompute",), ("--no-browser",)):
        assert run("review", tmp_path / "none", *words).exit_code == 2
        assert run("review", tmp_path, *words).exit_code == 3
    assert run("review", tmp_path, "--list", "--verify").exit_code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_the_page_is_there_until_control_c(night: Path) -> None:
    words = [sys.executable, "-m", "holter2sleep", "review", str(night), "--who", "A", "--no-browser"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        address = program.stdout.readline().strip()
        with urllib.request.urlopen(address + "night", timeout=20) as answer:
            assert json.load(answer)["who"] == "A"
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=20)
    assert program.returncode == 0
    assert "Traceback" not in errors

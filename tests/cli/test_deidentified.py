"""`--deidentify`: nothing that is written or said tells of the person, the place or the date."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result
from long_recordings import days_of_beats
from made_nights import simulated
from pypdf import PdfReader

from holter2sleep.cli import main
from holter2sleep.io.export import write_edf
from holter2sleep.io.vocabulary import is_known_label
from holter2sleep.phenotypes.files import read_run
from holter2sleep.privacy import known_channel


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["analyze", *(str(word) for word in words)])


@pytest.fixture
def edf(tmp_path: Path) -> Path:
    """A night that begins before the clocks go forward, in a file that bears a name."""
    path = tmp_path / "Smith_Jane.edf"
    write_edf(path, simulated("short").recording.but(start=datetime(2024, 3, 31, 1, 50)))
    return path


def said(result: Result, out: Path) -> str:
    """Everything printed and written, in lower case; without hashes and numbers of steps."""
    texts = [result.output]
    for path in sorted(out.rglob("*")):
        texts.append(path.relative_to(out).as_posix())
        if path.suffix in (".csv", ".json"):
            texts.append(path.read_text())
        elif path.suffix == ".pdf":
            texts += [page.extract_text() for page in PdfReader(path).pages]
    return "\n".join(texts).casefold()


def test_neither_name_nor_date_nor_place_is_written_or_said(edf: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    scored = tmp_path / "smith.txt"
    scored.write_text("\n".join(["W", *["N2"] * 39]) + "\n")
    words = ("--tz", "Europe/Berlin", "--age", 97, "--lights-off", "2024-03-31T01:52", "--hypnogram", scored)
    result = run(edf, "--out", out, "--deidentify", "--key", tmp_path / "secret", *words)
    assert result.exit_code == 0, result.output
    text = said(result, out)
    for word in ("smith", "jane", "berlin", "2024-", "31-mar", "31.03"):
        assert word not in text, word
    (folder,) = out.iterdir()
    assert re.fullmatch(r"h2s-[a-z2-7]{16}", folder.name)
    told = read_run(folder)
    assert told is not None
    assert (told["start"], told["date_known"], told["night_of"]) == ("1985-01-01T01:50:00", False, None)
    assert (told["time_zone"], told["subject"]["age"]) == (None, 90.0)
    assert told["lights"]["off_s"] == 120.0
    assert not any("summer time" in warning for warning in told["warnings"])
    assert pl.read_parquet(folder / "epochs.parquet")["clock"][0] == "01:50:00"


def test_the_same_key_finds_the_same_night_again(edf: Path, tmp_path: Path) -> None:
    words = ("--out", tmp_path / "out", "--no-report", "--deidentify", "--key", tmp_path / "secret")
    assert run(edf, *words).exit_code == 0
    again = run(edf, *words)
    assert "nothing to do" in again.output
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_nights_of_a_long_recording_have_no_date_either(tmp_path: Path) -> None:
    path = tmp_path / "smith.csv"
    pl.DataFrame({"time_s": days_of_beats(46.0, ((11.0, 18.5), (35.5, 42.5))).time_s}).write_csv(path)
    out = tmp_path / "out"
    words = ("--no-report", "--start", "2024-03-29T12:00", "--tz", "Europe/Berlin", "--deidentify")
    result = run(path, "--out", out, *words, "--key", tmp_path / "secret")
    assert result.exit_code == 0, result.output
    text = said(result, out)
    for word in ("smith", "berlin", "2024-"):
        assert word not in text, word
    nights = pl.read_parquet(next(out.glob("*_nights")) / "nights.parquet")
    assert nights["night_of"].to_list() == [None, None]
    assert {moment.year for column in ("start", "end") for moment in nights[column]} == {1985}


@pytest.mark.parametrize("words", [("--deidentify",), ("--key", "secret")])
def test_a_key_and_the_wish_for_it_belong_together(edf: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    result = run(edf, "--out", tmp_path / "out", *words)
    assert result.exit_code == 2
    assert "--deidentify" in result.output
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_key_is_refused_and_kept(edf: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hello")
    result = run(edf, "--out", tmp_path / "out", "--deidentify", "--key", tmp_path / "secret")
    assert result.exit_code == 2
    assert (tmp_path / "secret").read_text() == "hello"


@pytest.mark.parametrize("before", [(), ("--verbose",), ("--debug",)])
def test_a_run_that_fails_tells_no_name_either(tmp_path: Path, before: tuple[str, ...]) -> None:
    folder = tmp_path / "Smith_family"
    folder.mkdir()
    path = folder / "Smith_Jane.txt"
    path.write_text("800\n810\nMrs Smith coughs\n790\n")
    words = ["analyze", path, "--out", tmp_path / "out", "--deidentify", "--key", tmp_path / "secret"]
    result = CliRunner().invoke(main, [*before, *map(str, words)])
    assert result.exit_code == 3
    assert "smith" not in result.output.casefold().replace("secret", "")
    assert "h2s-" in result.output


def test_what_is_logged_of_a_good_run_tells_no_name(edf: Path, tmp_path: Path) -> None:
    words = ["--debug", "analyze", edf, "--out", tmp_path / "out", "--deidentify", "--key", tmp_path / "secret"]
    result = subprocess.run(
        [sys.executable, "-m", "holter2sleep", *map(str, words), "--no-report"], capture_output=True, text=True
    )
    assert result.returncode == 0
    assert "INFO: h2s-" in result.stderr
    assert "smith" not in result.stderr.casefold()


@pytest.mark.parametrize("label", ["ECG 77712345", "ECG 19520304"])
def test_a_label_with_a_long_number_is_no_known_one(label: str) -> None:
    assert known_channel(label) == "ECG"
    assert not is_known_label(label)

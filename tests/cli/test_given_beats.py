"""Beats that a person has edited: out of a night, changed, and in again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import polars as pl
import pypdf
import pytest
import wfdb
from command_runs import ok, run
from made_nights import beats_of_rr, simulated

from holter2sleep.given_beats import DOUBTFUL, FOREIGN, fit_of
from holter2sleep.heart.detect import Detection
from holter2sleep.io.annotation_write import Mark, annotation_bytes
from holter2sleep.simulate.files import write_night


def facts(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


def beats(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "beats.parquet")


def value(folder: Path, name: str) -> float:
    return pl.read_parquet(folder / "phenotypes.parquet").filter(stratum="night", phenotype=name)["value"].item()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty minutes with a lost electrode in the middle."""
    path = tmp_path_factory.mktemp("recording") / "night.edf"
    write_night(path, simulated("short", lead_off=((0.5, 60.0),)), 0)
    return path


@pytest.fixture(scope="module")
def folder(recording: Path) -> Path:
    ok("analyze", recording, "--out", recording.parent / "out", "--no-report")
    return recording.parent / "out" / "night"


@pytest.fixture(scope="module")
def edited(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The beats of the night: three normal ones called V, one S, one taken out, one added by its time and label."""
    table = beats(folder)
    label = table["label"].to_list()
    for row, letter in ((100, "V"), (200, "V"), (300, "V"), (400, "S")):
        label[row] = letter
    table = table.with_columns(pl.Series("label", label))
    table = pl.concat([table[:500], table[501:]])
    added = {"time_s": (table["time_s"][600] + table["time_s"][601]) / 2, "label": "V"}
    return pl.concat([table, pl.DataFrame([added])], how="diagonal").sort("time_s")


def written(edited: pl.DataFrame, folder: Path, name: str) -> Path:
    """The edited beats as a file of the kind that its suffix says."""
    path = folder / name
    if path.suffix == ".csv":
        edited.write_csv(path)
    elif path.suffix == ".parquet":
        edited.write_parquet(path)
    else:
        ticks = np.rint(edited["time_s"].to_numpy() * 1000).astype(int).tolist()
        marks = [Mark(tick, letter) for tick, letter in zip(ticks, edited["label"], strict=True)]
        path.write_bytes(annotation_bytes(marks, 1000.0))
    return path


@pytest.mark.parametrize("name", ["edited.csv", "edited.parquet", "edited.atr"])
def test_the_tables_hold_exactly_the_edited_beats(
    recording: Path, folder: Path, edited: pl.DataFrame, tmp_path: Path, name: str
) -> None:
    path = written(edited, tmp_path, name)
    ok("analyze", recording, "--beats", path, "--out", tmp_path, "--no-report")
    again = beats(tmp_path / "night")
    assert again["label"].to_list() == edited["label"].to_list()
    assert np.abs(again["time_s"] - edited["time_s"]).max() <= (0.0005 if name.endswith("atr") else 0.0)
    usable = again.filter(pl.col("usable"))["label"].to_list()
    assert value(tmp_path / "night", "n_veb") == usable.count("V") == value(folder, "n_veb") + 4
    assert value(tmp_path / "night", "n_sveb") == usable.count("S")
    assert pl.read_parquet(tmp_path / "night" / "epochs.parquet")["n_veb"].sum() == usable.count("V")


def test_the_run_names_the_beats_file_with_its_hash(recording: Path, edited: pl.DataFrame, tmp_path: Path) -> None:
    path = written(edited, tmp_path, "edited.csv")
    ok("analyze", recording, "--beats", path, "--out", tmp_path, "--no-report")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    expected = {"file": "edited.csv", "sha256": sha256, "format": "beat table", "classes": "file"}
    assert facts(tmp_path / "night")["beats"] == expected
    assert facts(tmp_path / "night")["identity"]["options"]["beats_sha256"] == sha256


def test_a_night_with_detected_beats_names_no_beats_file(folder: Path) -> None:
    assert facts(folder)["beats"] is None


def test_quality_is_judged_by_the_waveform_whatever_the_file_says(
    recording: Path, folder: Path, edited: pl.DataFrame, tmp_path: Path
) -> None:
    beside = pl.DataFrame({"time_s": [630.0], "label": ["V"], "usable": [True]})  # where the electrode is off
    table = pl.concat([edited.with_columns(usable=pl.lit(value=True)), beside], how="diagonal").sort("time_s")
    ok("analyze", recording, "--beats", written(table, tmp_path, "e.csv"), "--out", tmp_path, "--no-report")
    assert not beats(tmp_path / "night").filter(time_s=630.0)["usable"].item()
    first, again = (pl.read_parquet(where / "epochs.parquet")["usable"] for where in (folder, tmp_path / "night"))
    assert first.equals(again)
    assert not first.all()


def test_an_exported_night_comes_back_as_it_was(recording: Path, folder: Path, tmp_path: Path) -> None:
    ok("export", folder, "--format", "wfdb", "--out", tmp_path / "x")
    ok("analyze", recording, "--beats", tmp_path / "x" / "night.atr", "--out", tmp_path, "--no-report")
    first, again = beats(folder), beats(tmp_path / "night")
    assert first.select("label", "usable").equals(again.select("label", "usable"))
    assert facts(tmp_path / "night")["gaps"] == []  # marks of unreadable signal are no gaps of the file


def test_an_annotation_edited_with_wfdb_comes_back(recording: Path, folder: Path, tmp_path: Path) -> None:
    ok("export", folder, "--format", "wfdb", "--out", tmp_path)
    read = wfdb.rdann(str(tmp_path / "night"), "atr")
    is_beat = np.isin(read.symbol, list("NSVFQ"))
    symbol = np.array(read.symbol)[is_beat]
    symbol[[50, 60]] = "V"
    wfdb.wrann("edited", "atr", read.sample[is_beat], symbol.tolist(), fs=read.fs, write_dir=str(tmp_path))
    ok("analyze", recording, "--beats", tmp_path / "edited.atr", "--out", tmp_path / "o", "--no-report")
    assert beats(tmp_path / "o" / "night")["label"].to_list() == symbol.tolist()


def test_the_report_says_that_beats_were_given(recording: Path, edited: pl.DataFrame, tmp_path: Path) -> None:
    ok("analyze", recording, "--beats", written(edited, tmp_path, "edited.csv"), "--out", tmp_path)
    pages = [page.extract_text() for page in pypdf.PdfReader(tmp_path / "night" / "report.pdf").pages]
    assert "beats given" in pages[0]
    assert "Beats were given, not detected: edited.csv" in " ".join("\n".join(pages).split())


def test_beats_without_labels_are_classified(recording: Path, folder: Path, tmp_path: Path) -> None:
    for name, table in (
        ("times", beats(folder).select("time_s")),
        ("blank", beats(folder).select("time_s", pl.lit("").alias("label"))),
    ):
        path = written(table, tmp_path, f"{name}.csv")
        ok("analyze", recording, "--beats", path, "--out", tmp_path / name, "--no-report")
        assert beats(tmp_path / name / "night")["label"].to_list() == beats(folder)["label"].to_list()
        run_facts = facts(tmp_path / name / "night")
        assert run_facts["beats"]["classes"] == "detected"
        assert f"{name}.csv has no beat classes: they are found from the waveform" in run_facts["warnings"]


def test_what_a_person_calls_s_stays_s_in_fibrillation(tmp_path: Path) -> None:
    night = simulated("af", hours=0.5)
    write_night(tmp_path / "af.edf", night, 0)
    label = np.where(np.arange(len(night.beats)) % 50 == 25, "S", "N")
    table = pl.DataFrame({"time_s": night.beats.time_s, "label": label})
    path = written(table, tmp_path, "e.csv")
    ok("analyze", tmp_path / "af.edf", "--beats", path, "--out", tmp_path, "--no-report")
    assert beats(tmp_path / "af")["label"].to_list() == label.tolist()


def test_beats_of_another_recording_are_refused(recording: Path, tmp_path: Path) -> None:
    other = simulated("short", seed=9).beats.time_s
    path = written(pl.DataFrame({"time_s": other, "label": ["N"] * len(other)}), tmp_path, "other.csv")
    result = run("analyze", recording, "--beats", path, "--out", tmp_path, "--no-report")
    assert result.exit_code == 3
    for words in ("other.csv", "night.edf", "within 150 ms of a QRS", "where chance gives", "What would work"):
        assert words in result.output
    assert not (tmp_path / "night").exists()


def test_beats_that_are_right_for_half_of_the_recording_are_doubted(
    recording: Path, folder: Path, tmp_path: Path
) -> None:
    time_s = beats(folder)["time_s"].to_numpy()
    shifted = np.where(time_s > 700, time_s + 0.4, time_s)
    path = written(pl.DataFrame({"time_s": shifted, "label": ["N"] * len(time_s)}), tmp_path, "drift.csv")
    ok("analyze", recording, "--beats", path, "--out", tmp_path, "--no-report")
    assert any("whether their clock drifts" in note for note in facts(tmp_path / "night")["warnings"])


def test_beats_of_another_time_are_refused(recording: Path, tmp_path: Path) -> None:
    table = pl.DataFrame({"time_s": 5000 + np.arange(300) * 0.9, "label": ["N"] * 300})
    result = run("analyze", recording, "--beats", written(table, tmp_path, "late.csv"), "--out", tmp_path)
    assert result.exit_code == 3
    assert "late.csv: beats from 5000 to 5269 s, none of them in the 1200 s of night.edf" in result.output


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("1.0,N,true\n1.8,,true\n", "row 2 of column label holds ''"),
        ("1.0,N,true\n1.8,X,true\n", "row 2 of column label holds 'X'"),
        ("1.0,N,true\n1.8,V,maybe\n", "row 2 of column usable holds"),
        ("1.0,N,true\nsoon,V,true\n", "row 2 of column 'time_s' holds"),
    ],
    ids=["no label", "unknown label", "usable", "time"],
)
def test_a_slip_of_the_editor_is_told_with_its_row(recording: Path, tmp_path: Path, rows: str, says: str) -> None:
    (tmp_path / "e.csv").write_text(f"time_s,label,usable\n{rows}")
    result = run("analyze", recording, "--beats", tmp_path / "e.csv", "--out", tmp_path, "--no-report")
    assert result.exit_code == 3
    assert says in result.output


def test_a_deidentified_run_does_not_name_the_beats_file(recording: Path, edited: pl.DataFrame, tmp_path: Path) -> None:
    path = written(edited, tmp_path, "Smith.csv")
    words = ("--deidentify", "--key", tmp_path / "key", "--no-report")
    ok("analyze", recording, "--beats", path, "--out", tmp_path / "o", *words)
    (text,) = [run_file.read_text() for run_file in (tmp_path / "o").glob("*/run.json")]
    assert "Smith" not in text
    assert json.loads(text)["beats"]["file"].startswith("h2s-")


def test_fit_is_chance_for_foreign_beats_and_full_for_own() -> None:
    rng = np.random.default_rng(4)
    own, foreign = (beats_of_rr(rng.normal(0.9, 0.08, 3000)).time_s for _ in range(2))
    detection = Detection(own, np.ones(len(own)), np.ones(len(own)), own)
    assert fit_of(own + rng.normal(0, 0.02, len(own)), detection).beyond_chance > DOUBTFUL
    assert fit_of(foreign, detection).beyond_chance < FOREIGN


def test_beats_in_noise_where_the_detectors_disagree_are_not_judged() -> None:
    time_s = np.arange(1.0, 500.0)
    nowhere = Detection(time_s + 0.5, np.ones(len(time_s)), np.ones(len(time_s)), time_s)
    assert fit_of(time_s, nowhere).n == 0
    assert fit_of(time_s, Detection(*[time_s[:0]] * 4)).n == 0

"""`evaluate stages`: from folders to text, JSON, CSV and a page."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from made_stages import blurred, course, write_night

from holter2sleep.cli import main

TABLES = ("figures", "nights", "stages", "confusion", "calibration", "coverage", "bland_altman", "subgroups", "peers")


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["evaluate", "stages", *(str(word) for word in words)])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six nights of five people, their references, and a peer that errs more, twice as nights and as text."""
    base = tmp_path_factory.mktemp("data")
    (base / "references").mkdir()
    (base / "texts").mkdir()
    for i in range(6):
        name, truth = f"n{i}", course(i)
        (base / "references" / f"{name}.txt").write_text("\n".join(truth))
        write_night(base / "nights" / name, blurred(truth, i))
        worse = blurred(truth, i + 9, share=0.7)
        write_night(base / "peer" / name, worse, chance=False)
        (base / "texts" / f"{name}.txt").write_text("\n".join(worse))
    rows = [f"n{i},{max(i, 1)},{'FM'[i % 2]},{'day' if i else ''}" for i in range(6)]
    (base / "people.csv").write_text("\n".join(["recording_id,subject_id,sex,shift", *rows]))
    return base


def given(data: Path) -> list[object]:
    return ["--test", data / "nights", "--reference-dir", data / "references", "--suffix", ".txt"]


@pytest.fixture(scope="module")
def written(data: Path) -> tuple[Path, Result]:
    people = ["--subjects", data / "people.csv", "--groups", data / "people.csv"]
    peers = ["--peer", f"nights={data / 'peer'}", "--peer", f"texts={data / 'texts'}"]
    return data / "out", run(*given(data), *people, *peers, "--out", data / "out")


def test_the_text_is_also_written(written: tuple[Path, Result]) -> None:
    out, result = written
    assert result.exit_code == 0, result.output
    assert (out / "stages.txt").read_text() == result.stdout
    assert (out / "stages.pdf").read_bytes().startswith(b"%PDF")
    assert "6 nights of 5 subjects, 1,440 epochs staged on both sides" in result.stdout


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_written_with_rows(written: tuple[Path, Result], name: str) -> None:
    with (written[0] / f"{name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(None not in row and None not in row.values() for row in rows)


def test_a_peer_says_the_same_as_night_folders_and_as_files(written: tuple[Path, Result]) -> None:
    with (written[0] / "peers.csv").open() as file:
        rows = list(csv.DictReader(file))
    nights, texts = ([{**row, "peer": ""} for row in rows if row["peer"] == name] for name in ("nights", "texts"))
    assert nights == texts
    assert [float(row["ours_more_low"]) > 0.1 for row in nights] == [True] * 4


def test_groups_told_are_beside_those_found(written: tuple[Path, Result]) -> None:
    with (written[0] / "subgroups.csv").open() as file:
        rows = {(row["heading"], row["group"]): row for row in csv.DictReader(file)}
    assert rows["age", "40 to below 60 years"]["n_subjects"] == "5"
    assert rows["sex", "F"]["status"] == "too few"  # the table's, not the header's
    assert (rows["shift", "day"]["n_nights"], rows["shift", "day"]["status"]) == ("5", "ok")


def test_json_holds_everything_that_is_written(data: Path) -> None:
    found = json.loads(run(*given(data), "--json").stdout)
    assert set(TABLES) <= set(found["tables"])
    assert list(found["measures"]) == [f"n{i}" for i in range(6)] + ["pooled"]
    assert np.sum(found["counts"]) == 1440
    low, high = found["kappa_95_interval"]
    assert low < found["measures"]["pooled"]["kappa"] < high


def test_one_night_in_three_classes_draws_a_page(data: Path, tmp_path: Path) -> None:
    stage = np.where(np.isin(course(0), ["W", "R"]), course(0), "NREM")
    night = write_night(tmp_path / "n0", stage, scheme="CARDIO3")
    reference = data / "references" / "n0.txt"
    result = run("--test", night, "--reference", reference, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "1.000" in result.stdout
    assert (tmp_path / "out" / "stages.pdf").stat().st_size > 1000


# --- wrong use -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--peer", "mesa"], "give NAME=FOLDER"),
        (["--peer", "mesa=nowhere"], "is no folder"),
        (["--seed", "-1"], "x>=0"),
        (["--peer", "mesa={references}/.."], "no night of peer mesa"),
        (["--groups", "{references}/n0.txt"], "needed: recording_id"),
        (["--subjects", "{people}"], "6 nights"),
    ],
)
def test_wrong_options_say_what_would_work(data: Path, options: list[str], told: str) -> None:
    filled = [option.format(references=data / "references", people=data / "people.csv") for option in options]
    result = run(*given(data), *filled)
    assert told in " ".join(result.output.split())
    assert result.exit_code == (0 if "--subjects" in options else 2)


def test_one_night_twice_in_a_peer_is_refused(data: Path, tmp_path: Path) -> None:
    for name in ("n0.txt", "n0.csv"):
        (tmp_path / name).write_text("W\n" * 240)
    result = run(*given(data), "--peer", f"twice={tmp_path}")
    assert result.exit_code == 2
    assert "n0.csv, n0.txt are one night twice" in result.output


def test_a_bare_file_and_a_broken_night_are_refused(data: Path, tmp_path: Path) -> None:
    reference = data / "references" / "n0.txt"
    assert "night folder" in run("--test", reference, "--reference", reference).output
    night = write_night(tmp_path / "n0", course(0), recipe={})
    broken = run("--test", night, "--reference", reference)
    assert (broken.exit_code, "is missing; analyse the night again" in broken.output) == (3, True)
    (night / "epochs.parquet").unlink()
    gone = run("--test", night, "--reference", reference)
    assert (gone.exit_code, "epochs.parquet is missing" in gone.output) == (3, True)


# --- real recordings -------------------------------------------------------------------------------


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_records_of_slpdb_analysed_are_evaluated(shared_data: Path, tmp_path: Path) -> None:
    """The shipped head has learned from both records; SleepECG's network has not."""
    slpdb = shared_data / "slpdb"
    records = [slpdb / f"{name}.ecg" for name in ("slp01a", "slp67x")]
    for stager in ("fusion", "sleepecg-mesa"):
        words = ["analyze", *records, "--no-report", "--stager", stager, "--out", tmp_path / stager]
        analysed = CliRunner().invoke(main, [str(word) for word in words])
        assert analysed.exit_code == 0, analysed.output
    peer = f"mesa={tmp_path / 'sleepecg-mesa'}"
    told = run("--test", tmp_path / "fusion", "--reference-dir", slpdb, "--peer", peer, "--json")
    found = json.loads(told.stdout)
    nights = {row["night"]: row for row in found["tables"]["nights"] if row["n_classes"] == 5}
    assert [nights[name]["n_compared"] for name in ("slp01a", "slp67x")] == [239, 154]
    assert all(row["n_with_chance"] == row["n_compared"] for row in nights.values())
    assert found["measures"]["pooled"]["kappa"] > 0.4  # flattered: seen in training
    mesa = {row["n_classes"]: row for row in found["tables"]["peers"] if row["peer"] == "mesa"}
    assert sorted(mesa) == [2, 3]
    (tst,) = [row for row in found["tables"]["bland_altman"] if row["measure"] == "tst"]
    assert tst["n_nights"] == 2

"""The folder of a cohort on the command line: whole or not sealed, one writer, odd folders told and nothing lost."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from command_runs import ok, run

from benchmarks.synthetic_nights import epoch_rows, write_night
from holter2sleep.cohort.publish import alone_in, publish
from holter2sleep.cohort.tables import CohortOptions, make_cohort
from holter2sleep.errors import OutputError, UsageError
from holter2sleep.phenotypes.cohort_folder import SEAL, is_sealed
from holter2sleep.phenotypes.dictionary import load_dictionary

ROOT = Path(__file__).parents[2]


@pytest.fixture
def nights(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        write_night(tmp_path / "out", name, {("rmssd", "nrem"): 44.0, ("tst", "night"): 400.0})
    return tmp_path / "out"


def flow(nights: Path) -> dict:
    return json.loads((nights / "cohort" / "flow.json").read_text(encoding="utf-8"))


def ids(nights: Path) -> list[str]:
    return pl.read_parquet(nights / "cohort" / "nights.parquet")["recording_id"].to_list()


def change_run(folder: Path, **changes: object) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


# --- tables ----------------------------------------------------------------------------------------


def test_the_word_run_may_be_left_out(nights: Path) -> None:
    ok("cohort", "run", nights, "--no-report")
    before = {path.name: path.read_bytes() for path in (nights / "cohort").glob("[!.]*")}
    ok("cohort", nights, "--no-report")
    assert {path.name: path.read_bytes() for path in (nights / "cohort").glob("[!.]*")} == before
    assert {"nights.csv", "nights.parquet", "phenotypes.parquet", "dictionary.csv", "flow.json"} <= before.keys()
    assert {*flow(nights)["files"], "flow.json"} == before.keys()


def test_quality_counts_each_status_and_what_no_night_has(nights: Path) -> None:
    write_night(nights, "d", {("rmssd", "night"): None, ("sdnn", "night"): 50.0})
    ok("cohort", nights, "--no-report")
    table = pl.read_csv(nights / "cohort" / "quality.csv")
    rmssd = table.row(by_predicate=(pl.col("phenotype") == "rmssd") & (pl.col("stratum") == "night"), named=True)
    assert (rmssd["n_nights"], rmssd["n_ok"], rmssd["n_insufficient_data"], rmssd["n_absent"]) == (4, 3, 1, 0)
    assert (rmssd["missing_share"], rmssd["median"], rmssd["unit"]) == (25.0, 40.0, "ms")
    assert rmssd["plausible_high"] == load_dictionary()["rmssd"].plausible[1]
    nrem = table.row(by_predicate=(pl.col("phenotype") == "rmssd") & (pl.col("stratum") == "nrem"), named=True)
    assert (nrem["n_ok"], nrem["n_absent"], nrem["missing_share"]) == (3, 1, 25.0)


def test_the_row_of_a_night_tells_of_its_signal_warnings_and_other_versions(nights: Path) -> None:
    change_run(nights / "b", version="0.0.9", warnings=["lead off", "inverted"])
    change_run(nights / "c", input=json.loads((nights / "a" / "run.json").read_text(encoding="utf-8"))["input"])
    ok("cohort", nights, "--no-report")
    rows = {
        row["recording_id"]: row for row in pl.read_csv(nights / "cohort" / "quality_nights.csv").iter_rows(named=True)
    }
    assert (rows["a"]["analysable_share"], rows["a"]["n_warnings"], rows["a"]["other_version"]) == (95.0, 0, False)
    assert (rows["b"]["warnings"], rows["b"]["other_version"]) == ("lead off | inverted", True)
    assert (rows["c"]["same_input_as"], rows["a"]["same_input_as"]) == ("a", None)


def test_rows_of_another_dictionary_are_told(nights: Path) -> None:
    path = nights / "b" / "phenotypes.parquet"
    pl.read_parquet(path).with_columns(unit=pl.col("unit").replace("ms", "s")).write_parquet(path)
    assert "kinds of rows differ from the dictionary" in ok("cohort", nights, "--no-report").output
    problems = pl.read_csv(nights / "cohort" / "problems.csv")
    assert set(problems["problem"]) == {"other_unit"}
    assert set(problems["phenotype"]) == {"rmssd"}
    assert pl.read_parquet(nights / "cohort" / "nights.parquet")["rmssd__night"].to_list() == [40.0, None, 40.0]


def test_subjects_have_the_mean_and_spread_of_their_nights(nights: Path) -> None:
    one = {"file": "x", "sha256": "one", "format": "EDF"}
    for name, value in (("a", 40.0), ("b", 60.0)):
        shutil.rmtree(nights / name)
        write_night(nights, name, {("rmssd", "night"): value, ("rmssd", "hour_01"): 9.0}, input=one)
    ok("cohort", nights, "--no-report")
    table = pl.read_parquet(nights / "cohort" / "subjects.parquet")
    found = table.row(by_predicate=pl.col("subject") == "one", named=True)
    assert (found["n_nights"], found["rmssd__night"], found["sex"]) == (2, 50.0, "F")
    assert found["rmssd__night__sd"] == pytest.approx(14.142, abs=1e-3)
    assert not any("hour" in name for name in table.columns)
    assert table.row(by_predicate=pl.col("subject") != "one", named=True)["rmssd__night__sd"] is None


def test_terms_of_the_nsrr_are_used_where_there_are_such_and_never_made_up(nights: Path) -> None:
    ok("cohort", nights, "--no-report", "--names", "nsrr")
    table = pl.read_csv(nights / "cohort" / "nights_nsrr.csv")
    assert table["nsrr_ttldursp_f1"].to_list() == [400.0] * 3
    assert "tst__night" not in table.columns
    known = {entry.nsrr for entry in load_dictionary().values() if entry.nsrr}
    assert {name for name in table.columns if name.startswith("nsrr_")} <= known
    names = pl.read_csv(nights / "cohort" / "names.csv")
    assert names.filter(pl.col("column") == "rmssd__night")["nsrr"].to_list() == [None]
    assert "tst__night" in pl.read_csv(nights / "cohort" / "nights.csv").columns


# --- BIDS ------------------------------------------------------------------------------------------


def beat_table(folder: Path) -> None:
    beats = pl.read_parquet(folder / "beats.parquet")
    columns = {"time_s": [1.0, 2.0], "label": ["N", "V"], "usable": [True, True], "confidence": [1.0, 1.0]}
    rows = pl.DataFrame([pl.Series(n, columns.get(n, [None] * 2), kind) for n, kind in beats.schema.items()])
    rows.write_parquet(folder / "beats.parquet")


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    one = {"file": "x", "sha256": "1" * 64, "format": "EDF"}
    for name, start, stages in (("p1-a", "2024-03-02T22:00:00", "WW22R"), ("p1_b", "2024-03-01T22:00:00", "WWWWW")):
        folder = write_night(
            tmp_path / "out", name, start=start, input=one, subject={"age": 91.0, "sex": "M"}, epochs=epoch_rows(stages)
        )
        epochs = pl.read_parquet(folder / "epochs.parquet").with_columns(n_veb=pl.lit(0, pl.Int32))
        epochs.write_parquet(folder / "epochs.parquet")
        change_run(folder, duration_s=150.0)
        beat_table(folder)
    return tmp_path / "out"


def test_nights_as_a_bids_derivative_have_no_date_and_no_old_age(staged: Path, tmp_path: Path) -> None:
    ok("cohort", staged, "--no-report", "--bids", tmp_path / "bids")
    files = {
        path.relative_to(tmp_path / "bids").as_posix() for path in (tmp_path / "bids").rglob("*") if path.is_file()
    }
    stem = "sub-p1a/ses-01/beh/sub-p1a_ses-01_task-sleep"
    assert {"dataset_description.json", "participants.tsv", "participants.json", "README"} <= files
    assert {f"{stem}_{what}.tsv" for what in ("events", "hypnogram", "phenotypes")} <= files
    description = json.loads((tmp_path / "bids" / "dataset_description.json").read_text(encoding="utf-8"))
    assert (description["DatasetType"], description["GeneratedBy"][0]["Name"]) == ("derivative", "holter2sleep")
    people = (tmp_path / "bids" / "participants.tsv").read_text(encoding="utf-8").splitlines()
    assert people == ["participant_id\tage\tsex\tn_sessions", "sub-p1a\t89+\tM\t2"]
    for path in (tmp_path / "bids").rglob("*"):
        assert "2024" not in path.name
        assert path.is_dir() or "2024-03" not in path.read_text(encoding="utf-8")


def test_sessions_are_the_nights_in_their_order(staged: Path, tmp_path: Path) -> None:
    ok("cohort", staged, "--no-report", "--bids", tmp_path / "bids")
    sessions = sorted(path.name for path in (tmp_path / "bids" / "sub-p1a").iterdir())
    assert sessions == ["ses-01", "ses-02"]
    stages = pl.read_csv(tmp_path / "bids/sub-p1a/ses-01/beh/sub-p1a_ses-01_task-sleep_hypnogram.tsv", separator="\t")
    assert set(stages["stage"]) == {"W"}  # p1_b was recorded first


def test_a_folder_that_is_there_is_not_taken_for_bids(staged: Path, tmp_path: Path) -> None:
    (tmp_path / "bids").mkdir()
    (tmp_path / "bids" / "mine.txt").write_text("mine", encoding="utf-8")
    result = run("cohort", staged, "--no-report", "--bids", tmp_path / "bids")
    assert result.exit_code == 2
    assert not (staged / "cohort").exists()


def test_a_night_that_bids_cannot_take_is_told_and_the_others_are_there(staged: Path, tmp_path: Path) -> None:
    write_night(staged, "empty")  # without an epoch
    result = run("cohort", staged, "--no-report", "--bids", tmp_path / "bids")
    assert result.exit_code == 3
    assert "empty" in result.output
    assert len(list((tmp_path / "bids").rglob("*_hypnogram.tsv"))) == 2


# --- odd folders -----------------------------------------------------------------------------------


def test_half_written_nights_are_told_and_counted_and_the_others_are_there(nights: Path) -> None:
    (nights / "b" / "beats.parquet").unlink()
    (nights / "c" / "run.json").unlink()
    result = run("cohort", nights, "--no-report")
    assert result.exit_code == 3
    assert "beats.parquet is missing" in result.output
    assert ids(nights) == ["a"]
    assert (flow(nights)["entered"], flow(nights)["unreadable"], flow(nights)["nights"]) == (3, 2, 1)
    failures = pl.read_csv(nights / "cohort" / "failures.csv")
    assert failures.select("recording_id", "step", "error").rows() == [
        ("b", "cohort", "RecordingError"),
        ("c", "cohort", "RecordingError"),
    ]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"[1, 2]", b"{}", b'{"recording_id": "b"}', b""])
def test_a_run_that_is_none_is_told(nights: Path, content: bytes) -> None:
    (nights / "b" / "run.json").write_bytes(content)
    result = run("cohort", nights, "--no-report")
    assert result.exit_code == 3
    assert "Traceback" not in result.output
    assert ids(nights) == ["a", "c"]


def test_two_nights_of_one_id_are_refused_with_both_folders(nights: Path) -> None:
    shutil.copytree(nights / "a", nights / "a_copy")
    result = run("cohort", nights, "--no-report")
    assert result.exit_code == 2
    assert "a_copy" in result.output
    assert not is_sealed(nights / "cohort")


def test_nights_without_any_value_make_a_cohort(tmp_path: Path) -> None:
    nothing = dict.fromkeys([("analysable_time", "night"), ("analysable_share", "night"), ("sqi_mean", "night")], None)
    nothing |= dict.fromkeys([("af_burden", "night"), ("heart_rate_mean", "night"), ("rmssd", "night")], None)
    for name in ("a", "b"):
        write_night(tmp_path, name, nothing)
    ok("cohort", tmp_path, "--no-report", "--exclude", "cohort")
    assert flow(tmp_path)["excluded_by_step"]["analysable_time"] == 2
    assert pl.read_parquet(tmp_path / "cohort" / "nights.parquet").height == 0
    ok("cohort", tmp_path, "--no-report")
    table = pl.read_csv(tmp_path / "cohort" / "quality.csv")
    assert set(table["missing_share"]) == {100.0}


def test_one_night_makes_a_cohort(tmp_path: Path) -> None:
    write_night(tmp_path, "a")
    ok("cohort", tmp_path, "--no-report", "--reference", "--names", "nsrr")
    assert ids(tmp_path) == ["a"]
    assert pl.read_csv(tmp_path / "cohort" / "reliability.csv")["icc"].null_count() > 0


def test_wrong_folders_are_told_and_stay_as_they_are(nights: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for path, code in ((tmp_path / "empty", 3), (tmp_path / "file", 2), (tmp_path / "none", 2), (nights / "a", 2)):
        assert run("cohort", path, "--no-report").exit_code == code
    assert list((tmp_path / "empty").iterdir()) == []
    assert not (nights / "a" / "cohort").exists()


def test_a_place_that_cannot_be_written_is_told(nights: Path) -> None:
    (nights / "cohort").write_text("a file", encoding="utf-8")
    result = run("cohort", nights, "--no-report")
    assert result.exit_code == 2
    assert "cannot be written" in result.output
    assert (nights / "cohort").read_text(encoding="utf-8") == "a file"


def test_what_others_keep_in_the_folder_stays(nights: Path) -> None:
    ok("cohort", nights, "--no-report")
    (nights / "cohort" / "associations.csv").write_text("mine", encoding="utf-8")
    ok("cohort", nights, "--no-report")
    assert (nights / "cohort" / "associations.csv").read_text(encoding="utf-8") == "mine"


# --- kills and twins -------------------------------------------------------------------------------


def test_a_second_writer_is_told_of_the_first(nights: Path) -> None:
    with alone_in(nights / "cohort"):
        result = run("cohort", nights, "--no-report")
    assert result.exit_code == 2
    assert "is gathering this cohort" in result.output
    ok("cohort", nights, "--no-report")


def test_a_disk_without_locks_is_used_as_it_is(nights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    ok("cohort", nights, "--no-report")


def test_a_folder_is_sealed_only_when_every_table_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, scratch = tmp_path / "cohort", tmp_path / "scratch"
    for place in (folder, scratch):
        place.mkdir()
        for name in ("flow.json", "nights.csv", "quality.csv"):
            (place / name).write_text(place.name, encoding="utf-8")
    moved = []
    replace = Path.replace

    def dies(self: Path, target: Path) -> Path:
        moved.append((self.name, is_sealed(folder)))
        if self.name == "quality.csv":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(OutputError, match="No space left"):
        publish(scratch, folder)
    assert moved == [("nights.csv", False), ("quality.csv", False)]
    assert not is_sealed(folder)
    assert (folder / "quality.csv").read_text(encoding="utf-8") == "cohort"  # whole, of the run before
    monkeypatch.undo()
    assert SEAL == publish(scratch, folder)[0].name
    assert is_sealed(folder)


class Killed(BaseException):
    """What no handler catches, like a kill."""


def test_a_kill_between_any_two_moves_leaves_no_folder_that_looks_finished(
    nights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok("cohort", nights, "--no-report")
    files = flow(nights)["files"]
    write_night(nights, "d")
    replace = Path.replace
    for n_moved in range(len(files) + 1):  # the last move is that of the seal
        left = n_moved

        def dies(self: Path, target: Path) -> Path:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return replace(self, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", dies)
            with pytest.raises(Killed):
                make_cohort(nights, CohortOptions(), lambda _: lambda _: None)
        assert not is_sealed(nights / "cohort")
        for name in files:  # each is whole, of one run or the other
            if name.endswith(".parquet"):
                assert pl.read_parquet(nights / "cohort" / name).height > 0
    ok("cohort", nights, "--no-report")
    assert is_sealed(nights / "cohort")
    assert ids(nights) == ["a", "b", "c", "d"]


WAIT = """
import sys, time
from pathlib import Path
from holter2sleep.cohort import tables
from holter2sleep.cohort.tables import CohortOptions, make_cohort

def never(*_):
    print("writing", flush=True)
    time.sleep(60)

tables.publish = never
make_cohort(Path(sys.argv[1]), CohortOptions(), lambda n: lambda name: None)
"""


def test_a_kill_leaves_the_tables_before_and_the_next_run_sweeps_up(nights: Path) -> None:
    ok("cohort", nights, "--no-report")
    before = {path.name: path.read_bytes() for path in (nights / "cohort").glob("[!.]*")}
    write_night(nights, "d")
    process = subprocess.Popen([sys.executable, "-c", WAIT, str(nights)], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline() == b"writing\n"
    process.kill()
    process.wait()
    process.stdout.close()
    assert {path.name: path.read_bytes() for path in (nights / "cohort").glob("[!.]*")} == before
    assert len(list(nights.glob(".cohort.h2s-*"))) == 1
    ok("cohort", nights, "--no-report")
    assert ids(nights) == ["a", "b", "c", "d"]
    assert list(nights.glob(".cohort.h2s-*")) == []


def test_a_failing_run_leaves_the_tables_before(nights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ok("cohort", nights, "--no-report")
    before = {path.name: path.read_bytes() for path in (nights / "cohort").glob("[!.]*")}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("holter2sleep.cohort.tables.write_csv", full)
    result = run("cohort", nights, "--no-report")
    assert (result.exit_code, "nothing was changed" in result.output) == (1, True)
    assert {path.name: path.read_bytes() for path in (nights / "cohort").glob("[!.]*")} == before


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = "import sys, time\nfrom pathlib import Path\nfrom holter2sleep.cohort.publish import alone_in\n"
    code += "with alone_in(Path(sys.argv[1])):\n    print('in', flush=True)\n    time.sleep(60)\n"
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "c")], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(UsageError, match=str(process.pid)), alone_in(tmp_path / "c"):
        pass
    process.kill()
    process.wait()
    process.stdout.close()
    time.sleep(0.05)
    with alone_in(tmp_path / "c") as scratch:
        assert scratch.is_dir()

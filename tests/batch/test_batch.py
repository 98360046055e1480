"""A cohort on the command line: skipped when made from the same, resumed after a kill, and never half written."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import batch_nights
import polars as pl
import pytest
from click.testing import Result
from command_runs import ok, run
from long_recordings import days_of_beats
from made_cohorts import FAST, asked, write_cohort

from holter2sleep.batch.ledger import Failure, Record, open_ledger, read_ledger
from holter2sleep.batch.limits import Limits
from holter2sleep.batch.manifest import Row, read_manifest
from holter2sleep.batch.night import Task, _made, analyse
from holter2sleep.batch.plan import in_shard, plan_of
from holter2sleep.batch.run import BatchOptions, Tally, run_batch
from holter2sleep.folders import night_files
from holter2sleep.run import Outcome

ROOT = Path(__file__).parents[2]
COLUMNS = (",subject_id,visit,age,site", *(f",s{i // 2},{i % 2 + 1},{50 + i // 2},0{i}" for i in range(4)))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four nights, one of which is no recording; analysed once, with two processes."""
    folder = tmp_path_factory.mktemp("cohort")
    manifest = write_cohort(folder / "data", 4, columns=COLUMNS)
    (folder / "data" / "n1.txt").write_text("no recording\n", encoding="utf-8")
    result = run("batch", manifest, "--out", folder / "out", "--jobs", 2, "--cohort", *FAST)
    assert result.exit_code == 3, result.output
    return folder


@pytest.fixture
def cohort(made: Path, tmp_path: Path) -> Path:
    """A copy of it, with the times of change that its files had."""
    shutil.copytree(made, tmp_path / "c")
    return tmp_path / "c"


def again(cohort: Path, *words: object) -> Result:
    return run("batch", cohort / "data" / "manifest.csv", "--out", cohort / "out", *FAST, *words)


def analysed(result: Result) -> list[str]:
    """Names of the nights that were not skipped."""
    return [line.split(": ")[1].split()[0] for line in result.stderr.splitlines() if " of " in line]


def failures(out: Path) -> list[dict[str, str]]:
    with (out / "failures.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def contents(out: Path) -> dict[str, bytes]:
    """Every table of every night."""
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.glob("n*/*.parquet"))}


# --- what is made ----------------------------------------------------------------------------------


def test_a_bad_night_in_the_middle_costs_itself_only(made: Path) -> None:
    (failure,) = failures(made / "out")
    assert (failure["recording_id"], failure["step"], failure["error"]) == ("n1", "read", "RecordingError")
    assert failure["message"].startswith("n1.txt: ")
    for name in ("n0", "n2", "n3"):
        assert {path.name for path in (made / "out" / name).iterdir()} == night_files(asked(made))
    assert not (made / "out" / "n1").exists()


def test_a_night_of_a_batch_is_that_of_analyze(made: Path, tmp_path: Path) -> None:
    ok("analyze", made / "data" / "n2.txt", "--out", tmp_path, "--age", 51, *FAST)
    for name in ("phenotypes", "epochs", "beats", "episodes"):
        assert (tmp_path / "n2" / f"{name}.parquet").read_bytes() == (
            made / "out" / "n2" / f"{name}.parquet"
        ).read_bytes()


def test_the_columns_of_the_manifest_reach_the_tables_of_the_cohort(made: Path) -> None:
    nights = pl.read_parquet(made / "out" / "cohort" / "nights.parquet")
    shown = nights.select("recording_id", "subject", "visit", "age", "site").rows()
    assert shown == [("n0", "s0", 1, 50.0, "00"), ("n2", "s1", 1, 51.0, "02"), ("n3", "s1", 2, 51.0, "03")]
    assert nights["heart_rate_mean__night"].null_count() == 0
    assert (made / "out" / "cohort" / "failures.csv").read_bytes() == (made / "out" / "failures.csv").read_bytes()


def test_the_flow_says_who_entered_and_who_is_missing(made: Path) -> None:
    flow = json.loads((made / "out" / "cohort" / "flow.json").read_text(encoding="utf-8"))
    assert (flow["entered"], flow["finished"], flow["failed"], flow["nights"]) == (4, 3, 1, 3)
    assert flow["failed_by_error"] == {"RecordingError": 1}


def test_nights_that_left_the_manifest_leave_the_cohort(cohort: Path) -> None:
    manifest = cohort / "data" / "manifest.csv"
    lines = manifest.read_text(encoding="utf-8").splitlines()
    manifest.write_text("\n".join([lines[0], lines[3]]) + "\n", encoding="utf-8")
    assert again(cohort, "--cohort").exit_code == 0
    nights = pl.read_parquet(cohort / "out" / "cohort" / "nights.parquet")
    assert nights["recording_id"].to_list() == ["n2"]
    assert failures(cohort / "out") == []
    assert (cohort / "out" / "n0").is_dir()  # nothing is deleted


# --- what is done again ----------------------------------------------------------------------------


def test_a_second_call_does_nothing_and_ends_with_the_same_code(cohort: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (cohort / "out").glob("n*/*")}
    result = again(cohort)
    assert (result.exit_code, analysed(result)) == (3, [])
    assert "3 nights done, 1 failed, 4 of them from before" in result.output
    assert {path: path.stat().st_mtime_ns for path in (cohort / "out").glob("n*/*")} == before
    assert len(failures(cohort / "out")) == 1


def test_failed_nights_are_tried_again_when_asked_for(cohort: Path) -> None:
    assert analysed(again(cohort, "--retry-failed")) == ["n1"]


def test_a_mended_file_is_analysed_unasked(cohort: Path) -> None:
    shutil.copy(cohort / "data" / "n0.txt", cohort / "data" / "n1.txt")
    result = again(cohort)
    assert (result.exit_code, analysed(result)) == (0, ["n1"])
    assert failures(cohort / "out") == []


def plan(cohort: Path, **changes: Any) -> list[str]:
    """Names of the nights that a call would analyse."""
    options = {"retry_failed": False, "verify": False}
    options |= {name: changes.pop(name) for name in tuple(changes) if name in options}
    rows = read_manifest(cohort / "data" / "manifest.csv").rows
    found = plan_of(rows, asked(cohort / "out", **changes), read_ledger(cohort / "out"), **options)
    return [task.recording_id for task in found.tasks]


def test_what_a_night_is_made_from_decides_whether_it_is_made_again(
    cohort: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everyone = ["n0", "n1", "n2", "n3"]
    assert plan(cohort) == []
    assert plan(cohort, seed=7) == []  # draws nothing that a table holds
    assert plan(cohort, unit="uV") == everyone
    assert plan(cohort, verify=True) == ["n0", "n2", "n3"]
    assert plan(cohort, retry_failed=True) == ["n1"]
    assert plan(cohort, report=True) == ["n0", "n2", "n3"]  # they have none
    with monkeypatch.context() as other:
        other.setattr("holter2sleep.batch.address.models_sha256", lambda _stager: "other weights")
        assert plan(cohort) == everyone
    with monkeypatch.context() as other:
        other.setattr("holter2sleep.batch.address.__version__", "9.9")
        assert plan(cohort) == everyone


def test_a_night_whose_row_or_file_changed_is_made_again(cohort: Path) -> None:
    manifest = cohort / "data" / "manifest.csv"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace(",51,02", ",61,02"), encoding="utf-8")
    os.utime(cohort / "data" / "n3.txt")
    assert plan(cohort) == ["n2", "n3"]


@pytest.mark.parametrize("lost", ["beats.parquet", "run.json", ""])
def test_a_night_whose_files_are_gone_is_made_again(cohort: Path, lost: str) -> None:
    gone = cohort / "out" / "n2" / lost
    gone.unlink() if lost else shutil.rmtree(gone)
    assert plan(cohort) == ["n2"]


def test_a_night_whose_file_has_another_date_but_the_same_content_is_left_as_it_is(cohort: Path) -> None:
    os.utime(cohort / "data" / "n0.txt")
    before = (cohort / "out" / "n0" / "run.json").stat().st_mtime_ns
    assert analysed(again(cohort)) == ["n0"]
    assert (cohort / "out" / "n0" / "run.json").stat().st_mtime_ns == before
    assert plan(cohort) == []


def test_verifying_finds_a_content_that_changed_behind_its_date(cohort: Path) -> None:
    file = cohort / "data" / "n0.txt"
    known = file.stat()
    file.write_text(file.read_text(encoding="utf-8").replace("9", "8"), encoding="utf-8")
    os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))
    assert plan(cohort) == []
    before = contents(cohort / "out")
    assert analysed(again(cohort, "--verify")) == ["n0", "n2", "n3"]
    after = contents(cohort / "out")
    assert {name.split("/")[0] for name in before if before[name] != after[name]} == {"n0"}


def test_another_recipe_replaces_the_nights_and_a_failure_leaves_the_old_one_out(cohort: Path) -> None:
    before = contents(cohort / "out")
    (cohort / "data" / "n2.txt").write_text("no recording any more\n", encoding="utf-8")
    result = again(cohort, "--set", "rhythm.pause_s=1.5", "--cohort")
    after = contents(cohort / "out")
    assert result.exit_code == 3
    assert {name for name in before if name.startswith("n2/") and before[name] != after[name]} == set()
    assert pl.read_parquet(cohort / "out" / "cohort" / "nights.parquet")["recording_id"].to_list() == ["n0", "n3"]


# --- kills -----------------------------------------------------------------------------------------


def batch_process(manifest: Path, out: Path, *words: str, stderr: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "holter2sleep", "batch", str(manifest), "--out", str(out), *FAST, *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=stderr)


def wait_until(is_so: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def child_pids(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in found.stdout.split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_a_batch_that_is_killed_leaves_no_half_night_and_goes_on(tmp_path: Path) -> None:
    manifest, out = write_cohort(tmp_path / "data", 5), tmp_path / "out"
    whole = night_files(asked(out))
    process = batch_process(manifest, out, "--jobs", "2")
    wait_until(lambda: len(read_ledger(out)) >= 2)
    children = child_pids(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(children) == 2
    wait_until(lambda: not any(map(is_alive, children)))
    made = {path.name for path in out.glob("n*") if path.is_dir()}
    assert all(whole <= {path.name for path in (out / name).iterdir()} for name in made)
    known = set(read_ledger(out))
    assert known <= made
    result = run("batch", manifest, "--out", out, *FAST)
    assert result.exit_code == 0
    assert set(analysed(result)) == {f"n{i}" for i in range(5)} - known
    assert not list(out.glob(".n*"))  # nothing is left of the nights in flight
    ok("batch", manifest, "--out", tmp_path / "at_once", *FAST)
    assert contents(out) == contents(tmp_path / "at_once")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_ctrl_c_ends_all_processes_at_once_and_keeps_what_was_made(tmp_path: Path) -> None:
    manifest, out = write_cohort(tmp_path / "data", 40), tmp_path / "out"
    process = batch_process(manifest, out, stderr=subprocess.PIPE)
    wait_until(lambda: len(read_ledger(out)) >= 1)
    children = child_pids(process.pid)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"Nights that are done stay in {out}; the same command goes on with the others" in said.decode()
    assert not any(map(is_alive, children))
    assert 1 <= len(read_ledger(out)) < 40
    assert failures(out) == []


def test_a_night_that_was_made_but_not_told_is_found_made(cohort: Path) -> None:
    (runs,) = (cohort / "out" / "batch" / "runs").glob("*.jsonl")
    lines = runs.read_bytes().splitlines(keepends=True)
    runs.write_bytes(b"".join(line for line in lines if b'"n2"' not in line))
    before = (cohort / "out" / "n2" / "run.json").stat().st_mtime_ns
    assert analysed(again(cohort)) == ["n2"]
    assert (cohort / "out" / "n2" / "run.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(("stager", "code"), [("no such", 2), ("cardiosomnography", 6)])
def test_a_stager_that_cannot_work_is_told_before_the_first_night(cohort: Path, stager: str, code: int) -> None:
    before = set(read_ledger(cohort / "out").values())
    assert again(cohort, "--stager", stager).exit_code == code
    assert set(read_ledger(cohort / "out").values()) == before


# --- limits ----------------------------------------------------------------------------------------


def test_limits_on_the_command_line_fail_every_night_that_exceeds_them(cohort: Path) -> None:
    (cohort / "data" / "manifest.csv").write_text("recording_id,path\nx,n0.txt\n", encoding="utf-8")
    result = again(cohort, "--memory-limit", 20)
    assert result.exit_code == 1
    (failure,) = failures(cohort / "out")
    assert (failure["recording_id"], failure["error"]) == ("x", "LimitExceeded")
    assert "above the limit of 20 MB" in failure["message"]


def task_of(cohort: Path, **changes: Any) -> Task:
    row = read_manifest(cohort / "data" / "manifest.csv").rows[0]
    return Task("n0", row, asked(cohort / "out"), "a", **changes)


def run_with(work: Callable[[Any], Any], folder: Path, n: int, **options: Any) -> Tally:
    manifest = write_cohort(folder / "data", n, 1)
    how = BatchOptions(**options)
    return run_batch(
        manifest, read_manifest(manifest), asked(folder / "out"), how, lambda _n, _n_kept: lambda _record: None, work
    )


def test_a_night_without_end_is_a_row_of_failures(tmp_path: Path) -> None:
    tally = run_with(batch_nights.hang_on_n1, tmp_path, 5, limits=Limits(time_s=2.0))
    assert (tally.n_done, tally.n_failed, tally.exit_code) == (4, 1, 1)
    (failure,) = failures(tmp_path / "out")
    assert (failure["recording_id"], failure["step"], failure["error"]) == ("n1", "analysis", "LimitExceeded")
    assert not list((tmp_path / "out").glob("*n1*"))  # nor a part of it


def test_a_defect_is_a_row_of_failures_and_keeps_its_traceback(cohort: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_path: Path, _request: object, show: Callable[[str], None]) -> None:
        show("rhythm")
        raise KeyError("x")

    monkeypatch.setattr("holter2sleep.batch.night.analyze_into", broken)
    record = analyse(task_of(cohort))
    (failure,) = record.failures
    assert (failure.step, failure.error, failure.message) == ("rhythm", "KeyError", "'x' (a defect of ours)")
    assert record.exit_code == 1
    assert "broken" in str(record.traceback)


def test_a_process_of_another_version_refuses(cohort: Path) -> None:
    record = analyse(task_of(cohort, version="0.0"))
    assert record.failures[0].message.endswith("install the same")


# --- shards ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 7, 30])
def test_shards_hold_each_night_once_and_are_as_long_as_one_another(n: int) -> None:
    rows = [Row(i, Path(), f"n{i}", Path("x")) for i in range(23)]
    shards = [in_shard(rows, (i, n)) for i in range(1, n + 1)]
    assert sorted((row for shard in shards for row in shard), key=lambda row: row.line) == rows
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.slow
def test_two_shards_at_once_fill_one_folder(tmp_path: Path) -> None:
    manifest, out = write_cohort(tmp_path / "data", 4), tmp_path / "out"
    shards = [batch_process(manifest, out, "--shard", f"{i}/2") for i in (1, 2)]
    assert [shard.wait(240) for shard in shards] == [0, 0]
    assert {path.name for path in out.glob("n*")} == {f"n{i}" for i in range(4)}
    assert set(read_ledger(out)) == {f"n{i}" for i in range(4)}
    result = run("batch", manifest, "--out", out, *FAST)
    assert (result.exit_code, analysed(result)) == (0, [])


def test_the_same_nights_are_not_worked_on_twice_at_once(cohort: Path) -> None:
    facts = {"version": "0", "manifest_sha256": "m", "shard": (1, 1)}
    with open_ledger(cohort / "out", facts):
        result = again(cohort)
    assert result.exit_code == 2
    assert "another batch" in result.output


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0"])
def test_a_shard_that_is_none_is_refused(cohort: Path, shard: str) -> None:
    assert again(cohort, "--shard", shard).exit_code == 2


# --- the rest --------------------------------------------------------------------------------------


def test_good_rows_run_when_asked_for_and_bad_ones_are_in_the_failures(cohort: Path) -> None:
    with (cohort / "data" / "manifest.csv").open("a", encoding="utf-8") as file:
        file.write("x,missing.txt,,,,\n")
    result = again(cohort, "--skip-bad-rows", "--cohort")
    assert result.exit_code == 3  # the night without recording is worse than a bad row
    assert [(row["recording_id"], row["step"]) for row in failures(cohort / "out")] == [
        ("x", "manifest"),
        ("n1", "read"),
    ]
    flow = json.loads((cohort / "out" / "cohort" / "flow.json").read_text(encoding="utf-8"))
    assert (flow["entered"], flow["bad_rows"], flow["finished"], flow["failed"]) == (5, 1, 3, 1)
    assert flow["nights_failed_within_recordings"] == 0


def test_several_nights_of_one_recording_are_one_row_of_the_manifest_and_one_subject(tmp_path: Path) -> None:
    beats = days_of_beats(46.0, ((11.0, 18.5), (35.5, 42.5)))
    pl.DataFrame({"time_s": beats.time_s}).write_csv(tmp_path / "patch.csv")
    manifest, out = tmp_path / "m.csv", tmp_path / "out"
    manifest.write_text("recording_id,path,subject_id,arm\np,patch.csv,s1,7\n", encoding="utf-8")
    ok("batch", manifest, "--out", out, "--cohort", *FAST)
    record = read_ledger(out)["p"]
    assert (record.folders, record.summary) == (("p_night01", "p_night02"), "p_nights")
    nights = pl.read_parquet(out / "cohort" / "nights.parquet")
    assert nights.select("recording_id", "recording", "subject", "arm").rows() == [
        ("p_night01", "p", "s1", 7),
        ("p_night02", "p", "s1", 7),
    ]
    assert analysed(ok("batch", manifest, "--out", out, *FAST)) == []
    shutil.rmtree(out / "p_night02")
    assert analysed(ok("batch", manifest, "--out", out, *FAST)) == ["p"]
    assert (out / "p_night02" / "run.json").is_file()


def test_a_night_that_fails_within_a_recording_is_a_failure_of_its_own(tmp_path: Path) -> None:
    nights = [
        {"recording_id": "p_night01", "status": "ok", "message": None, "exit_code": 0},
        {"recording_id": "p_night02", "status": "failed", "message": "too short", "exit_code": 4},
    ]
    (tmp_path / "p_nights").mkdir()
    (tmp_path / "p_nights" / "run.json").write_text(json.dumps({"nights": nights}), encoding="utf-8")
    task = Task("p", Row(2, tmp_path, "p", tmp_path), asked(tmp_path), "a")
    record = _made(task, Outcome(tmp_path / "p_nights", "", 4), 1.0)
    assert (record.folders, record.summary, record.exit_code) == (("p_night01",), "p_nights", 4)
    assert record.failures == (Failure("p_night02", "night", "NotEnoughSignal", "too short"),)


def test_names_stay_out_of_everything_that_a_deidentified_batch_writes(cohort: Path) -> None:
    out, key = cohort / "private", cohort / "key"
    with (cohort / "data" / "manifest.csv").open("a", encoding="utf-8") as file:
        file.write("smith,smith.txt,,,,\n")
    private = ("--deidentify", "--key", key, "--cohort", "--skip-bad-rows")
    assert run("batch", cohort / "data" / "manifest.csv", "--out", out, *private, *FAST).exit_code == 3
    names = [path.name for path in out.iterdir() if path.name.startswith("h2s-")]
    assert len(names) == 3
    for path in out.rglob("*"):
        if path.is_file() and path.suffix in (".json", ".jsonl", ".csv"):
            text = path.read_text(encoding="utf-8")
            assert not [
                word for word in ('"n0', '"n2', "n1.txt", "n2.txt", '"s1', "smith", str(cohort)) if word in text
            ]
    nights = pl.read_parquet(out / "cohort" / "nights.parquet")
    assert nights["subject"].str.starts_with("h2s-").all()
    assert nights["visit"].null_count() == 0


# --- status ----------------------------------------------------------------------------------------


def test_the_status_says_what_is_done_failed_and_waiting(cohort: Path) -> None:
    found = json.loads(ok("batch", "status", cohort / "out", "--json").output)
    assert (found["n_nights"], found["n_done"], found["n_failed"], found["n_waiting"]) == (4, 3, 1, 0)
    assert found["errors"] == {"RecordingError": 1}
    assert found["running"] == []
    (runs,) = (cohort / "out" / "batch" / "runs").glob("*.jsonl")
    runs.write_bytes(b"".join(runs.read_bytes().splitlines(keepends=True)[:2]))
    shown = ok("batch", "status", cohort / "out").output
    assert "3 not ended yet" in shown
    assert "the same command goes on" in shown


def test_the_status_names_who_is_at_work(cohort: Path) -> None:
    with open_ledger(cohort / "out", {"version": "0", "manifest_sha256": "m", "shard": (2, 8)}) as ledger:
        ledger.add(Record("n0", "done", "x"))
        shown = ok("batch", "status", cohort / "out").output
    assert f"process {os.getpid()}" in shown
    assert "shard 2/8, 1 night ended" in shown


def test_a_folder_without_a_batch_has_no_status(tmp_path: Path) -> None:
    assert run("batch", "status", tmp_path).exit_code == 2

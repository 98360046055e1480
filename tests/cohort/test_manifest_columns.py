"""Cohorts with a manifest: subjects and columns, the order of nights, failed recordings in flow and audit."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from command_runs import ok, run

from benchmarks.synthetic_nights import epoch_rows, write_night


def write_manifest(out: Path, failed: tuple[str, ...] = (), **columns: list) -> None:
    """What `batch` leaves of a manifest and of its failures."""
    (out / "batch").mkdir(parents=True)
    pl.DataFrame(columns).write_parquet(out / "batch" / "manifest.parquet")
    lines = ["recording_id,step,error,message", *(f"{name},reading,RecordingError,broken" for name in failed)]
    (out / "failures.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def nights(out: Path) -> pl.DataFrame:
    return pl.read_parquet(out / "cohort" / "nights.parquet")


def test_nights_are_numbered_by_start_or_visit_and_else_not(tmp_path: Path) -> None:
    names = ["late", "early", "v2", "v1", "x", "y", "alone"]
    starts = ["2024-03-09T22:00:00", "2024-03-02T22:00:00", None, None, None, None, None]
    for name, start in zip(names, starts, strict=True):
        write_night(tmp_path, name, start=start)
    people = ["dates", "dates", "visits", "visits", "nothing", "nothing", "alone"]
    write_manifest(tmp_path, recording_id=names, subject_id=people, visit=[1, 2, 2, 1, 1, 1, None])
    ok("cohort", tmp_path, "--no-report")
    found = dict(nights(tmp_path).select("recording_id", "night_number").iter_rows())
    assert found == {"late": 2, "early": 1, "v2": 2, "v1": 1, "x": None, "y": None, "alone": 1}


def test_nights_of_one_recording_are_numbered_by_their_place_in_it(tmp_path: Path) -> None:
    same = {"file": "x", "sha256": "1", "format": "EDF"}
    for number in (2, 1):
        part = {"of": "patch", "night": number, "start_s": 0.0, "end_s": 1.0}
        write_night(tmp_path, f"patch_night0{number}", start=None, part=part, input=same)
    ok("cohort", tmp_path, "--no-report")
    assert nights(tmp_path)["night_number"].to_list() == [1, 2]
    assert nights(tmp_path)["recording"].unique().to_list() == ["patch"]


def test_subjects_keep_what_their_nights_agree_on(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_night(tmp_path, name)
    write_manifest(tmp_path, recording_id=["a", "b", "c"], subject_id=["s", "s", "t"], site=["x", "x", "y"],
                   arm=[1, 2, 2], n_nights=[9, 9, 9])  # fmt: skip
    ok("cohort", tmp_path, "--no-report")
    subjects = pl.read_parquet(tmp_path / "cohort" / "subjects.parquet")
    assert subjects.select("subject", "n_nights", "site", "arm").rows() == [("s", 2, "x", None), ("t", 1, "y", 2)]


def test_the_flow_counts_recordings_and_subjects(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_night(tmp_path, name)
    write_night(tmp_path, "c", {("analysable_time", "night"): 1.0})
    write_manifest(tmp_path, ("d", "e"), recording_id=list("abcdef"), subject_id=["1", "1", "2", "2", "3", "4"])
    ok("cohort", tmp_path, "--no-report", "--exclude", "cohort")
    flow = json.loads((tmp_path / "cohort" / "flow.json").read_text(encoding="utf-8"))
    assert (flow["entered"], flow["finished"], flow["failed"], flow["not_analysed"]) == (6, 3, 2, 1)
    assert (flow["nights_finished"], flow["excluded"], flow["nights"]) == (3, 1, 2)
    assert flow["subjects"] == {"entered": 4, "without_a_night": 2, "excluded": 1, "kept": 1}


def test_nights_made_in_different_ways_are_told(tmp_path: Path) -> None:
    for name, version in (("a", "0.1.0"), ("b", "0.1.0"), ("c", "0.0.9")):
        write_night(tmp_path, name, version=version)
    assert "not made alike: version 0.1.0 2, 0.0.9 1" in ok("cohort", tmp_path, "--no-report").output
    flow = json.loads((tmp_path / "cohort" / "flow.json").read_text(encoding="utf-8"))
    assert flow["made_by"]["version"] == {"0.1.0": 2, "0.0.9": 1}


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a,b\n1,2\n"])
def test_a_list_of_failures_that_is_none_is_told(tmp_path: Path, content: bytes) -> None:
    write_night(tmp_path, "a")
    write_manifest(tmp_path, recording_id=["a"])
    (tmp_path / "failures.csv").write_bytes(content)
    result = run("cohort", tmp_path, "--no-report")
    assert (result.exit_code, "run batch again" in result.output) == (3, True)


def test_a_manifest_that_is_none_is_told(tmp_path: Path) -> None:
    write_night(tmp_path, "a")
    write_manifest(tmp_path, recording_id=["a"])
    (tmp_path / "batch" / "manifest.parquet").write_bytes(b"nothing")
    result = run("cohort", tmp_path, "--no-report")
    assert (result.exit_code, "no Parquet table" in result.output) == (3, True)


def test_recordings_that_failed_count_in_the_groups_of_the_manifest(tmp_path: Path) -> None:
    names = [f"n{i:02d}" for i in range(40)]
    failed = tuple(names[:8])
    for name in names[8:]:
        write_night(tmp_path, name, epochs=epoch_rows("W2"))
    write_manifest(tmp_path, failed, recording_id=names, site=["x"] * 20 + ["y"] * 20)
    ok("cohort", "audit", tmp_path, "--by", "site,sex")
    table = pl.read_csv(tmp_path / "cohort" / "audit.csv").filter(pl.col("measure") == "failed_share")
    x = table.row(by_predicate=pl.col("group") == "x", named=True)
    # eight of twenty against none of twenty: Fisher's exact p = 0.0033
    assert (x["n_subjects"], x["value"], x["rest"], x["flagged"]) == (20, 40.0, 0.0, True)
    assert x["p"] == pytest.approx(0.0033, abs=0.0015)
    assert table.filter(pl.col("attribute") == "sex")["value"].to_list() == [0.0]

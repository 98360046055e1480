"""What differs between two runs: planted changes are found, with night, number and size; and nothing else is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from command_runs import ok, run
from made_cohorts import FAST, write_cohort

from holter2sleep.batch import diff
from holter2sleep.batch.diff import diff_runs


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    manifest = write_cohort(folder / "data", 3)
    ok("batch", manifest, "--out", folder / "out", *FAST)
    return folder / "out"


@pytest.fixture
def after(before: Path, tmp_path: Path) -> Path:
    shutil.copytree(before, tmp_path / "after")
    return tmp_path / "after"


def plant(night: Path, phenotype: str, stratum: str, **changes: object) -> None:
    """Other values in a row of a night's table."""
    path = night / "phenotypes.parquet"
    is_it = (pl.col("phenotype") == phenotype) & (pl.col("stratum") == stratum)
    table = pl.read_parquet(path)
    assert len(table.filter(is_it)) == 1
    new = {
        name: pl.when(is_it).then(pl.lit(value, table[name].dtype)).otherwise(name) for name, value in changes.items()
    }
    table.with_columns(**new).write_parquet(path)


def value(night: Path, phenotype: str, stratum: str = "night") -> float:
    rows = pl.read_parquet(night / "phenotypes.parquet").filter(phenotype=phenotype, stratum=stratum)
    return float(rows["value"].item())


def test_the_same_run_has_no_difference(before: Path, after: Path) -> None:
    found = diff_runs(before, after)
    assert (found.changed, found.n_same, len(found.summary)) == ((), 3, 0)
    assert not any(found.made_by.values())


def test_a_night_made_with_another_age_is_made_otherwise(before: Path, after: Path) -> None:
    path = after / "n1" / "run.json"
    run_json = json.loads(path.read_text(encoding="utf-8"))
    run_json["identity"]["options"]["age"] = 33.0
    path.write_text(json.dumps(run_json), encoding="utf-8")
    assert {what: n for what, n in diff_runs(before, after).made_by.items() if n} == {"options": 1}
    assert "made otherwise: options of 1" in ok("batch", "diff", before, after).output


def test_another_file_with_the_same_values_is_no_difference(before: Path, after: Path) -> None:
    path = after / "n0" / "phenotypes.parquet"
    table = pl.read_parquet(path)
    table.write_parquet(path, compression="uncompressed")
    assert diff_runs(before, after).changed == ()


def test_planted_changes_are_told_with_night_and_size(before: Path, after: Path) -> None:
    n0, n2 = (value(before / name, "rmssd") for name in ("n0", "n2"))
    plant(after / "n0", "rmssd", "night", value=n0 * 1.10)
    plant(after / "n2", "rmssd", "night", value=n2 - 5.0)
    found = diff_runs(before, after)
    (row,) = found.summary.to_dicts()
    assert (found.changed, found.n_same) == (("n0", "n2"), 1)
    assert (row["phenotype"], row["unit"], row["n_nights"], row["n_values"], row["n_status"]) == (
        "rmssd",
        "ms",
        2,
        2,
        0,
    )
    assert row["mean_change"] == pytest.approx((0.10 * n0 - 5.0) / 2)
    assert row["mean_absolute_change"] == pytest.approx((0.10 * n0 + 5.0) / 2)
    larger = max((0.10 * n0, "n0"), (5.0, "n2"))
    assert (abs(row["largest_change"]), row["largest_in"]) == (pytest.approx(larger[0]), larger[1])
    assert row["largest_percent"] == pytest.approx(max(10.0, 500 / n2, key=abs) * (1 if 500 / n2 < 10 else -1))


def test_a_value_that_became_unknown_is_a_change_of_status(before: Path, after: Path) -> None:
    plant(after / "n1", "rmssd", "night", value=None, status="insufficient_data")
    (row,) = diff_runs(before, after).summary.to_dicts()
    assert (row["n_status"], row["mean_change"], row["largest_change"], row["largest_in"]) == (1, None, None, None)


def test_a_number_that_only_one_version_knows_is_a_change(before: Path, after: Path) -> None:
    path = after / "n1" / "phenotypes.parquet"
    pl.read_parquet(path).filter(pl.col("phenotype") != "rmssd").write_parquet(path)
    found = diff_runs(before, after)
    assert found.summary["phenotype"].to_list() == ["rmssd"]
    assert found.summary["n_status"].item() == found.summary["n_values"].item()


def test_nights_of_one_run_only_are_named(before: Path, after: Path) -> None:
    shutil.rmtree(after / "n0")
    found = diff_runs(before, after)
    assert (found.only_a, found.only_b, found.n_same) == (("n0",), (), 2)
    assert diff_runs(after, before).only_b == ("n0",)


@pytest.mark.parametrize(
    ("name", "said"), [("nowhere", "no such folder"), ("file", "a file, not a folder"), ("empty", "no night in it")]
)
def test_what_is_no_run_is_told(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "n0").mkdir()
    (tmp_path / "n0" / "run.json").touch()
    for pair in ((name, "."), (".", name)):
        done = run("batch", "diff", *(tmp_path / each for each in pair))
        assert done.exit_code == 2
        assert f"{tmp_path / name}: {said}; give the folder" in done.output


def test_what_the_nights_were_made_by_is_compared(before: Path, after: Path) -> None:
    for name, key in (("n0", "version"), ("n1", "recipe_sha256")):
        run_facts = json.loads((after / name / "run.json").read_text(encoding="utf-8"))
        run_facts["identity"][key] = "other"
        (after / name / "run.json").write_text(json.dumps(run_facts), encoding="utf-8")
    assert diff_runs(before, after).made_by == {"version": 1, "recipe": 1, "models": 0, "input": 0, "options": 0}


def test_sums_do_not_depend_on_how_many_nights_are_summed_at_a_time(
    before: Path, after: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i, name in enumerate(("n0", "n1", "n2")):
        plant(after / name, "rmssd", "night", value=10.0 + i)
        plant(after / name, "sdnn", "night", value=20.0 - i)
    whole = diff_runs(before, after).summary
    monkeypatch.setattr(diff, "_EVERY", 1)
    assert diff_runs(before, after).summary.equals(whole)


def test_the_command_prints_and_writes_every_changed_value(before: Path, after: Path, tmp_path: Path) -> None:
    plant(after / "n0", "rmssd", "night", value=1.0)
    shown = ok("batch", "diff", before, after, "--out", tmp_path / "changes.csv").output
    assert "1 night changed, 2 the same" in shown
    assert "changed: n0" in shown
    (row,) = pl.read_csv(tmp_path / "changes.csv").to_dicts()
    assert (row["recording_id"], row["phenotype"], row["stratum"], row["value_b"]) == ("n0", "rmssd", "night", 1.0)
    assert row["change"] == pytest.approx(1.0 - row["value_a"])
    found = json.loads(ok("batch", "diff", before, after, "--json").output)
    assert [phenotype["phenotype"] for phenotype in found["phenotypes"]] == ["rmssd"]
    assert run("batch", "diff", before, after, "--out", tmp_path / "changes.csv").exit_code == 2
    assert run("batch", "diff", before, tmp_path / "nowhere").exit_code == 2

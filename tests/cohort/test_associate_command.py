"""`associate` from the command line: what it writes, twice the same, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from command_runs import ok, run
from made_cohorts import FAST, write_cohort
from made_studies import LINEAR, nights_table, write_plan, write_table

FIGURES = ("flow", "forest_pressure", "partial_residuals_pressure")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_table(tmp_path_factory.mktemp("cohort"), nights_table(120, nights_each=2))
    write_plan(folder / "plan.toml", LINEAR + 'subgroups = ["sex"]\n')
    ok("associate", folder, "--plan", folder / "plan.toml")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_study_leaves_tables_figures_methods_and_its_plan(cohort: Path) -> None:
    folder = cohort / "associations"
    assert (folder / "plan.toml").read_bytes() == (cohort / "plan.toml").read_bytes()
    table = pl.read_parquet(folder / "associations.parquet")
    assert (
        pl.read_csv(folder / "associations.csv").select("model", "exposure").equals(table.select("model", "exposure"))
    )
    for name in FIGURES:
        assert (folder / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (folder / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    facts = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    assert facts["flow"][0]["n_nights"] == 120
    assert "statsmodels" in facts["software"]


def test_the_methods_say_what_was_done_in_numbers(cohort: Path) -> None:
    words = (cohort / "associations" / "methods.md").read_text(encoding="utf-8")
    facts = json.loads((cohort / "associations" / "study.json").read_text(encoding="utf-8"))
    for part in (
        "# Methods: A made study",
        "Of 120 nights of 60 subjects, 120 nights of 60 were studied.",
        "sbp was related to 1 exposure",
        f"adjusted for age, sex (reference {facts['models']['pressure']['references']['sex']})",
        "ordinary least squares, HC3 standard errors",
        "1 of 1 have an estimate on 120 nights",
        "Benjamini and Hochberg",
        facts["plan"]["sha256"],
        facts["cohort"]["sha256"],
        "unconfirmed",
        "some subjects have several nights",
    ):
        assert part in words


def test_the_same_study_again_gives_the_same_bytes(cohort: Path) -> None:
    before = contents(cohort / "associations")
    ok("associate", cohort, "--plan", cohort / "plan.toml")
    assert contents(cohort / "associations") == before


def test_repeated_nights_are_warned_of_on_the_screen(cohort: Path) -> None:
    shown = ok("associate", cohort, "--plan", cohort / "plan.toml").output
    assert "Warning: model 'pressure': some subjects have several nights" in shown
    assert "1 of 1: pressure: rmssd__rem" in shown


def test_another_plan_replaces_a_study_only_when_told(cohort: Path, tmp_path: Path) -> None:
    other = write_plan(tmp_path / "other.toml", LINEAR.replace("age", "visit"))
    before = contents(cohort / "associations")
    refused = run("associate", cohort, "--plan", other)
    assert refused.exit_code == 2
    assert "--overwrite" in refused.output
    assert contents(cohort / "associations") == before
    ok("associate", cohort, "--plan", other, "--out", tmp_path / "study")
    ok("associate", cohort, "--plan", cohort / "plan.toml", "--out", tmp_path / "study", "--overwrite")
    assert contents(tmp_path / "study") == before


def test_a_folder_with_something_else_in_it_is_left_alone(cohort: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("years of work", encoding="utf-8")
    refused = run("associate", cohort, "--plan", cohort / "plan.toml", "--out", tmp_path, "--overwrite")
    assert refused.exit_code == 2
    assert "'thesis.doc', which is no file of a study" in refused.output
    assert contents(tmp_path).keys() == {"thesis.doc"}


def test_a_failing_study_keeps_the_one_that_is_there(cohort: Path, tmp_path: Path) -> None:
    before = contents(cohort / "associations")
    broken = write_plan(tmp_path / "plan.toml", LINEAR.replace("sbp", "blood_pressure"))
    assert run("associate", cohort, "--plan", broken, "--overwrite").exit_code == 5
    assert contents(cohort / "associations") == before


@pytest.mark.parametrize(
    ("made", "code", "words"),
    [
        (None, 2, "cohort/nights.parquet is missing"),
        (b"no table", 3, "is no Parquet table"),
    ],
)
def test_a_folder_without_a_cohort_is_refused(tmp_path: Path, made: bytes | None, code: int, words: str) -> None:
    if made is not None:
        (tmp_path / "cohort").mkdir()
        (tmp_path / "cohort" / "nights.parquet").write_bytes(made)
    result = run("associate", tmp_path, "--plan", write_plan(tmp_path / "plan.toml", LINEAR))
    assert (result.exit_code, "Traceback" in result.output) == (code, False)
    assert words in result.output


@pytest.mark.parametrize(
    ("lacks", "command"), [("nights.parquet", ("associate", "--plan", "PLAN")), ("flow.json", ("cohort", "report"))]
)
def test_a_folder_is_told_what_it_is_in_place_of_a_cohort(tmp_path: Path, lacks: str, command: tuple[str, ...]) -> None:
    words = [write_plan(tmp_path / "plan.toml", LINEAR) if word == "PLAN" else word for word in command]
    assert "no night lies there either; give the folder" in run(*words, tmp_path).output
    (tmp_path / "n0").mkdir()
    (tmp_path / "n0" / "run.json").touch()
    assert f"`holter2sleep cohort {tmp_path}` makes it of the nights there" in run(*words, tmp_path).output
    (tmp_path / lacks).touch()
    assert "the tables of a cohort themselves; give the folder that it lies in" in run(*words, tmp_path).output


def test_a_missing_plan_or_folder_is_wrong_use(cohort: Path, tmp_path: Path) -> None:
    assert run("associate", cohort, "--plan", tmp_path / "plan.toml").exit_code == 2
    assert run("associate", cohort).exit_code == 2
    result = run("associate", tmp_path / "nowhere", "--plan", cohort / "plan.toml")
    assert result.exit_code == 2
    assert "no such folder" in result.output


def test_intervals_that_a_plan_needs_are_asked_for(cohort: Path, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "plan.toml", LINEAR + 'measurement_error = "simex"')
    result = run("associate", cohort, "--plan", plan, "--out", tmp_path / "study")
    assert result.exit_code == 2
    assert "cohort/phenotypes.parquet is missing" in result.output


@pytest.mark.slow
def test_nights_of_a_batch_are_related_to_a_column_of_their_manifest(tmp_path: Path) -> None:
    rows = [",score,sex", *(f",{(7 * i) % 24},{'FM'[i % 2]}" for i in range(24))]
    manifest = write_cohort(tmp_path / "in", 24, minutes=6, columns=rows)
    ok("batch", manifest, "--out", tmp_path / "out", "--cohort", *FAST)
    plan = LINEAR.replace("sbp", "score").replace("rmssd__rem", "rmssd__*").replace('"age", "sex"', '"sex"')
    ok("associate", tmp_path / "out", "--plan", write_plan(tmp_path / "plan.toml", plan))
    table = pl.read_parquet(tmp_path / "out" / "associations" / "associations.parquet")
    assert table.filter(exposure="rmssd__night")["status"].to_list() == ["ok"]
    assert set(table["status"]) <= {"ok", "too_few"}

"""A plan is refused with the key, the place and what would work, before anything is fitted."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from made_studies import HEAD, LINEAR, nights_table, only, studied, write_plan

from holter2sleep.assets import asset
from holter2sleep.cohort.association.plan_file import read_plan
from holter2sleep.cohort.association.rules import rule_of
from holter2sleep.errors import RecipeError, UsageError

TABLE = nights_table(80)


def refused(path: Path, text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        read_plan(write_plan(path / "plan.toml", text))
    return str(caught.value)


def refused_on_table(path: Path, text: str, table: pl.DataFrame = TABLE) -> str:
    with pytest.raises(RecipeError) as caught:
        studied(path, table, text)
    return str(caught.value)


def test_the_shipped_plan_can_be_read() -> None:
    plan = read_plan(asset("pipelines", "association.toml")).plan
    assert {model.family for model in plan.model} == {"gaussian", "binomial", "cox", "negative_binomial"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ('covariate = ["bmi"]', "'pressure': unknown key 'covariate'; did you mean 'covariates'"),
        ('transform = "lgo"', "did you mean 'log'"),
        ("per = 5", "per: 5 is none of sd, unit"),
        ('subgroups = "sex"', "subgroups: expected a list, found 'sex'"),
        ("subgroups = [3]", "subgroups 1: expected text"),
        ('offset = "years"', "offset is the time over which was counted"),
        ('event = "died"', "time and event belong to family"),
        ('separation = "firth"', 'separation = "firth" is for family = "binomial"'),
        ('interactions = ["bmi"]', "'bmi' among covariates is missing"),
        ('measurement_error = "simex"\ntransform = "rank"', "needs a scale that intervals can be put on"),
    ],
)
def test_a_model_that_cannot_be_meant_is_refused(tmp_path: Path, change: str, words: str) -> None:
    assert words in refused(tmp_path, f"{LINEAR}{change}\n")


@pytest.mark.parametrize("told", ['"cohort"', '["bmi > 70", "mine.toml"]'])
def test_rules_of_the_cohort_in_a_plan_are_told_where_they_belong(tmp_path: Path, told: str) -> None:
    name = "cohort" if "cohort" in told else "mine.toml"
    said = refused(tmp_path, f"[cohort]\nexclusions = {told}\n{LINEAR}")
    assert f"by `holter2sleep cohort DIR --exclude {name}`" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "missing model"),
        ("[[model]]\nname = 'a'\n", "model 1 'a': missing family, exposures"),
        (LINEAR + LINEAR, "two models are called 'pressure'"),
        ("[chort]\n" + LINEAR, "unknown key 'chort'; did you mean 'cohort'"),
        (LINEAR.replace("gaussian", "normal"), "'normal' is none of gaussian, binomial"),
        (LINEAR.replace('["rmssd__rem"]', "[]"), "exposures is empty"),
        (LINEAR.replace('"gaussian"', '"cox"'), "needs two columns"),
        (LINEAR.replace('"gaussian"', '"poisson"') + 'repeated = "mixed"', "'mixed' knows gaussian, not poisson"),
        ("[study]\n" + LINEAR, "not valid TOML"),
    ],
)
def test_a_plan_that_is_none_is_refused(tmp_path: Path, text: str, words: str) -> None:
    assert words in refused(tmp_path, text)


def test_a_plan_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes((HEAD.replace("made", "geprüfte") + LINEAR).encode("latin-1"))
    with pytest.raises(RecipeError, match="not UTF-8"):
        read_plan(path)
    path.write_bytes("\ufeff".encode() + (HEAD + LINEAR).encode())  # as Windows' editor saves UTF-8
    assert read_plan(path).plan.model[0].name == "pressure"
    with pytest.raises(UsageError, match="no such file"):
        read_plan(tmp_path / "other.toml")
    with pytest.raises(UsageError, match="a folder, not a plan"):
        read_plan(tmp_path)


# --- against the columns of a cohort ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"sbp"', '"sbq"', "'sbq' (did you mean 'sbp'"),
        ('"age", "sex"', '"age", "gender"', "no such column in cohort/nights.parquet: 'gender'"),
        ("rmssd__rem", "rmssd__ren", "did you mean 'rmssd__rem'"),
        ("rmssd__rem", "rmssd", "no column 'rmssd' in cohort/nights.parquet; did you mean 'rmssd__night'"),
        ("rmssd__rem", "*__n3", "'*__n3' matches none of 4 phenotype columns"),
        ('"rmssd__rem"', '"recording_id"', "exposure 'recording_id' holds String, not numbers"),
        ('"rmssd__rem"', '"age"', "'age' is an exposure, and outcome, covariate or offset too"),
        ('"sbp"', '"sex"', "outcome 'sex' holds String, not numbers"),
        ('"gaussian"', '"binomial"', "of binomial it is 0 (no) or 1 (yes)"),
        ('"gaussian"', '"poisson"', "poisson counts whole numbers"),
        ('["age", "sex"]', '["recording_id"]', "has 80 categories"),
    ],
)
def test_a_plan_that_the_cohort_cannot_answer_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert words in refused_on_table(tmp_path, LINEAR.replace(old, new))


def test_the_plan_of_another_cohort_names_all_that_is_missing(tmp_path: Path) -> None:
    told = refused_on_table(tmp_path, LINEAR.replace('"age", "sex"', '"waist", "smoker"').replace('"sbp"', '"ldl"'))
    assert all(f"'{name}'" in told for name in ("waist", "smoker", "ldl"))
    assert "Is it the plan of another cohort?" in told


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("age > sex > 3 or True", "compares 'age', which is a number, with text"),
        ("age", "is no rule; write column, comparison, value"),
        ("__import__('os')", "is no rule"),
        ("sex == 1", "compares 'sex', which is text, with a number"),
        ("weight > 3", "no such column in cohort/nights.parquet: 'weight'"),
    ],
)
def test_rules_that_choose_nights_are_checked(tmp_path: Path, rule: str, words: str) -> None:
    assert words in refused_on_table(tmp_path, f"[cohort]\nfilters = [{rule!r}]\n{LINEAR}")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("x > 1", [3]),
        ("x >= 1", [1, 3]),
        ("x != 1", [3]),
        ("x is unknown", [2]),
        ("x is known", [1, 3]),
        ("s == 'b c'", [2]),
        ("s==a", [1]),
        ("f == true", [3]),
        ("my x > 1", [3]),
        ("my x is known", [1, 3]),
    ],
)
def test_a_rule_holds_for_the_rows_it_says(text: str, kept: list[int]) -> None:
    table = pl.DataFrame({"i": [1, 2, 3], "x": [1.0, None, 2.0], "s": ["a", "b c", None], "f": [False, False, True]})
    table = table.with_columns(pl.col("x").alias("my x"))
    assert table.filter(rule_of(text, "here").holds)["i"].to_list() == kept


def test_each_step_of_the_flow_counts_who_is_left_and_who_is_unknown(tmp_path: Path) -> None:
    table = nights_table(80, nights_each=2).with_columns(
        bmi=pl.when(pl.int_range(80) < 10).then(None).otherwise(pl.int_range(80))
    )
    plan = f'[cohort]\nfilters = ["bmi >= 20"]\nexclusions = ["bmi > 70"]\nnights = "first"\norder = "visit"\n{LINEAR}'
    found = studied(tmp_path, table, plan)
    counts = [(step.n_nights, step.n_left_out, step.n_unknown) for step in found.flow]
    assert counts == [(80, 0, 0), (60, 20, 10), (51, 9, 0), (26, 25, 0)]
    assert only(found)["n"] == found.flow[-1].n_subjects == 26


def test_the_first_night_of_a_subject_is_that_of_the_order(tmp_path: Path) -> None:
    table = nights_table(120, nights_each=2).with_columns(visit=3 - pl.col("visit"))  # the later row is visit 1
    plan = f'[cohort]\nnights = "first"\norder = "visit"\n{LINEAR}'
    later = studied(tmp_path / "a", table.filter(pl.col("visit") == 1), LINEAR)
    assert only(studied(tmp_path / "b", table, plan))["estimate"] == only(later)["estimate"]

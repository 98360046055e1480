"""Exclusions: counted by hand, at the first step a night fails, with value and reason; bad files are told."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from command_runs import ok, run

from benchmarks.synthetic_nights import write_night
from holter2sleep.cohort.exclusions import SHIPPED, excluded_nights, flow_of_steps, read_steps
from holter2sleep.errors import RecipeError

NIGHTS = pl.DataFrame(
    {
        "recording_id": ["a", "b", "c", "d", "e", "f"],
        "subject": ["1", "1", "2", "3", "4", "5"],
        "age": [50.0, 50.0, 12.0, None, 30.0, 18.0],
        "site": ["x", "x", "y", "x", "z", "y"],
        "analysable_time__night": [7.0, 3.9, 2.0, 8.0, None, 4.0],
    }
)


def steps(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


TIME = (
    '[[step]]\nname = "time"\nmeasure = "analysable_time__night"\nat_least = 4.0\nunknown = "exclude"\nreason = "r"\n'
)
AGE = '[[step]]\nname = "age"\nmeasure = "age"\nat_least = 18\nunknown = "keep"\nreason = "adults"\n'
SITE = '[[step]]\nname = "site"\nmeasure = "site"\none_of = ["x", "z"]\nunknown = "keep"\nreason = "s"\n'


def test_a_night_counts_at_the_first_step_it_fails(tmp_path: Path) -> None:
    found = read_steps(str(steps(tmp_path, TIME + AGE + SITE)))
    excluded = excluded_nights(NIGHTS, found)
    # b 3.9 h, c 2 h (a child of 12 as well), e unknown; both ends stay in: f has 4 h and is 18, but its site is y
    assert excluded.select("recording_id", "step", "value").rows() == [
        ("b", "time", "3.9"),
        ("c", "time", "2.0"),
        ("e", "time", None),
        ("f", "site", "y"),
    ]
    assert excluded["rule"][0] == "analysable_time__night >= 4"
    flow = flow_of_steps(NIGHTS, found, excluded)
    assert [(s["nights_excluded"], s["nights_left"], s["subjects_excluded"], s["subjects_left"]) for s in flow] == [
        (3, 3, 2, 3),  # subject 1 keeps a night
        (0, 3, 0, 3),
        (1, 2, 1, 2),
    ]
    assert flow[0]["nights_excluded_unknown"] == 1


def test_the_order_of_the_steps_decides_where_a_night_counts(tmp_path: Path) -> None:
    excluded = excluded_nights(NIGHTS, read_steps(str(steps(tmp_path, AGE + TIME))))
    assert excluded.select("recording_id", "step").rows() == [("c", "age"), ("b", "time"), ("e", "time")]


def test_a_number_that_no_night_has_is_unknown_for_all(tmp_path: Path) -> None:
    text = TIME.replace("analysable_time__night", "af_burden__night")
    assert len(excluded_nights(NIGHTS, read_steps(str(steps(tmp_path, text))))) == 6
    assert len(excluded_nights(NIGHTS, read_steps(str(steps(tmp_path, text.replace("exclude", "keep")))))) == 0


def test_the_shipped_steps_and_those_commented_out_can_be_read(tmp_path: Path) -> None:
    shipped = read_steps(SHIPPED)
    assert [step.name for step in shipped] == ["analysable_time", "analysable_share", "age"]
    text = (Path(__file__).parents[2] / "pipelines" / "cohort.toml").read_text(encoding="utf-8")
    optional = [line.removeprefix("# ") for line in text.split("\n") if line.startswith("# ")]
    first = next(i for i, line in enumerate(optional) if line.startswith("[[step]]"))
    names = [step.name for step in read_steps(str(steps(tmp_path, "\n".join(optional[first:]))))]
    assert names == ["atrial_fibrillation", "first_night"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "missing step"),
        ("[[stop]]\n", "unknown key 'stop'; did you mean 'step'"),
        ("step = 3\n", "expected a list"),
        (TIME.replace("at_least", "at_lest"), "did you mean 'at_least'"),
        (TIME.replace('reason = "r"\n', ""), "missing reason"),
        (TIME.replace('"exclude"', '"drop"'), "'drop' is none of exclude, keep"),
        (TIME.replace("4.0", '"four"'), "expected a number"),
        (TIME.replace("4.0", "nan"), "expected a number"),
        (TIME.replace("at_least = 4.0\n", ""), "give at_least and at_most, or one_of"),
        (TIME + "one_of = [1]\n", "give at_least and at_most, or one_of"),
        (TIME + TIME, "two steps have one name"),
        (TIME.replace('name = "time"', "name = 4"), "name: expected text in quotes"),
        ("[[step]\n", "not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        read_steps(str(steps(tmp_path, text)))


def test_limits_of_words_are_told_and_numbers_may_be_listed(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="site holds words"):
        excluded_nights(NIGHTS, read_steps(str(steps(tmp_path, TIME.replace("analysable_time__night", "site")))))
    ages = AGE.replace("at_least = 18", "one_of = [50, 30]")
    excluded = excluded_nights(NIGHTS, read_steps(str(steps(tmp_path, ages))))
    assert excluded["recording_id"].to_list() == ["c", "f"]


def test_an_unknown_measure_or_name_is_told_with_what_would_work(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean 'analysable_time__night'"):
        excluded_nights(NIGHTS, read_steps(str(steps(tmp_path, TIME.replace("__night", "__nigth")))))
    by_stage = NIGHTS.with_columns(analysable_time__n3=pl.lit(1.0))
    with pytest.raises(RecipeError, match="did you mean 'analysable_time__night'"):
        excluded_nights(by_stage, read_steps(str(steps(tmp_path, TIME.replace("__night", "")))))
    with pytest.raises(RecipeError, match=r"there is: .*cohort\.toml"):
        read_steps("nothing")
    with pytest.raises(RecipeError, match="cannot be read"):
        read_steps(str(tmp_path / "missing.toml"))
    (tmp_path / "latin.toml").write_bytes("# é\n".encode("latin-1"))
    with pytest.raises(RecipeError, match="not UTF-8"):
        read_steps(str(tmp_path / "latin.toml"))


def test_excluded_nights_leave_the_tables_and_are_listed_with_the_reason(tmp_path: Path) -> None:
    for name, hours in (("a", 7.0), ("b", 3.0), ("c", 5.0)):
        write_night(tmp_path, name, {("analysable_time", "night"): hours})
    write_night(tmp_path, "d", subject={"age": 9.0, "sex": "M"})
    ok("cohort", tmp_path, "--no-report", "--exclude", "cohort")
    folder = tmp_path / "cohort"
    assert pl.read_parquet(folder / "nights.parquet")["recording_id"].to_list() == ["a", "c"]
    assert set(pl.read_parquet(folder / "phenotypes.parquet")["recording_id"]) == {"a", "c"}
    excluded = pl.read_csv(folder / "excluded.csv", infer_schema=False)
    assert excluded.select("recording_id", "step", "value").rows() == [
        ("b", "analysable_time", "3.0"),
        ("d", "age", "9.0"),
    ]
    flow = json.loads((folder / "flow.json").read_text(encoding="utf-8"))
    assert (flow["entered"], flow["excluded"], flow["nights"]) == (4, 2, 2)
    assert flow["excluded_by_step"] == {"analysable_time": 1, "analysable_share": 0, "age": 1}
    assert flow["subjects"] == {"entered": 4, "without_a_night": 0, "excluded": 2, "kept": 2}
    assert (tmp_path / "b").is_dir()


def test_without_rules_every_night_stays_and_the_shipped_ones_are_told(tmp_path: Path) -> None:
    write_night(tmp_path, "a")
    write_night(tmp_path, "b", {("analysable_time", "night"): 1.0})
    result = ok("cohort", tmp_path, "--no-report")
    assert "--exclude cohort would leave out 1 of 2 (analysable_time 1)" in result.output
    assert pl.read_parquet(tmp_path / "cohort" / "nights.parquet").height == 2
    quality = pl.read_csv(tmp_path / "cohort" / "quality_nights.csv")
    assert quality["excluded_by"].to_list() == [None, "analysable_time"]


def test_rules_that_leave_nobody_give_empty_tables(tmp_path: Path) -> None:
    write_night(tmp_path, "a", {("analysable_time", "night"): 1.0})
    ok("cohort", tmp_path, "--no-report", "--exclude", "cohort")
    assert pl.read_parquet(tmp_path / "cohort" / "nights.parquet").height == 0
    assert pl.read_csv(tmp_path / "cohort" / "excluded.csv").height == 1


def test_only_the_first_night_of_a_subject_can_be_kept(tmp_path: Path) -> None:
    one = {"input": {"file": "x", "sha256": "one person", "format": "EDF"}}
    write_night(tmp_path, "late", start="2024-03-02T22:00:00", **one)
    write_night(tmp_path, "early", start="2024-03-01T22:00:00", **one)
    rule = '[[step]]\nname = "first"\nmeasure = "night_number"\nat_most = 1\nunknown = "keep"\nreason = "r"\n'
    ok("cohort", tmp_path, "--no-report", "--exclude", steps(tmp_path, rule))
    assert pl.read_parquet(tmp_path / "cohort" / "nights.parquet")["recording_id"].to_list() == ["early"]


def test_bad_rules_end_with_code_5_before_anything_is_written(tmp_path: Path) -> None:
    write_night(tmp_path / "out", "a")
    assert run("cohort", tmp_path / "out", "--no-report", "--exclude", steps(tmp_path, "[[stop]]\n")).exit_code == 5
    assert not (tmp_path / "out" / "cohort").exists()

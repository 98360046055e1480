"""A reference made of nights with planted values, and nights placed in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from command_runs import ok, run
from scipy import stats

from holter2sleep.cohort.nights import FACT_SCHEMA
from holter2sleep.cohort.placement import placed
from holter2sleep.cohort.reference import reference_table
from holter2sleep.errors import UsageError
from holter2sleep.phenotypes.cross import change_table
from holter2sleep.phenotypes.table import PHENOTYPE_SCHEMA

N = 200
FACTS = {"duration_h": 8.0, "scorer": "s", "version": "1", "recipe_sha256": "r"}


def night(name: str, values: dict[str, float], status: str = "ok", stratum: str = "night") -> pl.DataFrame:
    rows = [(name, key, stratum, value, "ms", status, 900, 900.0, None, None) for key, value in values.items()]
    return pl.DataFrame(rows, PHENOTYPE_SCHEMA, orient="row")


def people(n: int = N, **changes: Any) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    ages = rng.uniform(30, 70, n).round()
    sexes = ["F" if i % 2 else "M" for i in range(n)]
    rows = [{"recording_id": f"n{i}", "subject": f"s{i}", "age": ages[i], "sex": sexes[i], **FACTS} for i in range(n)]
    return pl.DataFrame([{**row, **changes} for row in rows], FACT_SCHEMA)


def cohort(n: int = N) -> pl.DataFrame:
    """RMSSD log-normal around e^3.5, heart rate normal around 60 (SD 8)."""
    rng = np.random.default_rng(6)
    rmssd, rate = np.exp(rng.normal(3.5, 0.5, n)), rng.normal(60, 8, n)
    return pl.concat([night(f"n{i}", {"rmssd": rmssd[i], "heart_rate_mean": rate[i]}) for i in range(n)])


REFERENCE = reference_table(cohort(), people())


def place(values: dict[str, float], **facts: Any) -> dict[str, dict[str, Any]]:
    who = {"recording_id": "me", "subject": "me", "age": 50.0, "sex": None, **FACTS, **facts}
    table = placed(night("me", values), who, REFERENCE)
    return {row["phenotype"]: row for row in table.iter_rows(named=True)}


def test_a_value_one_sd_above_the_mean_has_a_z_of_one_and_the_84th_percentile() -> None:
    found = place({"rmssd": float(np.exp(4.0)), "heart_rate_mean": 68.0})
    for name in ("rmssd", "heart_rate_mean"):
        assert found[name]["z"] == pytest.approx(1.0, abs=0.2)
        assert found[name]["percentile"] == pytest.approx(84.0, abs=6.0)
        assert (found[name]["status"], found[name]["n_subjects"], found[name]["sex"]) == ("ok", N, "all")


def test_placing_the_cohort_in_its_own_reference_gives_every_percentile_once() -> None:
    own = cohort()
    percents = [
        place({"rmssd": value})["rmssd"]["percentile"] for value in own.filter(pl.col("phenotype") == "rmssd")["value"]
    ]
    assert stats.kstest(np.array(percents) / 100, "uniform").pvalue > 0.5


def test_the_own_sex_is_taken_where_it_has_enough_subjects() -> None:
    found = place({"rmssd": 30.0}, sex="F")["rmssd"]
    assert (found["sex"], found["n_subjects"]) == ("F", N // 2)
    few = reference_table(cohort(60), people(60))
    assert set(few["sex"]) == {"all"}  # 30 of either sex are too few
    assert len(reference_table(cohort(39), people(39))) == 0


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"age": 85.0}, "age 85, reference 30 to 70 years"),
        ({"age": None}, "age unknown"),
        ({"duration_h": 24.0}, "recorded 24.0 h, reference 8.0 to 8.0 h"),
        ({"scorer": "other"}, "staged by other, the reference by s"),
    ],
)
def test_nothing_is_said_of_a_night_outside_the_population(facts: dict[str, Any], words: str) -> None:
    found = place({"rmssd": 30.0}, **facts)["rmssd"]
    assert (found["z"], found["percentile"], found["status"]) == (None, None, "outside_reference")
    assert words in found["reason"]


def test_values_beyond_the_reference_stay_within_0_and_100() -> None:
    assert place({"rmssd": 0.01})["rmssd"]["percentile"] == 0.5
    assert place({"rmssd": 1e4})["rmssd"]["percentile"] == 99.5


def test_a_subject_counts_once_with_the_mean_of_its_nights() -> None:
    facts = people(80).with_columns(subject=pl.Series([f"s{i // 2}" for i in range(80)]))
    table = pl.concat([night(f"n{i}", {"heart_rate_mean": 60.0 + i}) for i in range(80)])
    found = reference_table(table, facts).filter(pl.col("sex") == "all").row(0, named=True)
    assert found["n_subjects"] == 40
    assert found["mean"] == pytest.approx(60 + np.mean([2 * i + 0.5 for i in range(40)]))


def test_values_that_have_no_logarithm_leave_percentiles_but_no_z() -> None:
    table = pl.concat([night(f"n{i}", {"rmssd": float(i)}) for i in range(50)])
    found = reference_table(table, people(50)).filter(pl.col("sex") == "all").row(0, named=True)
    assert (found["mean"], found["sd"]) == (None, None)
    assert found["percentiles"][49] == pytest.approx(24.5)


def test_nights_made_in_different_ways_make_no_reference() -> None:
    facts = people(50).with_columns(scorer=pl.Series(["a", "b"] * 25))
    with pytest.raises(UsageError, match="different stagers"):
        reference_table(cohort(50), facts)


def test_hours_and_unknown_values_stay_out() -> None:
    table = pl.concat(
        [
            *(night(f"n{i}", {"rmssd": 30.0 + i}, stratum="hour_01") for i in range(50)),
            *(night(f"n{i}", {"sdnn": 1.0}, status="implausible") for i in range(50)),
        ]
    )
    assert len(reference_table(table, people(50))) == 0


# --- one night against another ---------------------------------------------------------------------


def test_a_night_against_an_earlier_one_is_their_ratio_or_difference() -> None:
    table = change_table(
        night("b", {"rmssd": 40.0, "heart_rate_mean": 58.0}), night("a", {"rmssd": 20.0, "heart_rate_mean": 60.0})
    )
    found = {row["phenotype"]: row for row in table.iter_rows(named=True)}
    assert (found["rmssd"]["contrast"], found["rmssd"]["contrast_value"]) == ("ratio", pytest.approx(2.0))
    assert found["heart_rate_mean"]["contrast_value"] == pytest.approx(-2.0)
    assert {(row["recording_id"], row["against"], row["stratum"]) for row in found.values()} == {("b", "a", "night")}


def test_what_one_night_lacks_is_not_compared() -> None:
    assert len(change_table(night("b", {"rmssd": 40.0}), night("a", {"sdnn": 20.0}))) == 0


# --- commands --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nights")
    for name, seed in (("a", 1), ("b", 2)):
        ok("simulate", "--preset", "short", "--seed", seed, "--out", folder / f"{name}.edf")
        ok("analyze", folder / f"{name}.edf", "--out", folder / "out", "--no-report")
    return folder / "out"


def test_a_cohort_of_two_has_a_row_a_night_and_an_empty_reference(results: Path) -> None:
    ok("cohort", results, "--no-report", "--reference")
    nights = pl.read_parquet(results / "cohort" / "nights.parquet")
    assert nights["recording_id"].to_list() == ["a", "b"]
    assert nights["heart_rate_mean__night"].null_count() == 0
    assert len(pl.read_parquet(results / "cohort" / "reference.parquet")) == 0
    long = pl.read_parquet(results / "cohort" / "phenotypes.parquet")
    assert set(long["recording_id"]) == {"a", "b"}


def test_a_cohort_can_be_gathered_again(results: Path) -> None:
    ok("cohort", results, "--no-report")
    before = (results / "cohort" / "nights.parquet").read_bytes()
    ok("cohort", results, "--no-report")
    assert (results / "cohort" / "nights.parquet").read_bytes() == before


def test_two_nights_are_compared_on_the_screen_and_in_a_file(results: Path, tmp_path: Path) -> None:
    shown = ok("compare", results / "b", results / "a", "--out", tmp_path / "change.csv").output
    assert "heart_rate_mean" in shown
    table = pl.read_csv(tmp_path / "change.csv")
    assert set(table["against"]) == {"a"}
    assert run("compare", results / "b", results / "a", "--out", tmp_path / "change.csv").exit_code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("compare", "b"), 2),
        (("compare", "b", "a", "--reference", "r"), 2),
        (("compare", "b", "--reference", "missing.parquet"), 2),
        (("compare", "nowhere", "a"), 2),
        (("compare", "b", "--reference", "a/beats.parquet"), 3),
        (("cohort", "nowhere"), 2),
    ],
)
def test_wrong_use_ends_with_a_message(results: Path, monkeypatch: pytest.MonkeyPatch, words: tuple, code: int) -> None:
    monkeypatch.chdir(results)
    result = run(*words)
    assert result.exit_code == code
    assert "Error" in result.output
    assert "Traceback" not in result.output

"""Groups of nights, found and told."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from made_stages import blurred, course, hypnogram, staged

from holter2sleep.errors import UsageError
from holter2sleep.evaluate.people import subjects_of
from holter2sleep.evaluate.stage_tables import JudgedNights
from holter2sleep.evaluate.subgroup_table import subgroup_table
from holter2sleep.evaluate.subgroups import BANDS, MIN_SUBJECTS, groups_found, groups_told


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


# --- which -----------------------------------------------------------------------------------------


def test_an_edge_belongs_to_the_band_above() -> None:
    assert [BANDS["age"].of(years) for years in (39.9, 40.0, 60.0)] == [
        "below 40 years",
        "40 to below 60 years",
        "60 and more years",
    ]


def test_a_night_says_age_sex_and_its_phenotypes(tmp_path: Path) -> None:
    rows = [
        ("ahi_ecg", "night", 17.0, "ok"),
        ("ahi_ecg", "nrem", 2.0, "ok"),
        ("af_burden", "night", 0.0, "ok"),
        ("analysable_share", "night", None, "insufficient_data"),
    ]
    schema = {"phenotype": pl.String, "stratum": pl.String, "value": pl.Float64, "status": pl.String}
    pl.DataFrame(rows, schema, orient="row").write_parquet(tmp_path / "phenotypes.parquet")
    assert groups_found(tmp_path, {"subject": {"age": 71, "sex": "F"}}) == {
        "age": "60 and more years",
        "sex": "F",
        "AHI by ECG": "15 to below 30 /h",
        "AF burden": "below 0.1 %",
    }


def test_a_night_that_says_nothing_is_in_no_group(tmp_path: Path) -> None:
    assert groups_found(tmp_path, {"subject": {"age": None, "sex": None}}) == {}


def test_a_table_adds_headings_and_numbers_become_bands(table: Path) -> None:
    table.write_text("recording_id,subject_id,age,ahi,drug\nb,1,30,4.9,\na,2,60,30,beta-blocker\n")
    assert groups_told(["a", "b"], table) == [
        {"age": "60 and more years", "AHI": "30 and more /h", "drug": "beta-blocker"},
        {"age": "below 40 years", "AHI": "below 5 /h"},
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("recording_id,age\na,old\n", "age 'old' is no number"),
        ("recording_id,age\na,nan\n", "age 'nan' is no number"),
        ("recording_id,age\nb,3\n", "no row for a"),
        ("recording_id,age\na,3\na,4\n", "more than one row for a"),
        ("id,age\na,3\n", "columns id, age; needed: recording_id"),
        ("recording_id\na\n", "needed: recording_id, a heading"),
        ("", "no CSV"),
        ("recording_id,weight\n" + "".join(f"{name},{ord(name)}\n" for name in "abcdefghijklm"), "bands first"),
    ],
)
def test_a_wrong_table_is_refused_by_what_is_wrong(table: Path, content: str, told: str) -> None:
    table.write_text(content)
    with pytest.raises(UsageError, match=told):
        groups_told(["a"], table)


def test_subjects_come_from_a_table(table: Path) -> None:
    table.write_text("recording_id,subject_id\nslp01a,1\nslp01b,1\nslp03,\n")
    assert subjects_of(["slp01b", "slp01a"], table) == ["1", "1"]
    with pytest.raises(UsageError, match="no row for slp02"):
        subjects_of(["slp02"], table)
    with pytest.raises(UsageError, match="no subject_id for slp03"):
        subjects_of(["slp03"], table)
    table.write_text("id,subject\na,1\n")
    with pytest.raises(UsageError, match="needed: recording_id, subject_id"):
        subjects_of(["a"], table)


# --- what ------------------------------------------------------------------------------------------


def audited(n_good: int, n_bad: int) -> dict[str, dict]:
    """Two groups: one staged well, one badly; the first subject has two nights."""
    nights = []
    for i in range(n_good + n_bad):
        group, share = ("young", 0.05) if i < n_good else ("old", 0.8)
        truth = course(i)
        nights.append(
            staged(f"n{i}", hypnogram(truth), hypnogram(blurred(truth, i, share)), str(max(i, 1)), {"age": group})
        )
    return {row["group"]: row for row in subgroup_table(JudgedNights.of(nights, 5, 0), 0).to_dicts()}


def test_a_group_that_is_staged_badly_is_seen() -> None:
    found = audited(7, 6)
    assert found["young"]["ci_low"] > found["old"]["ci_high"]
    assert (found["young"]["n_nights"], found["young"]["n_subjects"], found["young"]["status"]) == (7, 6, "ok")


def test_a_group_of_few_subjects_has_no_figure_whatever_its_nights() -> None:
    found = audited(MIN_SUBJECTS, MIN_SUBJECTS)["young"]  # one of the subjects has two nights
    assert (found["n_nights"], found["n_subjects"]) == (MIN_SUBJECTS, MIN_SUBJECTS - 1)
    assert (found["status"], found["kappa"], found["ci_low"]) == ("too few", None, None)


def test_nights_without_the_fact_are_in_no_group() -> None:
    nights = [staged(str(i), hypnogram(course(i)), hypnogram(course(i))) for i in range(6)]
    assert subgroup_table(JudgedNights.of(nights, 5, 0), 0).is_empty()

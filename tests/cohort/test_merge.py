"""Long tables of many nights: checked against the dictionary, widened, and what cannot be read left out and told."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.synthetic_nights import long_table
from holter2sleep.cohort import merge
from holter2sleep.cohort.checks import checked, problems_of
from holter2sleep.cohort.merge import Merged, NightTable, merge_nights
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.table import PHENOTYPE_SCHEMA
from holter2sleep.phenotypes.wide import in_dictionary_order, wide_table

LOW, HIGH = load_dictionary()["rmssd"].plausible
GOOD = {("rmssd", "night"): 40.0, ("rmssd", "nrem"): 45.0, ("sdnn", "night"): None}


def row(**changes: object) -> pl.DataFrame:
    """A row of rmssd of the night, with changes."""
    table = long_table("a", {("rmssd", "night"): 40.0})
    return table.with_columns(pl.lit(value, table.schema[name]).alias(name) for name, value in changes.items())


@pytest.mark.parametrize(
    ("changes", "problem", "found", "expected"),
    [
        ({}, None, None, None),
        ({"stratum": "hour_03"}, None, None, None),
        ({"status": "implausible", "value": 1e6}, None, None, None),
        ({"phenotype": "rmsd"}, "unknown_phenotype", None, None),
        ({"stratum": "dream"}, "unknown_stratum", "dream", None),
        ({"unit": "s"}, "other_unit", "s", "ms"),
        ({"unit": None}, "other_unit", None, "ms"),
        ({"status": "fine"}, "unknown_status", "fine", "ok insufficient_data not_applicable implausible"),
        ({"status": None}, "unknown_status", None, "ok insufficient_data not_applicable implausible"),
        ({"value": None}, "value_and_status", "ok", None),
        ({"value": float("nan")}, "value_and_status", "ok", None),
        ({"status": "insufficient_data"}, "value_and_status", "insufficient_data", None),
        ({"value": 1e6}, "not_plausible", "ok", f"{LOW:g} to {HIGH:g}"),
    ],
)
def test_a_row_is_what_the_dictionary_says_or_its_fault_is_named(
    changes: dict, problem: str | None, found: str | None, expected: str | None
) -> None:
    told = checked(row(**changes)).row(0, named=True)
    assert (told["problem"], told["found"], told["expected"]) == (problem, found, expected)


def test_faults_are_counted_by_nights() -> None:
    table = pl.concat([row(recording_id=name, unit="s") for name in ("a", "b")])
    found = problems_of(checked(table)).row(0, named=True)
    assert (found["problem"], found["n_nights"], found["first_night"]) == ("other_unit", 2, "a")


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from(["rmssd", "sdnn", "tst"]),
            st.sampled_from(["night", "nrem"]),
            st.none() | st.floats(0, 1e6),
        ),
        unique_by=lambda cell: cell[:3],
    )
)
@settings(max_examples=50, deadline=None)
def test_the_wide_table_is_the_pivot_of_the_long_one(cells: list) -> None:
    rows = [
        (n, p, s, v, "ms", "ok" if v is not None else "insufficient_data", 1, 1.0, None, None) for n, p, s, v in cells
    ]
    long = pl.DataFrame(rows, PHENOTYPE_SCHEMA, orient="row")
    wide = wide_table(long)
    known = {(n, f"{p}__{s}"): v for n, p, s, v in cells}
    assert set(wide.columns[1:]) == {name for _, name in known}
    for night in wide.iter_rows(named=True):
        for name in wide.columns[1:]:
            assert night[name] == known.get((night["recording_id"], name))


def test_the_order_of_columns_does_not_depend_on_the_first_night() -> None:
    one = in_dictionary_order(wide_table(long_table("a", {("rmssd", "rem"): 1.0, ("sdnn", "night"): 1.0})))
    assert one.columns == ["recording_id", "sdnn__night", "rmssd__rem"]


# --- files -----------------------------------------------------------------------------------------


def write(folder: Path, **tables: pl.DataFrame) -> list[NightTable]:
    nights = []
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
        nights.append(NightTable(name, folder / f"{name}.parquet"))
    return nights


def merged(tmp_path: Path, **tables: pl.DataFrame) -> Merged:
    (tmp_path / "in").mkdir()
    (tmp_path / "scratch").mkdir()
    return merge_nights(write(tmp_path / "in", **tables), tmp_path / "scratch")


def test_nights_are_merged_in_their_order_whatever_the_size_of_a_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = {name: long_table(name, {**GOOD, ("rmssd", "rem"): 10.0 + i}) for i, name in enumerate("abcde")}
    tables["e"] = tables["e"].filter(pl.col("stratum") == "night")
    whole = merged(tmp_path, **tables)
    monkeypatch.setattr(merge, "NIGHTS_A_BLOCK", 2)
    (tmp_path / "again").mkdir()
    parts = merged(tmp_path / "again", **tables)
    assert pl.read_parquet(parts.long).equals(pl.read_parquet(whole.long))
    assert parts.wide.equals(whole.wide)
    assert pl.read_parquet(whole.long).equals(pl.concat(tables.values()))
    assert whole.wide["rmssd__rem"].to_list() == [10.0, 11.0, 12.0, 13.0, None]
    assert whole.wide["sdnn__night"].null_count() == 5
    assert (len(whole.problems), whole.broken) == (0, {})
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == ["phenotypes.parquet"]


def test_what_the_dictionary_does_not_know_stays_in_the_long_table_alone(tmp_path: Path) -> None:
    old = long_table("b", GOOD).with_columns(
        pl.when(pl.col("stratum") == "nrem").then(pl.lit("s")).otherwise("unit").alias("unit")
    )
    found = merged(tmp_path, a=long_table("a", GOOD), b=old)
    assert found.wide["rmssd__nrem"].to_list() == [45.0, None]
    assert pl.read_parquet(found.long).height == 6
    assert found.problems.select("problem", "phenotype", "stratum", "n_nights").rows() == [
        ("other_unit", "rmssd", "nrem", 1)
    ]
    assert found.n_problems.rows() == [("b", 1)]


def test_columns_of_other_versions_are_told_and_absent_ones_are_null(tmp_path: Path) -> None:
    more = long_table("b", GOOD).with_columns(colour=pl.lit("blue")).drop("ci_low")
    found = merged(tmp_path, a=long_table("a", GOOD), b=more)
    assert pl.read_parquet(found.long).schema == PHENOTYPE_SCHEMA
    assert found.problems.select("problem", "found", "first_night").rows() == [("unknown_column", "colour", "b")]
    assert found.wide["rmssd__night"].to_list() == [40.0, 40.0]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (long_table("x", GOOD), "not those of the night"),
        (pl.concat([long_table("b", GOOD)] * 2), "two rows of rmssd, night"),
        (long_table("b", GOOD).drop("value"), "no column value"),
        (long_table("b", GOOD).with_columns(value=pl.lit("many")), "run analyze"),
        (long_table("b", GOOD).clear(), "not those of the night"),
        (long_table("b", GOOD).with_columns(phenotype=pl.lit(None, pl.String)), "without phenotype"),
    ],
)
def test_a_night_that_cannot_be_used_is_told_and_the_others_go_on(
    tmp_path: Path, bad: pl.DataFrame, words: str
) -> None:
    found = merged(tmp_path, a=long_table("a", GOOD), b=bad, c=long_table("c", GOOD))
    assert found.wide["recording_id"].to_list() == ["a", "c"]
    assert set(found.broken) == {"b"}
    assert words in found.broken["b"]


def test_a_file_that_is_no_parquet_is_told(tmp_path: Path) -> None:
    nights = write(tmp_path, a=long_table("a", GOOD), b=long_table("b", GOOD))
    content = nights[1].path.read_bytes()
    nights[1].path.write_bytes(content[: len(content) // 2])
    (tmp_path / "scratch").mkdir()
    found = merge_nights(nights, tmp_path / "scratch")
    assert found.wide["recording_id"].to_list() == ["a"]
    assert "no Parquet table" in found.broken["b"]

"""Nights side by side: worked numbers over three nights, one of which says nothing."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.person import MAIN, NightResult, facts_of_results, nights_table, summary_table
from holter2sleep.phenotypes.table import PHENOTYPE_SCHEMA
from holter2sleep.phenotypes.wide import column
from holter2sleep.sleep.periods import Period
from holter2sleep.split import Part


def night(number: int, *rows: tuple[str, str, float | None, str]) -> NightResult:
    """A night with the given phenotype, stratum, value and status."""
    place = Part("p", number, Period(1800.0, 27_000.0, 0.8, 60.0, 80.0, 1.0), 0.0, 28_800.0)
    values = [
        (place.recording_id, name, stratum, value, "ms", status, 9, 99.0, None, None)
        for name, stratum, value, status in rows
    ]
    table = pl.DataFrame(values, schema=PHENOTYPE_SCHEMA, orient="row")
    return NightResult(place, datetime(2024, 3, number, 22, 30), datetime(2024, 3, number + 1, 6, 30), table)


NIGHTS = [
    night(1, ("sdnn", "night", 100.0, "ok"), ("rmssd", "rem", 30.0, "ok"), ("sdnn", "hour_01", 50.0, "ok")),
    night(2, ("sdnn", "night", 130.0, "ok"), ("rmssd", "rem", None, "insufficient_data")),
    night(3, ("sdnn", "night", 900.0, "implausible"), ("rmssd", "rem", None, "not_applicable")),
]
FAILED = NightResult(NIGHTS[0].part, None, None, None, "too little", 4)


def row(table: pl.DataFrame, name: str, stratum: str) -> dict:
    return table.filter((pl.col("phenotype") == name) & (pl.col("stratum") == stratum)).row(0, named=True)


def test_only_values_with_status_ok_enter_the_summary() -> None:
    found = row(summary_table(NIGHTS), "sdnn", "night")
    assert (found["n_nights"], found["mean"], found["median"], found["min"], found["max"]) == (
        2,
        115.0,
        115.0,
        100.0,
        130.0,
    )
    assert found["sd"] == pytest.approx(450**0.5)  # sqrt((15^2 + 15^2) / 1)


def test_one_night_has_no_spread() -> None:
    found = row(summary_table(NIGHTS), "rmssd", "rem")
    assert (found["n_nights"], found["mean"], found["sd"]) == (1, 30.0, None)


def test_hours_of_different_nights_are_not_averaged() -> None:
    assert "hour_01" not in summary_table(NIGHTS)["stratum"].to_list()


def test_a_failed_night_has_its_row_and_enters_no_number() -> None:
    table = nights_table([FAILED, *NIGHTS[1:]])
    assert table["status"].to_list() == ["failed", "ok", "ok"]
    assert table[column("sdnn", "night")].to_list() == [None, 130.0, None]
    assert table["night_of"].to_list() == [None, date(2024, 3, 2), date(2024, 3, 3)]
    assert row(summary_table([FAILED, *NIGHTS[1:]]), "sdnn", "night")["n_nights"] == 1
    assert facts_of_results([FAILED])[0]["message"] == "too little"


def test_nothing_but_failures_makes_an_empty_summary() -> None:
    assert summary_table([FAILED]).height == 0
    assert nights_table([FAILED]).height == 1


def test_the_main_phenotypes_are_in_the_dictionary() -> None:
    assert {name for name, _ in MAIN} <= set(load_dictionary())
    assert len(set(MAIN)) == len(MAIN)

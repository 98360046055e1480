"""The page's comparison of two parts of the night against the cross table it prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from holter2sleep.errors import RecipeError
from holter2sleep.phenotypes.cross import cross_table
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.table import PHENOTYPE_SCHEMA
from holter2sleep.report.contrast_section import _contrast, _row
from holter2sleep.report.layout import read_layout
from holter2sleep.report.night_figure import TRACKS
from holter2sleep.report.sections import SECTIONS
from holter2sleep.report.words import Words, load_words

ENTRIES, WORDS = load_dictionary(), load_words()
Pair = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]


def contrast(name: str, unit: str, values: tuple[float, float], *more: tuple) -> Pair:
    """The rows of a phenotype in REM, in NREM and of the one against the other, each part an hour long."""
    rows = [
        ("n", name, stratum, value, unit, "ok", 900, 3600.0, None, None)
        for stratum, value in zip(("rem", "nrem"), values, strict=True)
    ]
    table = cross_table(pl.DataFrame([*rows, *more], PHENOTYPE_SCHEMA, orient="row"))
    own = table.filter(pl.col("phenotype") == name)
    alone = (own.filter((pl.col("stratum") == stratum) & pl.col("against").is_null()) for stratum in ("rem", "nrem"))
    rem, nrem, against = (rows.row(0, named=True) for rows in (*alone, own.filter(pl.col("against") == "nrem")))
    return rem, nrem, against


def row_of(name: str, unit: str, values: tuple[float, float], words: Words = WORDS) -> list[str]:
    rem, nrem, against = contrast(name, unit, values)
    return _row(ENTRIES[name], [rem, nrem], against, words)


def test_counts_are_printed_as_a_ratio_with_its_interval() -> None:
    row = row_of("veb_per_hour", "count/h", (20.0, 10.0))
    assert row == ["VEB rate, /h", "20.00 (12.22 to 30.89)", "10.00 (4.80 to 18.39)", "x 2.00 (0.89 to 4.78)"]


def test_a_few_events_are_told_per_hour_with_what_they_leave_open() -> None:
    """3 pauses against 1, an hour each: Garwood's intervals; the ratio's upper end by Clopper and Pearson is 157."""
    row = row_of("n_pauses", "count", (3.0, 1.0))
    assert row == ["Pauses, /h", "3.00 (0.62 to 8.77)", "1.00 (0.03 to 5.57)", "x 3.00 (0.24 to > 100)"]
    many = row_of("n_pauses", "count", (400.0, 1.0), load_words("de"))
    assert many[1] == "400,00 (361,76 bis 441,19)"
    assert many[3] == "x > 100 (71,38 bis > 100)"


def test_counts_that_cluster_show_the_wider_interval() -> None:
    clusters = [("n", "veb_dispersion", s, 9.0, "ratio", "ok", 900, 3600.0, None, None) for s in ("rem", "nrem")]
    assert _contrast(
        contrast("veb_per_hour", "count/h", (20.0, 10.0), *clusters)[-1], ENTRIES["veb_per_hour"], WORDS
    ) == ("x 2.00 (0.21 to 19.50)")


def test_a_rate_is_printed_as_a_difference_with_its_sign() -> None:
    assert row_of("heart_rate_mean", "bpm", (63.0, 60.0))[-1] == "+3.0"
    assert row_of("heart_rate_mean", "bpm", (58.0, 60.0))[-1] == "-2.0"


def test_a_count_against_none_and_a_number_that_is_missing_say_so() -> None:
    assert row_of("n_pauses", "count", (2.0, 0.0))[-1] == "none to compare with"
    assert _row(ENTRIES["rmssd"], [None, None], None, WORDS) == ["RMSSD, ms", *["too few data"] * 3]


def test_a_number_of_one_part_is_shown_where_the_other_has_none() -> None:
    _, nrem, _ = contrast("rmssd", "ms", (30.0, 40.0))
    assert _row(ENTRIES["rmssd"], [None, nrem], None, WORDS) == ["RMSSD, ms", "too few data", "40.0", "too few data"]


@pytest.mark.parametrize("strata", ['["rem"]', '["rem", "nrem", "n3"]'])
def test_a_comparison_has_two_sides(tmp_path: Path, strata: str) -> None:
    layout = tmp_path / "mine.toml"
    head = 'title = "t"\n[limits]\nbanner_analysable_h = 1.0\nbanner_analysable_percent = 1.0\nlow_confidence = 0.5\n'
    head += "days_above_h = 48\n"
    section = f'[[section]]\ndraw = "contrasts"\ntitle = ""\ncaption = ""\nphenotypes = ["rmssd"]\nstrata = {strata}\n'
    layout.write_text(head + section)
    with pytest.raises(RecipeError, match="give two"):
        read_layout(layout, SECTIONS, TRACKS)

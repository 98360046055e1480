"""The hourly table stays readable, and quick to draw, when a recording is mostly gap."""

from __future__ import annotations

import polars as pl
import pytest
from made_nights import RECIPE, analysed

from holter2sleep.night import STAGE_STRATA, UNSCORED
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.files import tables_of
from holter2sleep.report.hour_section import ALIKE_HOURS, _staged, _without_repeats, stage_percents
from holter2sleep.report.tables import Cell, ReportNight
from holter2sleep.report.words import load_words


def hours(*cells: str) -> list[list[str]]:
    return [[f"{i}  {(21 + i) % 24:02d}:00", cell] for i, cell in enumerate(cells, 1)]


def test_hours_of_a_long_gap_are_one_row_that_says_which() -> None:
    rows = hours("61", *["too few"] * 600, "58")
    assert _without_repeats(rows, load_words()) == [rows[0], ["2 to 601", "too few"], rows[-1]]


@pytest.mark.parametrize("n", [1, ALIKE_HOURS - 1])
def test_the_hours_of_a_usual_night_have_a_row_each(n: int) -> None:
    rows = hours("61", *["too few"] * n, "58")
    assert _without_repeats(rows, load_words()) == rows


def test_hours_that_differ_are_never_joined() -> None:
    rows = hours(*map(str, range(40)))
    assert _without_repeats(rows, load_words()) == rows


@pytest.mark.parametrize("stage", ["sleep", "rem"])
def test_the_share_of_a_stage_is_counted_hour_by_hour(stage: str) -> None:
    night = analysed("short", hours=2.4)
    tables = tables_of(night, RECIPE)
    others = (tables[name] for name in ("beats", "episodes", "strips", "averages"))
    found = stage_percents(ReportNight({}, {}, tables["cardio_sleep"], tables["epochs"], *others, load_words()), stage)
    staged = tables["epochs"].filter(pl.col("stage") != UNSCORED)
    inside = staged["stage"].is_in(list(STAGE_STRATA[stage][0]))
    assert found["night"] == f"{100 * inside.mean():.0f}"
    for number in (1, 2, 3):
        here = (staged["onset_s"] + 15) // 3600 == number - 1
        assert found.get(f"hour_{number:02d}") == (f"{100 * inside.filter(here).mean():.0f}" if here.any() else None)


@pytest.mark.parametrize(("status", "shown"), [("ok", "0"), ("insufficient_data", "0"), ("not_applicable", "n/a")])
def test_no_share_of_rem_is_told_where_the_stages_do_not_know_it(status: str, shown: str) -> None:
    epochs = pl.DataFrame({"stage": ["W", "N2", UNSCORED], "onset_s": [0.0, 30.0, 60.0]})
    rem = Cell(load_dictionary()["rem_min"], 0.0, status, None, None, None, None, load_words())
    none = pl.DataFrame()
    night = ReportNight({}, {("rem_min", "night"): rem}, none, epochs, none, none, none, none, load_words())
    assert _staged(night)("night") == ["50", shown]
    assert _staged(night)("hour_02") == ["too few", shown if shown == "n/a" else "too few"]

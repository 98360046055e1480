"""The table of the longest episodes against the table it is read from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from night_tables import NightPlan, write_night

from holter2sleep.phenotypes.epochs import EPISODE_SCHEMA
from holter2sleep.phenotypes.files import read_night
from holter2sleep.report import episode_section
from holter2sleep.report.episode_section import KINDS, SHOWN, longest_episodes
from holter2sleep.report.layout import read_layout
from holter2sleep.report.night_figure import TRACKS
from holter2sleep.report.sections import SECTIONS
from holter2sleep.report.tables import ReportNight, report_night
from holter2sleep.report.words import load_words

LAYOUT = read_layout(None, SECTIONS, TRACKS)
SECTION = next(each for each in LAYOUT.section if each.draw == "longest_episodes")
Rows = list[list[str]]


def night_of(folder: Path, *episodes: tuple[Any, ...], language: str = "en", **facts: Any) -> ReportNight:
    """Episodes as start, end, kind, beats, rate, stage."""
    night = report_night(read_night(write_night(folder, NightPlan(**{"hours": 0.5, **facts}))), load_words(language))
    table = pl.DataFrame([(*each, None) for each in episodes], EPISODE_SCHEMA, orient="row")
    return replace(night, episodes=table)


@pytest.fixture
def rows_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The cells of the table that a night would draw."""
    drawn: list[Rows] = []
    monkeypatch.setattr(episode_section, "table_blocks", lambda columns, rows: drawn.append(rows))

    def read(night: ReportNight) -> Rows:
        longest_episodes(night, LAYOUT, SECTION)
        return drawn[-1]

    return read


def test_a_row_says_stage_clock_length_beats_and_rate(tmp_path: Path, rows_of: Any) -> None:
    night = night_of(tmp_path, (61.0, 361.0, "AFIB", 430, 86.4, "N2"), (1000.0, 1003.25, "PAUSE", 2, 18.46, "R"))
    assert rows_of(night) == [
        ["AF pattern", "N2", "22:42:06", "5.0 min", "430", "86"],
        ["pause", "REM", "22:57:45", "3.2 s", "2", "18"],
    ]
    german = rows_of(replace(night, words=load_words("de")))
    assert german[0] == ["VHF-Muster", "N2", "22:42:06", "5,0 min", "430", "86"]


def test_the_longest_of_a_kind_are_shown_by_their_start_and_the_others_counted(tmp_path: Path, rows_of: Any) -> None:
    lengths = (5.0, 1.0, 4.0, 3.0, 2.0, 6.0)
    runs = [(100.0 * i, 100.0 * i + length, "VT", 4, 150.0, "N3") for i, length in enumerate(lengths)]
    found = rows_of(night_of(tmp_path, *runs))
    assert [row[0] for row in found] == ["V run (4 of 6)", "", "", ""]
    assert [row[3] for row in found] == ["5.0 s", "4.0 s", "3.0 s", "6.0 s"]
    assert len(found) == SHOWN


def test_episodes_of_one_length_are_those_that_came_first(tmp_path: Path, rows_of: Any) -> None:
    runs = [(100.0 * i, 100.0 * i + 1.0, "SVTA", 3, 120.0, "W") for i in range(6)]
    assert [row[2] for row in rows_of(night_of(tmp_path, *runs))] == ["22:41:05", "22:42:45", "22:44:25", "22:46:05"]


def test_kinds_stand_in_the_order_of_interest_and_those_that_are_no_rhythm_are_left_out(
    tmp_path: Path, rows_of: Any
) -> None:
    kinds = ("TACHY", "RESP", "SURGE", "B", "COUPLET_V", "AFIB")
    found = rows_of(
        night_of(tmp_path, *((10.0 * i, 10.0 * i + 5, kind, 5, None, None) for i, kind in enumerate(kinds)))
    )
    assert [row[0] for row in found] == ["AF pattern", "bigeminy", "fast sinus rate"]
    assert {(row[1], row[5]) for row in found} == {("-", "")}


def test_every_kind_has_a_name_in_both_languages() -> None:
    for language in ("en", "de"):
        assert len({load_words(language)(f"episode.{kind}") for kind in KINDS}) == len(KINDS)


def test_the_date_stands_beside_the_clock_where_there_are_several(tmp_path: Path, rows_of: Any) -> None:
    episode = (5 * 3600.0, 5 * 3600 + 60.0, "AFIB", 90, 90.0, "N2")
    assert rows_of(night_of(tmp_path / "a", episode, hours=30.0))[0][2] == "2026-02-01 03:41:05"
    assert rows_of(night_of(tmp_path / "b", episode, hours=24.0))[0][2] == "03:41:05"
    assert rows_of(night_of(tmp_path / "c", episode, hours=30.0, start=None))[0][2] == "+5:00:00"


def test_a_night_without_episodes_says_so(tmp_path: Path) -> None:
    (block,) = longest_episodes(night_of(tmp_path), LAYOUT, SECTION)
    assert "No episode of a rhythm" in block.html

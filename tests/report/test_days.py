"""Recordings above two days: a row for each day in the figure and in the table of the rhythm."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from drawn_nights import Drawn
from night_tables import NightPlan, write_night

from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.files import read_night
from holter2sleep.report.axes import ectopy_counts, spans_h
from holter2sleep.report.day_figure import LOWEST_MM, day_blocks, scales_of
from holter2sleep.report.days import days_of
from holter2sleep.report.hour_section import together
from holter2sleep.report.layout import DAY_TRACKS, read_layout
from holter2sleep.report.night_figure import TRACKS
from holter2sleep.report.sections import SECTIONS
from holter2sleep.report.tables import Cell, ReportNight, report_night
from holter2sleep.report.words import load_words

LAYOUT = read_layout(None, SECTIONS, TRACKS)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> ReportNight:
    """62 h from 22:41:05 on the last of January."""
    plan = NightPlan(hours=62.0, scheme="CARDIO3")
    return report_night(read_night(write_night(tmp_path_factory.mktemp("three"), plan)))


def started(night: ReportNight, start: str | None, **facts: object) -> ReportNight:
    return dataclasses.replace(night, run=night.run | {"start": start} | facts)


# --- days ------------------------------------------------------------------------------------------


def test_a_day_goes_from_noon_to_noon_and_has_the_hours_that_begin_in_it(three: ReportNight) -> None:
    days = days_of(three)
    assert [day.label for day in days] == ["2026-01-31", "2026-02-01", "2026-02-02", "2026-02-03"]
    assert [day.hours for day in days] == [range(1, 15), range(15, 39), range(39, 63), range(0)]
    assert days[0].start_h == pytest.approx(-(10 + 41 / 60 + 5 / 3600))
    assert days[0].end_h == pytest.approx(13 + 18 / 60 + 55 / 3600)


def test_every_epoch_and_every_hour_lies_in_one_day(three: ReportNight) -> None:
    days = days_of(three)
    assert [n for day in days for n in day.hours] == list(range(1, 63))
    assert pl.concat([day.part.epochs for day in days])["epoch"].equals(three.epochs["epoch"])


def test_days_of_an_unknown_clock_are_counted_from_the_start(three: ReportNight) -> None:
    days = days_of(started(three, None))
    assert [day.label for day in days] == ["day 1", "day 2", "day 3"]
    assert [(day.start_h, day.end_h) for day in days] == [(0, 24), (24, 48), (48, 72)]


def test_the_day_on_which_clocks_go_forward_has_twenty_three_hours(three: ReportNight) -> None:
    night = started(three, datetime(2024, 3, 30, 12).isoformat(), time_zone="Europe/Berlin")
    assert [day.end_h - day.start_h for day in days_of(night)] == [23.0, 24.0, 24.0]


# --- table -----------------------------------------------------------------------------------------


def cell(name: str, value: float | None, n: int = 10, coverage_s: float = 600.0) -> Cell:
    status = "insufficient_data" if value is None else "ok"
    return Cell(load_dictionary()[name], value, status, n, coverage_s, None, None, load_words())


@pytest.mark.parametrize(
    ("name", "cells", "printed"),
    [
        ("n_veb", [(2.0, 9, 60.0), (None, 0, 0.0), (5.0, 9, 60.0)], "7"),
        ("analysable_time", [(0.5, 9, 60.0), (1.0, 9, 60.0)], "1.50"),
        ("heart_rate_min", [(48.0, 9, 60.0), (41.0, 9, 60.0)], "41"),
        ("heart_rate_max", [(98.0, 9, 60.0), (141.0, 9, 60.0)], "141"),
        # 60 intervals of 1 s and 120 of 0.5 s: 180 in two minutes
        ("heart_rate_mean", [(60.0, 60, 60.0), (120.0, 120, 60.0)], "90.0"),
        ("af_burden", [(100.0, 9, 900.0), (0.0, 9, 2700.0)], "25.0"),
        ("af_burden", [(None, 9, 0.0)], "too few"),
        ("lf_hf", [(1.0, 9, 60.0), (2.0, 9, 60.0)], "n/a"),
    ],
)
def test_hours_are_put_together_by_what_their_number_means(
    name: str, cells: list[tuple[float | None, int, float]], printed: str
) -> None:
    assert together([cell(name, *each) for each in cells]).short == printed


def test_the_page_has_the_days_in_place_of_hours_and_they_add_up(report: Callable[[str], Drawn]) -> None:
    found = report("three days")
    page = next(page for page in found.reader.pages if "Rhythm over time" in page.extract_text())
    lines = [line.split() for line in page.extract_text(extraction_mode="layout").splitlines()]
    days = [line for line in lines if line and line[0].startswith("2026-0")]
    assert [line[1] for line in days] == ["1-14", "15-38", "39-62"]
    assert [int(line[3].replace(",", "")) for line in days] == [3480 * 14, 3480 * 24, 3480 * 24]


# --- figure ----------------------------------------------------------------------------------------


def test_sentences_point_to_tracks_that_are_drawn() -> None:
    assert LAYOUT.track_letters(48.0) == {name: "abcdefghijk"[i] for i, name in enumerate(TRACKS)}
    assert set(LAYOUT.track_letters(48.1)) == set(DAY_TRACKS)
    assert list(LAYOUT.track_letters(48.1).values()) == list("abcde")


def test_two_weeks_lie_on_one_page_and_a_month_on_two(three: ReportNight) -> None:
    day = days_of(three)[0]
    assert [len(day_blocks([day] * n, DAY_TRACKS, load_words())) for n in (3, 15, 16, 31)] == [1, 1, 2, 3]
    assert day_blocks([day] * 15, DAY_TRACKS, load_words())[0].height_mm >= 15 * LOWEST_MM


def test_all_rows_share_scales_that_hold_the_ectopy_of_every_day(three: ReportNight) -> None:
    days = days_of(three)
    scales = scales_of(days)
    highest = max(ectopy_counts(day.part.epochs, label).max() for day in days for label in "VS")
    assert scales.ectopic == max(4.0, highest)
    assert scales.rate_bpm[0] % 10 == 0
    assert scales.rate_bpm[0] < scales.rate_bpm[1]


def test_spans_of_a_part_lie_on_the_time_of_the_recording(three: ReportNight) -> None:
    later = three.epochs.filter(pl.col("epoch") >= 240)
    assert spans_h(later, np.arange(len(later)) < 120).tolist() == [[2.0, 3.0]]
    assert len(spans_h(later[:0], np.zeros(0, bool))) == 0


def test_a_night_has_rows_of_hours_in_place_of_days(report: Callable[[str], Drawn]) -> None:
    heads = {"Day, hours": "three days", "Hour h Beats": "thirty hours"}
    for head, name in heads.items():
        assert [other for other in heads if other in " ".join(report(name).text.split())] == [head]

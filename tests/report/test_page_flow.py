"""Which blocks stand on which page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from drawn_nights import PLANS, Drawn
from night_tables import NightPlan, write_night

from holter2sleep.report.layout import Section
from holter2sleep.report.page import BOTTOM_MM, TOP_MM, Block
from holter2sleep.report.pdf import GAP_MM, KEPT_LAST_MM, LEAST_SHRUNK, flow, write_report

ROOM_MM = BOTTOM_MM - TOP_MM


def block(height_mm: float, *, free: bool = False) -> Block:
    def sized(mm: float) -> Block:
        return Block(mm, lambda _page, _top_mm: None, shrunk=sized if free else None)

    return sized(height_mm)


def heights(*sections: list[Block], title: str = "") -> list[list[float]]:
    section = Section(draw="limits", title=title, caption="")
    return [[each.height_mm for _, each in sheet] for sheet in flow(sections, [section] * len(sections))]


def test_a_caption_never_stands_alone_on_a_page() -> None:
    rows = [block(ROOM_MM - 20.0), block(18.0), block(KEPT_LAST_MM)]
    assert heights(rows) == [[ROOM_MM - 20.0], [18.0, KEPT_LAST_MM]]


def test_a_short_section_is_not_cut_and_a_long_one_is() -> None:
    above, short, long = [block(ROOM_MM - 30.0)], [block(9.0) for _ in range(6)], [block(9.0) for _ in range(12)]
    assert [len(sheet) for sheet in heights(above, short)] == [1, 6]
    assert [len(sheet) for sheet in heights(above, long)] == [4, 9]


def test_a_figure_of_free_size_takes_the_room_there_is_before_it_leaves_the_page() -> None:
    height_mm = 100.0
    above = [block(ROOM_MM - 95.0)]
    (sheet,) = heights(above, [block(height_mm, free=True), block(3.0)])
    assert sheet[1] == pytest.approx(95.0 - GAP_MM - 3.0)
    too_little = [block(ROOM_MM - LEAST_SHRUNK * height_mm)]
    assert len(heights(too_little, [block(height_mm, free=True), block(3.0)])) == 2


@pytest.mark.parametrize("name", PLANS)
def test_the_last_page_holds_all_limits_and_no_page_a_line_or_two(report: Callable[..., Drawn], name: str) -> None:
    pages = report(name).pages
    assert "Research use only. This report describes" in pages[-1]
    assert min(len(page.splitlines()) for page in pages) > 10


@pytest.mark.parametrize("language", ["en", "de"])
def test_page_one_ends_with_the_figure_under_a_banner_too(tmp_path: Path, language: str) -> None:
    """Long lines in the header, a banner, a statement of eight sentences (ten lines in German)."""
    plan = NightPlan(hours=8.0, unusable_share=0.5, af=True)
    night = write_night(tmp_path, plan)
    page = Drawn(write_report(night, language=language)).reader.pages[0].extract_text()
    assert ("Limited quality" if language == "en" else "Eingeschränkte") in page
    assert ("pale: low confidence" if language == "en" else "blass") in page

"""The report for a screen: the numbers of the tables as words, nothing from outside, the same bytes again."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from drawn_nights import PLANS
from night_tables import NightPlan, write_night

from holter2sleep.report.html import write_html
from holter2sleep.report.layout import read_layout
from holter2sleep.report.night_figure import TRACKS
from holter2sleep.report.page import MM_PER_POINT
from holter2sleep.report.sections import SECTIONS


class Page(HTMLParser):
    """Words, tags and what they point to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.pointers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = {name: value or "" for name, value in attrs}
        self.ids += [found["id"]] if "id" in found else []
        self.pointers += [value for name, value in found.items() if name in ("href", "src", "xlink:href")]

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


@pytest.fixture(scope="module", params=list(PLANS))
def text(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_html(write_night(tmp_path_factory.mktemp("night"), PLANS[request.param])).read_text(encoding="utf-8")


def test_nothing_is_fetched_and_nothing_runs(text: str) -> None:
    page = Page(text)
    assert "script" not in page.tags
    assert "default-src 'none'" in text
    assert all(pointer.startswith(("#", "data:image/png")) for pointer in page.pointers)
    assert not re.search(r"url\((?!#)", text)


def test_names_within_drawings_are_one_of_a_kind_and_known(text: str) -> None:
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert {pointer[1:] for pointer in page.pointers if pointer.startswith("#")} <= set(page.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(page.ids)


def test_every_titled_section_is_linked_and_the_purpose_is_said(text: str) -> None:
    words = Page(text).words
    for section in read_layout(None, SECTIONS, TRACKS).section:
        if section.title:
            assert sum(word.endswith(section.title) for word in words) >= 2  # in the contents and over the section
    assert "Research use only, not for diagnosis." in words


def test_the_numbers_are_those_of_the_tables(tmp_path: Path) -> None:
    page = Page(write_html(write_night(tmp_path, PLANS["ordinary"])).read_text(encoding="utf-8"))
    for number in ("403.5 min", "43.2", "87.7", "1,234", "777"):
        assert number in page.words, number


def test_a_strip_is_shown_from_its_pulse_to_its_end(tmp_path: Path) -> None:
    text = write_html(write_night(tmp_path, NightPlan(hours=1.0))).read_text(encoding="utf-8")
    strips = text[text.index("<h2>Strips") : text.index("<h2>Edits")]
    widths_mm = [float(width) * MM_PER_POINT for width in re.findall(r'viewBox="0 0 ([\d.]+) ', strips)]
    paper_mm = 8 + 7.6 * 25  # room of the pulse, and 7.6 s at 25 mm/s
    assert len(widths_mm) >= 4
    assert min(widths_mm[1:]) > paper_mm  # the first shows the check bar


def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    one, other = (write_html(write_night(tmp_path / name, NightPlan(hours=1.0))).read_bytes() for name in "ab")
    assert one == other


def test_words_of_a_file_cannot_become_tags(tmp_path: Path) -> None:
    folder = write_night(tmp_path, NightPlan(hours=1.0))
    run = (folder / "run.json").read_text().replace('"n01"', '"<b onclick=x>n01"')
    (folder / "run.json").write_text(run)
    assert "<b onclick" not in write_html(folder).read_text(encoding="utf-8")

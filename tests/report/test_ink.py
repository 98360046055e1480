"""Text, lines and boxes of a page as they lie in the PDF."""

from __future__ import annotations

import io
import re

import pytest
from drawn_nights import read_page
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from pypdf import PageObject, PdfReader

from holter2sleep.report.document import document
from holter2sleep.report.page import HEIGHT_MM, MM_PER_POINT, Page, Weight, text_width_mm
from holter2sleep.report.pdf_objects import pdf_object

FACTS = {"Title": "A page", "Creator": "a test"}


def written(*pages: Page) -> bytes:
    return document(pages, FACTS, "en")


def read(*pages: Page) -> list[PageObject]:
    return list(PdfReader(io.BytesIO(written(*pages))).pages)


def operators(page: PageObject) -> list[str]:
    contents = page.get_contents()
    assert contents is not None
    return contents.get_data().decode("latin-1").splitlines()


def fonts(page: PageObject) -> dict[str, dict]:
    return {name: font.get_object() for name, font in page["/Resources"]["/Font"].items()}


@pytest.mark.parametrize(("align", "share"), [("left", 0.0), ("center", 0.5), ("right", 1.0)])
def test_text_begins_its_share_of_its_width_before_the_point_it_is_aligned_to(align: str, share: float) -> None:
    page = Page()
    page.text(100.0, 50.0, "Wave", size=8.0, align=align)  # type: ignore[arg-type]
    ((words, size, x_mm, y_mm),) = read_page(read(page)[0])[1]
    assert (words, size) == ("Wave", 8.0)
    assert x_mm == pytest.approx(100.0 - share * text_width_mm("Wave", 8.0), abs=0.001)
    assert HEIGHT_MM - y_mm == pytest.approx(50.0, abs=0.001)


@pytest.mark.parametrize("weight", ["normal", "bold"])
def test_the_widths_told_to_a_viewer_are_those_that_lines_are_broken_by(weight: Weight) -> None:
    page, text = Page(), "AVfi 0123 ≥ † é ms²"
    page.text(20.0, 20.0, text, weight=weight)
    ((descendant,),) = [font["/DescendantFonts"] for font in fonts(read(page)[0]).values()]
    flat = list(descendant.get_object()["/W"])
    width = {chr(code): row[0] for code, row in zip(flat[::2], flat[1::2], strict=True)}
    told_mm = sum(width[letter] for letter in text) / 1000 * 7.0 * MM_PER_POINT
    assert told_mm == pytest.approx(text_width_mm(text, 7.0, weight), rel=1e-3)


def test_letters_of_every_kind_are_read_back() -> None:
    page, text = Page(), "affinity office: ≥ 5 ms² … é (x\\y) <a>"
    page.text(20.0, 20.0, text)
    assert read(page)[0].extract_text().strip() == text


def test_a_letter_the_font_lacks_is_read_back_too() -> None:
    page = Page()
    page.text(20.0, 20.0, "night 夜")
    assert read(page)[0].extract_text().strip() == "night 夜"


@pytest.mark.parametrize("letter", ["夜", "\t", "\ufdd0"])
def test_the_box_for_a_letter_the_font_lacks_is_as_wide_as_lines_take_it_for(letter: str) -> None:
    page = Page()
    page.text(20.0, 20.0, f"n{letter}", align="right")
    ((descendant,),) = [font["/DescendantFonts"] for font in fonts(read(page)[0]).values()]
    numbers = descendant.get_object()["/CIDToGIDMap"].get_data()
    assert numbers[2 * ord(letter) :][:2] == b"\0\0"  # a viewer need not show anything for a code behind the last
    told_mm = descendant.get_object()["/DW"] / 1000 * 7.0 * MM_PER_POINT
    assert told_mm == pytest.approx(text_width_mm(letter, 7.0), rel=1e-3)


@pytest.mark.parametrize(("text", "drawn"), [("😀 née", "😀 née"), ("ليل夜", "ليل\ufffd"), ("a\U00020000", "a\ufffd")])
def test_letters_without_a_code_of_two_bytes_are_left_to_matplotlib_too(text: str, drawn: str) -> None:
    page = Page()
    page.text(20.0, 20.0, text, align="right")
    assert [each.get_text() for each in page.figure.texts] == [drawn]
    assert sorted(read(page)[0].extract_text().strip()) == sorted(drawn)


def test_letters_that_join_or_run_to_the_left_are_left_to_matplotlib() -> None:
    page = Page()
    for text in ("ليل", "לילה", "e\u0301"):
        page.text(20.0, 20.0, text)
    page.text(20.0, 30.0, "é ≥ plain")
    assert [text.text for text in page.texts] == ["é ≥ plain"]
    assert [text.get_text() for text in page.figure.texts] == ["ليل", "לילה", "e\u0301"]


def test_a_font_holds_no_more_letters_than_there_are() -> None:
    one, two = Page(), Page()
    one.text(20.0, 20.0, "abba")
    two.text(20.0, 20.0, "acca", size=9.0)
    for page in read(one, two):
        ((descendant,),) = [font["/DescendantFonts"] for font in fonts(page).values()]
        assert list(descendant.get_object()["/W"])[::2] == [ord(letter) for letter in "abc"]


def test_lines_and_boxes_lie_where_they_were_drawn_in_their_colour() -> None:
    page = Page()
    page.line((10.0, 20.0), (30.0, 40.0), colour="#ff0000", width=0.4)
    page.box(10.0, 50.0, 30.0, 5.0, fill="#0000ff")
    found = "\n".join(operators(read(page)[0]))
    numbers = [float(word) for word in re.findall(r"1 0 0 RG\n0\.4 w\n(\S+) (\S+) m\n(\S+) (\S+) l\nS", found)[0]]
    at_mm = [number * MM_PER_POINT for number in numbers]
    assert at_mm == pytest.approx([10.0, HEIGHT_MM - 30.0, 20.0, HEIGHT_MM - 40.0], abs=0.001)
    numbers = [float(word) for word in re.findall(r"0 0 1 rg\n(\S+) (\S+) (\S+) (\S+) re\nf", found)[0]]
    assert [number * MM_PER_POINT for number in numbers] == pytest.approx(
        [10.0, HEIGHT_MM - 55.0, 30.0, 5.0], abs=0.001
    )


def test_text_lies_upon_lines_and_these_upon_boxes_whatever_came_first() -> None:
    page = Page()
    page.text(20.0, 20.0, "x")
    page.line((10.0, 20.0), (30.0, 40.0))
    page.box(10.0, 50.0, 30.0, 5.0, fill="#0000ff")
    found = operators(read(page)[0])
    behind_figure = found[found.index("Q 0 J 0 j") :]
    assert [each for each in behind_figure if each in ("f", "S", "ET")] == ["f", "S", "ET"]


def test_what_a_figure_does_to_the_pen_does_not_reach_the_lines_behind_it() -> None:
    page = Page()
    page.axes(20.0, 20.0, 50.0, 50.0).plot([0, 1], [0, 1], alpha=0.1)
    page.line((10.0, 20.0), (30.0, 40.0))
    found = operators(read(page)[0])
    depth = [line.split().count("q") - line.split().count("Q") for line in found]
    assert found[0] == "q"
    assert sum(depth[: found.index("Q 0 J 0 j") + 1]) == 0


def test_a_link_covers_its_words() -> None:
    page = Page()
    page.text(100.0, 50.0, "here", size=10.0, align="right", url="https://example.org")
    (note,) = (each.get_object() for each in read(page)[0]["/Annots"])
    assert note["/A"]["/URI"] == "https://example.org"
    left, low, right, high = (float(edge) * MM_PER_POINT for edge in note["/Rect"])
    assert (left, right) == pytest.approx((100.0 - text_width_mm("here", 10.0), 100.0), abs=0.01)
    assert low < HEIGHT_MM - 50.0 < high


def test_the_same_pages_give_the_same_bytes() -> None:
    def page() -> Page:
        made = Page()
        made.text(20.0, 20.0, "zebra", weight="bold")
        made.text(20.0, 30.0, "answer")
        return made

    assert written(page(), page()) == written(page(), page())


def test_a_page_without_text_has_no_font() -> None:
    assert fonts(read(Page())[0]) == {}


def test_a_screen_shows_what_the_pdf_shows() -> None:
    page = Page()
    page.text(20.0, 20.0, "x")
    page.line((10.0, 20.0), (30.0, 40.0))
    page.box(10.0, 50.0, 30.0, 5.0, fill="#0000ff")
    figure = page.picture()
    assert [text.get_text() for text in figure.texts] == ["x"]
    assert [type(each) for each in figure.artists] == [Rectangle, Line2D]


def test_an_unknown_kind_of_value_is_no_object_of_a_pdf() -> None:
    with pytest.raises(TypeError, match="no object of a PDF"):
        pdf_object(object())


def test_half_a_letter_of_a_file_name_is_a_question_mark() -> None:
    page = Page()
    page.text(20.0, 20.0, "night\udcff.edf")
    assert read(page)[0].extract_text().strip() == "night?.edf"

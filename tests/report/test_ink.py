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
from holter2sleep.report.page import HEIGHT_MM, MM_PER_POINT, Page, Weight, _advance, text_width_mm
from holter2sleep.report.pdf_objects import pdf_object

DOUBLE_STRUCK = "\N{MATHEMATICAL DOUBLE-STRUCK CAPITAL A} plain"
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


def widths_told(descendant: dict) -> tuple[dict[str, float], float]:
    """Width of each letter that has one, in thousandths of the size, and of all others."""
    *flat, first, last, of_halves = list(descendant["/W"])
    assert (chr(first), chr(last), of_halves) == ("\ud800", "\udbff", 0)
    return {chr(code): row[0] for code, row in zip(flat[::2], flat[1::2], strict=True)}, float(descendant["/DW"])


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
    page, text = Page(), "夜AVfi 0123 ≥ † é ms²\n"
    page.text(20.0, 20.0, text, weight=weight)
    ((descendant,),) = [font["/DescendantFonts"] for font in fonts(read(page)[0]).values()]
    width, of_others = widths_told(descendant.get_object())
    assert set(text) - set(width) == set("夜\n")  # which the font lacks
    told_mm = sum(width.get(letter, of_others) for letter in text) / 1000 * 7.0 * MM_PER_POINT
    assert told_mm == pytest.approx(text_width_mm(text, 7.0, weight), rel=1e-3)


def test_letters_of_every_kind_are_read_back() -> None:
    page, text = Page(), "affinity office: ≥ 5 ms² … é (x\\y) <a>"
    page.text(20.0, 20.0, text)
    assert read(page)[0].extract_text().strip() == text


def test_a_letter_the_font_lacks_is_read_back_too() -> None:
    page = Page()
    page.text(20.0, 20.0, "night 夜")
    assert read(page)[0].extract_text().strip() == "night 夜"


@pytest.mark.parametrize("letter", ["夜", "\n", "🌙"])
def test_a_letter_the_font_lacks_is_as_wide_as_its_box_whatever_was_measured_before(letter: str) -> None:
    page = Page()
    page.text(100.0, 20.0, letter, align="right")
    measured = []
    for before in "WI":
        _advance.cache_clear()
        text_width_mm(before, 7.0)
        measured.append(text_width_mm(letter, 7.0))
    assert measured == pytest.approx([7.0 * MM_PER_POINT * 1229 / 2048] * 2)  # of .notdef, in units of the font
    (begin,) = (line for line in operators(read(page)[0]) if line.endswith("Td"))
    assert float(begin.split()[0]) * MM_PER_POINT == pytest.approx(100.0 - measured[0], abs=0.001)


def test_every_letter_the_font_lacks_has_the_box_for_its_shape() -> None:
    page = Page()
    page.text(20.0, 20.0, "a夜🌙")
    ((descendant,),) = [font["/DescendantFonts"] for font in fonts(read(page)[0]).values()]
    shapes = descendant.get_object()["/CIDToGIDMap"].get_data()
    assert len(shapes) == 2 * 0x10000  # behind a shorter list, viewers draw nothing
    assert {code: shape for code, shape in enumerate(shapes[1::2]) if shape} == {ord("a"): 1}
    assert not any(shapes[::2])


@pytest.mark.parametrize("text", ["ليل", "לילה", "e\u0301", DOUBLE_STRUCK])
def test_a_page_with_letters_that_cannot_be_written_one_by_one_is_drawn_by_matplotlib(text: str) -> None:
    page, other = Page(), Page()
    page.box(10.0, 10.0, 50.0, 20.0, fill="#0000ff")
    for each in (text, "é ≥ plain"):
        page.text(20.0, 20.0, each)
    other.text(20.0, 20.0, "🌙 plain")  # has no shape in the font: a box, as well as any
    drawn, plain = read(page, other)
    assert [text.get_text() for text in page.figure.texts] == [text, "é ≥ plain"]
    found = operators(drawn)
    assert found[found.index("Q 0 J 0 j") + 1 :] == []
    fill = next(i for i, line in enumerate(found) if line.endswith("0 0 1 rg"))
    assert fill < max(i for i, line in enumerate(found) if line.endswith(("Tj", "TJ")))  # letters lie upon the box
    assert not other.figure.texts
    assert "🌙 plain" in plain.extract_text()


def test_a_font_holds_no_more_letters_than_there_are() -> None:
    one, two = Page(), Page()
    one.text(20.0, 20.0, "abba")
    two.text(20.0, 20.0, "acca", size=9.0)
    for page in read(one, two):
        ((descendant,),) = [font["/DescendantFonts"] for font in fonts(page).values()]
        assert list(widths_told(descendant.get_object())[0]) == list("abc")


def test_lines_and_boxes_lie_where_they_were_drawn_in_their_colour() -> None:
    page = Page()
    page.line((10.0, 20.0), (30.0, 40.0), colour="#ff0000", width=0.4)
    page.box(10.0, 50.0, 30.0, 5.0, fill="#0000ff")
    page.box(10.0, 60.0, 30.0, 5.0, fill="#ffffff", edge="#00ff00")
    found = "\n".join(operators(read(page)[0]))
    assert re.search(r"1 1 1 rg\n0 1 0 RG\n0\.5 w\n\S+ \S+ \S+ \S+ re\nB", found)
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
    assert 2 * (HEIGHT_MM - 50.0 - low) < high - (HEIGHT_MM - 50.0)  # letters stand on their line


def test_text_has_its_colour() -> None:
    page = Page()
    page.text(20.0, 20.0, "x", colour="#ff0000")
    found = operators(read(page)[0])
    assert "1 0 0 rg" in found[found.index("BT") : found.index("ET")]


def test_an_empty_text_is_none() -> None:
    page = Page()
    page.text(20.0, 20.0, "")
    page.text(20.0, 30.0, "", align="right")
    assert fonts(read(page)[0]) == {}
    assert "BT" not in operators(read(page)[0])


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


def test_in_a_word_for_matplotlib_a_letter_the_font_lacks_is_a_question_mark() -> None:
    page = Page()
    page.text(20.0, 20.0, "ليل夜")
    assert [text.get_text() for text in page.picture().texts] == ["ليل\ufffd"]

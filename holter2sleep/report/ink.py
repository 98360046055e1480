"""Text, lines and boxes of pages, written into their PDF behind what the figures hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from matplotlib.colors import to_rgb
from pypdf import PdfWriter
from pypdf.annotations import Link
from pypdf.generic import ArrayObject, DictionaryObject, NameObject

from holter2sleep.report.fonts import add_font, codes
from holter2sleep.report.page import BOX_EDGE, HEIGHT_MM, MM_PER_POINT, Box, Line, Page, Text, Weight
from holter2sleep.report.pdf_objects import add, deflated

FONT_NAMES: dict[Weight, str] = {"normal": "/TextNormal", "bold": "/TextBold"}
BELOW, ABOVE = 0.24, 0.76  # how far letters reach from the baseline, in sizes


@dataclass(frozen=True)
class Ink:
    """What a page holds beside its figure."""

    boxes: Sequence[Box]
    lines: Sequence[Line]
    texts: Sequence[Text]

    @classmethod
    def of(cls, page: Page) -> Ink:
        """Of a page, whose figure may then be forgotten."""
        return cls(page.boxes, page.lines, [text for text in page.texts if text.text])


NONE = Ink((), (), ())


def write_ink(writer: PdfWriter, inks: Sequence[Ink]) -> None:
    """Write each page's own; all share the fonts, which hold no more letters than there are."""
    texts = [text for ink in inks for text in ink.texts]
    fonts = {}
    for weight, name in FONT_NAMES.items():
        letters = {letter for text in texts if text.weight == weight for letter in text.text}
        if letters:
            fonts[name] = add_font(writer, weight, letters)
    saved = add(writer, deflated(b"q"))  # what a figure leaves behind, a transparent pen for one, is taken back
    for page, ink in zip(writer.pages, inks, strict=True):
        resources = cast("DictionaryObject", page["/Resources"])
        known = cast("DictionaryObject", resources["/Font"])
        known.update({NameObject(name): font for name, font in fonts.items()})
        content = add(writer, deflated("\n".join(operators(ink)).encode("ascii")))
        page[NameObject("/Contents")] = ArrayObject([saved, page.raw_get("/Contents"), content])
        for text in ink.texts:
            if text.url is not None:
                writer.add_annotation(page, _link(text, text.url))


def operators(ink: Ink) -> Iterator[str]:
    """What draws it, an operator a line, once the figure's state is taken back.

    References
    ----------
    ISO 32000-1:2008, annex A.
    """
    yield "Q 0 J 0 j"
    yield from map(_box, ink.boxes)
    yield from map(_line, ink.lines)
    yield from map(_text, ink.texts)


def _box(box: Box) -> str:
    sides = (box.x_mm, HEIGHT_MM - box.y_mm - box.height_mm, box.width_mm, box.height_mm)
    outline = f"{_points(*sides)} re"
    if box.edge == "none":
        return f"{_colour(box.fill)} rg\n{outline}\nf"
    return f"{_colour(box.fill)} rg\n{_colour(box.edge)} RG\n{BOX_EDGE} w\n{outline}\nB"


def _line(line: Line) -> str:
    (x0, x1), (y0, y1) = line.x_mm, line.y_mm
    ends = f"{_points(x0, HEIGHT_MM - y0)} m\n{_points(x1, HEIGHT_MM - y1)} l"
    return f"{_colour(line.colour)} RG\n{line.width:g} w\n{ends}\nS"


def _text(text: Text) -> str:
    font, at = f"{FONT_NAMES[text.weight]} {text.size:g} Tf", _points(text.left_mm, HEIGHT_MM - text.y_mm)
    return f"BT\n{_colour(text.colour)} rg\n{font}\n{at} Td\n<{codes(text.text)}> Tj\nET"


def _link(text: Text, url: str) -> Link:
    """Where a click on the text leads."""
    left, right = text.left_mm / MM_PER_POINT, (text.left_mm + text.width_mm) / MM_PER_POINT
    baseline = (HEIGHT_MM - text.y_mm) / MM_PER_POINT
    return Link(rect=(left, baseline - BELOW * text.size, right, baseline + ABOVE * text.size), url=url)


def _points(*mm: float) -> str:
    """Millimetres as points, to a thousandth."""
    return " ".join(f"{each / MM_PER_POINT:.3f}" for each in mm)


def _colour(name: str) -> str:
    return " ".join(f"{part:.4g}" for part in to_rgb(name))

"""A sheet of paper in millimetres from its top left corner: text, lines, boxes, axes.

Axes are a figure's; text, lines and boxes are kept beside it, for `ink.py` writes them into a PDF in a fraction of the
time that laying them out would take. `Page.picture` draws everything, for a screen, or where a text is not plain.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal
from unicodedata import bidirectional

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import Bbox

WIDTH_MM, HEIGHT_MM = 210.0, 297.0  # A4
MARGIN_MM = 15.0
TEXT_WIDTH_MM = WIDTH_MM - 2 * MARGIN_MM
HEAD_GAP_MM = 6.0  # between the title and whose it is
TOP_MM, BOTTOM_MM = 19.0, 285.0  # between the running head and the foot
MM_PER_INCH = 25.4
MM_PER_POINT = MM_PER_INCH / 72

INK, SOFT, FAINT, RULE = "#1a1a1a", "#5c5c5c", "#8a8a8a", "#c4c4c4"
ALARM = "#b00020"
BOX_EDGE = 0.5  # points
UNKNOWN = "\ufffd"  # in place of a letter

Weight = Literal["normal", "bold"]
Align = Literal["left", "center", "right"]


@dataclass(frozen=True)
class Block:
    """Something that takes a fixed height of a page and knows how to draw itself from a top edge."""

    height_mm: float
    draw: Callable[[Page, float], object]
    html: str | None = None  # the same as text for a screen; None: there its picture is shown
    bleed_mm: float = 2.0  # how far it may reach beyond the text on either side
    shrunk: Callable[[float], Block] | None = None  # the same in a smaller height, where its size is free
    is_title: bool = False  # of what comes next, so that it is never the last on a page


@dataclass(frozen=True)
class Text:
    """A line of text from, around or up to a point of its baseline."""

    x_mm: float
    y_mm: float
    text: str
    size: float
    weight: Weight
    colour: str
    align: Align
    url: str | None

    @property
    def left_mm(self) -> float:
        """Where it begins."""
        if self.align == "left":
            return self.x_mm
        return self.x_mm - self.width_mm * (0.5 if self.align == "center" else 1.0)

    @property
    def width_mm(self) -> float:
        """How long it is."""
        return text_width_mm(self.text, self.size, self.weight)

    @property
    def is_plain(self) -> bool:
        """Whether each letter stands by itself, from left to right, and is one that `fonts.py` can number in two bytes.

        Arabic, Hebrew and Devanagari are not: their letters join, run from right to left, or carry marks of their own.
        """
        return self.text.isascii() or not any(
            bidirectional(letter) in ("R", "AL", "NSM") or (letter > "\uffff" and _glyph(letter, self.weight))
            for letter in self.text
        )


@dataclass(frozen=True)
class Line:
    """A straight line; `width` in points."""

    x_mm: tuple[float, float]
    y_mm: tuple[float, float]
    colour: str
    width: float


@dataclass(frozen=True)
class Box:
    """A filled rectangle whose top left corner is given."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    fill: str
    edge: str


class Page:
    """One sheet; every position is mm from the left and from the top.

    Boxes lie upon axes, lines upon boxes, text upon lines, whatever came first.
    """

    def __init__(self) -> None:
        # for axes, and for what is plotted on paper
        self.figure = Figure(figsize=(WIDTH_MM / MM_PER_INCH, HEIGHT_MM / MM_PER_INCH))
        self.boxes: list[Box] = []
        self.lines: list[Line] = []
        self.texts: list[Text] = []

    def text(
        self,
        x_mm: float,
        y_mm: float,
        text: str,
        *,
        size: float = 7.0,
        weight: Weight = "normal",
        colour: str = INK,
        align: Align = "left",
        url: str | None = None,
    ) -> None:
        """A line of text on the baseline `y_mm`, perhaps a link; `$` and the like are letters, not formulas."""
        text = text.encode("utf-16", "replace").decode("utf-16")  # halves of letters, of a file's name in bytes: "?"
        self.texts.append(Text(x_mm, y_mm, text, size, weight, colour, align, url))

    def line(
        self, x_mm: tuple[float, float], y_mm: tuple[float, float], *, colour: str = RULE, width: float = 0.5
    ) -> None:
        """A straight line; `width` in points."""
        self.lines.append(Line(x_mm, y_mm, colour, width))

    def box(
        self, x_mm: float, y_mm: float, width_mm: float, height_mm: float, *, fill: str, edge: str = "none"
    ) -> None:
        """A filled rectangle whose top left corner is given."""
        self.boxes.append(Box(x_mm, y_mm, width_mm, height_mm, fill, edge))

    def axes(self, x_mm: float, y_mm: float, width_mm: float, height_mm: float, **options: Any) -> Axes:
        """Axes whose frame has the given top left corner and size."""
        bottom = 1 - (y_mm + height_mm) / HEIGHT_MM
        return self.figure.add_axes((x_mm / WIDTH_MM, bottom, width_mm / WIDTH_MM, height_mm / HEIGHT_MM), **options)

    def part(self, x_mm: float, y_mm: float, width_mm: float, height_mm: float) -> SubFigure:
        """A part of the sheet to draw a figure of its own on, by its top left corner and size."""
        wide = (x_mm, width_mm, WIDTH_MM - x_mm - width_mm)
        tall = (y_mm, height_mm, HEIGHT_MM - y_mm - height_mm)
        return self.figure.add_subfigure(GridSpec(3, 3, self.figure, width_ratios=wide, height_ratios=tall)[1, 1])

    def picture(self) -> Figure:
        """The figure with everything drawn into it; to be asked for once."""
        for box in self.boxes:
            corner = (box.x_mm / WIDTH_MM, 1 - (box.y_mm + box.height_mm) / HEIGHT_MM)
            width, height = box.width_mm / WIDTH_MM, box.height_mm / HEIGHT_MM
            drawn = Rectangle(corner, width, height, facecolor=box.fill, edgecolor=box.edge, linewidth=BOX_EDGE)
            self.figure.add_artist(drawn)
        for line in self.lines:
            ends = [x / WIDTH_MM for x in line.x_mm], [1 - y / HEIGHT_MM for y in line.y_mm]
            self.figure.add_artist(Line2D(*ends, color=line.colour, linewidth=line.width))
        for text in self.texts:
            self._lay_out(text)
        return self.figure

    def _lay_out(self, text: Text) -> None:
        """Draw a text as a part of the figure, a question mark in a diamond for what the font lacks."""
        known = "".join(letter if _glyph(letter, text.weight) else UNKNOWN for letter in text.text)
        self.figure.text(
            text.x_mm / WIDTH_MM,
            1 - text.y_mm / HEIGHT_MM,
            known,
            size=text.size,
            weight=text.weight,
            color=text.colour,
            ha=text.align,
            va="baseline",
            parse_math=False,
            url=text.url,
        )


def cutout(height_mm: float, bleed_mm: float, edge_mm: float = 0.0) -> Bbox:
    """Where on a sheet the picture of a block at its top lies, in inches; `edge_mm` is kept above and below."""
    left_mm, right_mm = MARGIN_MM - bleed_mm, MARGIN_MM + TEXT_WIDTH_MM + bleed_mm
    bottom_mm, top_mm = HEIGHT_MM - TOP_MM - height_mm - edge_mm, HEIGHT_MM - TOP_MM + edge_mm
    return Bbox([[left_mm / MM_PER_INCH, bottom_mm / MM_PER_INCH], [right_mm / MM_PER_INCH, top_mm / MM_PER_INCH]])


def text_width_mm(text: str, size: float, weight: Weight = "normal") -> float:
    """Width of a line of text in the report's font."""
    return sum(_advance(letter, weight) for letter in text) * size * MM_PER_POINT


@cache
def _advance(letter: str, weight: Weight) -> float:
    """Width of a letter in units of the font size; of the box for a letter that the font lacks."""
    font = get_font(font_file(weight))
    font.set_size(100, 72)
    # by its glyph: asked for a letter that the font lacks, matplotlib warns and measures the one before, or fails
    return float(font.load_glyph(_glyph(letter, weight)).linearHoriAdvance) / 65536 / 100


def _glyph(letter: str, weight: Weight) -> Any:
    """Number of a letter's shape in the report's font; 0, the box, where it has none."""
    return get_font(font_file(weight)).get_char_index(ord(letter))


@cache
def font_file(weight: Weight) -> str:
    """Where the report's font lies."""
    return findfont(FontProperties(family="DejaVu Sans", weight=weight))


NO_BREAK = "\u00a0"


def glued(text: str) -> str:
    r"""The text with numbers that no line break parts from their unit, and letters that none parts from their figure.

    Examples
    --------
    >>> glued("in 6.8 h of sleep (fig. a)").split(" ")
    ['in', '6.8\xa0h', 'of', 'sleep', '(fig.\xa0a)']
    """
    return re.sub(r"(?<=\d) (?=(?:h|s|min|ms|ms²|mV|%|/h|/min)(?![\w/]))| (?=[A-Za-z]\d?\))", NO_BREAK, text)


def wrap(text: str, width_mm: float, size: float, weight: Weight = "normal") -> list[str]:
    """Lines no wider than `width_mm`; a word longer than a line is broken."""
    lines, line = [], ""
    for word in re.findall(rf"(?:[^\s]|{NO_BREAK})+", text):
        candidate = f"{line} {word}".lstrip()
        if text_width_mm(candidate, size, weight) <= width_mm:
            line = candidate
            continue
        if line:
            lines.append(line)
        line = word
        while text_width_mm(line, size, weight) > width_mm:
            kept = _longest_start(line, width_mm, size, weight)
            lines.append(line[:kept])
            line = line[kept:]
    return [*lines, line] if line else lines


def fitting(text: str, room_mm: float, size: float, weight: Weight = "normal") -> str:
    """A line of text, cut where there is no room for all of it."""
    while len(text) > 1 and text_width_mm(text, size, weight) > room_mm:
        text = text.rstrip("…")[:-1] + "…"
    return text


def _longest_start(word: str, width_mm: float, size: float, weight: Weight) -> int:
    """How many letters of a word fit; at least one."""
    kept = 1
    while kept < len(word) and text_width_mm(word[: kept + 1], size, weight) <= width_mm:
        kept += 1
    return kept


def draw_frame(page: Page, head: tuple[str, str], foot: tuple[str, str, str], title_size: float) -> None:
    """What frames every page: title and whose it is above a line; below another, three texts side by side."""
    right_mm = MARGIN_MM + TEXT_WIDTH_MM
    page.text(MARGIN_MM, 13, head[0], size=title_size, weight="bold")
    room_mm = TEXT_WIDTH_MM - text_width_mm(head[0], title_size, "bold") - HEAD_GAP_MM
    page.text(right_mm, 13, fitting(head[1], room_mm, 8, "bold"), size=8, weight="bold", align="right")
    page.line((MARGIN_MM, right_mm), (15.2, 15.2), colour=INK, width=0.8)
    page.line((MARGIN_MM, right_mm), (287.2, 287.2), width=0.4)
    page.text(MARGIN_MM, 290.5, foot[0], size=5.8, colour=SOFT)
    page.text(MARGIN_MM + TEXT_WIDTH_MM / 2, 290.5, foot[1], size=6.2, weight="bold", align="center")
    page.text(right_mm, 290.5, foot[2], size=5.8, colour=SOFT, align="right")

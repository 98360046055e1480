"""Tables and paragraphs as blocks of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from holter2sleep.report.page import (
    INK,
    MARGIN_MM,
    MM_PER_POINT,
    RULE,
    SOFT,
    TEXT_WIDTH_MM,
    Align,
    Block,
    Page,
    text_width_mm,
    wrap,
)

ROW_MM, HEAD_LINE_MM = 4.1, 2.9
TEXT_SIZE, CELL_SIZE = 6.8, 6.0  # of a table, of a row beside a plot
LINK = "#1f5f99"
BETWEEN_MM = 2.0  # columns of figures
MOST_ROWS = 56  # of a table on one page; longer tables go on


@dataclass(frozen=True)
class Column:
    """One column: heading, width, alignment."""

    head: str
    width_mm: float
    align: Align = "right"


NO_LINKS: Mapping[str, str] = {}


def fitted_columns(heads: Sequence[str], rows: Sequence[Sequence[str]], room_mm: float) -> list[Column]:
    """Columns that share a width by their widest line in bold: intervals need more than counts."""
    lines = [[*head.split("\n"), *(row[i] for row in rows)] for i, head in enumerate(heads)]
    widest_mm = [max(text_width_mm(line, TEXT_SIZE, "bold") for line in column) + BETWEEN_MM for column in lines]
    return [Column(head, room_mm * each / sum(widest_mm)) for head, each in zip(heads, widest_mm, strict=True)]


def table_blocks(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    bold_last: bool = False,
    links: Mapping[str, str] = NO_LINKS,
) -> list[Block]:
    """A table, cut where a page ends; the heading repeats. `links` has the addresses of cells by their text."""
    pieces = [rows[i : i + MOST_ROWS] for i in range(0, len(rows), MOST_ROWS)] or [[]]
    last = len(pieces) - 1
    return [_table_block(columns, piece, bold_last and i == last, links) for i, piece in enumerate(pieces)]


def _table_block(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], bold_last: bool, links: Mapping[str, str]
) -> Block:
    heads = [column.head.split("\n") for column in columns]
    n_lines = max(map(len, heads))
    head_mm = HEAD_LINE_MM * n_lines + 1.7

    def draw(page: Page, top_mm: float) -> None:
        for i in range(n_lines):
            words = [head[i - n_lines] if i - n_lines >= -len(head) else "" for head in heads]
            _write_row(page, top_mm + HEAD_LINE_MM * (i + 1), columns, words, head=True, bold=True)
        width_mm = sum(column.width_mm for column in columns)
        page.line((MARGIN_MM, MARGIN_MM + width_mm), (top_mm + head_mm,) * 2, colour=INK, width=0.6)
        for i, row in enumerate(rows):
            y_mm = top_mm + head_mm + ROW_MM * (i + 1)
            _write_row(page, y_mm - 1.2, columns, row, bold=bold_last and i == len(rows) - 1, links=links)
            page.line((MARGIN_MM, MARGIN_MM + width_mm), (y_mm, y_mm), width=0.25)

    return Block(head_mm + ROW_MM * len(rows) + 1.5, draw, _table_html(columns, rows, bold_last))


def _table_html(columns: Sequence[Column], rows: Sequence[Sequence[str]], bold_last: bool) -> str:
    def cells(tag: str, words: Sequence[str]) -> str:
        aligned = zip(columns, words, strict=True)
        return "".join(f'<{tag} class="{column.align}">{escape(word)}</{tag}>' for column, word in aligned)

    head = cells("th", [column.head.replace("\n", " ") for column in columns])
    bold = [' class="total"' if bold_last and i == len(rows) - 1 else "" for i in range(len(rows))]
    body = "".join(f"<tr{kind}>{cells('td', row)}</tr>" for kind, row in zip(bold, rows, strict=True))
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _write_row(
    page: Page,
    y_mm: float,
    columns: Sequence[Column],
    cells: Sequence[str],
    *,
    head: bool = False,
    bold: bool = False,
    links: Mapping[str, str] = NO_LINKS,
) -> None:
    left_mm = MARGIN_MM
    for column, cell in zip(columns, cells, strict=True):
        at = {"left": left_mm + 0.8, "center": left_mm + column.width_mm / 2, "right": left_mm + column.width_mm - 0.8}
        number = head or any(letter.isdigit() for letter in cell) or column.align == "left"
        page.text(
            at[column.align],
            y_mm,
            cell,
            size=6.2 if head else TEXT_SIZE if number else 5.6,
            weight="bold" if bold else "normal",
            colour=LINK if cell in links else INK if number else SOFT,
            align=column.align,
            url=links.get(cell),
        )
        left_mm += column.width_mm


def write_cells(
    page: Page, y_mm: float, places: Sequence[tuple[float, Align]], cells: Sequence[str], *, head: bool = False
) -> None:
    """A row beside a plot: each cell at its place from the left edge of the text."""
    look: dict[str, Any] = {"weight": "bold", "colour": SOFT} if head else {}
    for (at_mm, align), cell in zip(places, cells, strict=True):
        page.text(MARGIN_MM + at_mm, y_mm, cell, size=CELL_SIZE, align=align, **look)


def paragraph(
    text: str, *, size: float = TEXT_SIZE, colour: str = INK, bullet: str = "", inset_mm: float = 0.0
) -> Block:
    """Wrapped text over the width of the page, less an inset for what belongs to the item above."""
    left_mm, indent_mm = MARGIN_MM + inset_mm, 3.0 if bullet else 0.0
    lines = wrap(text, TEXT_WIDTH_MM - inset_mm - indent_mm, size)
    leading_mm = 1.35 * size * MM_PER_POINT

    def draw(page: Page, top_mm: float) -> None:
        if bullet:
            page.text(left_mm, top_mm + leading_mm * 0.8, bullet, size=size, colour=colour)
        for i, line in enumerate(lines):
            page.text(left_mm + indent_mm, top_mm + leading_mm * (i + 0.8), line, size=size, colour=colour)

    kind = "item inner" if inset_mm else "item" if bullet else "small" if size < TEXT_SIZE else ""
    tag = f'<p class="{kind}">' if kind else "<p>"
    return Block(leading_mm * len(lines) + 0.8, draw, f"{tag}{escape(text)}</p>")


def heading(title: str) -> Block:
    """Title of a section, with a rule."""

    def draw(page: Page, top_mm: float) -> None:
        page.text(MARGIN_MM, top_mm + 3.8, title, size=9, weight="bold")
        page.line((MARGIN_MM, MARGIN_MM + TEXT_WIDTH_MM), (top_mm + 4.9,) * 2, width=0.6)

    return Block(6.2, draw, f"<h2>{escape(title)}</h2>")


def subheading(title: str) -> Block:
    """Title within a section."""

    def draw(page: Page, top_mm: float) -> None:
        page.text(MARGIN_MM, top_mm + 3.6, title, size=7.2, weight="bold")

    return Block(5.0, draw, f"<h3>{escape(title)}</h3>", is_title=True)


def panel(words: str) -> Block:
    """Words in a box, in place of what cannot be shown."""

    def draw(page: Page, top_mm: float) -> None:
        page.box(MARGIN_MM, top_mm, TEXT_WIDTH_MM, 24, fill="#f2f4f6", edge=RULE)
        page.text(MARGIN_MM + TEXT_WIDTH_MM / 2, top_mm + 13, words, size=8, colour=SOFT, align="center")

    return Block(26, draw, f'<p class="panel">{escape(words)}</p>')

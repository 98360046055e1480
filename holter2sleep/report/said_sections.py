"""Sections of sentences: the statement on page 1, the full list, and the page for the recorded person."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from html import escape

from holter2sleep.report.grid import paragraph, subheading
from holter2sleep.report.layout import PARTS, Layout, Section
from holter2sleep.report.methods import with_facts
from holter2sleep.report.narrative import Sentence, most_important, sentences
from holter2sleep.report.page import INK, MARGIN_MM, RULE, SOFT, TEXT_WIDTH_MM, Block, Page, glued, wrap
from holter2sleep.report.rules import load_rulebook
from holter2sleep.report.tables import ReportNight

TEXT_SIZE, ID_SIZE, LINE_MM = 6.8, 4.8, 3.2
ID_MM, SOURCE_MM = 18.0, 48.0  # columns for the ids of rules, and for the sources of thresholds
BELOW_MM = 1.6  # between the last sentence and the caption
MOST_LINES = 11  # what page 1 has room for above the night figure
PLAIN_SIZE = 11.0


def statement(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """The most important sentences on the left, room for the reader on the right."""
    width_mm = TEXT_WIDTH_MM * 0.77
    said = _fitting(most_important(sentences(night, layout), load_rulebook(night.words).most_on_page_one), width_mm)
    n_lines = sum(len(_lines(each, width_mm)) for each in said)
    height_mm = max(LINE_MM * n_lines + 2, 22.0)

    def draw(page: Page, top_mm: float) -> None:
        page.line((MARGIN_MM, MARGIN_MM), (top_mm, top_mm + height_mm), colour=SOFT, width=1.2)
        y_mm = top_mm
        for each in said:
            _write_sentence(page, y_mm, each, width_mm)
            y_mm += LINE_MM * len(_lines(each, width_mm))
        left_mm = MARGIN_MM + width_mm + 2
        page.box(left_mm, top_mm, TEXT_WIDTH_MM - width_mm - 2, height_mm, fill="white", edge=RULE)
        for i, line in enumerate(wrap(night.words("statement.reader"), TEXT_WIDTH_MM - width_mm - 5, 5.6)):
            page.text(left_mm + 1.5, top_mm + 3 + 2.4 * i, line, size=5.6, colour=SOFT)

    return [Block(height_mm + 2, draw, "".join(map(_sentence_html, said)))]


def _sentence_html(sentence: Sentence) -> str:
    return f'<p class="said"><small>{escape(sentence.rule)}</small> {escape(sentence.text)}</p>'


def _fitting(said: list[Sentence], width_mm: float) -> list[Sentence]:
    """The sentences without the least important ones for which there is no room."""
    while sum(len(_lines(each, width_mm)) for each in said) > MOST_LINES:
        said = most_important(said, len(said) - 1)
    return said


def _lines(sentence: Sentence, width_mm: float) -> list[str]:
    return wrap(glued(sentence.text), width_mm - ID_MM - 2, TEXT_SIZE)


def _write_sentence(page: Page, top_mm: float, sentence: Sentence, width_mm: float) -> None:
    """The rule's id small in the margin, the text beside it."""
    page.text(MARGIN_MM + 2, top_mm + LINE_MM * 0.85, sentence.rule, size=ID_SIZE, colour=SOFT)
    for i, line in enumerate(_lines(sentence, width_mm)):
        page.text(MARGIN_MM + ID_MM, top_mm + LINE_MM * (i + 0.85), line, size=TEXT_SIZE)


def findings(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """Every sentence by part, with the source of its threshold or definition."""
    width_mm = TEXT_WIDTH_MM - SOURCE_MM
    said = sentences(night, layout, section.parts)
    blocks: list[Block] = []
    for part in section.parts:
        of_part = [each for each in said if each.part == part]
        blocks += [subheading(night.words(f"findings.part_{part}"))] if of_part and part in PARTS else []
        blocks += [_finding_block(each, width_mm) for each in of_part]
    return [*blocks[:-1], *(replace(last, height_mm=last.height_mm + BELOW_MM) for last in blocks[-1:])]


def _finding_block(sentence: Sentence, width_mm: float) -> Block:
    source = wrap(sentence.source, SOURCE_MM, ID_SIZE)
    height_mm = LINE_MM * max(len(_lines(sentence, width_mm)), len(source))
    draw = partial(_write_finding, sentence=sentence, source=source, width_mm=width_mm)
    return Block(height_mm + 0.4, draw, f'{_sentence_html(sentence)}<p class="small">{escape(sentence.source)}</p>')


def _write_finding(page: Page, top_mm: float, sentence: Sentence, source: list[str], width_mm: float) -> None:
    _write_sentence(page, top_mm, sentence, width_mm)
    for i, line in enumerate(source):
        page.text(MARGIN_MM + width_mm, top_mm + LINE_MM * (i + 0.85), line, size=ID_SIZE, colour=SOFT)


def plain_sentences(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """Sentences in large letters, for someone who reads no recordings."""
    said = sentences(night, layout, section.parts)
    return [paragraph(glued(each.text), size=PLAIN_SIZE, colour=INK, bullet="•") for each in said]


def plain_text(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """The layout's own texts in large letters."""
    texts = (with_facts(night.words.layout(text), night) for text in section.text)
    bullet = "•" if len(section.text) > 1 else ""
    return [paragraph(text, size=PLAIN_SIZE, bullet=bullet) for text in texts]

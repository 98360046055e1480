"""The PDF of a night: sections flow over pages, pages go into one file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib import style
from matplotlib.backends.backend_pdf import PdfPages

from holter2sleep.assets import asset
from holter2sleep.phenotypes.files import read_history, read_night
from holter2sleep.report.edited import edited_words
from holter2sleep.report.grid import heading, paragraph
from holter2sleep.report.layout import Layout, Section, read_layout
from holter2sleep.report.methods import with_facts
from holter2sleep.report.night_figure import TRACKS
from holter2sleep.report.page import ALARM, BOTTOM_MM, INK, MARGIN_MM, SOFT, TEXT_WIDTH_MM, TOP_MM, Block, Page
from holter2sleep.report.sections import SECTIONS
from holter2sleep.report.tables import ReportNight, report_night

GAP_MM = 2.4  # between sections
KEPT_TOGETHER = 4  # a title and its first three blocks: no title alone at the foot of a page
FOOT = "Research use only, not for diagnosis"

Sheet = list[tuple[float, Block]]  # top edge in mm, block


def write_report(night_dir: Path, layout: Path | None = None) -> Path:
    """`report.pdf` of a finished night, drawn from its tables; the same tables give the same bytes.

    Raises
    ------
    RecordingError
        The folder is no finished night.
    RecipeError
        The layout cannot be used.
    """
    night = report_night(read_night(night_dir), read_history(night_dir))
    read = read_layout(layout, SECTIONS, TRACKS)
    with style.context(["default", asset("reports", "holter2sleep.mplstyle")]):
        content = render(night, read)
    path, part = night_dir / "report.pdf", night_dir / "report.pdf.part"
    part.write_bytes(content)
    part.replace(path)
    return path


def render(night: ReportNight, layout: Layout) -> bytes:
    """The PDF's bytes."""
    sheets = flow([section_blocks(night, layout, section) for section in layout.section], layout.section)
    # No date: the same tables must give the same bytes.
    facts = {
        "Title": f"{layout.title}: {night.run['recording_id']}",
        "Creator": f"holter2sleep {night.run['version']}",
        "CreationDate": None,
    }
    out = io.BytesIO()
    with PdfPages(out, metadata=facts) as pdf:
        for number, sheet in enumerate(sheets, start=1):
            page = Page()
            _write_head_and_foot(page, night, layout, number, len(sheets))
            for top_mm, block in sheet:
                block.draw(page, top_mm)
            pdf.savefig(page.figure)
    return out.getvalue()


def section_blocks(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """A section's blocks under its title, caption last."""
    blocks = SECTIONS[section.draw](night, layout, section)
    if section.title:
        blocks = [heading(section.title), *blocks]
    if section.caption:
        blocks = [*blocks, paragraph(with_facts(section.caption, night), size=5.8, colour=SOFT)]
    return blocks


def flow(parts: Sequence[list[Block]], sections: Sequence[Section]) -> list[Sheet]:
    """Blocks placed on sheets from the top; a title stays with its first blocks."""
    sheets: list[Sheet] = [[]]
    y_mm = TOP_MM
    for blocks, section in zip(parts, sections, strict=True):
        if section.new_page and sheets[-1]:
            sheets.append([])
            y_mm = TOP_MM
        for i, block in enumerate(blocks):
            kept_together = KEPT_TOGETHER if i == 0 and section.title else 1
            needed_mm = sum(each.height_mm for each in blocks[i : i + kept_together])
            if y_mm + needed_mm > BOTTOM_MM and sheets[-1]:
                sheets.append([])
                y_mm = TOP_MM
            sheets[-1].append((y_mm, block))
            y_mm += block.height_mm
        y_mm += GAP_MM
    return sheets


def _write_head_and_foot(page: Page, night: ReportNight, layout: Layout, number: int, total: int) -> None:
    """What every page says: whose, which software and recipe, which page, and what it is not for."""
    run = night.run
    right_mm = MARGIN_MM + TEXT_WIDTH_MM
    page.text(MARGIN_MM, 13, layout.title, size=12 if number == 1 else 8, weight="bold")
    page.text(right_mm, 13, run["recording_id"], size=8, weight="bold", align="right")
    page.line((MARGIN_MM, right_mm), (15.2, 15.2), colour=INK, width=0.8)
    made = f"holter2sleep {run['version']}, recipe {run['recipe']['name']} {run['recipe']['sha256'][:8]}"
    if night.is_edited:
        page.text(MARGIN_MM, 18.0, edited_words(night), size=6.2, weight="bold", colour=ALARM)
    page.line((MARGIN_MM, right_mm), (287.2, 287.2), width=0.4)
    page.text(MARGIN_MM, 290.5, made, size=5.8, colour=SOFT)
    page.text(MARGIN_MM + TEXT_WIDTH_MM / 2, 290.5, FOOT, size=6.2, weight="bold", colour=INK, align="center")
    page.text(right_mm, 290.5, f"page {number} of {total}", size=5.8, colour=SOFT, align="right")

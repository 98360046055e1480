"""The report as one page for a screen: the sections of the PDF, words as words, figures as drawings; no network."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

import matplotlib as mpl

from holter2sleep.assets import asset
from holter2sleep.report.layout import Layout, Section, read_layout
from holter2sleep.report.night_figure import TRACKS
from holter2sleep.report.page import TOP_MM, Block, Page, cutout
from holter2sleep.report.pdf import document_title, drawing_style, made_by, ready, section_blocks
from holter2sleep.report.sections import SECTIONS
from holter2sleep.report.tables import ReportNight
from holter2sleep.whole_files import write_bytes

SALT = "holter2sleep"  # of names within a drawing: the same night must give the same page

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def write_html(night_dir: Path, layout: Path | None = None, language: str | None = None) -> Path:
    """`report.html` of a finished night, drawn from its tables; the same tables give the same bytes.

    Raises
    ------
    RecordingError
        The folder is no finished night.
    RecipeError, NarrativeError
        As `pdf.write_report`.
    """
    night, read = ready(night_dir, read_layout(layout, SECTIONS, TRACKS), language)
    with drawing_style(), mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": SALT}):
        content = rendered(night, read)
    return write_bytes(night_dir / "report.html", content.encode())


def rendered(night: ReportNight, layout: Layout) -> str:
    """The page."""
    words = night.words
    style = asset("reports", "report.css").read_text(encoding="utf-8")
    sections = [
        _section(section, section_blocks(night, layout, section), i) for i, section in enumerate(layout.section)
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="{words.language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(document_title(night, layout))}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<h1>{escape(words.layout(layout.title))} <span>{escape(night.run['recording_id'])}</span></h1>\n"
        f"{_contents(night, layout.section)}\n{''.join(sections)}"
        f"<footer>{escape(made_by(night))}. <strong>{escape(words('page.foot'))}.</strong></footer>\n</body>\n</html>\n"
    )


def _contents(night: ReportNight, sections: Sequence[Section]) -> str:
    """Links to the sections that have a title."""
    links = [
        f'<li><a href="#s{i}">{escape(night.words.layout(s.title))}</a></li>' for i, s in enumerate(sections) if s.title
    ]
    return f"<nav><ul>{''.join(links)}</ul></nav>"


def _section(section: Section, blocks: Sequence[Block], number: int) -> str:
    shown = [
        picture(block, f"{section.draw}-{i}") if block.html is None else block.html for i, block in enumerate(blocks)
    ]
    return f'<section id="s{number}">\n{chr(10).join(shown)}\n</section>\n'


def picture(block: Block, name: str) -> str:
    """A block as a drawing, at its size on paper; names within it begin with `name`, so that drawings do not mix."""
    page = Page()
    block.draw(page, TOP_MM)
    out, shown = io.StringIO(), cutout(block.height_mm, block.bleed_mm)
    page.picture().savefig(out, format="svg", bbox_inches=shown, metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    return re.sub(r'((?:id="|url\(#|href="#))', rf"\1{name}-", svg)

"""`cohort.pdf`: the sections of a layout over pages, from the tables of a cohort's folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from holter2sleep.phenotypes.cohort_folder import COHORT
from holter2sleep.report.cohort.associations_section import draw_associations
from holter2sleep.report.cohort.audit_section import draw_audit
from holter2sleep.report.cohort.definitions_section import draw_definitions, draw_limits, draw_versions
from holter2sleep.report.cohort.distributions import draw_distributions
from holter2sleep.report.cohort.flow_section import draw_flow_section
from holter2sleep.report.cohort.heat_map import draw_heat_map
from holter2sleep.report.cohort.layout import CohortLayout, CohortSection, read_cohort_layout
from holter2sleep.report.cohort.outliers import draw_outliers
from holter2sleep.report.cohort.quality_section import draw_quality
from holter2sleep.report.cohort.reliability_section import draw_reliability
from holter2sleep.report.cohort.stages_section import draw_stages
from holter2sleep.report.cohort.tables import Cohort, read_cohort
from holter2sleep.report.document import document
from holter2sleep.report.grid import heading, panel, paragraph
from holter2sleep.report.page import SOFT, Block, Page, draw_frame
from holter2sleep.report.pdf import bookmarks, drawing_style, drawn_pages, flow
from holter2sleep.report.words import load_words
from holter2sleep.whole_files import write_bytes

NAME = "cohort.pdf"
SECTIONS: dict[str, Callable[[Cohort, CohortLayout, CohortSection], list[Block]]] = {
    "flow": draw_flow_section,
    "quality": draw_quality,
    "distributions": draw_distributions,
    "outliers": draw_outliers,
    "stages": draw_stages,
    "heat_map": draw_heat_map,
    "reliability": draw_reliability,
    "audit": draw_audit,
    "associations": draw_associations,
    "definitions": draw_definitions,
    "versions": draw_versions,
    "limits": draw_limits,
}


def write_cohort_report(directory: Path, layout: Path | None = None, language: str | None = None) -> Path:
    """`directory/cohort/cohort.pdf` from the tables there; the same tables give the same bytes.

    Parameters
    ----------
    directory
        The folder that was given to `cohort`.
    layout
        Layout file; None is `reports/cohort.toml`.
    language
        A shipped language or a catalogue file; None is the layout's.

    Raises
    ------
    UsageError
        No such folder.
    RecordingError
        No finished cohort in the folder, or a broken table.
    RecipeError
        The layout or the language cannot be used.
    """
    read = read_cohort_layout(layout, SECTIONS)
    cohort = read_cohort(directory, read, load_words(language or read.language))
    with drawing_style():
        content = render(cohort, read)
    return write_bytes(directory / COHORT / NAME, content)


def render(cohort: Cohort, layout: CohortLayout) -> bytes:
    """The PDF's bytes."""
    parts = [section_blocks(cohort, layout, section) for section in layout.section]
    sheets = flow(parts, layout.section)
    pages = drawn_pages(sheets, partial(_write_head_and_foot, cohort=cohort, layout=layout))
    title = f"{cohort.words.layout(layout.title)}: {who(cohort)}"
    facts = {"Title": title, "Creator": f"holter2sleep {_first(cohort, 'version')}"}
    return document(pages, facts, cohort.words.language, bookmarks(cohort.words, sheets, parts, layout.section))


def section_blocks(cohort: Cohort, layout: CohortLayout, section: CohortSection) -> list[Block]:
    """A section's blocks between its title and caption; a cohort whose nights were all left out says so."""
    words = cohort.words
    needs_nights = section.draw not in ("flow", "definitions", "versions", "limits")
    if needs_nights and cohort.nights.is_empty():
        blocks = [panel(words("cohort.no_night"))]
    else:
        blocks = SECTIONS[section.draw](cohort, layout, section)
    title = [heading(words.layout(section.title))] if section.title else []
    caption = [paragraph(words.layout(section.caption), size=5.8, colour=SOFT)] if section.caption else []
    return [*title, *caption, *blocks]


def who(cohort: Cohort) -> str:
    """How many nights of how many persons."""
    words, flow_ = cohort.words, cohort.flow
    return words("cohort.nights", n=words.whole(flow_["nights"]), persons=words.whole(flow_["subjects"]["kept"]))


def _first(cohort: Cohort, key: str) -> str:
    """The version or recipe of most nights."""
    return next(iter(cohort.flow["made_by"][key]), "-")


def _write_head_and_foot(page: Page, number: int, total: int, *, cohort: Cohort, layout: CohortLayout) -> None:
    """What every page says: of how many, by which software and recipe, which page, and what it is not for."""
    words = cohort.words
    made = words("page.made", version=_first(cohort, "version"), recipe=_first(cohort, "recipe_sha256")[:8])
    foot = (made, words("page.foot"), words("page.number", number=number, total=total))
    draw_frame(page, (words.layout(layout.title), who(cohort)), foot, title_size=12 if number == 1 else 8)

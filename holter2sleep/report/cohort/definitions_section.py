"""What each number of the PDF means, what made the tables, and what none of it can say."""

from __future__ import annotations

from functools import partial

from holter2sleep.phenotypes.dictionary import Entry, load_dictionary
from holter2sleep.report.cohort.layout import CohortLayout, CohortSection
from holter2sleep.report.cohort.tables import Cohort
from holter2sleep.report.grid import paragraph
from holter2sleep.report.page import INK, MARGIN_MM, MM_PER_POINT, SOFT, TEXT_WIDTH_MM, Block, Page, wrap
from holter2sleep.report.tables import unit_text

NAME_MM, SIZE = 46.0, 6.2
LEADING_MM = 1.35 * SIZE * MM_PER_POINT
MOST_MADE_BY = 5  # versions, recipes, scorers told by name


def draw_definitions(cohort: Cohort, layout: CohortLayout, _section: CohortSection) -> list[Block]:
    """A paragraph for each phenotype that the layout shows."""
    names = dict.fromkeys(name for name, _ in layout.shown)
    return [_definition(cohort, load_dictionary()[name]) for name in names]


def _definition(cohort: Cohort, entry: Entry) -> Block:
    unit = unit_text(entry)
    heads = wrap(cohort.words.label(entry) + (f", {unit}" if unit else ""), NAME_MM - 3, SIZE, "bold")
    told = f"{entry.definition} {cohort.words('cohort.plausible', range=cohort.plausible(entry))} {entry.reference}"
    lines = wrap(f"{entry.name}: {told}", TEXT_WIDTH_MM - NAME_MM, SIZE)
    return Block(LEADING_MM * max(len(heads), len(lines)) + 1.2, partial(_write_lines, heads=heads, lines=lines))


def _write_lines(page: Page, top_mm: float, *, heads: list[str], lines: list[str]) -> None:
    for i, line in enumerate(heads):
        page.text(MARGIN_MM, top_mm + LEADING_MM * (i + 0.8), line, size=SIZE, weight="bold", colour=INK)
    for i, line in enumerate(lines):
        page.text(MARGIN_MM + NAME_MM, top_mm + LEADING_MM * (i + 0.8), line, size=SIZE, colour=SOFT)


def draw_versions(cohort: Cohort, _layout: CohortLayout, _section: CohortSection) -> list[Block]:
    """Versions, recipes and scorers with their nights, and the checksums of the tables that were drawn."""
    words = cohort.words
    made = [paragraph(_made_by(cohort, key, found), bullet="•") for key, found in cohort.flow["made_by"].items()]
    sums = [paragraph(f"{name}: SHA-256 {sha256}", bullet="•") for name, sha256 in cohort.hashes.items()]
    return [paragraph(words("cohort.made_by")), *made, paragraph(words("cohort.drawn_from")), *sums]


def _made_by(cohort: Cohort, key: str, found: dict[str, int]) -> str:
    what = cohort.words(f"cohort.made_{key}")
    if len(found) > MOST_MADE_BY:
        return f"{what}: {cohort.words('cohort.different', n=cohort.words.whole(len(found)))}"
    nights = (f"{name} ({cohort.words('cohort.n_nights', n=cohort.words.whole(n))})" for name, n in found.items())
    return f"{what}: {', '.join(nights)}"


def draw_limits(cohort: Cohort, _layout: CohortLayout, section: CohortSection) -> list[Block]:
    """What the pages cannot say."""
    return [paragraph(cohort.words.layout(sentence), bullet="•") for sentence in section.text]

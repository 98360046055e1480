"""Pages are made from what the program reads."""

from __future__ import annotations

import json
import re

import pytest
import rich_click as click

from docs.tools import figures, reference
from docs.tools.commands import all_commands
from docs.tools.generated import PARTS, filled
from docs.tools.markdown import plain
from docs.tools.repository import PAGES, ROOT, page, section
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.report.layout import read_layout
from holter2sleep.report.night_figure import TRACKS
from holter2sleep.report.rules import load_rulebook
from holter2sleep.report.sections import SECTIONS
from holter2sleep.report.words import load_words
from holter2sleep.sleep.staging.installable import list_installable


def shown(name: str) -> str:
    """A page of the site, its parts filled in."""
    return filled((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8"))


def test_every_command_has_its_section_and_every_option_its_row() -> None:
    text = shown("commands")
    for name, command in all_commands():
        own = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert own, name
        for option in command.params:
            if isinstance(option, click.Option):
                assert re.search(rf"^\| `[^`]*{option.opts[-1]}\b", own, re.MULTILINE), (name, option.opts)


def test_every_phenotype_is_defined_and_other_handlings_are_told_once() -> None:
    text = shown("phenotypes")
    for entry in load_dictionary().values():
        handled = entry.domain.endswith(("_raw", "_corrected"))
        assert (f"| `{entry.name}` |" in text) != handled
    assert text.count("`<name>_raw`, `<name>_corrected`") >= 1


def test_every_model_has_its_card_and_every_installable_file_its_row() -> None:
    text = shown("stagers")
    stagers = [card.name for card in reference.list_cards()]
    others = [card.name for card in (*reference.list_model_cards(), *reference.list_shipped())]
    assert re.findall(r"^### (\S+)$", text, re.MULTILINE) == [*stagers, *others]
    for card in reference.list_model_cards():
        own = text.partition(f"\n### {card.name}\n")[2].partition("\n## ")[0]
        assert all(plain(told) in own for told in (card.headline, *card.figures, *card.limits, str(card.sha256)))
    rows = re.findall(r"^\| weights \| (.*) \|$", text, re.MULTILINE)
    assert len(rows) == len([*stagers, *others]) - 1  # heuristic has none
    assert all("SHA-256" in row or re.fullmatch(r"installed by the user: \S.*", row) for row in rows)
    assert {each.name for each in list_installable()} <= set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE))


def test_every_rule_of_the_narrative_is_listed_with_its_sentence() -> None:
    text = shown("statements")
    for rule in load_rulebook(load_words()).rules:
        assert f"| `{rule.id}` |" in text


def test_tables_of_a_night_have_their_columns_in_order() -> None:
    text = shown("night_files")
    order = [text.index(f"`{name}`") for name in ("onset_s", "heart_rate_p05_bpm", "af_fraction", "coupling")]
    assert order == sorted(order)


def test_figures_of_stages_are_those_of_their_file() -> None:
    own = json.loads((ROOT / figures.STAGING).read_text(encoding="utf-8"))["3_classes"]
    low, high = own["kappa_interval"]
    assert f"| 3 | {own['kappa']:.3f} ({low:.3f} to {high:.3f}) | {own['accuracy']:.3f} |" in shown("validation")


def test_figures_of_respiratory_minutes_are_those_of_their_file() -> None:
    own = json.loads((ROOT / figures.APNOEA).read_text(encoding="utf-8"))["cross_validated"]["hugcdn2014"]
    assert f"| HuGCDN2014 | 61 | 24,887 | {own['accuracy']:.3f} (" in shown("validation")


def test_every_section_with_a_title_is_explained() -> None:
    text = (ROOT / "docs" / "report_pages.md").read_text(encoding="utf-8").lower()
    words = {"header", "quality", "the night on one time axis", "statement", "edits"}
    for each in read_layout(None, SECTIONS, TRACKS).section:
        if each.title:
            key = each.title.split(":")[0].split(" (")[0].split(",")[0].lower()
            assert key.removeprefix("heart-rate ") in text, each.title
    assert all(word in text for word in words)


def test_every_page_of_the_example_report_is_shown() -> None:
    from pypdf import PdfReader

    text = (ROOT / "docs" / "report_pages.md").read_text(encoding="utf-8")
    pictures = sorted(path.name for path in (ROOT / "docs" / "figures").glob("report_page_*.png"))
    assert len(PdfReader(ROOT / "reports" / "examples" / "af_ectopy_apnoea.pdf").pages) == len(pictures)
    assert re.findall(r"figures/(report_page_\d\.png)", text) == pictures


# --- documents from elsewhere ----------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_links_of_a_document_lead_to_pages_or_to_the_file(path: str) -> None:
    for link in re.findall(r"\]\(([^)\s:#]+)", page(path)):
        target = (ROOT / "docs" / link).resolve()
        assert target.is_file(), link
        assert target.relative_to(ROOT).as_posix() not in PAGES, "the site has a page for this"


def test_a_section_is_what_stands_under_its_heading() -> None:
    assert section("README.md", "What it does not do").startswith("No diagnosis")
    assert "## " not in section("README.md", "What it does not do")
    with pytest.raises(ValueError, match="no heading 'Nothing'"):
        section("README.md", "Nothing")


def test_headings_of_an_included_document_may_be_deeper() -> None:
    assert page("holter2sleep/heart/weights/README.md", 2).startswith("### ")


def test_a_part_that_nobody_makes_is_an_error() -> None:
    with pytest.raises(ValueError, match="no generated part 'weather'"):
        filled("<!-- generated: weather -->")


def test_every_part_stands_in_a_page() -> None:
    texts = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    assert {name for name in PARTS if f"<!-- generated: {name}" not in texts} == set()

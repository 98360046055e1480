"""Each page that says how to add something is followed literally, on a copy of the project."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from docs.tools.repository import ROOT
from docs.tools.walkthrough import copy_of_the_project, follow
from holter2sleep.report.tables import ReportNight
from holter2sleep.sleep.staging import Evidence


@pytest.mark.slow
@pytest.mark.parametrize("name", ["format", "phenotype", "stager", "section", "statistic"])
def test_who_follows_the_page_has_added_it(tmp_path: Path, name: str) -> None:
    copy = copy_of_the_project(tmp_path)
    printed = follow(ROOT / "docs" / f"add_{name}.md", copy, copy)
    assert len(printed) >= 2
    assert all("passed" not in each.found or "failed" not in each.found for each in printed)
    wrong = [f"{each.page}:\n{each.found}" for each in printed if not each.agrees]
    assert not wrong, "make examples writes it anew\n" + "\n".join(wrong)


def test_all_that_a_stager_may_look_at_is_told() -> None:
    page = (ROOT / "docs" / "add_stager.md").read_text(encoding="utf-8")
    told = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert told == {field.name for field in dataclasses.fields(Evidence)} | {"grid_start"}


def test_all_that_a_section_may_read_is_told() -> None:
    page = (ROOT / "docs" / "add_section.md").read_text(encoding="utf-8")
    told = {
        name for line in page.splitlines() if line.startswith("| `") for name in line.split("|")[1].split("`")[1::2]
    }
    assert told == {field.name for field in dataclasses.fields(ReportNight)}


def test_contributing_points_to_each_page() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert all(f"(docs/{path.name})" in text for path in (ROOT / "docs").glob("add_*.md"))

"""Each page that says how to add something is followed literally, on a copy of the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.tools.repository import ROOT
from docs.tools.walkthrough import copy_of_the_project, follow


@pytest.mark.slow
@pytest.mark.parametrize("name", ["format", "phenotype", "stager", "section", "statistic"])
def test_who_follows_the_page_has_added_it(tmp_path: Path, name: str) -> None:
    copy = copy_of_the_project(tmp_path)
    printed = follow(ROOT / "docs" / f"add_{name}.md", copy, copy)
    assert len(printed) >= 2
    assert all("passed" not in each.found or "failed" not in each.found for each in printed)
    wrong = [f"{each.page}:\n{each.found}" for each in printed if not each.agrees]
    assert not wrong, "make examples writes it anew\n" + "\n".join(wrong)


def test_contributing_points_to_each_page() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert all(f"(docs/{path.name})" in text for path in (ROOT / "docs").glob("add_*.md"))

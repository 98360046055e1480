"""The tutorials do what they say; every block of them is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.tools.repository import ROOT
from docs.tools.walkthrough import follow

DOCS = ROOT / "docs"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tutorial_night.md", "tutorial_associate.md", "use_from_python.md"])
def test_a_tutorial_prints_what_stands_in_it(tmp_path: Path, name: str) -> None:
    printed = follow(DOCS / name, tmp_path)
    assert len(printed) >= 3, name
    wrong = [f"{each.page}:\n{each.found}" for each in printed if not each.agrees]
    assert not wrong, "make examples writes it anew\n" + "\n".join(wrong)

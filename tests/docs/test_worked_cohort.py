"""The worked example of a cohort runs as its page says, on fewer and shorter nights."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.tools.markdown import blocks
from docs.tools.repository import ROOT
from docs.tools.walkthrough import follow
from holter2sleep.simulate import cohort

DOCS = ROOT / "docs"


@pytest.mark.slow
def test_the_worked_cohort_runs_on_a_few_short_nights(tmp_path: Path) -> None:
    text = (DOCS / "cohort_example.md").read_text(encoding="utf-8")
    (block,) = blocks(text)
    asked = "python -m holter2sleep.simulate.cohort example  "
    assert asked in block.code
    short = text.replace(asked, f"{asked} --subjects 2 --nights 2 --hours 0.5")
    (tmp_path / "pipelines").symlink_to(ROOT / "pipelines")
    page = tmp_path / "cohort_example.md"
    page.write_text(short, encoding="utf-8")
    follow(page, tmp_path)
    results = tmp_path / "example_results"
    named = ["cohort/reliability.csv", "cohort/quality.csv", "cohort/cohort.pdf", "associations/methods.md"]
    assert all((results / name).is_file() for name in named)
    assert {Path(name).name for name in named} <= {part.rpartition("/")[2] for part in text.split("`")}, (
        "the page speaks of these"
    )


def test_the_worked_cohort_is_as_large_as_its_page_says() -> None:
    text = (DOCS / "cohort_example.md").read_text(encoding="utf-8")
    source = Path(cohort.__file__).read_text(encoding="utf-8")
    assert text.split("\n\n")[1].startswith("Sixty nights of forty people")
    assert '"--nights", type=int, default=60' in source
    assert '"--subjects", type=int, default=40' in source
    assert f"Planted was {cohort.SLOPE}" in text

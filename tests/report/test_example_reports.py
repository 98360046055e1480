"""The example reports that are part of the project."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn_nights import Drawn
from PIL import Image

EXAMPLES = Path(__file__).parents[2] / "reports" / "examples"


@pytest.mark.parametrize("name", ["clean_night", "af_ectopy_apnoea"])
def test_an_example_is_small_and_says_what_it_is_not_for(name: str) -> None:
    path = EXAMPLES / f"{name}.pdf"
    assert path.stat().st_size < 1_000_000
    assert name in Drawn(path).reader.metadata.title  # type: ignore[union-attr, operator]
    assert all("Research use only, not for diagnosis" in page for page in Drawn(path).pages)


def test_the_figure_of_the_readme_is_small_and_wide_enough_to_be_read() -> None:
    assert (EXAMPLES / "night_figure.png").stat().st_size < 300_000
    with Image.open(EXAMPLES / "night_figure.png") as picture:
        assert picture.width >= 1000
    assert "reports/examples/night_figure.png" in (EXAMPLES.parents[1] / "README.md").read_text(encoding="utf-8")

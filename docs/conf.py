"""The site: `make docs`. Parts that the code knows are made from it while a page is read."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sphinx.application import Sphinx

from docs.tools.generated import filled
from holter2sleep import __version__

project = "holter2sleep"
version = release = __version__
copyright = "the holter2sleep founders; BSD-3-Clause"
language = "en"

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # parts from elsewhere begin at the level they have there

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False
smartquotes = False  # in tables of options `--` is no dash


def _fill(_app: Sphinx, _page: str, source: list[str]) -> None:
    source[0] = filled(source[0])


def setup(app: Sphinx) -> None:
    """Fill in the generated parts before a page is parsed."""
    app.connect("source-read", _fill)

"""Files of the repository as pages of the site: their links lead to pages where there are such, else to the file."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = "docs"
# Documents that lie elsewhere, and the page of the site that shows each.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
    "benchmarks/reader_samples.md": "reader_samples.md",
    "benchmarks/mutation.md": "mutation.md",
}
_LINK = re.compile(r"(\]\()([^)\s:]+)(\))")  # with a colon it is an address
_HEADING = re.compile(r"^(#+) ", re.MULTILINE)


def page(path: str, deeper: int = 0) -> str:
    """A document of the repository, its headings so many levels deeper, its links as seen from the site's folder."""
    text = _LINK.sub(lambda link: link[1] + _seen_from_site(link[2], path) + link[3], (ROOT / path).read_text("utf-8"))
    return _HEADING.sub(lambda marks: "#" * deeper + marks[0], text)


def section(path: str, heading: str) -> str:
    """What stands under one heading of a document, without the heading."""
    body = page(path)
    found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^\1 |\Z)", body, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"{path} has no heading {heading!r}")
    return found[2].strip()


def _seen_from_site(link: str, path: str) -> str:
    target, hash_mark, anchor = link.partition("#")
    if not target:
        return link
    whole = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    inside = whole.removeprefix(f"{DOCS}/") if whole.startswith(f"{DOCS}/") else f"../{whole}"
    return PAGES.get(whole, inside) + hash_mark + anchor

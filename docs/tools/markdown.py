"""Markdown, written and read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_FENCE = re.compile(r"^```([\w-]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"`([\w./-]+)`:$")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|$])")


@dataclass(frozen=True)
class Block:
    """A block of code, and the sentence before it."""

    language: str
    code: str
    before: str
    line: int  # of the fence, from 1

    @property
    def file(self) -> str | None:
        """The file that the sentence before names, where it ends with the name in code and a colon."""
        found = _NAMED.search(self.before)
        return found[1] if found else None


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    for found in _FENCE.finditer(text):
        before = text[: found.start()].rstrip().rpartition("\n")[2]
        yield Block(found[1], found[2], before, text.count("\n", 0, found.start()) + 1)


def without_blocks(text: str) -> str:
    """A page with its fenced blocks blank, on the same lines."""
    return _FENCE.sub(lambda found: "\n" * found[0].count("\n"), text)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown themselves."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(" ".join(cell.split()) for cell in line) + " |" for line in lines)


def plain(text: str) -> str:
    r"""A text without any letter that Markdown would read as more than a letter; words in backticks stay code.

    Examples
    --------
    >>> print(plain("rmssd__rem of [a | b], `--a_b`"))
    rmssd\_\_rem of \[a \| b\], `--a_b`
    """
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(code(part[1:-1]) if i % 2 else _SPECIAL.sub(r"\\\1", part) for i, part in enumerate(parts))


def code(text: str) -> str:
    r"""A text as code, in a table too.

    Examples
    --------
    >>> print(code("--unit [V|mV]"))
    `--unit [V\|mV]`
    """
    return "`" + text.replace("|", "\\|") + "`"


def listed(lines: Iterable[str]) -> str:
    """Texts as a list."""
    return "\n".join(f"- {plain(line)}" for line in lines)


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and MyST make it.

    Examples
    --------
    >>> slug("Where do I add ...")
    'where-do-i-add-'
    """
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower())
    return kept.replace(" ", "-")

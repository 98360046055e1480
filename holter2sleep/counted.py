"""A number with its noun, in the form that agrees."""

from __future__ import annotations


def counted(n: int, one: str, many: str | None = None) -> str:
    """A count as English sentences have it; the plural is that of nearly all nouns unless it is given.

    Examples
    --------
    >>> counted(1, "night"), counted(1200, "night"), counted(0, "night was", "nights were")
    ('1 night', '1,200 nights', '0 nights were')
    """
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"

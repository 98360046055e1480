"""Rules that choose nights: a column, a comparison, a value. Nothing of them is ever run as code."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from holter2sleep.errors import RecipeError

KNOWN, UNKNOWN = "is known", "is unknown"
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_RULE = re.compile(r"\s*([^<>=!]+?)\s*(==|!=|<=|>=|<|>)\s*(.+?)\s*|\s*(\S.*?)\s+(is known|is unknown)\s*")
_QUOTED = re.compile(r"""(["'])(.*)\1""")
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Rule:
    """One comparison of a column."""

    text: str
    column: str
    comparison: str
    value: str | float | bool | None = None

    @property
    def holds(self) -> pl.Expr:
        """Boolean column; null where the value that is compared is unknown."""
        column = pl.col(self.column)
        if self.value is None:
            return column.is_not_null() if self.comparison == KNOWN else column.is_null()
        result: pl.Expr = _COMPARISONS[self.comparison](column, pl.lit(self.value))
        return result


def is_rule(text: str) -> bool:
    """Whether a text has the form of a rule, rather than that of a column's name."""
    return _RULE.fullmatch(text) is not None


def rule_of(text: str, where: str) -> Rule:
    """A rule from its text.

    Raises
    ------
    RecipeError
        The text has another form.

    Examples
    --------
    >>> rule_of("age >= 18", "filters")
    Rule(text='age >= 18', column='age', comparison='>=', value=18.0)
    >>> rule_of("bmi is known", "filters").comparison
    'is known'
    """
    found = _RULE.fullmatch(text)
    if found is None:
        raise RecipeError(
            f'{where}: {text[:80]!r} is no rule; write column, comparison, value: age >= 18, site != "B", bmi is known'
        )
    column, comparison, value, named, known = found.groups()
    return Rule(text.strip(), named, known) if known else Rule(text.strip(), column, comparison, _constant(value))


def _constant(text: str) -> str | float | bool:
    """A quoted text, true or false, a number, or a bare word."""
    if quoted := _QUOTED.fullmatch(text):
        return quoted[2]
    if text.casefold() in _BOOLEANS:
        return _BOOLEANS[text.casefold()]
    try:
        return float(text)
    except ValueError:
        return text


def check_kind(rule: Rule, kind: pl.DataType, where: str) -> None:
    """A number is compared with numbers, a text with text.

    Raises
    ------
    RecipeError
        It is not, and polars would compare nothing, or all.
    """
    if rule.value is None:
        return
    told = {bool: "true or false", float: "a number", str: "text"}[type(rule.value)]
    column = (
        "a number" if kind.is_numeric() else {pl.Boolean(): "true or false", pl.String(): "text"}.get(kind, str(kind))
    )
    if told != column:
        raise RecipeError(f"{where}: {rule.text!r} compares {rule.column!r}, which is {column}, with {told}")

"""When a sentence may be said: comparisons of phenotypes, recipe values and numbers, joined by and, or, not.

A condition is parsed and checked when it is loaded; nothing of it is ever run as code. Logic has three values (Kleene
1952): a comparison with something unmeasured is neither true nor false, and only what is true speaks.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from holter2sleep.errors import RecipeError

Values = Callable[[str], float | None]  # the number behind a name; None where there is none
Test = Callable[[Values], bool | None]
Operand = Callable[[Values], float | None]

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[a-z]\w*(?:[.:]\w+)*)|(?P<sign><=|>=|==|!=|<|>|\(|\)))", re.ASCII
)
KEYWORDS = ("and", "or", "not")


@dataclass(frozen=True)
class Condition:
    """A parsed condition: its text, the names in it, and the test."""

    text: str
    names: tuple[str, ...]
    test: Test

    def holds(self, values: Values) -> bool:
        """Whether it is true; what cannot be known is not."""
        return self.test(values) is True


def parse_condition(text: str) -> Condition:
    """A condition from its text.

    Raises
    ------
    RecipeError
        Anything but names, numbers, comparisons, `and`, `or`, `not` and brackets, or these in an order without meaning.

    Examples
    --------
    >>> parse_condition("n_pauses > 0 and not se < 85").holds({"n_pauses": 2.0, "se": 90.0}.get)
    True
    """
    parser = _Parser(text, _tokens(text))
    test = parser.either()
    if parser.at < len(parser.tokens):
        raise parser.error("'and', 'or' or the end")
    return Condition(text, tuple(dict.fromkeys(parser.names)), test)


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while text[at:].strip():
        found = TOKEN.match(text, at)
        if found is None:
            raise RecipeError(f"condition {text!r}: {text[at:].strip()[:12]!r} is no name, number or comparison")
        tokens.append(found[0].strip())
        at = found.end()
    return tokens


class _Parser:
    """Descends: either = both (or both)*; both = denied (and denied)*; denied = not denied, (either) or a < b."""

    def __init__(self, text: str, tokens: list[str]) -> None:
        self.text, self.tokens, self.at = text, tokens, 0
        self.names: list[str] = []

    def error(self, wanted: str) -> RecipeError:
        found = f"found {self.tokens[self.at]!r}" if self.at < len(self.tokens) else "it ends"
        return RecipeError(f"condition {self.text!r}: expected {wanted}, {found}")

    def takes(self, token: str) -> bool:
        taken = self.at < len(self.tokens) and self.tokens[self.at] == token
        self.at += taken
        return taken

    def either(self) -> Test:
        tests = [self.both()]
        while self.takes("or"):
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else _joined(tests, decided_by=True)

    def both(self) -> Test:
        tests = [self.denied()]
        while self.takes("and"):
            tests.append(self.denied())
        return tests[0] if len(tests) == 1 else _joined(tests, decided_by=False)

    def denied(self) -> Test:
        if self.takes("not"):
            return _not(self.denied())
        if self.takes("("):
            test = self.either()
            if not self.takes(")"):
                raise self.error("')'")
            return test
        return self.comparison()

    def comparison(self) -> Test:
        left = self.value()
        if self.at == len(self.tokens) or self.tokens[self.at] not in COMPARISONS:
            raise self.error(f"one of {' '.join(COMPARISONS)}")
        compare = COMPARISONS[self.tokens[self.at]]
        self.at += 1
        return _compared(left, compare, self.value())

    def value(self) -> Operand:
        """A number, or the value of a name, as a function of the values."""
        token = self.tokens[self.at] if self.at < len(self.tokens) else ""
        if not token[:1].isalnum() or token in KEYWORDS:
            raise self.error("a name or a number")
        self.at += 1
        if token[0].isdigit():
            return _constant(float(token))
        self.names.append(token)
        return _named(token)


def _constant(number: float) -> Operand:
    return lambda _: number


def _named(name: str) -> Operand:
    return lambda values: values(name)


def _compared(left: Operand, compare: Callable[[float, float], bool], right: Operand) -> Test:
    def test(values: Values) -> bool | None:
        a, b = left(values), right(values)
        return None if a is None or b is None else compare(a, b)

    return test


def _not(inner: Test) -> Test:
    def test(values: Values) -> bool | None:
        found = inner(values)
        return None if found is None else not found

    return test


def _joined(tests: list[Test], decided_by: bool) -> Test:
    """`or` is decided by one that is true, `and` by one that is false; else one unknown leaves it unknown."""

    def test(values: Values) -> bool | None:
        found = [each(values) for each in tests]
        if decided_by in found:
            return decided_by
        return None if None in found else not decided_by

    return test

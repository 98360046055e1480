from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holter2sleep.errors import RecipeError
from holter2sleep.report.conditions import COMPARISONS, parse_condition

KNOWN = {"a": 1.0, "b:rem": 2.0, "rhythm.af.minimum_s": 30.0}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("a == 1", True),
        ("a >= 1 and b:rem < 2.5", True),
        ("a > 1 or b:rem > 1", True),
        ("not a == 1", False),
        ("not (a == 1 and b:rem == 3)", True),
        ("a == 1 or a == 2 and a == 3", True),  # and binds closer than or
        ("(a == 1 or a == 2) and a == 3", False),
        ("rhythm.af.minimum_s <= 30", True),
        ("unknown > 0", False),
        ("not unknown > 0", False),  # what is not known is not false either
        ("unknown > 0 or a == 1", True),
        ("unknown > 0 and a == 1", False),
        ("not (unknown > 0 and a == 2)", True),  # false whatever the unknown is
    ],
)
def test_condition_holds_only_where_it_is_surely_true(text: str, holds: bool) -> None:
    assert parse_condition(text).holds(KNOWN.get) is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a >", "expected a name or a number, it ends"),
        ("a", "expected one of < <= > >= == !=, it ends"),
        ("", "expected a name or a number, it ends"),
        ("a == 1 b", "expected 'and', 'or' or the end, found 'b'"),
        ("(a == 1", r"expected '\)', it ends"),
        ("a == 1 and", "it ends"),
        ("a == and", "found 'and'"),
        ("a = 1", "'= 1' is no name, number or comparison"),
        ("__import__('os')", "is no name, number or comparison"),
        ("a == 1 == 1", "found '=='"),
        ("a + 1 > 0", r"'\+ 1 > 0' is no name"),
        ("a(1) > 0", r"found '\('"),
    ],
)
def test_anything_else_is_refused_with_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        parse_condition(text)


NAMES = st.sampled_from(["a", "b:rem", "c.d"])
ATOMS = st.builds(
    lambda left, sign, right: f"{left} {sign} {right}", NAMES, st.sampled_from(list(COMPARISONS)), NAMES | st.just("1")
)
TEXTS = st.recursive(
    ATOMS,
    lambda inner: (
        st.builds("({} and {})".format, inner, inner)
        | st.builds("({} or {})".format, inner, inner)
        | st.builds("not ({})".format, inner)
        | st.builds("{} or {} and {}".format, inner, inner, inner)
    ),
    max_leaves=8,
)


@given(TEXTS, st.fixed_dictionaries({name: st.integers(0, 2) for name in ("a", "b:rem", "c.d")}))
def test_known_values_give_what_python_makes_of_the_same_text(text: str, values: dict[str, int]) -> None:
    in_python = re.sub(r"[abc](?![a-z])(?:[.:]\w+)?", lambda found: str(values[found[0]]), text)
    assert parse_condition(text).holds(values.get) is eval(in_python)

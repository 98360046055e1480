"""From the nights of a cohort to those that are studied, and what each step left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from holter2sleep.cohort.association.columns import ID
from holter2sleep.cohort.association.plan import SUBJECT, Selection
from holter2sleep.cohort.association.rules import rule_of


@dataclass(frozen=True)
class Step:
    """One step of the flow: what was asked, who is left, and how many could not answer."""

    words: str
    n_nights: int
    n_subjects: int
    n_left_out: int = 0
    n_unknown: int = 0  # of those left out: nights whose value is not known


def selected(nights: pl.DataFrame, selection: Selection) -> tuple[pl.DataFrame, tuple[Step, ...]]:
    """The nights that are studied, and the flow to them.

    A night whose value is unknown fails a rule of `filters`, and is not left out by one of `exclusions`.
    """
    steps, left = [_step("Nights of the cohort", nights, nights)], nights
    for words, keeps in _rules(selection):
        kept = left.filter(keeps.fill_null(False))
        steps.append(_step(words, left, kept, left.select(keeps.is_null().sum()).item()))
        left = kept
    if selection.nights == "first":
        first = (
            left.sort(selection.order, ID, nulls_last=True).unique(SUBJECT, keep="first", maintain_order=True).sort(ID)
        )
        steps.append(_step(f"First night of each subject by {selection.order}", left, first))
        left = first
    return left, tuple(steps)


def left_out(step: Step) -> str:
    """How many nights a step left out, and of how many nobody knows.

    Examples
    --------
    >>> left_out(Step("age >= 18", 9, 9, n_left_out=3, n_unknown=1)), left_out(Step("age >= 18", 9, 9))
    ('3 left out, 1 not known', 'none left out')
    """
    unknown = f", {step.n_unknown:,} not known" if step.n_unknown else ""
    return f"{step.n_left_out:,} left out{unknown}" if step.n_left_out else "none left out"


def _rules(selection: Selection) -> Iterator[tuple[str, pl.Expr]]:
    """Words of each step, and what is true of the nights that stay."""
    for text in selection.filters:
        yield text, rule_of(text, "filters").holds
    for text in selection.exclusions:
        yield f"not {text}", ~rule_of(text, "exclusions").holds.fill_null(False)


def _step(words: str, before: pl.DataFrame, after: pl.DataFrame, n_unknown: int = 0) -> Step:
    return Step(words, len(after), after[SUBJECT].n_unique(), len(before) - len(after), n_unknown)

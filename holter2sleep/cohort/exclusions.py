"""Which nights a study leaves out: ordered steps from a TOML file, each with its reason.

A night is counted at the first step it fails, so that the numbers of a flow chart add up (STROBE 2007, item 13).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep.cohort.rule_files import check_keys, read_rules_file
from holter2sleep.errors import RecipeError
from holter2sleep.phenotypes.dictionary import STRATA_SETS, load_dictionary
from holter2sleep.phenotypes.wide import parted

SHIPPED = "cohort"
_LIMITS = ("at_least", "at_most", "one_of")
_NEEDED = ("name", "measure", "unknown", "reason")

EXCLUDED_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "recording_id": pl.String,
    "subject": pl.String,
    "step": pl.String,
    "measure": pl.String,
    "value": pl.String,  # null: not known
    "rule": pl.String,
    "reason": pl.String,
}


@dataclass(frozen=True)
class Step:
    """One rule: what of a night must lie where, what becomes of nights of which it is unknown, and why."""

    name: str
    measure: str
    unknown: str  # exclude or keep
    reason: str
    at_least: float | None = None
    at_most: float | None = None
    one_of: tuple[Any, ...] | None = None

    @property
    def rule(self) -> str:
        """The rule as a person reads it."""
        if self.one_of is not None:
            return f"{self.measure} one of {', '.join(map(str, self.one_of))}"
        limits = ((">=", self.at_least), ("<=", self.at_most))
        return " and ".join(f"{self.measure} {sign} {limit:g}" for sign, limit in limits if limit is not None)

    def fails(self) -> pl.Expr:
        """Whether a night fails the step."""
        value = pl.col(self.measure)
        if self.one_of is not None:
            numbers = [float(item) for item in self.one_of if isinstance(item, int | float)]
            words = value.cast(pl.String).is_in([str(item) for item in self.one_of])
            passes = words | value.cast(pl.Float64, strict=False).is_in(numbers).fill_null(value=False)
        else:
            number = value.cast(pl.Float64, strict=False)
            passes = pl.lit(value=True)
            if self.at_least is not None:
                passes &= number >= self.at_least
            if self.at_most is not None:
                passes &= number <= self.at_most
        return ~passes.fill_null(value=self.unknown == "keep")


# --- reading ---------------------------------------------------------------------------------------


def read_steps(name_or_file: str) -> tuple[Step, ...]:
    """The steps of a file, or of a shipped one by its name.

    Raises
    ------
    RecipeError
        File missing, TOML broken, an unknown or missing key, or a value of the wrong kind.
    """
    path, table = read_rules_file(name_or_file, "--exclude", SHIPPED)
    if set(table) != {"step"} or not isinstance(table["step"], list):
        raise RecipeError(f"{path}: found {', '.join(table) or 'nothing'}; expected a list of [[step]]")
    steps = tuple(_step(path, number, facts) for number, facts in enumerate(table["step"], 1))
    names = [step.name for step in steps]
    if len(set(names)) < len(names):
        raise RecipeError(f"{path}: two steps have one name; name each differently")
    return steps


def _step(path: Path, number: int, facts: Any) -> Step:
    where = f"{path}, step {number}"
    if not isinstance(facts, dict):
        raise RecipeError(f"{where}: expected [[step]] with {', '.join(_NEEDED)}")
    check_keys(where, facts, (*_NEEDED, *_LIMITS), _NEEDED)
    wrong = [key for key in _NEEDED if not (isinstance(facts[key], str) and facts[key].strip())]
    if wrong:
        raise RecipeError(f"{where}: {wrong[0]} = {facts[wrong[0]]!r}; expected words")
    if facts["unknown"] not in ("exclude", "keep"):
        raise RecipeError(f'{where}: unknown = {facts["unknown"]!r}; expected "exclude" or "keep"')
    return Step(**{key: facts[key] for key in _NEEDED}, **_limits(where, facts))


def _limits(where: str, facts: dict[str, Any]) -> dict[str, Any]:
    """The numbers or the list of a step; one of both."""
    numbers = {key: facts[key] for key in ("at_least", "at_most") if key in facts}
    if bool(numbers) == ("one_of" in facts):
        raise RecipeError(f"{where}: give at_least and at_most, or one_of")
    if "one_of" in facts:
        if not isinstance(facts["one_of"], list) or not facts["one_of"]:
            raise RecipeError(f"{where}: one_of = {facts['one_of']!r}; expected a list")
        return {"one_of": tuple(facts["one_of"])}
    for key, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise RecipeError(f"{where}: {key} = {value!r}; expected a number")
    return {key: float(value) for key, value in numbers.items()}


# --- applying --------------------------------------------------------------------------------------


def excluded_nights(nights: pl.DataFrame, steps: Sequence[Step]) -> pl.DataFrame:
    """The nights that fail, each with the first step it fails.

    Parameters
    ----------
    nights
        The wide table, one row a night.

    Raises
    ------
    RecipeError
        A step's measure is no column of the table, and no phenotype in a stratum that it has; or limits of words.
    """
    check_measures(steps, nights.schema)
    absent = [pl.lit(None).alias(step.measure) for step in steps if step.measure not in nights.columns]
    left, found = nights.with_columns(absent), [pl.DataFrame(schema=EXCLUDED_SCHEMA)]
    for step in steps:
        failing = left.filter(step.fails())
        found.append(
            failing.select(
                "recording_id",
                "subject",
                step=pl.lit(step.name),
                measure=pl.lit(step.measure),
                value=pl.col(step.measure).cast(pl.String),
                rule=pl.lit(step.rule),
                reason=pl.lit(step.reason),
            )
        )
        left = left.filter(~step.fails())
    return pl.concat(found)


def check_measures(steps: Sequence[Step], columns: Mapping[str, pl.DataType]) -> None:
    """Whether all measures are columns that can be compared, or could be.

    Raises
    ------
    RecipeError
        One is not.
    """
    for step in steps:
        kind = columns.get(step.measure)
        if step.one_of is None and kind is not None and not (kind.is_numeric() or kind == pl.Null):
            raise RecipeError(f"step {step.name!r}: {step.measure} holds words, which have no limits; give one_of")
        if kind is not None or _is_defined(step.measure):
            continue
        close = difflib.get_close_matches(step.measure, columns, n=1)
        advice = f"did you mean {close[0]!r}?" if close else "give a column of nights.parquet"
        raise RecipeError(f"step {step.name!r}: no night has {step.measure!r}; {advice}")


def _is_defined(name: str) -> bool:
    """Whether the dictionary has a phenotype in a stratum, though perhaps no night of this cohort."""
    found = parted(name)
    return found is not None and found[1].split("_")[0] in STRATA_SETS[load_dictionary()[found[0]].strata]


def flow_of_steps(nights: pl.DataFrame, steps: Sequence[Step], excluded: pl.DataFrame) -> list[dict[str, Any]]:
    """What each step took and left: nights, and subjects none of whose nights is left."""
    left, flow = nights.select("recording_id", "subject"), []
    for step in steps:
        out = excluded.filter(pl.col("step") == step.name)
        kept = left.join(out, on="recording_id", how="anti", maintain_order="left")
        flow.append(
            {
                "step": step.name,
                "rule": step.rule,
                "unknown": step.unknown,
                "reason": step.reason,
                "nights_excluded": len(out),
                "nights_excluded_unknown": out["value"].null_count(),
                "subjects_excluded": left["subject"].n_unique() - kept["subject"].n_unique(),
                "nights_left": len(kept),
                "subjects_left": kept["subject"].n_unique(),
            }
        )
        left = kept
    return flow

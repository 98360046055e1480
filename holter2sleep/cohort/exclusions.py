"""Which nights a study leaves out: ordered steps from a TOML file, each with its reason.

A night is counted at the first step it fails, so that the numbers of a flow chart add up (STROBE 2007, item 13).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from holter2sleep.choices import filled, read_toml, shipped_or_own
from holter2sleep.errors import RecipeError
from holter2sleep.phenotypes.dictionary import STRATA_SETS, load_dictionary
from holter2sleep.phenotypes.wide import nearest_columns, parted

SHIPPED = "cohort"

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
    unknown: Literal["exclude", "keep"]
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


@dataclass(frozen=True)
class _Steps:
    """What a file holds."""

    step: tuple[Step, ...]


# --- reading ---------------------------------------------------------------------------------------


def read_steps(name_or_file: str) -> tuple[Step, ...]:
    """The steps of a file, or of a shipped one by its name.

    Raises
    ------
    RecipeError
        File missing, TOML broken, an unknown or missing key, or a value of the wrong kind.
    """
    path = shipped_or_own(name_or_file, "pipelines", "--exclude")
    steps: tuple[Step, ...] = filled(_Steps, read_toml(path, str(path)), str(path)).step
    for step in steps:
        _check_step(step, f"{path}: step {step.name!r}")
    names = [step.name for step in steps]
    if len(set(names)) < len(names):
        raise RecipeError(f"{path}: two steps have one name; name each differently")
    return steps


def _check_step(step: Step, where: str) -> None:
    """One has words that say something, and limits or a list."""
    for key in ("name", "measure", "reason"):
        if not getattr(step, key).strip():
            raise RecipeError(f"{where}: {key} is empty; expected words")
    has_limits = step.at_least is not None or step.at_most is not None
    if has_limits == (step.one_of is not None):
        raise RecipeError(f"{where}: give at_least and at_most, or one_of")
    if step.one_of == ():
        raise RecipeError(f"{where}: one_of is empty; expected a list of what is kept")


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
        advice = nearest_columns(step.measure, columns, "give a column of nights.parquet")
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

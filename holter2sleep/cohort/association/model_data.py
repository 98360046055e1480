"""The columns of one model as arrays, checked once for all of its exposures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from holter2sleep.cohort.association.columns import column_of, is_category, subgroup_column
from holter2sleep.cohort.association.design import Block, category_block, number_block, numbers
from holter2sleep.cohort.association.fits import Codes
from holter2sleep.cohort.association.plan import COUNTS, SUBJECT, Model
from holter2sleep.cohort.association.rules import is_rule, rule_of
from holter2sleep.cohort.association.scales import Scale, scale_of
from holter2sleep.errors import RecipeError
from holter2sleep.night import Float

Mask = NDArray[np.bool_]
MOST_CATEGORIES = 50  # of a subgroup or covariate; more are names or dates rather than kinds of people


@dataclass(frozen=True)
class ModelData:
    """What all regressions of a model share; NaN, or a code below 0, is not known.

    `subjects` tells people apart, whatever the model clusters by. `subgroups` are masks by name, with the covariate
    that has one value within.
    """

    model: Model
    outcome: Float
    outcome_scale: Scale
    blocks: tuple[Block, ...]
    subjects: Codes
    subgroups: dict[str, tuple[Mask, str]]
    group: Codes | None = None
    offset: Float | None = None
    time: Float | None = None

    @property
    def complete(self) -> Mask:
        """Rows on which nothing but the exposure may be missing."""
        known = np.isfinite(self.outcome)
        for part in (self.offset, self.time):
            known = known if part is None else known & np.isfinite(part)
        for block in self.blocks:
            known = known & np.isfinite(block.columns).all(axis=1)
        return known if self.group is None else known & (self.group >= 0)

    @property
    def repeats(self) -> bool:
        """Whether some subject has several complete rows."""
        subjects = self.subjects[self.complete]
        return len(np.unique(subjects)) < len(subjects)


def model_data(nights: pl.DataFrame, model: Model, where: str) -> ModelData:
    """A model's columns of the nights that are studied.

    Raises
    ------
    RecipeError
        An outcome that the family cannot have, or a category with too many values.
    """
    outcome = numbers(nights[model.outcome_column])
    _check_outcome(outcome, model, where)
    scale = scale_of(outcome, model.outcome_transform)
    return ModelData(
        model=model,
        outcome=_on_scale(outcome, scale, f"{where}: outcome {model.outcome_column!r}"),
        outcome_scale=scale,
        blocks=tuple(_block(nights, covariate, where) for covariate in model.covariates),
        subjects=_codes(nights[SUBJECT]),
        subgroups=_subgroups(nights, model, where),
        group=_codes(nights[model.group_column]) if model.group_column else None,
        offset=_log_of(numbers(nights[model.offset])) if model.offset else None,
        time=_time(numbers(nights[model.time_column]), where) if model.time_column else None,
    )


def _check_outcome(outcome: Float, model: Model, where: str) -> None:
    known, name = outcome[np.isfinite(outcome)], model.outcome_column
    if model.family in ("binomial", "cox") and (odd := known[~np.isin(known, (0, 1))]).size:
        raise RecipeError(f"{where}: {name!r} holds {odd[0]:g}; of {model.family} it is 0 (no) or 1 (yes)")
    if model.family in COUNTS and (odd := known[(known < 0) | (known != np.round(known))]).size:
        raise RecipeError(f"{where}: {name!r} holds {odd[0]:g}; {model.family} counts whole numbers from 0 on")


def _on_scale(values: Float, scale: Scale, what: str) -> Float:
    found = scale.of(values)
    if lost := int((np.isfinite(values) & ~np.isfinite(found)).sum()):
        raise RecipeError(f"{what}: {lost} values have no place on the scale {scale}; choose another outcome_transform")
    return found


def _block(nights: pl.DataFrame, covariate: str, where: str) -> Block:
    column = column_of(covariate)
    values = nights[column]
    if not is_category(covariate, values.dtype):
        return number_block(covariate, values)
    if (n := values.n_unique()) > MOST_CATEGORIES:
        raise RecipeError(f"{where}: covariate {covariate!r} has {n} categories; {MOST_CATEGORIES} is the most")
    return category_block(covariate, column, values)


def _codes(values: pl.Series) -> Codes:
    """Equal values have equal codes; -1 is unknown."""
    codes: Codes = values.rank("dense").cast(pl.Int64).fill_null(-1).to_numpy()
    return codes


def _log_of(exposure_time: Float) -> Float:
    """Log of the time over which was counted; without any time nothing is known."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(exposure_time > 0, np.log(exposure_time), np.nan)


def _time(time: Float, where: str) -> Float:
    if (early := time[time < 0]).size:
        raise RecipeError(f"{where}: the time to the event is {early[0]:g} somewhere; it begins at 0")
    return time


def _subgroups(nights: pl.DataFrame, model: Model, where: str) -> dict[str, tuple[Mask, str]]:
    found: dict[str, tuple[Mask, str]] = {}
    for text in model.subgroups:
        column = subgroup_column(text)
        if is_rule(text):
            rule = rule_of(text, where)
            mask = nights.select(rule.holds.fill_null(False)).to_series().to_numpy()
            found[text] = (mask, column if rule.comparison == "==" else "")
            continue
        levels = nights[column].drop_nulls().unique().sort().to_list()
        if len(levels) > MOST_CATEGORIES:
            raise RecipeError(
                f"{where}: subgroup {text!r} has {len(levels)} values; give a rule, such as {column} < 60"
            )
        for level in levels:
            mask = nights[column].eq(level).fill_null(False).to_numpy()
            found[f"{column}={level}"] = (mask, column)
    return found

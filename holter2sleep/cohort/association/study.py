"""A whole study: the nights of a plan, every model with every exposure, one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from holter2sleep.cohort.association.before import Flow, flow_before
from holter2sleep.cohort.association.columns import (
    ID,
    check_columns,
    columns_needed,
    exposures_of,
    read_columns,
    read_intervals,
    read_schema,
)
from holter2sleep.cohort.association.design import numbers
from holter2sleep.cohort.association.estimate import Exposure, Row, rows_of
from holter2sleep.cohort.association.measurement import error_sd_of
from holter2sleep.cohort.association.methods_by_family import SCALES
from holter2sleep.cohort.association.model_data import ModelData, model_data
from holter2sleep.cohort.association.partial import partial_residuals
from holter2sleep.cohort.association.plan import DICTIONARY, Model, Plan
from holter2sleep.cohort.association.plan_file import PlanFile
from holter2sleep.cohort.association.results import ASSOCIATION_SCHEMA, family_of_tests, with_q
from holter2sleep.cohort.association.scales import Scale, scale_of
from holter2sleep.cohort.association.selection import Step, selected
from holter2sleep.night import Float
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.wide import phenotype_of
from holter2sleep.report.tables import unit_text
from holter2sleep.report.words import load_words

OF_THE_MANIFEST = "manifest"  # domain of an exposure that is no phenotype
Begin = Callable[[int], Callable[[str], None]]


@dataclass(frozen=True)
class Studied:
    """What a study found: the table, the flow to its nights, and what its reader has to know."""

    associations: pl.DataFrame
    partial: pl.DataFrame
    before: Flow | None  # what became of the recordings before; None where the cohort does not say
    flow: tuple[Step, ...]
    complete: dict[str, int]  # nights complete in outcome and covariates, by model
    n_exposures: dict[str, int]
    references: dict[str, dict[str, str]]  # by model and covariate: the category others are compared with
    warnings: tuple[str, ...]


def study(directory: Path, plan_file: PlanFile, begin: Begin) -> Studied:
    """Fit every model of a plan on the cohort in a folder.

    `begin` is told how many exposures there are in all models, and gives what is told each one's name.

    Raises
    ------
    UsageError, RecordingError
        The folder holds no cohort, or a broken one.
    RecipeError
        The plan names columns that the cohort has not, or outcomes that its families cannot have.
    """
    plan, where = plan_file.plan, f"Plan {plan_file.path.name}"
    schema = read_schema(directory)
    check_columns(plan, schema, where)
    exposures = {model.name: exposures_of(model, schema, f"{where}, model {model.name!r}") for model in plan.model}
    nights, flow = selected(read_columns(directory, columns_needed(plan, exposures)), plan.cohort)
    intervals = _intervals(directory, plan, exposures)
    show = begin(sum(map(len, exposures.values())))
    fits = [
        _FittedModel(
            model_data(nights, model, f"{where}, model {model.name!r}"), nights, exposures[model.name], intervals
        )
        for model in plan.model
    ]
    table = with_q(pl.DataFrame([row for fit in fits for row in fit.rows(show)], ASSOCIATION_SCHEMA))
    return Studied(
        associations=table,
        partial=pl.concat([fit.partial(table) for fit in fits]),
        before=flow_before(directory, flow[0].n_nights),
        flow=flow,
        complete={fit.data.model.name: int(fit.data.complete.sum()) for fit in fits},
        n_exposures={name: len(names) for name, names in exposures.items()},
        references={fit.data.model.name: _references(fit.data) for fit in fits},
        warnings=tuple(warning for fit in fits for warning in _warnings(fit.data)),
    )


def _intervals(directory: Path, plan: Plan, exposures: dict[str, list[str]]) -> pl.DataFrame | None:
    """Intervals of the exposures whose errors a model uses; None where none does."""
    asked = {name for model in plan.model if model.measurement_error != "none" for name in exposures[model.name]}
    return read_intervals(directory, asked) if asked else None


def _references(data: ModelData) -> dict[str, str]:
    return {block.covariate: block.reference for block in data.blocks if block.reference}


def _warnings(data: ModelData) -> Iterator[str]:
    if data.repeats and data.group is None:
        yield (
            f"model {data.model.name!r}: some subjects have several nights, which are taken for independent ones; its "
            f'intervals are too narrow. Set cluster = "subject", repeated, or [cohort] nights = "first"'
        )
    if not data.complete.any():
        yield f"model {data.model.name!r}: no night has outcome and all covariates; every row is too_few"


class _FittedModel:
    """A model's data beside the nights that its exposures come from."""

    def __init__(self, data: ModelData, nights: pl.DataFrame, names: list[str], intervals: pl.DataFrame | None) -> None:
        self.data, self._nights, self._names = data, nights, names
        self._intervals = intervals if data.model.measurement_error != "none" else None

    def rows(self, show: Callable[[str], None]) -> Iterator[Row]:
        """Rows of the table, exposure by exposure."""
        for name in self._names:
            show(f"{self.data.model.name}: {name}")
            exposure = self._exposure(name)
            facts = facts_of(self.data, exposure)
            for row in rows_of(self.data, exposure):
                yield {**facts, **row, "fdr_family": family_of_tests(self.data.model, facts["domain"], row["kind"])}

    def partial(self, table: pl.DataFrame) -> pl.DataFrame:
        """Partial residuals of the exposures with the smallest p."""
        return partial_residuals(self.data, table, self._exposure)

    def _exposure(self, name: str) -> Exposure:
        ends = None
        if self._intervals is not None:
            own = self._intervals.filter(pl.col("exposure") == name)
            ends = self._nights.select(ID).join(own, on=ID, how="left", maintain_order="left")
        return exposure_of(self.data, name, numbers(self._nights[name]), ends)


def exposure_of(data: ModelData, name: str, values: Float, ends: pl.DataFrame | None) -> Exposure:
    """An exposure on its scale, in steps of the SD that it has in the model's nights, or of its unit."""
    scale = scale_of(values, transform_of(data.model, name))
    on_scale = scale.of(values)
    known = on_scale[data.complete & np.isfinite(on_scale)]
    sd = float(known.std(ddof=1)) if data.model.per == "sd" and len(known) > 1 else 1.0
    step = sd if sd > 0 else 1.0
    n_lost = int((np.isfinite(values) & ~np.isfinite(on_scale)).sum())
    error_sd = None if ends is None else _error_sd(scale, ends) / step
    return Exposure(name, scale, step, on_scale / step, n_lost, error_sd)


def _error_sd(scale: Scale, ends: pl.DataFrame) -> Float:
    error_sd = error_sd_of(scale.of(numbers(ends["ci_low"])), scale.of(numbers(ends["ci_high"])))
    return np.where(np.isfinite(error_sd), error_sd, np.nan)


def transform_of(model: Model, name: str) -> str:
    """The plan's transform of an exposure, or what the dictionary says of it."""
    entry = load_dictionary().get(phenotype_of(name)[0])
    return (entry.transform if entry else "none") if model.transform == DICTIONARY else model.transform


def facts_of(data: ModelData, exposure: Exposure) -> Row:
    """What all rows of an exposure have in common."""
    phenotype, stratum = phenotype_of(exposure.name)
    entry = load_dictionary().get(phenotype)
    part = load_words().stratum(stratum).replace("_", " ")
    own_unit = unit_text(entry) if entry else ""
    unit = own_unit or "unit" if exposure.scale.transform == "none" else str(exposure.scale)
    return {
        "model": data.model.name,
        "outcome": data.model.outcome_name,
        "per": f"1 SD ({exposure.step:.4g} {unit})" if data.model.per == "sd" else f"1 {unit}",
        "scale": SCALES[data.model.family],
        "transform": str(exposure.scale),
        "outcome_transform": str(data.outcome_scale),
        "domain": entry.domain if entry else OF_THE_MANIFEST,
        "label": ", ".join(filter(None, [entry.label if entry else exposure.name, part])),
    }

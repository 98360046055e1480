"""Which columns of a cohort's wide table a plan speaks of, and those columns read."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from holter2sleep.cohort.association.plan import SUBJECT, Model, Plan
from holter2sleep.cohort.association.rules import check_kind, is_rule, rule_of
from holter2sleep.errors import RecipeError, RecordingError, UsageError
from holter2sleep.io.files import check_folder
from holter2sleep.phenotypes.cohort_folder import COHORT, WHERE, without_cohort
from holter2sleep.phenotypes.wide import NAME, nearest_columns, phenotype_of

NIGHTS, INTERVALS = Path(COHORT, "nights.parquet"), Path(COHORT, "phenotypes.parquet")
ID = "recording_id"
_CATEGORY = re.compile(r"C\((.+)\)")
_PATTERN = re.compile(r"[*?\[]")

Schema = dict[str, pl.DataType]


def column_of(covariate: str) -> str:
    """Column of a covariate; `C(site)` is the column `site`, taken as categories."""
    found = _CATEGORY.fullmatch(covariate)
    return found[1] if found else covariate


def is_category(covariate: str, kind: pl.DataType) -> bool:
    """Whether a covariate enters as categories: told so, or no number."""
    return column_of(covariate) != covariate or not kind.is_numeric()


def read_schema(directory: Path) -> Schema:
    """Names and kinds of the columns of a cohort's wide table; no value is read.

    Raises
    ------
    UsageError
        The folder holds no cohort.
    RecordingError
        Its table is broken.
    """
    check_folder(directory, WHERE)
    path = directory / NIGHTS
    if not path.is_file():
        raise UsageError(without_cohort(directory, NIGHTS.name))
    try:
        schema = dict(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        found = next(iter(str(error).splitlines()), type(error).__name__)
        raise RecordingError(f"{path} is no Parquet table ({found}); run `holter2sleep cohort` again") from None
    if missing := [name for name in (ID, SUBJECT) if name not in schema]:
        raise RecordingError(f"{path} has no column {missing[0]!r}; run `holter2sleep cohort` again")
    return schema


def read_columns(directory: Path, names: set[str]) -> pl.DataFrame:
    """The named columns in the order of the nights' ids, whatever the order of the file's rows."""
    return pl.scan_parquet(directory / NIGHTS).select(sorted(names | {ID, SUBJECT})).sort(ID).collect()


def read_intervals(directory: Path, exposures: set[str]) -> pl.DataFrame:
    """`recording_id`, `exposure`, `ci_low`, `ci_high` of the exposures' values, from the long table.

    Raises
    ------
    UsageError
        There is no such table.
    """
    path = directory / INTERVALS
    if not path.is_file():
        raise UsageError(f"{directory}: {INTERVALS} is missing, which holds the intervals that measurement_error uses")
    phenotypes = sorted({phenotype_of(name)[0] for name in exposures})
    some = pl.scan_parquet(path).filter(pl.col("phenotype").is_in(phenotypes) & pl.col("ci_low").is_not_null())
    rows = some.select(ID, "ci_low", "ci_high", exposure=NAME)
    return rows.filter(pl.col("exposure").is_in(sorted(exposures))).collect()


# --- what a plan names ------------------------------------------------------------------------------


def exposures_of(model: Model, schema: Schema, where: str) -> list[str]:
    """Columns that a model's names and patterns stand for, each once, in the order of the table.

    A pattern takes columns of phenotypes that hold numbers, and leaves out what the model uses otherwise.

    Raises
    ------
    RecipeError
        An unknown name, a pattern that matches nothing, or an exposure that is no number or used otherwise.
    """
    used, found = set(_other_columns(model)), list[str]()
    for name in model.exposures:
        if name not in schema and _PATTERN.search(name):
            found += _matching(name, schema, used, where)
        else:
            _check_column(name, schema, f"{where}: exposures")
            _check_exposure(name, schema, used, where)
            found.append(name)
    order = {name: place for place, name in enumerate(schema)}
    return sorted(set(found), key=order.__getitem__)


def _matching(pattern: str, schema: Schema, used: set[str], where: str) -> list[str]:
    known = [name for name, kind in schema.items() if phenotype_of(name)[1] and kind.is_numeric()]
    found = [name for name in fnmatch.filter(known, pattern) if name not in used]
    if not found:
        advice = nearest_columns(pattern, known, most=3)
        raise RecipeError(f"{where}: exposures: {pattern!r} matches none of {len(known)} phenotype columns; {advice}")
    return found


def _check_exposure(name: str, schema: Schema, used: set[str], where: str) -> None:
    if name in used:
        raise RecipeError(f"{where}: {name!r} is an exposure, and outcome, covariate or offset too; it can be one")
    if not (schema[name].is_numeric() or schema[name] == pl.Boolean):
        raise RecipeError(
            f"{where}: exposure {name!r} holds {schema[name]}, not numbers; make it a covariate or subgroup"
        )


def check_columns(plan: Plan, schema: Schema, where: str) -> None:
    """Every column that a plan names is there, and of a kind that can be used so.

    Raises
    ------
    RecipeError
        It is not; all names that are unknown are told, for a plan of another cohort has many.
    """
    unknown = [name for name in dict.fromkeys(_named(plan)) if name not in schema]
    if unknown:
        told = "; ".join(f"{name!r} ({nearest_columns(name, schema, most=3)})" for name in unknown[:5])
        more = f"; {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise RecipeError(f"{where}: no such column in {NIGHTS}: {told}{more}. Is it the plan of another cohort?")
    for text in (*plan.cohort.filters, *plan.cohort.exclusions):
        rule = rule_of(text, where)
        check_kind(rule, schema[rule.column], where)
    for model in plan.model:
        _check_kinds(model, schema, f"{where}, model {model.name!r}")


def _check_column(name: str, schema: Schema, where: str) -> None:
    if name not in schema:
        raise RecipeError(f"{where}: no column {name!r} in {NIGHTS}; {nearest_columns(name, schema, most=3)}")


def _check_kinds(model: Model, schema: Schema, where: str) -> None:
    for role, name in (("outcome", model.outcome_column), ("time", model.time_column), ("offset", model.offset)):
        if name and not (schema[name].is_numeric() or schema[name] == pl.Boolean):
            raise RecipeError(
                f"{where}: {role} {name!r} holds {schema[name]}, not numbers; write it as numbers (yes 1, no 0), "
                "with empty cells where it is not known"
            )
    for text in model.subgroups:
        if is_rule(text):
            rule = rule_of(text, where)
            check_kind(rule, schema[rule.column], where)


def _named(plan: Plan) -> Iterator[str]:
    """Every column that a plan names, exposures aside."""
    yield plan.cohort.order
    for text in (*plan.cohort.filters, *plan.cohort.exclusions):
        yield rule_of(text, "[cohort]").column
    for model in plan.model:
        yield from _other_columns(model)
        yield from (subgroup_column(text) for text in model.subgroups)
        yield from filter(None, [model.group_column])


def subgroup_column(text: str) -> str:
    """Column of a subgroup: that of its rule, or the column of categories itself."""
    return rule_of(text, "subgroups").column if is_rule(text) else column_of(text)


def _other_columns(model: Model) -> Iterator[str]:
    """Columns that a model uses beside its exposures."""
    yield from filter(None, (model.outcome_column, model.time_column, model.offset))
    yield from map(column_of, model.covariates)


def columns_needed(plan: Plan, exposures: dict[str, list[str]]) -> set[str]:
    """Columns that have to be read."""
    return set(_named(plan)) | {name for names in exposures.values() for name in names}

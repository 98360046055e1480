"""The paragraph on methods, written from the plan and from what was fitted."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import version

import polars as pl

from holter2sleep import __version__
from holter2sleep.cohort.association.before import told_before
from holter2sleep.cohort.association.columns import column_of
from holter2sleep.cohort.association.enough import EVENTS_A_PARAMETER, LEAST_CLUSTERS, LEAST_VARIED, ROWS_A_PARAMETER
from holter2sleep.cohort.association.estimate import MAIN
from holter2sleep.cohort.association.fits import OK
from holter2sleep.cohort.association.measurement import SIMEX_DRAWS
from holter2sleep.cohort.association.plan import BY_DOMAIN, BY_MODEL, DICTIONARY, Model, Selection
from holter2sleep.cohort.association.plan_file import PlanFile
from holter2sleep.cohort.association.selection import left_out
from holter2sleep.cohort.association.study import Studied
from holter2sleep.counted import counted

LIBRARIES = ("statsmodels", "scipy", "numpy", "polars")
_TRANSFORMS = {
    "none": "on their own scale",
    "log": "as natural logarithms",
    "logit": "as logits of percents",
    "sqrt": "as square roots",
    "rank": "as normal scores of their ranks (Blom)",
    DICTIONARY: "on the scale that the phenotype dictionary names for each (log, logit or none)",
}
_ERRORS = {
    "regression_calibration": "Estimates were corrected for the measurement error of the exposure by regression "
    "calibration, with the error variance of each night taken from its 95 % interval.",
    "simex": "Estimates were corrected for the measurement error of the exposure by simulation and extrapolation "
    f"(SIMEX, quadratic, {SIMEX_DRAWS} draws a step), with the error variance of each night taken from its 95 % "
    "interval.",
}


def software() -> dict[str, str]:
    """Versions of what made the numbers."""
    libraries = {name: version(name) for name in LIBRARIES}
    return {"holter2sleep": __version__, **libraries, "python": platform.python_version()}


def methods_text(plan_file: PlanFile, cohort_sha256: str, found: Studied) -> str:
    """Methods as Markdown: nights, models, transforms, numbers, false discovery rate, software, hashes."""
    plan = plan_file.plan
    before = told_before(found.before) if found.before else ""
    parts = [f"# Methods: {plan.study.title}", plan.study.notes, before, _nights(plan.cohort, found)]
    parts += [_model(model, found) for model in plan.model]
    parts += [_tests(plan.model), _general(), _software(plan_file, cohort_sha256)]
    parts += ["\n".join(["Warnings:", *(f"- {warning}" for warning in found.warnings)])] if found.warnings else []
    return "\n\n".join(filter(None, parts)) + "\n"


def _nights(selection: Selection, found: Studied) -> str:
    first, last = found.flow[0], found.flow[-1]
    steps = "; ".join(f"{step.words} ({left_out(step)})" for step in found.flow[1:])
    rest = f" Steps in order: {steps}." if steps else ""
    several = " All nights of a subject were used." if selection.nights == "all" else ""
    return (
        f"Of {counted(first.n_nights, 'night')} of {counted(first.n_subjects, 'subject')}, "
        f"{counted(last.n_nights, 'night')} of {last.n_subjects:,} were studied.{rest}{several}"
    )


def _model(model: Model, found: Studied) -> str:
    rows = found.associations.filter((pl.col("model") == model.name) & (pl.col("kind") == MAIN))
    return " ".join([f"**{model.name}.**", *_what(model, found), *_how(model, rows), *_further(model), *_became(rows)])


def _what(model: Model, found: Studied) -> Iterator[str]:
    n, complete = found.n_exposures[model.name], found.complete[model.name]
    outcome = f"Time to {model.outcome_column} ({model.time_column})" if model.time_column else model.outcome_column
    scale = "" if model.outcome_transform == "none" else f" ({model.outcome_transform})"
    yield f"{outcome}{scale} was related to {counted(n, 'exposure')}, one model each,"
    adjusted = ", ".join(_covariate(name, found.references[model.name]) for name in model.covariates)
    yield f"adjusted for {adjusted}." if adjusted else "without adjustment."
    yield f"{counted(complete, 'night')} had outcome and covariates; each model used those that had the exposure too."


def _covariate(name: str, references: dict[str, str]) -> str:
    reference = references.get(name)
    return f"{column_of(name)} (reference {reference})" if reference else name


def _how(model: Model, rows: pl.DataFrame) -> Iterator[str]:
    methods = rows["method"].drop_nulls().unique().sort().to_list()
    yield f"Method: {'; '.join(methods) or 'none could be fitted'}."
    if model.group_column:
        yield f"Clusters: {model.group_column}."
    if model.offset:
        yield f"Offset: log of {model.offset}."
    step = "per SD of the exposure" if model.per == "sd" else "per unit of the exposure's scale"
    yield f"Exposures entered {_TRANSFORMS[model.transform]}; estimates are {step}."
    if moved := rows.filter(pl.col("transform").str.contains(r"\+"))["exposure"].to_list():
        yield (
            f"In {len(moved):,} of them values at a border, such as 0, occur; all their values were moved by half the "
            "smallest distance from it."
        )


def _further(model: Model) -> Iterator[str]:
    if model.interactions:
        names = ", ".join(map(column_of, model.interactions))
        yield f"Products with {names} were tested one at a time in models of their own."
    if model.subgroups:
        yield f"The models were fitted again within: {', '.join(model.subgroups)}."
    if model.measurement_error in _ERRORS:
        yield _ERRORS[model.measurement_error]
    if model.separation == "firth":
        yield "Where outcomes were separated, Firth's penalised likelihood was used, with profile intervals."


def _became(rows: pl.DataFrame) -> Iterator[str]:
    fine = rows.filter(pl.col("status") == OK)
    other = rows.filter(pl.col("status") != OK)["status"].value_counts().sort("count", "status", descending=True)
    without = ", ".join(f"{status} {n}" for status, n in other.iter_rows())
    yield f"{len(fine):,} of {len(rows):,} have an estimate{f' ({without})' if without else ''}"
    yield f"on {_range(fine['n'].to_list())} nights." if len(fine) else "."


def _range(numbers: list[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _tests(models: tuple[Model, ...]) -> str:
    words = {
        BY_MODEL: "the exposures of a model",
        BY_DOMAIN: "the exposures of a model within a domain of the dictionary",
    }
    named = {model.fdr for model in models} - words.keys()
    families = [words[word] for word in words if any(model.fdr == word for model in models)]
    families += [f"all models of the family {name!r}" for name in sorted(named)]
    return (
        f"False discovery rate: Benjamini and Hochberg (1995), over {'; over '.join(families)}; products and subgroups "
        "are families of their own. Intervals are of 95 %, p is two-sided and unadjusted, q is adjusted."
    )


def _general() -> str:
    return (
        "Nights with a missing value were left out of the models that need it (complete cases). No estimate is given "
        f"with fewer than {EVENTS_A_PARAMETER} events (of the rarer kind), or {ROWS_A_PARAMETER} nights of a normal "
        f"outcome, a parameter, with fewer than {LEAST_CLUSTERS} clusters or "
        f"{LEAST_VARIED} nights off the exposure's commonest value, or where columns tell each other. "
        "Associations are not causes. Research use only; every automatic measure behind them is unconfirmed."
    )


def _software(plan_file: PlanFile, cohort_sha256: str) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in software().items())
    return (
        f"Software: {versions}. Plan: {plan_file.path.name}, SHA-256 {plan_file.sha256}. Table of nights: SHA-256 "
        f"{cohort_sha256}."
    )

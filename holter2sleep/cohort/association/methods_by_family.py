"""Which method a model of the plan asks for."""

from __future__ import annotations

from collections.abc import Callable

from holter2sleep.cohort.association.firth import firth
from holter2sleep.cohort.association.fits import SEPARATED, Fit, NoEstimate, Problem
from holter2sleep.cohort.association.plan import Model
from holter2sleep.cohort.association.regressions import linear, logistic, negative_binomial, poisson
from holter2sleep.cohort.association.repeated import gee_of, mixed
from holter2sleep.cohort.association.survival import cox

Method = Callable[[Problem], Fit]
BY_FAMILY: dict[str, Method] = {
    "gaussian": linear,
    "binomial": logistic,
    "poisson": poisson,
    "negative_binomial": negative_binomial,
    "cox": cox,
}
SCALES = {
    "gaussian": "difference",
    "binomial": "log odds ratio",
    "poisson": "log rate ratio",
    "negative_binomial": "log rate ratio",
    "cox": "log hazard ratio",
}


def method_for(model: Model) -> Method:
    """The function that fits a model's regressions."""
    if model.repeated != "none":
        return mixed if model.repeated == "mixed" else gee_of(model.family)
    return _logistic_or_firth if model.separation == "firth" else BY_FAMILY[model.family]


def _logistic_or_firth(problem: Problem) -> Fit:
    """Logistic regression, and Firth's where its outcomes are separated."""
    try:
        return logistic(problem)
    except NoEstimate as found:
        if found.status != SEPARATED:
            raise
        return firth(problem)

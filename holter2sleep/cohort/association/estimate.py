"""One exposure in one model: the estimate, its products with other covariates, and the estimate in subgroups."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from holter2sleep.cohort.association.columns import column_of
from holter2sleep.cohort.association.design import Block, entangled, standardised, within
from holter2sleep.cohort.association.enough import amount_of, check_enough, check_varied
from holter2sleep.cohort.association.fits import COLLINEAR, FAILED, OK, TOO_FEW, Fit, NoEstimate, Problem
from holter2sleep.cohort.association.measurement import regression_calibration, simex
from holter2sleep.cohort.association.methods_by_family import method_for
from holter2sleep.cohort.association.model_data import Mask, ModelData
from holter2sleep.cohort.association.scales import Scale
from holter2sleep.night import Float

Row = dict[str, Any]
MAIN, INTERACTION, SUBGROUP = "main", "interaction", "subgroup"


@dataclass(frozen=True)
class Exposure:
    """An exposure on the scale and in the size of step that estimates speak of; NaN is not known.

    `n_lost` values have no place on the scale. `error_sd`, in the same steps, is there where a model uses it.
    """

    name: str
    scale: Scale
    step: float
    values: Float
    n_lost: int = 0
    error_sd: Float | None = None

    @property
    def known(self) -> Mask:
        """Rows with a value, and with its error where that is used."""
        known = np.isfinite(self.values)
        return known if self.error_sd is None else known & np.isfinite(self.error_sd)


def rows_of(data: ModelData, exposure: Exposure) -> Iterator[Row]:
    """The rows of an exposure: its own, one for each product term, one for each subgroup."""
    everyone = np.ones(len(exposure.values), dtype=bool)
    yield from _rows(data, exposure, everyone, data.blocks, None, {"kind": MAIN})
    for name in data.model.interactions:
        moderator = next(block for block in data.blocks if block.covariate == name)
        yield from _rows(data, exposure, everyone, data.blocks, moderator, {"kind": INTERACTION})
    for name, (mask, fixed) in data.subgroups.items():
        # a covariate that has one value within the subgroup is none there
        blocks = tuple(block for block in data.blocks if column_of(block.covariate) != fixed)
        yield from _rows(data, exposure, mask, blocks, None, {"kind": SUBGROUP, "subgroup": name})


def _rows(
    data: ModelData, exposure: Exposure, among: Mask, blocks: tuple[Block, ...], moderator: Block | None, facts: Row
) -> Iterator[Row]:
    known = among & data.complete & exposure.known
    n_groups = None if data.group is None else len(np.unique(data.group[known]))
    amount = amount_of(data.outcome[known], data.model.family, n_groups)
    base = {**facts, "exposure": exposure.name, **vars(amount)}
    there = tuple(within(block, known) for block in blocks)
    by = None if moderator is None else within(moderator, known)
    names = (moderator.names if by is None or not by.names else by.names) if moderator is not None else ()
    terms = [f"{exposure.name} x {name}" for name in names] or [exposure.name]
    try:
        fit = _fit(data, exposure, known, there, by)
    except NoEstimate as found:
        yield from ({**base, "term": term, "status": found.status, "reason": found.reason} for term in terms)
        return
    for i, term in enumerate(terms):
        numbers = {name: float(getattr(fit, name)[i]) for name in ("estimate", "std_error", "ci_low", "ci_high", "p")}
        yield {**base, "term": term, "status": OK, "method": fit.method, **numbers}


def _fit(data: ModelData, exposure: Exposure, known: Mask, blocks: tuple[Block, ...], by: Block | None) -> Fit:
    """The fit on the known rows, corrected for the error of the exposure where the plan says so."""
    _check_exposure(exposure, known, by)

    def refit(values: Float) -> Fit:
        return fitted(data, exposure.name, values, known, blocks, by)[0]

    values = exposure.values[known]
    naive = refit(values)
    if exposure.error_sd is None:
        return naive
    if data.model.measurement_error == "simex":
        return simex(values, exposure.error_sd[known], refit)
    others = np.column_stack([np.ones(len(values)), *(block.columns for block in blocks)])
    group = None if data.group is None else data.group[known]
    return regression_calibration(values, exposure.error_sd[known], others, group, refit)


def _check_exposure(exposure: Exposure, known: Mask, by: Block | None) -> None:
    """Refuse what is no question to the model at all."""
    if exposure.n_lost:
        raise NoEstimate(FAILED, f"{exposure.n_lost} values have no place on the scale {exposure.scale}")
    if exposure.error_sd is not None and not np.isfinite(exposure.error_sd).any():
        raise NoEstimate(FAILED, "the exposure has no intervals, which measurement_error needs")
    if not known.any():
        raise NoEstimate(TOO_FEW, "no night has exposure, outcome and covariates")
    if by is not None and not by.names:
        raise NoEstimate(TOO_FEW, f"{by.covariate} has one value only among the nights")


def fitted(
    data: ModelData, name: str, values: Float, known: Mask, blocks: tuple[Block, ...], by: Block | None = None
) -> tuple[Fit, Problem]:
    """One regression of the known rows with these values of the exposure; coefficients are per step of the values.

    `blocks` are covariates among the known rows; `by`, where it is asked for, is the one whose products with the
    exposure are estimated.

    Raises
    ------
    NoEstimate
        There is none, with status and reason.
    """
    problem, sizes = _problem(data, name, values, known, blocks, by)
    _check(problem, data, name)
    fit = method_for(data.model)(problem)
    size = sizes[: problem.n_asked]
    scaled = {name: getattr(fit, name) / size for name in ("estimate", "std_error", "ci_low", "ci_high")}
    return dataclasses.replace(fit, **scaled), problem


def _problem(
    data: ModelData, name: str, values: Float, known: Mask, blocks: tuple[Block, ...], by: Block | None
) -> tuple[Problem, Float]:
    """Asked columns first, then the other; the SDs of all columns but the intercept."""
    columns, names = [values[:, None]], [name]
    if by is not None:
        products = values[:, None] * (by.columns - by.columns.mean(axis=0))
        columns, names = [products, *columns], [f"{name} x {part}" for part in by.names] + names
    columns += [block.columns for block in blocks]
    names += [part for block in blocks for part in block.names]
    design, sizes = standardised(np.column_stack(columns))
    problem = Problem(
        outcome=data.outcome[known],
        design=np.column_stack([np.ones(len(design)), design]),
        names=("intercept", *names),
        n_asked=1 if by is None else len(by.names),
        group=None if data.group is None else data.group[known],
        offset=None if data.offset is None else data.offset[known],
        time=None if data.time is None else data.time[known],
    )
    return problem, sizes


def _check(problem: Problem, data: ModelData, name: str) -> None:
    """Refuse what no method can answer, the plainest reason first."""
    exposure = problem.design[:, problem.names.index(name)]
    if np.ptp(exposure) == 0:
        raise NoEstimate(FAILED, "the exposure has one value only")
    if data.model.family == "gaussian" and np.ptp(problem.outcome) == 0:
        raise NoEstimate(FAILED, "the outcome has one value only")
    check_enough(problem, data.model.family)
    check_varied(exposure)
    if tied := entangled(problem.design[:, 1:], problem.names[1:]):
        others = ", ".join(tied_name for tied_name in tied if tied_name != name)
        raise NoEstimate(COLLINEAR, f"told by other columns, or of one value only: {others}")

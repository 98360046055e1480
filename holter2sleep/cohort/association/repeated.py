"""Regressions of several nights a subject."""

from __future__ import annotations

from typing import Any

import numpy as np

from holter2sleep.cohort.association.fits import Fit, Problem, df_of_groups, wald
from holter2sleep.cohort.association.regressions import converged, linear_part, settled
from holter2sleep.cohort.association.separation import check_binary, check_counts
from holter2sleep.night import Float


def mixed(problem: Problem) -> Fit:
    """Differences of the mean with a random intercept for each group, by REML.

    References
    ----------
    Laird NM, Ware JH (1982) Random-effects models for longitudinal data. Biometrics 38:963-974.
    """
    from statsmodels.regression.mixed_linear_model import MixedLM

    model = MixedLM(problem.outcome, problem.design, groups=problem.group)
    found = converged(settled(lambda: model.fit(reml=True)))
    n_columns = problem.design.shape[1]
    estimate, std_error = np.asarray(found.params)[:n_columns], np.asarray(found.bse)[:n_columns]
    expected = problem.design @ estimate
    method = "linear mixed model (random intercept, REML), model-based standard errors"
    return wald(method, estimate[problem.asked], std_error[problem.asked], expected, df_of_groups(problem))


def gee_of(family: str) -> Any:
    """The population average of an outcome of this family, groups exchangeable within, robust standard errors.

    References
    ----------
    Liang KY, Zeger SL (1986) Longitudinal data analysis using generalized linear models. Biometrika 73:13-22.
    """
    check = {"binomial": check_binary, "poisson": check_counts}.get(family, _nothing_separates)

    def gee(problem: Problem) -> Fit:
        from statsmodels.genmod import families
        from statsmodels.genmod.cov_struct import Exchangeable
        from statsmodels.genmod.generalized_estimating_equations import GEE

        kind = {"gaussian": families.Gaussian, "binomial": families.Binomial, "poisson": families.Poisson}[family]()
        model = GEE(
            problem.outcome,
            problem.design,
            groups=problem.group,
            family=kind,
            cov_struct=Exchangeable(),
            offset=problem.offset,
        )
        found = settled(lambda: model.fit(), lambda: check(problem))
        check(problem, linear_part(problem, found) if found.converged else None)
        converged(found)
        estimate, std_error = np.asarray(found.params)[problem.asked], np.asarray(found.bse)[problem.asked]
        method = f"generalised estimating equations ({family}, exchangeable), robust standard errors"
        return wald(method, estimate, std_error, np.asarray(found.fittedvalues), df_of_groups(problem))

    return gee


def _nothing_separates(_problem: Problem, _linear_part: Float | None = None) -> None:
    """Normal outcomes have a finite estimate whatever they are."""

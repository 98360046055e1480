"""Linear, logistic and count regressions of independent or clustered rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from holter2sleep.cohort.association.fits import FAILED, Fit, NoEstimate, Problem, df_of_groups, method_of, wald
from holter2sleep.cohort.association.separation import check_binary, check_counts
from holter2sleep.night import Float


def linear(problem: Problem) -> Fit:
    """Differences of the mean by least squares; HC3, or cluster-robust standard errors.

    References
    ----------
    MacKinnon JG, White H (1985) Some heteroskedasticity-consistent covariance matrix estimators. J Econometrics
    29:305-325; Long JS, Ervin LH (2000) Am Stat 54:217-224, which advises HC3 below 250 rows and loses nothing above.
    """
    from statsmodels.regression.linear_model import OLS

    found = settled(lambda: OLS(problem.outcome, problem.design).fit(use_t=True, **_robust(problem, "HC3")))
    method = method_of("ordinary least squares", "HC3", problem)
    return _asked(problem, method, found, found.fittedvalues, df_of_groups(problem, found.df_resid))


def logistic(problem: Problem) -> Fit:
    """Log odds ratios by maximum likelihood; of the model, or cluster-robust standard errors.

    Raises
    ------
    NoEstimate
        A column, or a combination of them, separates the outcomes.
    """
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    fit = GLM(problem.outcome, problem.design, family=Binomial()).fit
    found = settled(lambda: fit(**_robust(problem, "nonrobust")), lambda: check_binary(problem))
    check_binary(problem, linear_part(problem, found) if found.converged else None)
    method = method_of("logistic regression", "model-based", problem)
    return _asked(problem, method, converged(found), found.fittedvalues, df_of_groups(problem))


def poisson(problem: Problem) -> Fit:
    """Log rate ratios by the Poisson likelihood; robust (HC1) or cluster-robust standard errors.

    The variance of counts is seldom their mean, which the robust errors do not need (Zou G (2004) Am J Epidemiol
    159:702-706).
    """
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    fit = GLM(problem.outcome, problem.design, family=Poisson(), offset=problem.offset).fit
    found = settled(lambda: fit(**_robust(problem, "HC1")), lambda: check_counts(problem))
    check_counts(problem, linear_part(problem, found) if found.converged else None)
    method = method_of("Poisson regression", "robust (HC1)", problem)
    return _asked(problem, method, converged(found), found.fittedvalues, df_of_groups(problem))


def negative_binomial(problem: Problem) -> Fit:
    """Log rate ratios, variance mean + alpha mean squared (NB2); of the model, or cluster-robust standard errors.

    References
    ----------
    Cameron AC, Trivedi PK (2013) Regression analysis of count data, 2nd ed., section 3.3.
    """
    from statsmodels.discrete.discrete_model import NegativeBinomial

    fit = NegativeBinomial(problem.outcome, problem.design, offset=problem.offset).fit
    found = settled(lambda: fit(disp=0, maxiter=200, **_robust(problem, "nonrobust")), lambda: check_counts(problem))
    check_counts(problem, linear_part(problem, found) if found.mle_retvals["converged"] else None)
    if not found.mle_retvals["converged"]:
        raise NoEstimate(FAILED, "the negative binomial fit has not converged; counts that vary no more than poisson?")
    method = method_of("negative binomial regression", "model-based", problem)
    return _asked(problem, method, found, found.predict(), df_of_groups(problem))


def _robust(problem: Problem, otherwise: str) -> dict[str, Any]:
    """How statsmodels is asked for standard errors."""
    if problem.group is None:
        return {"cov_type": otherwise}
    return {"cov_type": "cluster", "cov_kwds": {"groups": problem.group}}


def linear_part(problem: Problem, found: Any) -> Float:
    """What a statsmodels result makes of the columns, offset aside. array (n_rows,)."""
    part: Float = problem.design @ np.asarray(found.params)[: problem.design.shape[1]]
    return part


def _asked(problem: Problem, method: str, found: Any, expected: Float, df: float) -> Fit:
    """The asked coefficients of a statsmodels result."""
    return wald(method, np.asarray(found.params)[problem.asked], np.asarray(found.bse)[problem.asked], expected, df)


def settled(fit: Callable[[], Any], otherwise: Callable[[], None] = lambda: None) -> Any:
    """A statsmodels result; its warnings are told by what is checked of the result.

    Raises
    ------
    NoEstimate
        It cannot be fitted; `otherwise` may know why.
    """
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return fit()
    except (np.linalg.LinAlgError, ValueError, FloatingPointError, OverflowError) as error:
        otherwise()
        raise NoEstimate(FAILED, f"the fit stopped: {str(error)[:100]}") from None


def converged(found: Any) -> Any:
    """The result, if its iterations have ended.

    Raises
    ------
    NoEstimate
        They have not.
    """
    if not found.converged:
        raise NoEstimate(FAILED, "the fit has not converged")
    return found

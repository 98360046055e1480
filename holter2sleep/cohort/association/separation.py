"""Whether outcomes are separated by the design, so that no finite estimate exists."""

from __future__ import annotations

import numpy as np
from scipy import optimize

from holter2sleep.cohort.association.fits import SEPARATED, NoEstimate, Problem
from holter2sleep.night import Float

# A fit stops when its deviance no longer changes; separated rows are then beyond chances, or means, of 1e-5. Fits that
# reach no such row are not looked at, for a linear program takes longer than the fit.
_SUSPECT = 11.5
_PRECISION = 1e-6  # of the linear program, a row


def check_binary(problem: Problem, linear_part: Float | None = None) -> None:
    """Refuse outcomes 0 and 1 that a combination of columns tells apart, wholly or but for ties.

    `linear_part` is that of a fit, which is looked into only where it is suspect; None of one that has failed.

    References
    ----------
    Konis K (2007) Linear programming algorithms for detecting separated data in binary logistic regression models
    (DPhil thesis, Oxford), chapter 4; Albert A, Anderson JA (1984) Biometrika 71:1-10.

    Raises
    ------
    NoEstimate
        They are separated; the reason names the column that weighs most.
    """
    if linear_part is not None and np.abs(linear_part).max() <= _SUSPECT:
        return
    signed = np.where(problem.outcome > 0, 1.0, -1.0)[:, None] * problem.design
    found = optimize.linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1))
    _refuse(found, problem.names, "tells the outcomes apart")


def check_counts(problem: Problem, linear_part: Float | None = None) -> None:
    """Refuse counts whose zeros a combination of columns tells from the others; `linear_part` as above.

    References
    ----------
    Santos Silva JMC, Tenreyro S (2010) On the existence of the maximum likelihood estimates in Poisson regression.
    Economics Letters 107:310-312.

    Raises
    ------
    NoEstimate
        All counts of some kind of row are 0.
    """
    if linear_part is not None and linear_part.min() >= -_SUSPECT:
        return
    zero, others = problem.design[problem.outcome == 0], problem.design[problem.outcome > 0]
    found = optimize.linprog(
        zero.sum(axis=0), A_ub=zero, b_ub=np.zeros(len(zero)), A_eq=others, b_eq=np.zeros(len(others)), bounds=(-1, 1)
    )
    _refuse(found, problem.names, "has counts of 0 only on one side")


def _refuse(found: optimize.OptimizeResult, names: tuple[str, ...], what: str) -> None:
    if found.status == 0 and -found.fun > _PRECISION:
        weights = np.abs(found.x[1:])
        raise NoEstimate(SEPARATED, f"{names[1 + int(weights.argmax())]} {what}; no finite estimate exists")

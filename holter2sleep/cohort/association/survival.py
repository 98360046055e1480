"""Cox regressions."""

from __future__ import annotations

import numpy as np

from holter2sleep.cohort.association.fits import (
    FAILED,
    SEPARATED,
    Fit,
    NoEstimate,
    Problem,
    df_of_groups,
    method_of,
    wald,
)
from holter2sleep.cohort.association.regressions import settled

# A hazard ratio of three million over the range of a column: events on one side only, as far as a fit can see.
MONOTONE_LOG_RATIO = 15.0
_STEEPEST = 1e-4  # of the log partial likelihood's slope, an event and SD of a column, where it has its maximum


def cox(problem: Problem) -> Fit:
    """Log hazard ratios by the partial likelihood, ties by Efron; of the model, or cluster-robust standard errors.

    References
    ----------
    Efron B (1977) J Am Stat Assoc 72:557-565; Lin DY, Wei LJ (1989) J Am Stat Assoc 84:1074-1078.

    Raises
    ------
    NoEstimate
        All events lie on one side of a column, or the fit has not converged.
    """
    from statsmodels.duration.hazard_regression import PHReg

    columns = problem.design[:, 1:]  # the baseline hazard is the intercept
    model = PHReg(problem.time, columns, status=problem.outcome, ties="efron")
    found = settled(lambda: model.fit(groups=problem.group, disp=0))
    reach = np.abs(found.params) * np.ptp(columns, axis=0)
    if not np.isfinite(reach).all() or reach.max() > MONOTONE_LOG_RATIO:
        name = problem.names[1 + int(np.nan_to_num(reach, nan=np.inf).argmax())]
        raise NoEstimate(SEPARATED, f"{name}: all events lie on one side; no finite estimate exists")
    if np.abs(model.score(found.params)).max() > _STEEPEST * problem.outcome.sum():
        raise NoEstimate(FAILED, "the fit has not converged")
    asked = slice(0, problem.n_asked)
    expected = problem.outcome - found.martingale_residuals
    method = method_of("Cox regression (Efron ties)", "model-based", problem)
    return wald(method, found.params[asked], found.bse[asked], expected, df_of_groups(problem))

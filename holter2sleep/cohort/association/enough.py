"""Whether there is enough to estimate from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holter2sleep.cohort.association.fits import TOO_FEW, NoEstimate, Problem
from holter2sleep.cohort.association.plan import COUNTS, Family
from holter2sleep.counted import counted
from holter2sleep.night import Float

# Vittinghoff E, McCulloch CE (2007) Am J Epidemiol 165:710-718: from 5 to 9 events a parameter on, intervals hold
# what they say nearly as often as with the ten of older rules; below 5 they do not.
EVENTS_A_PARAMETER = 5
# Linear models: 2 rows a parameter are enough for unbiased estimates (Austin PC, Steyerberg EW (2015) J Clin Epidemiol
# 68:627-636); with HC3 errors 5 leave leverages below a half.
ROWS_A_PARAMETER = 5
# Cameron AC, Miller DL (2015) J Human Resources 50:317-372, section VI: "few" begins at 20 to 50 clusters.
LEAST_CLUSTERS = 20
# Nights whose exposure is not its commonest value, such as 0. Robust errors of a coefficient that hangs on a few rows
# are too small: with 2 such nights 14 % of null associations have p < 0.05, with 10 still 9 % (linear) and 11 %
# (Poisson), with 50 as many as should (`python -m benchmarks.associate rare`). A higher limit would leave no rare
# arrhythmia to study.
LEAST_VARIED = 10


@dataclass(frozen=True)
class Amount:
    """What a row of the table says it rests on."""

    n: int
    n_events: int | None
    n_clusters: int | None


def amount_of(outcome: Float, family: Family, n_groups: int | None) -> Amount:
    """Rows, events (sum of the outcome; none of a normal one) and clusters."""
    return Amount(len(outcome), None if family == "gaussian" else int(outcome.sum()), n_groups)


def check_varied(exposure: Float) -> None:
    """Refuse an exposure that but a few nights have, whatever the number of nights.

    Raises
    ------
    NoEstimate
        Nearly all nights have the same value.
    """
    n_varied = len(exposure) - int(np.unique(exposure, return_counts=True)[1].max())
    if n_varied < LEAST_VARIED:
        found = f"{n_varied} nights differ from the commonest value of the exposure"
        raise NoEstimate(TOO_FEW, f"{found}; {LEAST_VARIED} are the least")


def check_enough(problem: Problem, family: Family) -> None:
    """Refuse what has too few rows, events or clusters for its columns.

    The rarer of events and others counts for a binomial outcome, rows with a count above 0 for counts.

    Raises
    ------
    NoEstimate
        It has too few.
    """
    n_parameters = problem.design.shape[1] - 1
    scarce, needed, what = _scarce(problem, family)
    if scarce < needed * n_parameters:
        of = counted(n_parameters, "parameter")
        raise NoEstimate(TOO_FEW, f"{scarce} {what} for {of}; {needed} each are the least")
    if problem.n_groups is not None and problem.n_groups < LEAST_CLUSTERS:
        raise NoEstimate(
            TOO_FEW, f"{counted(problem.n_groups, 'cluster')}; {LEAST_CLUSTERS} are the least for robust errors"
        )


def _scarce(problem: Problem, family: Family) -> tuple[int, int, str]:
    n, n_positive = len(problem.outcome), int((problem.outcome > 0).sum())
    if family == "gaussian":
        return n, ROWS_A_PARAMETER, "rows"
    if family == "binomial":
        return min(n_positive, n - n_positive), EVENTS_A_PARAMETER, "events (or rows without)"
    return n_positive, EVENTS_A_PARAMETER, "rows with a count" if family in COUNTS else "events"

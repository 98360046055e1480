"""What goes into one regression, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from holter2sleep.night import Float, frozen_array

Codes = NDArray[np.int64]
TAIL = 0.025  # either side of a 95 % interval
OK, SEPARATED, COLLINEAR, TOO_FEW, FAILED = "ok", "separated", "collinear", "too_few", "failed"


class NoEstimate(Exception):
    """The data answer no question of this kind; becomes a row's status and reason, never a traceback."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class Problem:
    """One regression, complete rows only.

    `design` is (n_rows, n_columns) with the intercept first, then the `n_asked` columns whose coefficients are asked
    for, then the others; but for the intercept its columns have mean 0 and SD 1. `outcome` is the event, 0 or 1, where
    there is a `time` to it. `offset` is on the log scale.
    """

    outcome: Float
    design: Float
    names: tuple[str, ...]
    n_asked: int = 1
    group: Codes | None = None
    offset: Float | None = None
    time: Float | None = None

    def __post_init__(self) -> None:
        for name in ("outcome", "design", "group", "offset", "time"):
            if (values := getattr(self, name)) is not None:
                object.__setattr__(self, name, frozen_array(values, np.int64 if name == "group" else np.float64))

    @property
    def n_groups(self) -> int | None:
        """Number of clusters; None without any."""
        return None if self.group is None else len(np.unique(self.group))

    @property
    def asked(self) -> slice:
        """Where in the design the asked columns stand."""
        return slice(1, 1 + self.n_asked)


@dataclass(frozen=True)
class Fit:
    """Coefficients of the asked columns with their uncertainty, and the mean that the model expects of each row.

    `method` says how they were found.
    """

    method: str
    estimate: Float
    std_error: Float
    ci_low: Float
    ci_high: Float
    p: Float
    expected: Float
    df: float = np.inf  # of the t that interval and p are read from

    def __post_init__(self) -> None:
        if not all(np.isfinite(part).all() for part in (self.estimate, self.std_error, self.p)):
            raise NoEstimate(FAILED, "the estimate or its standard error is not a finite number")


def wald(method: str, estimate: Float, std_error: Float, expected: Float, df: float = np.inf) -> Fit:
    """Interval and p of the estimate against its standard error: t with `df`, normal where that is infinite."""
    reach = stats.t.ppf(1 - TAIL, df) * std_error
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stats.t.sf(np.abs(estimate / std_error), df)
    return Fit(method, estimate, std_error, estimate - reach, estimate + reach, p, expected, df)


def method_of(model: str, errors: str, problem: Problem) -> str:
    """A method in words; standard errors are those of clusters wherever there are clusters."""
    return f"{model}, {errors if problem.group is None else 'cluster-robust'} standard errors"


def df_of_groups(problem: Problem, otherwise: float = np.inf) -> float:
    """Degrees of freedom: clusters less one (Cameron and Miller 2015, section VI), else those of the rows."""
    return otherwise if problem.n_groups is None else problem.n_groups - 1

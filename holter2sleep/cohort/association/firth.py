"""Logistic regression by Firth's penalised likelihood, which has an estimate where outcomes are separated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from holter2sleep.cohort.association.fits import FAILED, TAIL, Codes, Fit, NoEstimate, Problem
from holter2sleep.night import Float

MOST_STEPS, LONGEST_STEP, FLAT = 100, 5.0, 1e-8  # log odds ratio an SD of a column
_FURTHEST = 20.0  # standard errors beyond which no end of an interval is looked for


@dataclass(frozen=True)
class _Peak:
    """Where the penalised likelihood is highest with some columns free."""

    coefficients: Float
    log_likelihood: float
    covariance: Float


def firth(problem: Problem) -> Fit:
    """Log odds ratios of least bias; interval and p from the profile of the penalised likelihood.

    References
    ----------
    Firth D (1993) Bias reduction of maximum likelihood estimates. Biometrika 80:27-38; Heinze G, Schemper M (2002) A
    solution to the problem of separation in logistic regression. Stat Med 21:2409-2419.

    Raises
    ------
    NoEstimate
        The likelihood has no maximum within reach.
    """
    peak = _highest(problem, np.zeros(problem.design.shape[1]), range(problem.design.shape[1]))
    columns = range(*problem.asked.indices(problem.design.shape[1]))
    profiles = [_profile(problem, peak, column) for column in columns]
    low, high, p = (np.array(values) for values in zip(*profiles, strict=True))
    std_error = np.sqrt(np.diag(peak.covariance))[problem.asked]
    expected = special.expit(problem.design @ peak.coefficients)
    method = "logistic regression, Firth's penalised likelihood, profile intervals"
    return Fit(method, peak.coefficients[problem.asked], std_error, low, high, p, expected)


def _profile(problem: Problem, peak: _Peak, column: int) -> tuple[float, float, float]:
    """Ends of the interval and p of one coefficient, by the likelihood ratio."""
    enough = peak.log_likelihood - stats.chi2.ppf(1 - 2 * TAIL, 1) / 2
    free = [other for other in range(len(peak.coefficients)) if other != column]

    nearby = peak.coefficients.copy()  # each summit is looked for from the one before

    def height(value: float) -> float:
        nearby[column] = value
        found = _highest(problem, nearby, free)
        nearby[:] = found.coefficients
        return found.log_likelihood

    centre, step = peak.coefficients[column], float(np.sqrt(peak.covariance[column, column]))
    ends = []
    for way in (-1, 1):
        nearby[:] = peak.coefficients
        ends.append(_end(lambda value: height(value) - enough, centre, way * step))
    nearby[:] = peak.coefficients
    ratio = 2 * max(peak.log_likelihood - height(0.0), 0.0)
    return ends[0], ends[1], float(stats.chi2.sf(ratio, 1))


def _end(above: Callable[[float], float], centre: float, step: float) -> float:
    """Where a likelihood that is enough at the centre no longer is."""
    end, furthest = centre + step, abs(_FURTHEST * step)
    while above(end) > 0:
        step *= 1.25
        end = centre + step
        if abs(step) > furthest:
            raise NoEstimate(FAILED, "the penalised likelihood is flat; its interval has no end")
    return float(optimize.brentq(above, centre, end, xtol=1e-6))


def _highest(problem: Problem, start: Float, free: Sequence[int]) -> _Peak:
    """Newton steps of the penalised score, halved where the likelihood would fall."""
    index = np.array(free)
    now, height = start.copy(), _penalised(problem, start)
    for _ in range(MOST_STEPS):
        score, information = _score(problem, now)
        step = np.linalg.solve(information[np.ix_(index, index)], score[index])
        step /= max(1.0, np.abs(step).max() / LONGEST_STEP)
        now, height = _climbed(problem, now, height, index, step)
        if np.abs(step).max() < FLAT:
            return _Peak(now, height, np.asarray(np.linalg.inv(information), np.float64))
    raise NoEstimate(FAILED, "the penalised fit has not converged")


def _climbed(problem: Problem, now: Float, height: float, index: Codes, step: Float) -> tuple[Float, float]:
    for _ in range(30):
        ahead = now.copy()
        ahead[index] += step
        if (there := _penalised(problem, ahead)) >= height - 1e-10:
            return ahead, there
        step = step / 2
    return now, height


def _penalised(problem: Problem, coefficients: Float) -> float:
    """Log likelihood plus half the log determinant of the information, Firth's penalty."""
    chance = special.expit(problem.design @ coefficients)
    fit = np.log(np.where(problem.outcome > 0, chance, 1 - chance)).sum()
    return float(fit + np.linalg.slogdet(_information(problem, chance))[1] / 2)


def _score(problem: Problem, coefficients: Float) -> tuple[Float, Float]:
    chance = special.expit(problem.design @ coefficients)
    information = _information(problem, chance)
    spread = chance * (1 - chance)
    leverage = spread * np.einsum("ij,ji->i", problem.design, np.linalg.solve(information, problem.design.T))
    return problem.design.T @ (problem.outcome - chance + leverage * (0.5 - chance)), information


def _information(problem: Problem, chance: Float) -> Float:
    weighted: Float = problem.design.T @ (problem.design * (chance * (1 - chance))[:, None])
    return weighted

"""Exposures that are measured with error: estimates as they were without it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from holter2sleep.cohort.association.fits import FAILED, TAIL, Codes, Fit, NoEstimate, wald
from holter2sleep.night import Float

# of the added error, in variances of the true one; quadratic extrapolation to -1: Cook and Stefanski (1994), section 4
SIMEX_STEPS = (0.5, 1.0, 1.5, 2.0)
SIMEX_DRAWS = 100  # as the examples there; more change the second digit of the standard error no longer
SEED = 0
_SMALL_CHANGE = 0.02  # of the true variance, for the slope of the estimate in it

Refit = Callable[[Float], Fit]  # the model with other values of the exposure


def regression_calibration(exposure: Float, error_sd: Float, others: Float, group: Codes | None, refit: Refit) -> Fit:
    """The fit with each value replaced by what is expected of the true one, given it and the covariates.

    The standard error holds what the variance of the true values is not known to, by the delta method. Exact for
    linear models; for others good where the effect of an SD is small (Carroll 2006, section 4.8).

    Parameters
    ----------
    exposure, error_sd
        Measured values and the standard deviation of each one's error. arrays (n_rows,).
    others
        Intercept and covariates. array (n_rows, n).

    References
    ----------
    Carroll RJ, Ruppert D, Stefanski LA, Crainiceanu CM (2006) Measurement error in nonlinear models, 2nd ed., section
    4.4 (equation 4.4 with an error variance that is known for each row).

    Raises
    ------
    NoEstimate
        The errors explain all of the spread that there is.
    """
    expected = others @ np.linalg.lstsq(others, exposure, rcond=None)[0]
    rest = exposure - expected
    # the residual variance less that of the errors, and each row's say in it
    true_variance = (rest @ rest) / (len(rest) - others.shape[1]) - np.mean(error_sd**2)
    true_variance_se = _se_of_mean(rest**2 - error_sd**2 - true_variance, group)
    _check_reliable(true_variance, true_variance_se)

    def with_variance(variance: float) -> Fit:
        return refit(expected + variance / (variance + error_sd**2) * rest)

    found = with_variance(true_variance)
    nearby = with_variance(true_variance * (1 + _SMALL_CHANGE))
    slope = (nearby.estimate - found.estimate) / (true_variance * _SMALL_CHANGE)
    std_error = np.hypot(found.std_error, slope * true_variance_se)
    return wald(f"{found.method}, regression calibration", found.estimate, std_error, found.expected, found.df)


def _check_reliable(true_variance: float, true_variance_se: float) -> None:
    if true_variance - 2 * true_variance_se <= 0:
        raise NoEstimate(
            FAILED, "the intervals of the exposure explain all of its spread; nothing true is left to relate"
        )


def _se_of_mean(parts: Float, group: Codes | None) -> float:
    """Standard error of the mean of values that are alike within groups."""
    sums = parts if group is None else np.bincount(np.unique(group, return_inverse=True)[1], weights=parts)
    return float(np.sqrt((sums**2).sum()) / len(parts))


def simex(exposure: Float, error_sd: Float, refit: Refit) -> Fit:
    """The fit extrapolated to no error from fits with error added; a quadratic leaves some of a large error's bias.

    The standard error extrapolates the difference between the mean variance of the fits and the variance between
    them.

    References
    ----------
    Cook JR, Stefanski LA (1994) Simulation-extrapolation estimation in parametric measurement error models. J Am Stat
    Assoc 89:1314-1328; Stefanski LA, Cook JR (1995) J Am Stat Assoc 90:1247-1256 (standard error, equation 9).

    Raises
    ------
    NoEstimate
        The extrapolated variance is not above 0.
    """
    rng = np.random.default_rng(SEED)
    naive = refit(exposure)
    estimates, variances = [naive.estimate], [naive.std_error**2]
    for step in SIMEX_STEPS:
        draws = rng.standard_normal((SIMEX_DRAWS, len(exposure)))
        fits = [refit(exposure + np.sqrt(step) * error_sd * draw) for draw in draws]
        drawn = np.array([fit.estimate for fit in fits])
        estimates.append(drawn.mean(axis=0))
        variances.append(np.mean([fit.std_error**2 for fit in fits], axis=0) - drawn.var(axis=0, ddof=1))
    estimate, variance = _without_error(np.array(estimates)), _without_error(np.array(variances))
    if (variance <= 0).any():
        raise NoEstimate(FAILED, "simex: the errors are too large for a standard error")
    return wald(f"{naive.method}, SIMEX", estimate, np.sqrt(variance), naive.expected, naive.df)


def _without_error(at_steps: Float) -> Float:
    """Quadratic through the values at 0 and the steps, read at -1. array (n_steps + 1, n) to (n,)."""
    added = np.array([0.0, *SIMEX_STEPS])
    value: Float = np.array([np.polyval(np.polyfit(added, column, 2), -1.0) for column in at_steps.T])
    return value


def error_sd_of(low: Float, high: Float) -> Float:
    """Standard deviation of an error from the ends of a 95 % interval on the scale of the model."""
    from scipy import stats

    return (high - low) / (2 * stats.norm.ppf(1 - TAIL))

"""Heart-rate variability in the time domain: spread of intervals, of their differences, of 5-min means."""

from __future__ import annotations

import numpy as np

from holter2sleep.autonomic.blocks import Estimates, Formula, block_sums, estimates, ratio, spread
from holter2sleep.autonomic.windows import Windows
from holter2sleep.night import NN, Float

LIMITS_MS = (20.0, 50.0)  # of pNNx: Task Force 1996, table 1 (50); Mietus 2002, Heart 88:378-380 (20)


def time_measures(nn: NN) -> Estimates:
    """Time-domain measures of all intervals together, Poincare's ellipse among them.

    Examples
    --------
    NN 800, 810, 790 ms: differences 10 and -20, so RMSSD = sqrt((100 + 400) / 2) = 15.81 ms.

    >>> nn = NN(np.array([0.8, 1.61, 2.4]), np.array([800.0, 810, 790]), np.array([False, True, True]))
    >>> round(time_measures(nn).values["rmssd"], 2)
    15.81

    References
    ----------
    Task Force 1996, table 1. Brennan 2001, IEEE Trans Biomed Eng 48:1342-1347: SD1 and SD2 are the spread of the
    differences and of the sums of adjacent intervals, divided by the square root of 2.
    """
    columns, formula = time_sums(nn)
    return estimates(block_sums(columns, nn.end_s), formula)


def time_sums(nn: NN) -> tuple[Float, Formula]:
    """What each interval adds to the totals of the time-domain measures, and the formula that reads them."""
    middle_ms = float(nn.nn_ms.mean()) if len(nn) else 0.0  # taken off: sums of squares lose no digits
    return _columns(nn, middle_ms), lambda totals: _of_totals(totals, middle_ms)


def rmssd_ms(nn: NN) -> float:
    """RMSSD alone, where its interval is not asked for; NaN without a pair of adjacent intervals."""
    changes_ms = nn.differences_ms
    return float(np.sqrt((changes_ms**2).mean())) if len(changes_ms) else np.nan


def _columns(nn: NN, middle_ms: float) -> Float:
    """What each interval, and the pair it makes with the one before, adds to the totals. array (n, 10)."""
    away_ms, pair = nn.nn_ms - middle_ms, nn.adjacent
    before_ms = np.r_[0.0, away_ms][: len(nn)]
    change_ms = np.where(pair, np.round(away_ms - before_ms, 3), 0.0)
    sum_ms = np.where(pair, away_ms + before_ms, 0.0)
    above = [np.abs(change_ms) > limit_ms for limit_ms in LIMITS_MS]
    moments = (away_ms, away_ms**2, pair, change_ms, change_ms**2, *above, sum_ms, sum_ms**2)
    return np.column_stack([np.ones(len(nn)), *moments])


def _of_totals(totals: Float, middle_ms: float) -> dict[str, Float]:
    n, away, squares, pairs, change, change_squares, n20, n50, sums, sum_squares = np.moveaxis(totals, -1, 0)
    mean_ms, sdnn = middle_ms + ratio(away, n), spread(n, away, squares)
    sdsd = spread(pairs, change, change_squares)
    sd1, sd2 = sdsd / np.sqrt(2), spread(pairs, sums, sum_squares) / np.sqrt(2)
    return {
        "nn_mean": mean_ms,
        "nn_cv": 100 * ratio(sdnn, mean_ms),
        "sdnn": sdnn,
        "rmssd": np.sqrt(ratio(change_squares, pairs)),
        "sdsd": sdsd,
        "nn50": n50,
        "pnn50": 100 * ratio(n50, pairs),
        "pnn20": 100 * ratio(n20, pairs),
        "sd1": sd1,
        "sd2": sd2,
        "sd1_sd2": ratio(sd1, sd2),
        "poincare_area": np.pi * sd1 * sd2,
    }


def segment_measures(windows: Windows) -> Estimates:
    """SDANN and SDNN index, ms.

    References
    ----------
    Task Force 1996, table 1.
    """
    n = (windows.behind - windows.first).astype(np.float64)
    middle_ms = windows.nn.nn_ms.mean() if len(windows) else 0.0
    away_ms = windows.nn.nn_ms - middle_ms
    total, squares = windows.sums(away_ms), windows.sums(away_ms**2)
    mean_ms = total / n
    return estimates(np.column_stack([np.ones(len(n)), mean_ms, mean_ms**2, spread(n, total, squares)]), _of_segments)


def _of_segments(totals: Float) -> dict[str, Float]:
    n, means, squares, spreads = np.moveaxis(totals, -1, 0)
    return {"sdann": spread(n, means, squares), "sdnn_index": ratio(spreads, n)}

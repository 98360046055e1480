"""How irregular the intervals around each beat are.

Atrial fibrillation makes every interval unlike every other. Premature beats, bigeminy and breathing are irregular too,
but leave a pattern: intervals that come again after one beat, or after two to six, or with one period. All measures
look at intervals alone, so that they hang on no class of beat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from holter2sleep.night import Float

WINDOW = 30  # intervals around a beat; the window of the PhysioNet Cardiovascular Signal Toolbox for AF
ALIKE = 0.04  # of the running median: two intervals this near are alike; 32 ms at 75/min, as in Petrenas 2015 (30 ms)
LAGS = range(1, 7)  # beats: bigeminy comes again after 2, trigeminy after 3, breathing after 3 to 6
PERIODIC_WINDOW = 64  # beats: a dozen breaths
PERIODIC_STEP = 4  # beats between two looks at it
DRIFT_BINS = 2  # of the spectrum of such a window: slower than 32 beats


@dataclass(frozen=True)
class Irregularity:
    """Measures of the intervals around each one; arrays (n,)."""

    alike_next: Float  # share of intervals like the one before
    alike_best: Float  # the same at the lag of LAGS where most are alike
    periodicity: Float  # share of the variation that lies at one period
    rr_s: Float  # running median


def irregularity(rr_s: Float) -> Irregularity:
    """The measures around each of the intervals, which need not be adjacent. At least two intervals."""
    level = ndimage.median_filter(rr_s, WINDOW + 1, mode="nearest")
    shares = np.array([alike_share(rr_s, level, lag) for lag in LAGS])
    at = np.arange(0, len(rr_s), PERIODIC_STEP)
    period = np.interp(np.arange(len(rr_s)), at, periodicity(rr_s, at))
    return Irregularity(shares[0], shares.max(axis=0), period, level)


def alike_share(rr_s: Float, level_s: Float, lag: int) -> Float:
    """Share of the pairs of intervals `lag` apart, in the window around each, that are alike. array (n,).

    Examples
    --------
    >>> bigeminy = np.tile([0.6, 1.0], 40)
    >>> [alike_share(bigeminy, np.full(80, 0.8), lag)[40].item() for lag in (1, 2)]
    [0.0, 1.0]
    """
    before, after = WINDOW // 2, WINDOW - 1 - WINDOW // 2
    padded = np.pad(rr_s, (before, after), mode="reflect")
    limit = ALIKE * np.pad(level_s, (before, after), mode="edge")
    alike = np.abs(padded[lag:] - padded[:-lag]) < limit[lag:]
    count = np.concatenate([[0], np.cumsum(alike)])
    width = WINDOW - lag
    return (count[width : width + len(rr_s)] - count[: len(rr_s)]) / width


def periodicity(rr_s: Float, at: np.ndarray) -> Float:
    """Share of the variation of the 64 intervals around each place that lies at one period. array (len(at),).

    Taken from the spectrum of the ranks, so that one long interval does not rule it: the strongest three neighbouring
    bins against all, slow drift left out. About 0.25 for independent intervals, 0.5 and more where breathing rules.
    """
    half = PERIODIC_WINDOW // 2
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(rr_s, (half, half - 1), mode="reflect"), PERIODIC_WINDOW)
    ranks = windows[at].argsort(axis=1).argsort(axis=1) - (PERIODIC_WINDOW - 1) / 2
    power = np.abs(np.fft.rfft(ranks * np.hanning(PERIODIC_WINDOW), axis=1))[:, DRIFT_BINS:] ** 2
    return (power[:, :-2] + power[:, 1:-1] + power[:, 2:]).max(axis=1) / power.sum(axis=1)

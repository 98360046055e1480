"""Hypnograms that the night's probabilities would also allow, drawn at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal, special

from holter2sleep.heart.quantile import quantile_along
from holter2sleep.night import EPOCH_S, Float

N_SAMPLES = 200  # the 2.5th percentile is the fifth of them
TAILS = (0.025, 0.975)
SEED = 2512  # any: the same night must give the same table

# How staging errors hang together, by the place of the scored stage in the estimated distribution (development: slpdb,
# sleepecg-mesa): correlation 0.83 after half a minute, 0.63 after 5 min, 0.52 after 10 min, 0.34 after 20 min.
LASTING_SHARE = 0.85
LASTING_S = 1200.0

UNSCORED_CODE = -1


def sampled_stages(proba: NDArray[np.float32]) -> NDArray[np.int8]:
    """Stages of each epoch in each of 200 draws: column of `proba`, or -1 where it has no answer.

    Every epoch is drawn by its own probabilities, and errors last as they do in truth: a latent normal course, part of
    which forgets within 20 min and part at once, says in each epoch which stage is taken (a Gaussian copula). Drawn
    epoch by epoch alone, errors would cancel out, and the night would be full of awakenings that nobody believes in.

    Parameters
    ----------
    proba
        array (n_epochs, n_classes); NaN rows are unscored.

    Returns
    -------
    array (200, n_epochs)
    """
    place = special.ndtr(_latent(len(proba)))
    known = np.isfinite(proba[:, 0])
    steps = np.cumsum(np.where(known[:, None], proba, 0.0), axis=1, dtype=np.float64)[:, :-1]
    drawn = (place[:, :, None] >= steps).sum(axis=2)
    codes = np.where(known, drawn, UNSCORED_CODE).astype(np.int8)
    codes.flags.writeable = False
    return codes


def _latent(n_epochs: int) -> Float:
    """Standard normal courses. array (200, n_epochs)."""
    rng = np.random.default_rng(SEED)
    keeps = np.exp(-EPOCH_S / LASTING_S)
    shocks = rng.standard_normal((N_SAMPLES, n_epochs)) * np.sqrt(1 - keeps**2)
    shocks[:, :1] /= np.sqrt(1 - keeps**2)  # the course is at rest from its first epoch on
    lasting = signal.lfilter([1.0], [1.0, -keeps], shocks, axis=1)
    passing = rng.standard_normal((N_SAMPLES, n_epochs))
    return np.sqrt(LASTING_SHARE) * lasting + np.sqrt(1 - LASTING_SHARE) * passing


def percentiles(drawn: Float, value: float) -> tuple[float, float] | None:
    """95 % interval of a number over the draws, widened to hold the value itself; None where some draw has none.

    The most probable stage is not the mean one: what is rare is seldom the most probable, and its minutes lie low.
    """
    if not np.isfinite(drawn).all() or not np.isfinite(value):
        return None
    low, high = (float(quantile_along(drawn, share, axis=0)) for share in TAILS)
    return min(low, value), max(high, value)

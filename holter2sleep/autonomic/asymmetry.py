"""Asymmetry of the Poincaré plot: whether the heart slows as it quickens."""

from __future__ import annotations

import numpy as np

from holter2sleep.night import NN


def asymmetry_measures(nn: NN) -> dict[str, float]:
    """Guzik's and Porta's index, %; NaN where no interval differs from its neighbour. 50 % is symmetry.

    Guzik's index is the share of the summed squared differences that belongs to lengthening intervals; Porta's is
    the share of shortening ones among the differences that are not zero.

    Examples
    --------
    Differences +20, -10, -10 ms: 400 of 600 ms2, and two of three.

    >>> nn_ms = np.array([800.0, 820, 810, 800])
    >>> found = asymmetry_measures(NN(np.cumsum(nn_ms) / 1000, nn_ms, np.arange(4) > 0))
    >>> {name: round(value, 2) for name, value in found.items()}
    {'guzik_index': 66.67, 'porta_index': 66.67}

    References
    ----------
    Guzik 2006 (Biomed Tech 51:272); Porta 2008 (Am J Physiol Regul 295:R550).
    """
    change_ms = nn.differences_ms[nn.differences_ms != 0]
    if len(change_ms) == 0:
        return dict.fromkeys(("guzik_index", "porta_index"), np.nan)
    squares = change_ms**2
    return {
        "guzik_index": 100 * float(squares[change_ms > 0].sum() / squares.sum()),
        "porta_index": 100 * float((change_ms < 0).mean()),
    }

"""Symbolic dynamics of NN intervals: patterns of three successive levels."""

from __future__ import annotations

import numpy as np

from holter2sleep.autonomic.pieces import rows_of
from holter2sleep.night import NN

LEVELS = 6  # Porta 2001 (IEEE Trans Biomed Eng 48:1282)
WORD = 3  # ibid.
NAMES = ("symbolic_0v", "symbolic_1v", "symbolic_2lv", "symbolic_2uv", "symbolic_entropy")


def symbolic_measures(nn: NN) -> dict[str, float]:
    """Share of words without, with one, with two like and two unlike variations, %, and the words' Shannon entropy.

    The full range of the series is cut into six even levels; a word is the levels of three neighbours. NaN for a
    constant series. Meant for short series (Porta: about 300 beats), whose range is not one outlier's.

    Examples
    --------
    Levels 0, 0, 5, 0: words 005 (one variation) and 050 (two unlike ones), each half of all: ln 2 = 0.69.

    >>> nn_ms = np.array([800.0, 800, 860, 800])
    >>> found = symbolic_measures(NN(np.cumsum(nn_ms) / 1000, nn_ms, np.arange(4) > 0))
    >>> [round(value, 2) for value in found.values()]
    [0.0, 50.0, 0.0, 50.0, 0.69]

    References
    ----------
    Porta 2001 (IEEE Trans Biomed Eng 48:1282), Porta 2007 (Am J Physiol Heart 293:H702), Guzzetti 2005.
    """
    words = rows_of(_levels(nn), nn.adjacent, WORD)
    if len(words) == 0 or np.ptp(nn.nn_ms) == 0:
        return dict.fromkeys(NAMES, np.nan)
    first, second = np.diff(words, axis=1).T
    n_variations = (first != 0).astype(np.int64) + (second != 0)
    shares = (n_variations == 0, n_variations == 1, first * second > 0, first * second < 0)
    values = (*(100 * float(share.mean()) for share in shares), _shannon(words))
    return dict(zip(NAMES, values, strict=True))


def _levels(nn: NN) -> np.ndarray:
    """Level of each interval, 0 to 5. array (n,)."""
    if len(nn) == 0:
        return np.empty(0, np.int64)
    above = nn.nn_ms - nn.nn_ms.min()
    return np.minimum(LEVELS * above / max(above.max(), 1e-9), LEVELS - 1).astype(np.int64)


def _shannon(words: np.ndarray) -> float:
    """Entropy of the words' distribution, nat."""
    count = np.bincount(words @ LEVELS ** np.arange(WORD))
    share = count[count > 0] / len(words)
    return float(-(share * np.log(share)).sum())

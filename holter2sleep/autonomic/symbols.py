"""Symbolic dynamics of NN intervals: patterns of three successive levels."""

from __future__ import annotations

import numpy as np

from holter2sleep.autonomic.pieces import Index, rows_of
from holter2sleep.night import NN, Float

LEVELS = 6  # Porta 2001 (IEEE Trans Biomed Eng 48:1282)
WORD = 3  # ibid.
NAMES = ("symbolic_0v", "symbolic_1v", "symbolic_2lv", "symbolic_2uv", "symbolic_entropy")

_WORDS = np.indices((LEVELS,) * WORD).reshape(WORD, -1).T  # every word, in the order of its number
_FIRST, _SECOND = np.diff(_WORDS, axis=1).T
_N_VARIATIONS = (_FIRST != 0).astype(np.int64) + (_SECOND != 0)
_FAMILIES = np.stack([_N_VARIATIONS == 0, _N_VARIATIONS == 1, _FIRST * _SECOND > 0, _FIRST * _SECOND < 0]).astype(
    np.int64
)


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
    count = _word_counts(nn)
    n_words = count.sum()
    if n_words == 0 or np.ptp(nn.nn_ms) == 0:
        return dict.fromkeys(NAMES, np.nan)
    return dict(zip(NAMES, (*(100 * (_FAMILIES @ count) / n_words).tolist(), _shannon(count / n_words)), strict=True))


def _word_counts(nn: NN) -> Index:
    """How often each possible word comes. array (LEVELS ** WORD,)."""
    level = _levels(nn)
    number = rows_of(level, nn.adjacent, WORD) @ LEVELS ** np.arange(WORD)[::-1]
    return np.bincount(number, minlength=len(_WORDS))


def _levels(nn: NN) -> Index:
    """Level of each interval, 0 to 5. array (n,)."""
    if len(nn) == 0:
        return np.empty(0, np.int64)
    above = nn.nn_ms - nn.nn_ms.min()
    return np.minimum(LEVELS * above / max(above.max(), 1e-9), LEVELS - 1).astype(np.int64)


def _shannon(share: Float) -> float:
    """Entropy of a distribution, nat."""
    known = share[share > 0]
    return float(-(known * np.log(known)).sum())

"""Heart-rate fragmentation: how often the heart rate turns from rising to falling and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holter2sleep.autonomic.pieces import in_a_row, runs_from, whole_us
from holter2sleep.night import NN, Bool

# Costa 2017: acceleration and deceleration segments are short below three intervals; alternation needs four
LEAST_LONG = 3
LEAST_ALTERNATION = 4


def fragmentation_measures(nn: NN) -> dict[str, float]:
    """PIP, PSS and PAS in percent, IALS in 1 / intervals; NaN without three intervals in a row.

    Every interval that has a neighbour before it is longer (+), shorter (-) or the same (0). A segment is a run of
    equal signs: it ends where the sign changes, zero included (an inflection point), and at a break. Its length is
    the number of intervals that carry its sign.

    Examples
    --------
    +, +, -, +: two inflection points at three places where there could be one; three segments of four intervals.

    >>> nn_ms = np.array([800.0, 810, 820, 800, 805])
    >>> found = fragmentation_measures(NN(np.cumsum(nn_ms) / 1000, nn_ms, np.arange(5) > 0))
    >>> {name: round(value, 2) for name, value in found.items()}
    {'pip': 66.67, 'ials': 0.75, 'pss': 100.0, 'pas': 0.0}

    References
    ----------
    Costa 2017 (Front Physiol 8:255).
    """
    sign, joined = _signs(nn)
    if not joined.any():
        return dict.fromkeys(("pip", "ials", "pss", "pas"), np.nan)
    turns = joined & (np.diff(sign, prepend=0) != 0)
    first, length = runs_from(~joined | turns)
    moving = length[sign[first] != 0]
    swings = joined & (sign * np.roll(sign, 1) < 0)
    _, alternation = runs_from(~swings)
    return {
        "pip": 100 * float(turns.sum() / joined.sum()),
        "ials": float(1 / moving.mean()) if len(moving) else np.nan,
        "pss": 100 - 100 * float(moving[moving >= LEAST_LONG].sum() / len(sign)),
        "pas": 100 * float(alternation[alternation >= LEAST_ALTERNATION].sum() / len(sign)),
    }


def _signs(nn: NN) -> tuple[NDArray[np.int8], Bool]:
    """Sign of each difference of neighbours, and whether it shares an interval with the one before."""
    pairs = in_a_row(nn.adjacent, 2)
    values = whole_us(nn)
    return np.sign(values[pairs + 1] - values[pairs]).astype(np.int8), np.diff(pairs, prepend=-2) == 1

"""Scales on which exposures and outcomes enter a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from holter2sleep.cohort.reference import transformed
from holter2sleep.night import Float

_BLOM = 3 / 8  # of the rank-based normal scores: Blom G (1958) Statistical estimates and transformed beta-variables


@dataclass(frozen=True)
class Scale:
    """A transform with what it needs of the data: the shift that gives values at a border a place on it."""

    transform: str
    shift: float = 0.0

    def __str__(self) -> str:
        """As the tables name it."""
        moved = f"x + {self.shift:.3g}" if self.shift else "x"
        return {"none": "none", "log": f"log({moved})", "logit": f"logit({moved})"}.get(self.transform, self.transform)

    def of(self, values: Float) -> Float:
        """Values on the scale; not finite where they have no place on it."""
        return _SCALES[self.transform](values, self.shift)


def scale_of(values: Float, transform: str) -> Scale:
    """The scale of a transform for these values.

    Zeros have no logarithm, and 0 and 100 % no logit. Where they occur, all values are moved by half the smallest
    distance from the border that was seen: half of the smallest that could be told from it.

    Examples
    --------
    >>> str(scale_of(np.array([0.0, 0.4, 2.0]), "log")), str(scale_of(np.array([0.4, 2.0]), "log"))
    ('log(x + 0.2)', 'log(x)')
    """
    known = values[np.isfinite(values)]
    beyond = {"log": known, "logit": np.concatenate([known, 100 - known])}.get(transform, np.array([]))
    apart = beyond[beyond > 0]
    if not (beyond == 0).any():
        return Scale(transform)
    return Scale(transform, float(apart.min()) / 2 if len(apart) else 0.5)  # where all are 0, any place is the same


def _log(values: Float, shift: float) -> Float:
    return transformed(values + shift, "log")


def _logit(percent: Float, shift: float) -> Float:
    """Percents drawn from both borders towards the middle."""
    return transformed(100 * (percent + shift) / (100 + 2 * shift), "logit")


def _square_root(values: Float, _shift: float) -> Float:
    with np.errstate(invalid="ignore"):
        return np.sqrt(values)


def _rank(values: Float, _shift: float) -> Float:
    """Normal scores of the ranks, ties with their mean rank; NaN stays NaN."""
    known = np.isfinite(values)
    scores = np.full(len(values), np.nan)
    scores[known] = stats.norm.ppf((stats.rankdata(values[known]) - _BLOM) / (known.sum() + 1 - 2 * _BLOM))
    return scores


def _plain(values: Float, _shift: float) -> Float:
    return values


_SCALES: dict[str, Callable[[Float, float], Float]] = {
    "none": _plain,
    "log": _log,
    "logit": _logit,
    "sqrt": _square_root,
    "rank": _rank,
}

"""The floor that every stager has to beat: stage shares by the time since lights-off, of other people's nights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holter2sleep.evaluate.classes import UNKNOWN, Codes
from holter2sleep.night import EPOCH_S, Float
from holter2sleep.sleep.staging.clock import StageTable

BIN_S = 1800.0


def counts_by_time(stage: Codes, elapsed_s: Float, n_classes: int) -> NDArray[np.int64]:
    """Scored epochs from lights-off on by half hour and class. array (n_bins, n_classes)."""
    return meant_by_time(stage, elapsed_s, np.eye(n_classes, dtype=np.int64))


def meant_by_time(stage: Codes, elapsed_s: Float, meant: NDArray[Any]) -> NDArray[Any]:
    """The same where a code may stand for several classes: `meant` holds the share of each, (n_codes, n_classes)."""
    known = (stage != UNKNOWN) & (elapsed_s >= 0)
    bins = (elapsed_s // BIN_S).astype(np.int64)
    counts = np.zeros((int(bins.max(initial=0)) + 1, meant.shape[1]), meant.dtype)
    np.add.at(counts, bins[known], meant[stage[known]])
    return counts


def clock_left_out(counts: Sequence[NDArray[Any]], elapsed_s: Sequence[Float], subjects: Sequence[str]) -> list[Float]:
    """Chances of the stages of each night by the shares of the other subjects' nights. arrays (n_epochs, n_classes).

    Parameters
    ----------
    counts
        Of each night, by `counts_by_time` or `meant_by_time`.
    elapsed_s
        Start of each epoch since lights-off, s.

    Raises
    ------
    ValueError
        Fewer than two subjects: there is no other.
    """
    if len(set(subjects)) < 2:
        raise ValueError("a clock of other subjects needs two subjects")
    return [
        clock_of([own for own, whose in zip(counts, subjects, strict=True) if whose != subject], at_s)
        for at_s, subject in zip(elapsed_s, subjects, strict=True)
    ]


def clock_of(counts: Sequence[NDArray[Any]], elapsed_s: Float) -> Float:
    """Chances of the stages in epochs that begin at these times, by shares of nights. array (n_epochs, n_classes)."""
    table = StageTable.from_counts(summed(counts), BIN_S)
    return table.at(elapsed_s + EPOCH_S / 2).astype(np.float64)


def summed(counts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Tables of different length as one."""
    n_bins = max(len(one) for one in counts)
    return np.sum([np.pad(one, ((0, n_bins - len(one)), (0, 0))) for one in counts], axis=0)

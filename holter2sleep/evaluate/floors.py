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
    known = (stage != UNKNOWN) & (elapsed_s >= 0)
    bins = (elapsed_s // BIN_S).astype(np.int64)
    counts = np.zeros((int(bins.max(initial=0)) + 1, n_classes), np.int64)
    np.add.at(counts, (bins[known], stage[known]), 1)
    return counts


def clock_left_out(
    stages: Sequence[Codes], elapsed_s: Sequence[Float], subjects: Sequence[str], n_classes: int
) -> list[Float]:
    """Chances of the stages of each night by the shares of the other subjects' nights. arrays (n_epochs, n_classes).

    Parameters
    ----------
    elapsed_s
        Start of each epoch since lights-off, s.

    Raises
    ------
    ValueError
        Fewer than two subjects: there is no other.
    """
    if len(set(subjects)) < 2:
        raise ValueError("a clock of other subjects needs two subjects")
    counts = [counts_by_time(stage, at_s, n_classes) for stage, at_s in zip(stages, elapsed_s, strict=True)]
    answers = []
    for at_s, subject in zip(elapsed_s, subjects, strict=True):
        others = [own for own, whose in zip(counts, subjects, strict=True) if whose != subject]
        table = StageTable.from_counts(summed(others), BIN_S)
        answers.append(table.at(at_s + EPOCH_S / 2).astype(np.float64))
    return answers


def summed(counts: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """Tables of different length as one."""
    n_bins = max(len(one) for one in counts)
    return np.sum([np.pad(one, ((0, n_bins - len(one)), (0, 0))) for one in counts], axis=0)

"""Sleep stages from the time since lights-off alone: the floor that every model has to beat."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import EPOCH_S, SCHEMES, Float, frozen_array
from holter2sleep.sleep.staging.base import Evidence, Proba
from holter2sleep.sleep.staging.cards import Card

SCHEME = "CARDIO3"


@dataclass(frozen=True)
class StageTable:
    """Share of each stage by time since the night began, in bins of equal width."""

    bin_s: float
    share: Float  # (n_bins, n_classes), rows sum to 1, in the scheme's order

    def __post_init__(self) -> None:
        object.__setattr__(self, "share", frozen_array(self.share, np.float64))

    @classmethod
    def from_counts(cls, counts: NDArray[np.int64] | Float, bin_s: float) -> Self:
        """Table from epochs counted by bin and stage, smoothed over neighbours.

        Weights 1-2-1 over neighbouring bins, then one epoch added to each cell, so that no stage is impossible.
        """
        padded = np.pad(counts, ((1, 1), (0, 0)), mode="edge")
        smooth = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4 + 1
        return cls(bin_s, smooth / smooth.sum(axis=1, keepdims=True))

    def at(self, elapsed_s: Float) -> Proba:
        """Shares at the given times, interpolated between the bins' middles; constant beyond the first and last."""
        middle_s = self.bin_s * (np.arange(len(self.share)) + 0.5)
        columns = [np.interp(elapsed_s, middle_s, column) for column in self.share.T]
        return np.column_stack(columns).astype(np.float32)


class Clock:
    """Stage shares by time since lights-off; it looks at no heart beat."""

    def __init__(self, card: Card, weights: bytes) -> None:
        self.card = card
        self._table = read_table(weights)

    def stage(self, evidence: Evidence) -> tuple[Proba, tuple[str, ...]]:
        """Probabilities of W, NREM, R for every epoch."""
        middle_s = evidence.grid.onset_s + EPOCH_S / 2
        return self._table.at(middle_s - evidence.lights.off_s), (
            "clock looks at no heart beat: a floor, not a result",
        )


def read_table(content: bytes) -> StageTable:
    """The table written by `python -m holter2sleep.training.clock`."""
    stored = json.loads(content)
    if tuple(stored["classes"]) != SCHEMES[SCHEME]:
        raise ValueError(f"the table's classes are {stored['classes']}, expected {SCHEMES[SCHEME]}")
    return StageTable.from_counts(np.array(stored["counts"]), stored["bin_s"])

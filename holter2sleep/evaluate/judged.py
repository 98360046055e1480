"""A night beside its reference, and the epochs of it that both have staged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from holter2sleep.evaluate.calibration import brier_score, reliability
from holter2sleep.evaluate.classes import CLASSES, Codes, codes, common_classes, merged
from holter2sleep.evaluate.stages import StageMatrix, counts_of
from holter2sleep.night import UNSCORED, Bool, EpochGrid, Float, Hypnogram, Lights, frozen_array


@dataclass(frozen=True)
class StagedNight:
    """One night: its reference and its stages on one grid, whose it is, and what is known of it."""

    recording_id: str
    subject: str
    reference: Hypnogram
    test: Hypnogram
    lights: Lights
    max_unscored_share: float  # of the night's recipe: beyond it sleep measures are withheld
    facts: Mapping[str, str] = field(default_factory=dict)  # group of the night under each heading

    def __post_init__(self) -> None:
        if self.reference.grid.n != self.test.grid.n:
            raise ValueError(f"{self.recording_id}: both sides must lie on one grid")

    @property
    def most_classes(self) -> int:
        """The number of classes both sides can say."""
        return common_classes(self.reference.scheme, self.test.scheme)

    def judged(self, n_classes: int) -> Judged:
        """Its epochs in so many classes."""
        truth, answer = (codes(h.stage, n_classes) for h in (self.reference, self.test))
        return Judged.of(truth, answer, merged_chances(self.test, n_classes), n_classes)


@dataclass(frozen=True)
class Judged:
    """Epochs staged on both sides in one number of classes, and how many were not.

    `chance` is the chance of each class by the test; rows of NaN where the test gives none.
    """

    n_classes: int
    truth: Codes  # (n,)
    answer: Codes  # (n,)
    chance: Float  # (n, n_classes)
    n_epochs: int
    n_reference_unscored: int
    n_test_unscored: int

    def __post_init__(self) -> None:
        for name, dtype in (("truth", np.int64), ("answer", np.int64), ("chance", np.float64)):
            object.__setattr__(self, name, frozen_array(getattr(self, name), dtype))

    @classmethod
    def of(cls, truth: Codes, answer: Codes, chance: Float, n_classes: int) -> Judged:
        """From the codes of all epochs of a night."""
        scored = truth >= 0
        both = scored & (answer >= 0)
        n_scored = int(scored.sum())
        left_out = len(truth) - n_scored, n_scored - int(both.sum())
        return cls(n_classes, truth[both], answer[both], chance[both], len(truth), *left_out)

    @property
    def matrix(self) -> StageMatrix:
        """Counts of epochs by both sides' stages."""
        counts = counts_of(self.truth, self.answer, self.n_classes)
        left_out = self.n_reference_unscored, self.n_test_unscored
        return StageMatrix(CLASSES[self.n_classes], counts, self.n_epochs, *left_out)

    @cached_property
    def has_chance(self) -> Bool:
        """Epochs for which the test gives probabilities. array (n,)."""
        return np.asarray(np.isfinite(self.chance).all(axis=1))

    def with_chance(self) -> Judged:
        """Only those epochs."""
        kept = self.has_chance
        return Judged(self.n_classes, self.truth[kept], self.answer[kept], self.chance[kept], int(kept.sum()), 0, 0)

    @property
    def sure(self) -> Float:
        """Chance of the class that was answered. array (n,)."""
        return self.chance[np.arange(len(self.answer)), self.answer]

    @property
    def reliability(self) -> Float:
        """Reliability table of the chances of the answers. array (3, N_BINS)."""
        known = self.with_chance()
        return reliability(known.sure, known.truth == known.answer)

    @property
    def brier_sum(self) -> Float:
        """Sum of the Brier scores, and the number of epochs it is over. array (2,)."""
        known = self.with_chance()
        return np.array([brier_score(known.chance, known.truth), len(known.truth)])


def merged_chances(hypnogram: Hypnogram, n_classes: int) -> Float:
    """Probabilities in so many classes; NaN where the hypnogram has none. array (n_epochs, n_classes)."""
    if hypnogram.proba is None:
        return np.full((hypnogram.grid.n, n_classes), np.nan)
    return merged(hypnogram.proba.astype(np.float64), n_classes)


def pooled_epochs(nights: Sequence[Judged]) -> Judged:
    """All nights as one."""
    return Judged(
        nights[0].n_classes,
        np.concatenate([night.truth for night in nights]),
        np.concatenate([night.answer for night in nights]),
        np.concatenate([night.chance for night in nights]),
        sum(night.n_epochs for night in nights),
        sum(night.n_reference_unscored for night in nights),
        sum(night.n_test_unscored for night in nights),
    )


def on_grid(hypnogram: Hypnogram, grid: EpochGrid) -> Hypnogram:
    """The same stages, without chances, on a grid that may be shorter, or longer: then the rest is unscored."""
    n = min(grid.n, hypnogram.grid.n)
    stage = np.full(grid.n, UNSCORED, "<U4")
    stage[:n] = hypnogram.stage[:n]
    return Hypnogram(grid, stage, hypnogram.scheme, hypnogram.scorer)

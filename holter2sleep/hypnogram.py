"""The nouns of sleep: the night's epochs, the stages on them, the time in bed. Part of the page `night.py`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from holter2sleep.arrays import Bool, Float, Text, frozen_array
from holter2sleep.spans import Spans, as_spans, runs

EPOCH_S = 30.0  # AASM Manual for the Scoring of Sleep: stages are scored in 30 s epochs

SCHEMES: dict[str, tuple[str, ...]] = {
    "AASM5": ("W", "N1", "N2", "N3", "R"),
    "CARDIO4": ("W", "L", "N3", "R"),
    "CARDIO3": ("W", "NREM", "R"),
}
# What each letter is called in a coarser scheme.
MERGED: dict[str, dict[str, str]] = {
    "AASM5": {},
    "CARDIO4": {"N1": "L", "N2": "L"},
    "CARDIO3": {"N1": "NREM", "N2": "NREM", "N3": "NREM", "L": "NREM"},
}
UNSCORED = "U"
# Stage letters that belong to each stratum, and the schemes able to tell that stratum apart.
STAGE_STRATA: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "sleep": (frozenset({"N1", "N2", "N3", "L", "NREM", "R"}), frozenset(SCHEMES)),
    "wake": (frozenset({"W"}), frozenset(SCHEMES)),
    "nrem": (frozenset({"N1", "N2", "N3", "L", "NREM"}), frozenset(SCHEMES)),
    "n1": (frozenset({"N1"}), frozenset({"AASM5"})),
    "n2": (frozenset({"N2"}), frozenset({"AASM5"})),
    "n3": (frozenset({"N3"}), frozenset({"AASM5", "CARDIO4"})),
    "light": (frozenset({"N1", "N2", "L"}), frozenset({"AASM5", "CARDIO4"})),
    "rem": (frozenset({"R"}), frozenset(SCHEMES)),
}


@dataclass(frozen=True)
class EpochGrid:
    """The only clock of a night: `n` epochs of 30 s from `offset_s`.

    The last epoch ends with the recording, and is mostly shorter than 30 s.
    """

    n: int
    duration_s: float
    offset_s: float = 0.0

    @classmethod
    def covering(cls, duration_s: float) -> EpochGrid:
        """The grid of a recording; a rest of less than a second makes no epoch of its own."""
        return cls(max(1, math.ceil((duration_s - 1.0) / EPOCH_S)), duration_s)

    @property
    def onset_s(self) -> Float:
        """Start of each epoch. array (n_epochs,)."""
        return self.offset_s + EPOCH_S * np.arange(self.n, dtype=np.float64)

    @property
    def edges_s(self) -> Float:
        """Borders of the epochs; the last ends with the recording. array (n_epochs + 1,)."""
        edges = self.offset_s + EPOCH_S * np.arange(self.n + 1, dtype=np.float64)
        edges[-1] = max(self.duration_s, edges[-2])
        return edges

    def epoch_of(self, time_s: ArrayLike) -> NDArray[np.int64]:
        """Index of the epoch that holds each time; times in the cut rest belong to the last epoch."""
        index = np.floor((np.asarray(time_s) - self.offset_s) / EPOCH_S).astype(np.int64)
        return np.clip(index, 0, self.n - 1)

    def spans(self, mask: Bool) -> Spans:
        """Time covered by the chosen epochs; the last ends with the recording."""
        first, behind = runs(mask)
        return as_spans(np.column_stack([self.edges_s[first], self.edges_s[behind]]))


@dataclass(frozen=True)
class Hypnogram:
    """Sleep stages on the epoch grid. Assumes one letter an epoch; `U` is unscored."""

    grid: EpochGrid
    stage: Text  # (n_epochs,)
    scheme: str  # key of SCHEMES
    scorer: str  # name of the stager, or of the file
    proba: NDArray[np.float32] | None = None  # (n_epochs, n_classes) in the scheme's order; NaN rows unscored

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise ValueError(f"unknown scheme {self.scheme!r}; known: {', '.join(SCHEMES)}")
        stage = frozen_array(self.stage, "<U4")
        if stage.shape != (self.grid.n,):
            raise ValueError(f"hypnogram has {stage.shape} stages for {self.grid.n} epochs")
        unknown = set(np.unique(stage)) - {*SCHEMES[self.scheme], UNSCORED}
        if unknown:
            raise ValueError(f"stages {', '.join(sorted(unknown))} are not in scheme {self.scheme}")
        object.__setattr__(self, "stage", stage)
        if self.proba is not None:
            proba = frozen_array(self.proba, np.float32)
            if proba.shape != (self.grid.n, len(self.classes)):
                raise ValueError(f"probabilities have shape {proba.shape}")
            object.__setattr__(self, "proba", proba)

    @property
    def classes(self) -> tuple[str, ...]:
        """Stage letters the scheme can say, in the order of the columns of `proba`."""
        return SCHEMES[self.scheme]

    def can_say(self, stratum: str) -> bool:
        """Whether the scheme tells the stratum (`n3`, `light`, ...) apart."""
        return self.scheme in STAGE_STRATA[stratum][1]

    def mask(self, stratum: str) -> Bool:
        """Epochs that belong to the stratum. array (n_epochs,)."""
        return np.isin(self.stage, list(STAGE_STRATA[stratum][0]))


@dataclass(frozen=True)
class Lights:
    """Lights-off and lights-on, s from the start, and who says so (option, annotation, recording)."""

    off_s: float
    on_s: float
    source: str

    def dark(self, grid: EpochGrid) -> Bool:
        """Whether the middle of each epoch lies between them. array (n_epochs,)."""
        middle_s = grid.onset_s + EPOCH_S / 2
        return (middle_s >= self.off_s) & (middle_s < self.on_s)

"""What a stager may look at, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import NN, Beats, EpochGrid, Lights, Quality, Recording
from holter2sleep.sleep.staging.cards import Card

Proba = NDArray[np.float32]  # (n_epochs, n_classes), in the scheme's order; a NaN row is an epoch without an answer


def unheard(_words: str) -> None:
    """Nobody waits for word of progress."""


@dataclass(frozen=True)
class Evidence:
    """All that is known of a night before it has stages."""

    recording: Recording
    grid: EpochGrid
    beats: Beats
    quality: Quality
    nn: NN
    lights: Lights
    told: Callable[[str], None] = unheard  # hears how far work is that takes long

    @property
    def grid_start(self) -> datetime | None:
        """Clock time of the first epoch; None where the recording's start is unknown."""
        return self.recording.clock(self.grid.offset_s)


class Stager(Protocol):
    """Anything that turns evidence into stage probabilities.

    Every row sums to 1 or is NaN; the same evidence gives the same answer.
    """

    @property
    def card(self) -> Card:
        """What the stager is, what it was made from and how far it can be trusted."""

    def stage(self, evidence: Evidence) -> tuple[Proba, tuple[str, ...]]:
        """Probabilities on the whole grid, with notes on what was missing."""

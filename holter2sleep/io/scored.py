"""Scored stretches of sleep as a file has them, before they meet the epoch grid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from holter2sleep.night import Float, Text


@dataclass(frozen=True)
class Scored:
    """Stretches of one stage each, in the file's order and on the file's clock."""

    onset_s: Float  # (n_stretches,), s from the file's zero
    end_s: Float  # (n_stretches,), s from the file's zero
    stage: Text  # (n_stretches,), stage letter; U is unscored
    start: datetime | None = None  # the file's zero, naive local time; None: the recording's start
    notes: tuple[str, ...] = ()  # what has to be said about the file

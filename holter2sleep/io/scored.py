"""Scored stretches of sleep as a file has them, before they meet the epoch grid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from holter2sleep.night import Float, Text


@dataclass(frozen=True)
class Scored:
    """Stage stretches: start and end in s from the file's zero, stage letters; `start` when the file has a clock."""

    onset_s: Float
    end_s: Float
    stage: Text
    start: datetime | None = None
    notes: tuple[str, ...] = ()

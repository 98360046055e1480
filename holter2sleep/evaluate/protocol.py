"""What EC57 fixes for every comparison, and what a developer may change at the price of the standard's name."""

from __future__ import annotations

import math
from dataclasses import dataclass

LEARNING_S = 300.0  # EC57: the first five minutes are not scored
MATCH_WINDOW_S = 0.150  # EC57: two marks of one beat lie at most 150 ms apart


@dataclass(frozen=True)
class Protocol:
    """Match window and learning period; anything but the standard's values makes a result non-standard."""

    window_s: float = MATCH_WINDOW_S
    learning_s: float = LEARNING_S

    def __post_init__(self) -> None:
        if not (math.isfinite(self.window_s) and self.window_s > 0):
            raise ValueError(f"a match window is longer than 0 s, not {self.window_s}")
        if not (math.isfinite(self.learning_s) and self.learning_s >= 0):
            raise ValueError(f"a learning period is 0 s or more, not {self.learning_s}")

    @property
    def deviations(self) -> tuple[str, ...]:
        """What differs from the standard, in words; empty for a standard comparison."""
        facts = (
            ("match window", self.window_s * 1000, MATCH_WINDOW_S * 1000, "ms"),
            ("learning period", self.learning_s, LEARNING_S, "s"),
        )
        return tuple(
            f"{what} {value:g} {unit} (standard {standard:g} {unit})"
            for what, value, standard, unit in facts
            if value != standard
        )

    def __str__(self) -> str:
        return "non-standard: " + ", ".join(self.deviations) if self.deviations else "EC57"


STANDARD = Protocol()

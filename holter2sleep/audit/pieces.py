"""Gapless minutes of a lead, spread evenly over what was looked at."""

from __future__ import annotations

import numpy as np

from holter2sleep.waveform import Signal

MINUTES = 24
PIECE_S = 60.0
LEAST_SAMPLES = 2000


def minutes(parts: list[Signal], fs: float) -> list[Signal]:
    """Minutes without a missing sample that are not flat; a part shorter than a minute is one."""
    length = round(PIECE_S * fs)
    whole = [part[at : at + length] for part in parts for at in range(0, max(1, len(part) - length + 1), length)]
    whole = [piece for piece in whole if len(piece) >= min(length, LEAST_SAMPLES) and np.isfinite(piece).all()]
    whole = [piece for piece in whole if np.ptp(piece) > 0]
    return whole[:: max(1, len(whole) // MINUTES)]

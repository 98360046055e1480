"""Which candidates are beats: two small networks, the second of which knows what the first has found."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from holter2sleep.heart.candidates import WORK_HZ, Candidates
from holter2sleep.heart.second_look import second_look
from holter2sleep.heart.sequence_net import chances, logits
from holter2sleep.heart.weights import read_weights
from holter2sleep.night import Float
from holter2sleep.waveform import Signal

WEIGHTS = Path(__file__).parent / "weights" / "qrs.npz"  # made by training/qrs.py
SECOND = int(WORK_HZ)
EVERY = 8  # samples of which one is enough for a median


def chance_of_beat(candidates: Candidates) -> Float:
    """Probability that each candidate is a QRS complex. array (n,)."""
    if len(candidates) == 0:
        return np.empty(0)
    networks = read_weights(WEIGHTS)
    first = chances(logits(networks["first"], candidates.features, candidates.patches))[:, 1]
    again = second_look(candidates, first)
    return chances(logits(networks["second"], again, candidates.patches))[:, 1]


def taller_side(ecg: Signal) -> float:
    """1 where the signal reaches further above its median than below it, else -1.

    The networks tell up from down: they see the taller side up, so that a lead turned over gives the same.
    """
    above = ecg - np.median(ecg[::EVERY])
    return 1.0 if (above * above * above).sum(dtype=np.float64) >= 0 else -1.0


def usual_range(ecg: Signal) -> float:
    """From lowest to highest in the usual second of those in which anything moves; 1 where nothing does.

    Signals are seen in units of it, so that an unknown or wrong unit changes nothing.
    """
    seconds = ecg[: len(ecg) // SECOND * SECOND].reshape(-1, SECOND)
    ranges = np.ptp(seconds, axis=1) if len(seconds) else np.empty(0)
    moving = ranges[ranges > 0]
    return float(np.median(moving)) if len(moving) else 1.0

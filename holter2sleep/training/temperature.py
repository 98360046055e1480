"""The temperature that makes chances come true, fitted on nights that were not learned from.

References
----------
Guo C, Pleiss G, Sun Y, Weinberger KQ (2017) On calibration of modern neural networks. ICML.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize_scalar

from holter2sleep.evaluate.classes import UNKNOWN
from holter2sleep.night import Float
from holter2sleep.sleep.staging.base import Proba
from holter2sleep.sleep.staging.fusion import calibrated
from holter2sleep.training.fusion import MEANT, TrainingNight


def unlikelihood(chance: Proba, stage: np.ndarray) -> float:
    """Mean negative logarithm of the chance of what was scored; `stage` holds codes and no UNKNOWN."""
    likely = (chance @ MEANT.T)[np.arange(len(stage)), stage]
    return -float(np.log(likely + 1e-9).mean())


def fit_temperature(chances: Sequence[Proba], stages: Sequence[np.ndarray]) -> float:
    """The temperature under which the true stages are likeliest."""
    chance, stage = np.concatenate(list(chances)), np.concatenate(list(stages))
    known = stage != UNKNOWN
    chance, stage = chance[known], stage[known]

    def loss(temperature: float) -> float:
        return unlikelihood(calibrated(chance, temperature), stage)

    return float(minimize_scalar(loss, bounds=(0.3, 3.0), method="bounded").x)


def calibrated_left_out(nights: Sequence[TrainingNight], chances: Sequence[Proba]) -> list[Float]:
    """Chances of each night with the temperature of the other subjects' nights."""
    answers = []
    for night, chance in zip(nights, chances, strict=True):
        others = [i for i, other in enumerate(nights) if other.subject != night.subject]
        temperature = fit_temperature([chances[i] for i in others], [nights[i].stage for i in others])
        answers.append(calibrated(chance, temperature).astype(np.float64))
    return answers

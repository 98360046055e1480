"""What is known of unscored nights from models of others and from recordings without beats.

Two teachers that err independently: SleepECG's network, which saw 1,971 nights of MESA, and a small network on the
swing of the heart rate, fitted to the scored nights of sleep-accel, which is better at REM sleep.
"""

from __future__ import annotations

import numpy as np

from holter2sleep.evaluate.classes import merged
from holter2sleep.night import EPOCH_S, Bool, Float
from holter2sleep.sleep.staging import Evidence
from holter2sleep.sleep.staging.base import Proba
from holter2sleep.sleep.staging.fusion import HOURS_LIMITS, stage_chances
from holter2sleep.sleep.staging.fusion_net import Rows
from holter2sleep.sleep.staging.physiology import against_night, physiology
from holter2sleep.training.fusion import Arrays, Course, TrainingNight, fit
from holter2sleep.training.staging_nights import SwingNight, silent

SHARE = np.array([0.12, 0.68, 0.20])  # W, NREM, R of the sleep-accel nights and of adults' nights in bed at large


def fit_swing_teacher(nights: list[SwingNight], seed: int) -> Arrays:
    """A network on the swing of the heart rate and the time of night."""
    return fit([_swing_night(night) for night in nights], [], Course(steps=300, seed=seed, code=16, dropout=0.2))


def _swing_night(night: SwingNight) -> TrainingNight:
    hours = np.arange(len(night.swing)) * EPOCH_S / 3600
    log_swing = np.log(np.maximum(night.swing, 1e-3))
    features = swing_inputs(log_swing, np.isfinite(night.swing), hours)
    return TrainingNight(night.subject, night.subject, features, night.stage, silent(len(hours)))


def swing_inputs(log_swing: Float, dark: Bool, hours: Float) -> Rows:
    """What the teacher of swings is shown. array (n_epochs, 3) float32."""
    return np.column_stack([log_swing, against_night(log_swing, dark), np.clip(hours, *HOURS_LIMITS)]).astype(
        np.float32
    )


def swing_teacher(networks: list[Arrays], evidence: Evidence) -> Proba:
    """Chances of W, NREM, R by the swing of a night with beats. array (n_epochs, 3)."""
    lights, middle_s = evidence.lights, evidence.grid.onset_s + EPOCH_S / 2
    columns = physiology(evidence.beats, evidence.quality.usable_spans, evidence.grid, lights)
    dark = lights.dark(evidence.grid)
    chances = stage_chances(networks, swing_inputs(columns["swing"], dark, (middle_s - lights.off_s) / 3600))
    return merged(chances.astype(np.float64), 3).astype(np.float32)


def pooled(mesa: Proba, swing: Proba) -> Proba:
    """Both as independent evidence: chances of W, NREM, R multiplied, over the share of each. array (n_epochs, 3)."""
    both = mesa * swing / SHARE
    return both / both.sum(axis=1, keepdims=True)

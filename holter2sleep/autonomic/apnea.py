"""Apnoeas and hypopnoeas from the beats alone: a chance for each epoch, and where there is none to be said.

Networks and trees were fitted on nights whose every minute was scored (`weights/README.md` names them, with the
figures): two kinds of judge that err in different nights, each with half a say.
Screening, not a scoring of breathing: central and obstructive events are not told apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import special

from holter2sleep.autonomic.apnea_measures import apnea_measures
from holter2sleep.autonomic.apnea_net import logits
from holter2sleep.autonomic.apnea_series import apnea_series
from holter2sleep.autonomic.apnea_trees import trees_logits
from holter2sleep.autonomic.mended import filled_intervals
from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.heart.weights import Arrays, read_weights
from holter2sleep.night import EPOCH_S, NN, Beats, Bool, Episodes, EpochGrid, Float
from holter2sleep.spans import Spans, runs

WEIGHTS = Path(__file__).parent / "weights" / "apnea.npz"  # made by training/apnea.py
CALIBRATION, AHI = "calibration", "ahi"  # its parts
NETWORK, TREES = "net", "trees"  # and what the names of the others begin with
CALLED = 0.5  # chance from which an epoch is called respiratory


@dataclass(frozen=True)
class RespiratoryRules:
    """Keys of `[respiratory]`."""

    window_s: float
    minimum_known_share: float
    maximum_left_out_percent: float
    minimum_variability_ms: float


def respiratory_chances(
    beats: Beats, restored: NN, usable_spans: Spans, grid: EpochGrid, rules: RespiratoryRules
) -> NDArray[np.float32]:
    """Chance that an apnoea or hypopnoea falls in each epoch; NaN where indeterminate. array (n_epochs,).

    The intervals have missed beats put in (`mended.py`). The judges see them with short holes filled too; where there
    are too many holes, nothing is said.
    """
    told = determinate(beats, restored, usable_spans, grid, rules)
    if not told.any():
        return np.full(grid.n, np.nan, np.float32)
    parts = read_parts(WEIGHTS)
    chance = calibrated(mean_logits(parts, filled_intervals(restored), grid.n), parts[CALIBRATION])
    return np.where(told, chance, np.nan).astype(np.float32)


@cache
def read_parts(path: Path) -> Mapping[str, Arrays]:
    """The networks, the trees, the calibration and the regression of the index, by name.

    Networks are kept as float16, which changes no chance by more than 0.002, and computed with as float32.
    """
    parts = read_weights(path)
    return {part: {name: array.astype(np.float32) for name, array in arrays.items()} for part, arrays in parts.items()}


def mean_logits(parts: Mapping[str, Arrays], mended: NN, n_epochs: int) -> Float:
    """Mean of the log odds of the networks and of those of the trees, not calibrated. array (n_epochs,)."""
    series = apnea_series(mended, n_epochs)
    measures = apnea_measures(series)
    networks = [logits(part, series) for name, part in parts.items() if name.startswith(NETWORK)]
    trees = [trees_logits(part, measures) for name, part in parts.items() if name.startswith(TREES)]
    return np.mean([np.mean(networks, axis=0), np.mean(trees, axis=0)], axis=0, dtype=np.float64)


def calibrated(raw: Float, calibration: Arrays) -> Float:
    """Chances that come true as often as they say, on nights like those of the fit (Guo 2017)."""
    return np.asarray(special.expit(raw * calibration["scale"]))


def determinate(beats: Beats, nn: NN, usable_spans: Spans, grid: EpochGrid, rules: RespiratoryRules) -> Bool:
    """Epochs around which the heart follows the breathing, and enough of it is seen. array (n_epochs,).

    Not where NN intervals are few (gaps, AF, too few beats), where too many intervals between trusted beats are no NN
    (AF, ectopy), or where the rate hardly varies at all (pacing). Missed beats that were put in count as found.
    """
    rr_end_s = beats.time_s[trusted_rr(beats, usable_spans)]
    middle_s = grid.onset_s + EPOCH_S / 2
    n_rr, *_ = _in_windows(rr_end_s, np.zeros(len(rr_end_s)), middle_s, rules.window_s)
    n_nn, total_ms, squares = _in_windows(nn.end_s, nn.nn_ms, middle_s, rules.window_s)
    left_out_percent = 100 * (1 - n_nn / np.maximum(n_rr, 1))
    variance = squares / np.maximum(n_nn, 1) - (total_ms / np.maximum(n_nn, 1)) ** 2
    told = total_ms >= 1000 * rules.window_s * rules.minimum_known_share
    told &= left_out_percent <= rules.maximum_left_out_percent
    return told & (variance >= rules.minimum_variability_ms**2)


def _in_windows(end_s: Float, values: Float, middle_s: Float, window_s: float) -> tuple[Float, Float, Float]:
    """Number of intervals that end around each moment, their sum and the sum of their squares."""
    first, behind = (np.searchsorted(end_s, middle_s + side * window_s / 2) for side in (-1, 1))
    sums = (np.r_[0.0, np.cumsum(each)] for each in (np.ones(len(values)), values, values**2))
    n, total, squares = (each[behind] - each[first] for each in sums)
    return n, total, squares


def respiratory_episodes(chance: NDArray[np.float32], beats: Beats, grid: EpochGrid) -> Episodes:
    """Runs of epochs called respiratory, as episodes (`RESP`); the confidence is their mean chance."""
    first, behind = runs(chance >= CALLED)
    start_s, end_s = grid.edges_s[first], grid.edges_s[behind]
    n_beats = np.searchsorted(beats.time_s, end_s) - np.searchsorted(beats.time_s, start_s)
    mean = np.array([chance[a:b].mean() for a, b in zip(first, behind, strict=True)], np.float32)
    return Episodes(start_s, end_s, np.full(len(first), "RESP"), n_beats, np.full(len(first), np.nan), mean)

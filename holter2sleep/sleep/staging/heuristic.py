"""Sleep stages from rules of physiology: no weights, nothing fitted.

Autonomic tone follows the stage. NREM sleep: slow, steady heart, variability carried by respiration. REM sleep:
slow swings of the rate, little respiratory variability, more of it late in the night. Wakefulness: faster heart and
large swings with movement.

References
----------
Task Force (1996) Heart rate variability. Circulation 93:1043-1065.
Brennan M, Palaniswami M, Kamen P (2001) Do existing measures of Poincare plot geometry reflect nonlinear features of
heart rate variability? IEEE Trans Biomed Eng 48:1342-1347 (SD1, SD2).
Dawes RM (1979) The robust beauty of improper linear models in decision making. Am Psychol 34:571-582.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holter2sleep.night import EPOCH_S, NN, Float
from holter2sleep.sleep.staging.base import Evidence, Proba
from holter2sleep.sleep.staging.cards import Card

# These constants are the stager, as weights are a network's: its card describes these values, so no recipe sets them.
WINDOW_S = 300.0  # Task Force 1996: short-term recordings of 5 min
MIN_INTERVALS = 60  # a minute of beats: below that SD1 and SD2 of a window mean little
MAX_DEVIATION = 3.0  # one artefact must not decide an epoch
# Least spread of rate (bpm), log SD2, log SD1/SD2: a night more even than this has no contrast to judge by.
MIN_SPREAD = (2.0, 0.1, 0.1)
BASE_SHARE = (0.2, 0.6, 0.2)  # W, NREM, R: round shares of a night in bed, before looking at the heart
# Equal weights with the sign physiology gives (Dawes 1979): there is no labelled night to fit them that is not also
# needed to report them. Half a nat per standard deviation: two features together outweigh the base share, not one.
WEIGHT = 0.5
#                   rate  swings  respiratory share  lateness
SIGNS = np.array(
    [
        (1.0, 1.0, -1.0, 0.0),  # W
        (-1.0, -1.0, 1.0, 0.0),  # NREM
        (0.0, 1.0, -1.0, 1.0),  # R
    ]
)


@dataclass(frozen=True)
class Heuristic:
    """Softmax of documented scores of heart rate, its slow swings, its respiratory share and the time of night."""

    card: Card

    def stage(self, evidence: Evidence) -> tuple[Proba, tuple[str, ...]]:
        """Probabilities of W, NREM, R; NaN where 5 min around the epoch hold under a minute of NN intervals."""
        middle_s = evidence.grid.onset_s + EPOCH_S / 2
        features = _autonomic_features(evidence.nn, middle_s)
        autonomic = np.column_stack([_deviation(*pair) for pair in zip(features, MIN_SPREAD, strict=True)])
        lights = evidence.lights
        lateness = np.clip(2 * (middle_s - lights.off_s) / (lights.on_s - lights.off_s) - 1, -1, 1)
        scores = np.log(BASE_SHARE) + WEIGHT * np.column_stack([autonomic, lateness]) @ SIGNS.T
        proba = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (proba / proba.sum(axis=1, keepdims=True)).astype(np.float32), ()


def _autonomic_features(nn: NN, middle_s: Float) -> tuple[Float, Float, Float]:
    """Mean rate (bpm), log SD2 and log SD1/SD2 in 5 min around each time; NaN where intervals are too few."""
    if len(nn) < MIN_INTERVALS:
        nothing = np.full(len(middle_s), np.nan)
        return nothing, nothing, nothing
    centred_ms = nn.nn_ms - np.median(nn.nn_ms)  # keeps the sums of squares exact
    n, mean, square = _window_means(nn.end_s, middle_s, centred_ms, centred_ms**2)
    n_pairs, pair_square = _window_means(nn.end_s[1:][nn.adjacent[1:]], middle_s, nn.differences_ms**2)
    enough = (n >= MIN_INTERVALS) & (n_pairs >= MIN_INTERVALS)
    sdnn_squared, sd1_squared = square - mean**2, pair_square / 2
    # A floor of 1 ms: beat times carry no finer resolution than that of the usual sampling rates.
    sd1 = np.sqrt(np.maximum(sd1_squared, 1.0))
    sd2 = np.sqrt(np.maximum(2 * sdnn_squared - sd1_squared, 1.0))
    rate_bpm = 60_000 / (mean + np.median(nn.nn_ms))
    return (
        np.where(enough, rate_bpm, np.nan),
        np.where(enough, np.log(sd2), np.nan),
        np.where(enough, np.log(sd1 / sd2), np.nan),
    )


def _window_means(time_s: Float, middle_s: Float, *values: Float) -> list[Float]:
    """Count, then mean of each series, in the window around each middle; NaN in an empty window."""
    first = np.searchsorted(time_s, middle_s - WINDOW_S / 2)
    after = np.searchsorted(time_s, middle_s + WINDOW_S / 2)
    count = (after - first).astype(np.float64)
    sums = [np.concatenate([[0.0], np.cumsum(series)]) for series in values]
    filled = np.where(count > 0, count, np.nan)
    return [count, *((total[after] - total[first]) / filled for total in sums)]


def _deviation(values: Float, min_spread: float) -> Float:
    """Distance from the night's median in robust standard deviations, limited; 0 for a constant night."""
    if np.isnan(values).all():
        return values
    distance = values - np.nanmedian(values)
    spread = 1.4826 * np.nanmedian(np.abs(distance))  # median absolute deviation as the SD of a normal distribution
    return np.clip(distance / max(spread, min_spread), -MAX_DEVIATION, MAX_DEVIATION)

"""Surges of the heart rate: the autonomic trace that an arousal mostly leaves.

An index of the heart, not of the brain: many arousals hardly move the heart rate, and deep breaths, leg movements and
awakenings move it too. References: Basner 2007 (Sleep 30:1349-1361), who found cortical arousals from the rate of the
beats that follow, against a moving median of those before; Olsen 2018 (Clin Neurophysiol 129:1232-1240).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal, special

from holter2sleep.autonomic.even_pieces import even_pieces
from holter2sleep.night import NN, Episodes, EpochGrid, Float

STEP_S = 0.5  # of the resampled rate
SMOOTHING_S = 1.5  # SD of a Gaussian: breathing at 0.25 Hz keeps 6 %, a surge of 5 s most of its height

SMALLEST_BPM = 1e-6  # spread of a rate that never changes


@dataclass(frozen=True)
class SurgeRules:
    """Keys of `[surges]`."""

    baseline_s: float
    minimum_rise_bpm: float
    shortest_s: float
    longest_s: float
    even_rise: float
    rise_scale: float
    largest_hole_s: float


def find_surges(nn: NN, rules: SurgeRules) -> Episodes:
    """Surges as episodes (`SURGE`): the time for which the rate stays above half their height."""
    found = [_surges_of(time_s, rate, rules) for time_s, rate, _ in _rates(nn, rules)]
    spans = np.concatenate([np.empty((0, 2)), *found])
    n_beats = np.searchsorted(nn.end_s, spans[:, 1]) - np.searchsorted(nn.end_s, spans[:, 0])
    unknown = np.full(len(spans), np.nan)
    return Episodes(spans[:, 0], spans[:, 1], np.full(len(spans), "SURGE"), n_beats, unknown, unknown)


def arousal_index(nn: NN, grid: EpochGrid, rules: SurgeRules) -> NDArray[np.float32]:
    """The largest rise of the heart rate in each epoch on a scale from 0 to 1; NaN without NN intervals.

    Rises are measured in standard deviations of the night's own, because the heart's answer to the same arousal
    differs from person to person, and go through a logistic curve. array (n_epochs,).
    """
    pieces = _rates(nn, rules)
    spread = np.std(np.concatenate([rise for *_, rise in pieces])) if pieces else 0.0
    largest = np.full(grid.n, np.nan)
    for time_s, _, rise in pieces:
        np.fmax.at(largest, grid.epoch_of(time_s), rise / spread if spread > SMALLEST_BPM else 0.0 * rise)
    return special.expit((largest - rules.even_rise) / rules.rise_scale).astype(np.float32)


def _rates(nn: NN, rules: SurgeRules) -> list[tuple[Float, Float, Float]]:
    """Time, smoothed rate and its rise above the median of what precedes it, in each stretch without a long hole."""
    n_before = round(rules.baseline_s / STEP_S)
    rates = []
    for time_s, even_ms in even_pieces(nn, STEP_S, rules.largest_hole_s, 2 * rules.longest_s):
        rate = ndimage.gaussian_filter1d(60_000 / even_ms, SMOOTHING_S / STEP_S)
        # the window ends where the sample is; in the first ones the stretch's beginning stands for what came before
        before = ndimage.median_filter(rate, n_before, mode="nearest", origin=(n_before - 1) // 2)
        rates.append((time_s, rate, rate - before))
    return rates


def _surges_of(time_s: Float, rate: Float, rules: SurgeRules) -> Float:
    """Spans of peaks that stand high above both sides, and are neither a beat nor a new level. array (n, 2), s."""
    _, facts = signal.find_peaks(
        rate,
        prominence=rules.minimum_rise_bpm,
        width=(rules.shortest_s / STEP_S, rules.longest_s / STEP_S),
        rel_height=0.5,
        wlen=round(2 * rules.longest_s / STEP_S) | 1,
    )
    return time_s[0] + STEP_S * np.column_stack([facts["left_ips"], facts["right_ips"]])

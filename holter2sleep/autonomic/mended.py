"""Intervals between normal beats to a rhythm whose missed and false beats are mended: apnoeas are looked for in it.

Detectors miss beats above all where breathing labours (apnea-ecg a02, a06): without the intervals around them, as in
NN, little of the swing is left. The time that beats are put into is measured, so the mean rate there is right wherever
their number is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from holter2sleep.autonomic.nn import NnRules, like_neighbours
from holter2sleep.heart.intervals import local_median
from holter2sleep.night import NN, Float

LARGEST = 4  # intervals put in the place of one, or into one hole: of more the number is not sure
OFF = 0.25  # of an interval: a hole is filled by whole ones, give or take so much; a pause of two and a half is none
REACH = 15  # intervals to each side whose median is typical: enough where every fourth beat is missed
NEAR = 3  # the same for a hole, whose sides are NN
REGULAR = 0.4  # share of the intervals around that are typical; in bigeminy every other is as long as two short ones
ROUNDS = 3  # of division: as missed beats come back, the medians get better
SAME_S = 0.001  # nearer ends are of one beat


def mended_intervals(normal: NN, rules: NnRules) -> NN:
    """The intervals, missed beats put in, and short holes filled."""
    return filled_intervals(restored_intervals(normal, rules))


def restored_intervals(normal: NN, rules: NnRules) -> NN:
    """NN, missed beats put in: an interval of about two to four times the typical length is divided into equal ones.

    Parameters
    ----------
    normal
        Intervals between normal beats, of whatever length. What differs too much from its neighbours when all are
        divided is left out by the rules of NN: a pause that is no multiple of the beats around, bigeminy, fibrillation.
        A pause that is one cannot be told from missed beats.
    """
    end_s, nn_ms = _divided(normal.end_s, normal.nn_ms)
    keep = like_neighbours(nn_ms, rules)
    return _series(end_s[keep], nn_ms[keep])


def filled_intervals(nn: NN) -> NN:
    """The intervals and equal ones in each hole between two that fits a few of them; longer holes stay.

    A false beat leaves a hole of one, a premature beat and its pause one of two; a moment of noise is a hole as well.
    """
    begin_s = nn.end_s - nn.nn_ms / 1000
    before = np.flatnonzero(begin_s[1:] - nn.end_s[:-1] > SAME_S)
    near = np.clip(before[:, None] + np.arange(1 - NEAR, 1 + NEAR), 0, len(nn) - 1)
    n_parts = _fitting(1000 * (begin_s[before + 1] - nn.end_s[before]), np.median(nn.nn_ms[near], axis=1))
    fits = n_parts > 0
    new_s, new_ms = _even(nn.end_s[before[fits]], begin_s[before[fits] + 1], n_parts[fits])
    place = np.repeat(before[fits] + 1, n_parts[fits])
    return _series(np.insert(nn.end_s, place, new_s), np.insert(nn.nn_ms, place, new_ms))


def _series(end_s: Float, nn_ms: Float) -> NN:
    adjacent = np.r_[False, np.abs(np.diff(end_s) - nn_ms[1:] / 1000) < SAME_S][: len(nn_ms)]
    return NN(end_s, nn_ms, adjacent)


def _divided(end_s: Float, nn_ms: Float) -> tuple[Float, Float]:
    """Intervals that are whole multiples of a typical one, in as many equal parts; the others as they are."""
    for _ in range(ROUNDS):
        n_fitting = _fitting(nn_ms, local_median(nn_ms, REACH))
        regular = ndimage.uniform_filter1d((n_fitting == 1).astype(float), 2 * REACH + 1) >= REGULAR
        n_parts = np.where(regular, np.maximum(n_fitting, 1), 1)
        if (n_parts == 1).all():
            break
        begin_s = end_s - nn_ms / 1000
        end_s, nn_ms = _even(begin_s, end_s, n_parts)
    return end_s, nn_ms


def _fitting(length_ms: Float, typical_ms: Float) -> NDArray[np.intp]:
    """How many typical intervals make up each length; 0 where no whole number up to the largest does. array (n,)."""
    times = length_ms / np.where(typical_ms > 0, typical_ms, np.inf)
    whole = np.rint(times)
    return np.where((np.abs(times - whole) <= OFF) & (whole <= LARGEST), whole, 0).astype(np.intp)


def _even(begin_s: Float, end_s: Float, n_parts: NDArray[np.intp]) -> tuple[Float, Float]:
    """End (s) and length (ms) of the equal parts of each stretch, one stretch after another."""
    part_s = np.repeat((end_s - begin_s) / n_parts, n_parts)
    left = np.repeat(np.cumsum(n_parts), n_parts) - np.arange(1, len(part_s) + 1)  # parts of the same stretch behind it
    return np.repeat(end_s, n_parts) - left * part_s, 1000 * part_s

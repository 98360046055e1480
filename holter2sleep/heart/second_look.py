"""What a second look adds to a candidate: likeness to the beats found first, and its place in their rhythm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from holter2sleep.heart.candidates import PATCH_STEPS, TINY, Candidates
from holter2sleep.heart.quantile import quantile_along
from holter2sleep.night import Float

CORE = 8  # steps of a patch to each side, 0.125 s: the QRS without P and T
SHIFTS = range(-2, 3)  # of the core, at 64 Hz: candidates lie a little off
SURE, FAIRLY_SURE = 0.6, 0.5  # chances above which a candidate of the first look counts as a beat
MOST_BEATS = 150  # enough for a typical beat
LEAST_BEATS = 8
SECOND_SHAPE = 0.8  # correlation with the first typical beat, below which a beat may belong to a second
NEAR = 0.12  # of the usual interval: a beat this far from where the rhythm expects one still supports it
NO_EVIDENCE = np.array([-1.0, -1.0, 0.0, 0.0])

Rows = NDArray[np.float32]


def second_look(candidates: Candidates, chance: Float) -> Rows:
    """Features for the second network: those of the first, its logit, likeness, rhythm. array (n, 17).

    Parameters
    ----------
    chance
        Of being a beat, by the first network; array (n,).
    """
    odds = np.log((chance + 1e-3) / (1 - chance + 1e-3))
    parts = (odds, likeness(candidates.patches, chance), rhythm(candidates.time_s, chance))
    everything = np.column_stack([candidates.features, *parts])
    return np.clip(np.nan_to_num(everything), -8, 8).astype(np.float32)


def likeness(patches: Rows, chance: Float) -> Float:
    """Correlation with two typical beats, and height and energy against the first. array (n, 4)."""
    sure = np.flatnonzero(chance > FAIRLY_SURE)
    if len(sure) < LEAST_BEATS:
        return np.tile(NO_EVIDENCE, (len(patches), 1))
    sure = sure[np.argsort(-chance[sure], kind="stable")[:MOST_BEATS]]
    cores = [_unit(_core(patches, shift)) for shift in SHIFTS]
    middle = cores[len(cores) // 2]
    first, its_own = _typical(middle[sure], share=3, quantile=0.5)
    others = sure[middle[sure] @ first < SECOND_SHAPE]
    second = _typical(middle[others], share=5, quantile=0.8)[0] if len(others) >= LEAST_BEATS else first
    best = np.max([np.column_stack([core @ first, core @ second]) for core in cores], axis=0)
    raw = _core(patches, 0)
    usual = np.median(np.abs(raw[sure[its_own]] @ first)) + TINY
    size = np.column_stack([np.abs(raw @ first), np.linalg.norm(raw - raw.mean(axis=1, keepdims=True), axis=1)])
    return np.column_stack([best, np.log(size / usual + 1e-3)])


def rhythm(time_s: Float, chance: Float) -> Float:
    """How sure a beat stands one usual interval before and after, and the log of that interval. array (n, 3)."""
    sure = np.flatnonzero(chance > SURE)
    if len(sure) <= 2 * LEAST_BEATS:
        return np.zeros((len(time_s), 3))
    usual_s = ndimage.median_filter(np.diff(time_s[sure]), 15, mode="nearest")
    usual_s = np.maximum(np.interp(time_s, time_s[sure[1:]], usual_s), 0.2)
    return np.column_stack(
        [_support(time_s, chance, usual_s, -1), _support(time_s, chance, usual_s, 1), np.log(usual_s)]
    )


def _support(time_s: Float, chance: Float, usual_s: Float, side: int) -> Float:
    """The surest of the candidates near the place one interval away, less the farther off it lies. array (n,)."""
    expected_s = time_s + side * usual_s
    right = np.searchsorted(time_s, expected_s)
    best, own = np.zeros(len(time_s)), np.arange(len(time_s))
    for neighbour in range(-2, 2):
        at = np.clip(right + neighbour, 0, len(time_s) - 1)
        sure = chance[at] * np.exp(-0.5 * ((time_s[at] - expected_s) / (NEAR * usual_s)) ** 2)
        best = np.maximum(best, np.where(at == own, 0, sure))
    return best


def _core(patches: Rows, shift: int) -> Rows:
    return patches[:, PATCH_STEPS - CORE + shift : PATCH_STEPS + CORE + 1 + shift]


def _unit(rows: Rows) -> Rows:
    """Rows without their mean, of length one."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    return centred / (np.linalg.norm(centred, axis=1, keepdims=True) + np.float32(1e-6))


def _typical(unit: Rows, share: int, quantile: float) -> tuple[Rows, NDArray[np.intp]]:
    """The shape most others look like, of length one, and the rows it was made from (one in `share`, 8 at least)."""
    alike = quantile_along(unit @ unit.T, quantile, axis=1)
    kept = np.argsort(-alike, kind="stable")[: max(LEAST_BEATS, len(unit) // share)]
    typical = np.median(unit[kept], axis=0)
    return typical / (np.linalg.norm(typical) + np.float32(1e-6)), kept

"""Intervals of a stage's measures that hold both what the stager does not know and how the night varies."""

from __future__ import annotations

import numpy as np

from holter2sleep.autonomic.blocks import BLOCK_S, MINIMUM_BLOCKS, Formula, Interval, draws, ratio
from holter2sleep.night import EPOCH_S, Bool, EpochGrid, Float, Night
from holter2sleep.phenotypes.ectopy import TWO_SIDED_95
from holter2sleep.sleep.sampling import percentiles
from holter2sleep.spans import contains, overlap_per_cell

EPOCHS_A_BLOCK = round(BLOCK_S / EPOCH_S)
COUNT_SEED = 60  # any: the same night must give the same table


def stage_intervals(part: Night, values: dict[str, float], per_epoch: Float, formula: Formula) -> dict[str, Interval]:
    """95 % intervals of a stage's measures, each widened to hold its value; none of fewer than ten blocks.

    In each draw another hypnogram says which epochs are of the stage (`sleep/sampling.py`), and blocks of 5 min are
    drawn again with replacement (`autonomic/blocks.py`).

    Parameters
    ----------
    part
        A stage of the night, with `sampled` epochs.
    values
        The measures of the stage.
    per_epoch
        What each epoch of the whole night adds to the totals; array (n_epochs, n_columns).
    formula
        The measures by name, of totals (..., n_columns).
    """
    if part.sampled is None:
        return {}
    block = np.arange(part.grid.n) // EPOCHS_A_BLOCK
    if len(np.unique(block[epochs_of(part)])) < MINIMUM_BLOCKS:
        return {}
    weights = draws(int(block[-1]) + 1)[: len(part.sampled), block]
    return around(values, formula((part.sampled * weights) @ per_epoch))


def ratio_interval(name: str, scale: float, part: Night, value: float | None, per_epoch: Float) -> dict[str, Interval]:
    """Interval of what is counted and not estimated; it holds only what the stager does not know.

    Parameters
    ----------
    per_epoch
        What each epoch of the whole night adds above and below the line; array (n_epochs, 2).
    """
    if part.sampled is None or value is None:
        return {}
    above, below = (part.sampled @ per_epoch.astype(np.float64)).T
    return around({name: value}, {name: scale * ratio(above, below)})


def around(values: dict[str, float], drawn: dict[str, Float]) -> dict[str, Interval]:
    """Intervals over the draws, each widened to hold its value."""
    found = {name: percentiles(each, values[name]) for name, each in drawn.items()}
    return {name: interval for name, interval in found.items() if interval is not None}


def count_draws(sampled: Bool, per_epoch: Float, spread: float) -> Float:
    """True number of beats of a kind in the stage, in each draw of hypnogram and of beats. array (n_samples,).

    Parameters
    ----------
    sampled
        Epochs of the stage in each draw; array (n_samples, n_epochs).
    per_epoch
        Beats called so in each epoch, and the sum of their doubt; array (n_epochs, 2).
    spread
        As in `phenotypes.ectopy.count_interval`, of which this is the like within a stage.
    """
    scatter = np.random.default_rng(COUNT_SEED).standard_normal(len(sampled))
    called, doubt = (sampled @ per_epoch).T
    return np.maximum(called + spread / TWO_SIDED_95 * np.sqrt(doubt) * scatter, 0.0)


def epochs_of(part: Night) -> Bool:
    """Epochs whose middle lies in the part, so that each is of exactly one hour. array (n_epochs,).

    Where the recording ends before the middle of its last epoch, the last half second stands for it.
    """
    middle_s = part.grid.onset_s + EPOCH_S / 2
    return contains(part.spans, np.minimum(middle_s, part.grid.duration_s - 0.5))


def summed(values: Float, time_s: Float, grid: EpochGrid) -> Float:
    """Totals of each epoch, of values (n,) or (n, n_columns) that have a time. array (n_epochs,) or with columns."""
    epoch = grid.epoch_of(time_s)
    if values.ndim == 1:
        return summed(values[:, None], time_s, grid)[:, 0]
    return np.column_stack([np.bincount(epoch, column, grid.n).astype(np.float64) for column in values.T])


def usable_s_of_epochs(night: Night) -> Float:
    """Usable time of each epoch, s. array (n_epochs,)."""
    return overlap_per_cell(night.usable_spans, night.grid.edges_s)


def set_against(per_epoch: Float, part: Night, totals: Float) -> Float:
    """Rows of epochs, scaled so that those of the stage have the mean of its own totals; the first column counts.

    What is measured in whole windows of one stage lies off what is measured around its epochs; the doubt of the one is
    taken over by the other in proportion.
    """
    around = per_epoch[epochs_of(part)].sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = (totals / totals[0]) / (around / around[0])
    return per_epoch * np.where(np.isfinite(scale), scale, 1.0)

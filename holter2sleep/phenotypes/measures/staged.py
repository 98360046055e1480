"""Intervals of a stage's measures that hold both what the stager does not know and how the night varies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holter2sleep.autonomic.blocks import BLOCK_S, MINIMUM_BLOCKS, Formula, Interval, draws
from holter2sleep.night import EPOCH_S, Float, Night
from holter2sleep.sleep.sampling import percentiles
from holter2sleep.spans import contains

EPOCHS_A_BLOCK = round(BLOCK_S / EPOCH_S)


@dataclass(frozen=True)
class Items:
    """Beats or intervals of a night: what each adds to the totals that measures are made of."""

    columns: Float  # (n, n_columns)
    time_s: Float  # (n,), ascending


def stage_intervals(part: Night, values: dict[str, float], items: Items, formula: Formula) -> dict[str, Interval]:
    """95 % intervals of a stage's measures, each widened to hold its value; none of fewer than ten blocks.

    In each draw another hypnogram says which epochs are of the stage (`sleep/sampling.py`), and blocks of 5 min are
    drawn again with replacement (`autonomic/blocks.py`).

    Parameters
    ----------
    part
        A stage of the night, with `sampled` epochs.
    values
        The measures of the stage.
    items
        What enters the totals, of the whole night.
    formula
        The measures by name, of totals (..., n_columns).
    """
    if part.sampled is None:
        return {}
    block = np.arange(part.grid.n) // EPOCHS_A_BLOCK
    if len(np.unique(block[contains(part.spans, part.grid.onset_s)])) < MINIMUM_BLOCKS:
        return {}
    weights = draws(int(block[-1]) + 1)[: len(part.sampled), block]
    drawn = formula((part.sampled * weights) @ _per_epoch(items, part))
    found = {name: percentiles(each, values[name]) for name, each in drawn.items()}
    return {name: interval for name, interval in found.items() if interval is not None}


def _per_epoch(items: Items, part: Night) -> Float:
    """Totals of each epoch. array (n_epochs, n_columns)."""
    epoch = part.grid.epoch_of(items.time_s)
    return np.column_stack([np.bincount(epoch, column, part.grid.n) for column in items.columns.T])

"""Spectra around the epochs of a night: on them, other hypnograms than the night's own can be tried."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from holter2sleep.autonomic.spectrum import lomb_rows, welch_rows
from holter2sleep.autonomic.windows import WINDOW_S, HrvRules, Windows, windows_around
from holter2sleep.night import EPOCH_S, NN, EpochGrid, Float

EVERY = 2  # epochs: windows that begin a minute apart share four fifths of their intervals
HANDLINGS = 3  # of ectopic beats: each stage asks for the same three series again


@lru_cache(maxsize=HANDLINGS)
def epoch_welch_rows(nn: NN, grid: EpochGrid, rules: HrvRules) -> Float:
    """Rows of `spectrum.welch_rows`, of the 5 min around every other epoch; zeros where there is none.

    array (n_epochs, n_columns).
    """
    return _rows_of_epochs(lambda windows: welch_rows(windows, rules), nn, grid, rules)


@lru_cache(maxsize=HANDLINGS)
def epoch_lomb_rows(nn: NN, grid: EpochGrid, rules: HrvRules) -> Float:
    """Likewise of `spectrum.lomb_rows`."""
    return _rows_of_epochs(lomb_rows, nn, grid, rules)


def _rows_of_epochs(rows_of: Callable[[Windows], Float], nn: NN, grid: EpochGrid, rules: HrvRules) -> Float:
    windows = windows_around(nn, grid.onset_s[::EVERY] + EPOCH_S / 2, rules)
    rows = rows_of(windows)
    placed = np.zeros((grid.n, rows.shape[1]))
    placed[grid.epoch_of(windows.start_s + WINDOW_S / 2)] = rows
    placed.flags.writeable = False
    return placed

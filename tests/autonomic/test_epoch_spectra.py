"""Spectra of the five minutes around every other epoch, each in the row of its epoch."""

from __future__ import annotations

import numpy as np
import pytest
from made_nights import RECIPE, nn_of

from holter2sleep.autonomic.epoch_spectra import _rows_of_epochs, epoch_lomb_rows, epoch_welch_rows
from holter2sleep.autonomic.spectrum import lomb_rows, welch_rows
from holter2sleep.autonomic.windows import windows_around
from holter2sleep.night import EpochGrid

RULES = RECIPE.hrv
GRID = EpochGrid.covering(1200.0)  # 40 epochs
NN = nn_of(np.random.default_rng(0).normal(1000, 40, 1200))


def test_every_other_epoch_has_the_row_of_the_window_around_its_middle() -> None:
    """Of the window of epoch k the middle lies at 30 k + 15 s; epochs near an end lack most of theirs."""
    rows = _rows_of_epochs(lambda windows: np.column_stack([windows.start_s, windows.start_s + 1]), NN, GRID, RULES)
    epoch = np.arange(40)
    lacking_s = np.maximum(135 - 30 * epoch, 30 * epoch + 165 - NN.end_s[-1])
    known = (epoch % 2 == 0) & (lacking_s <= 300 * (1 - RULES.minimum_window_share))
    assert 10 < known.sum() < 20
    expected = np.where(known, 30.0 * epoch + 15 - 150, 0.0)
    np.testing.assert_array_equal(rows, np.column_stack([expected, np.where(known, expected + 1, 0.0)]))
    with pytest.raises(ValueError, match="read-only"):  # it is kept for whoever asks next
        rows[0] = 1


def test_rows_are_those_of_welch_and_of_lomb() -> None:
    windows = windows_around(NN, 30.0 * np.arange(0, 40, 2) + 15, RULES)
    welch, lomb = epoch_welch_rows(NN, GRID, RULES), epoch_lomb_rows(NN, GRID, RULES)
    np.testing.assert_allclose(welch[welch[:, 0] > 0], welch_rows(windows, RULES))
    np.testing.assert_allclose(lomb[lomb[:, 0] > 0], lomb_rows(windows))

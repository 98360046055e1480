"""Boosted trees: a sum worked by hand, and blocks that do not matter."""

from __future__ import annotations

import numpy as np
import pytest

from holter2sleep.autonomic import apnea_trees
from holter2sleep.autonomic.apnea_trees import trees_logits

# First tree: measure 1 up to 0.5 gives -1; above, measure 0 up to 2 gives 3, above 7. Second: a leaf of 0.25 alone.
TREES = {
    "measure": np.array([[1, 0, 0, 0, 0], [0, 0, 0, 0, 0]], np.float32),
    "threshold": np.array([[0.5, 0, 2.0, 0, 0], [0, 0, 0, 0, 0]], np.float32),
    "below": np.array([[1, 1, 3, 3, 4], [0, 1, 2, 3, 4]], np.float32),
    "above": np.array([[2, 1, 4, 3, 4], [0, 1, 2, 3, 4]], np.float32),
    "value": np.array([[0, -1, 0, 3, 7], [0.25, 0, 0, 0, 0]], np.float32),
    "start": np.array([-0.5], np.float32),
}


def test_leaves_add_to_the_start_and_a_measure_at_its_threshold_is_below() -> None:
    measures = np.array([[9.0, 0.5], [2.0, 0.6], [2.1, 0.6]], np.float32)
    assert trees_logits(TREES, measures).tolist() == [-1.25, 2.75, 6.75]


def test_no_epoch_has_no_log_odds() -> None:
    assert trees_logits(TREES, np.empty((0, 2), np.float32)).shape == (0,)


def test_days_judged_in_blocks_are_judged_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    measures = np.random.default_rng(0).normal(1, 2, (100, 2)).astype(np.float32)
    whole = trees_logits(TREES, measures)
    monkeypatch.setattr(apnea_trees, "BLOCK", 7)
    np.testing.assert_array_equal(trees_logits(TREES, measures), whole)
    assert len(set(whole.tolist())) == 3

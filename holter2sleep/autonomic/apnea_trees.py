"""Boosted trees that judge the measures of each epoch; numpy only.

A tree asks whether one measure after another lies above a threshold, and the leaf it comes to adds to the log odds
(Friedman 2001, Ann Stat 29:1189-1232). `training/apnea_trees.py` fits them with scikit-learn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holter2sleep.heart.weights import Arrays

BLOCK = 2880  # epochs judged at a time: a day; two weeks fill no memory


def trees_logits(trees: Arrays, measures: NDArray[np.float32]) -> NDArray[np.float64]:
    """Log odds of each row of measures. array (n_epochs,).

    Parameters
    ----------
    trees
        Of every node `measure`, `threshold`, `below`, `above` (the nodes that follow; a leaf is followed by itself) and
        `value` (zero but in leaves), array (n_trees, n_nodes), the root first; `start`, array (1,), is where the sum
        begins.
    measures
        array (n_epochs, n_measures).
    """
    blocks = [_sums(trees, measures[first : first + BLOCK]) for first in range(0, len(measures), BLOCK)]
    return np.concatenate([np.empty(0), *blocks])


def _sums(trees: Arrays, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    # nodes are numbered through all trees, measures through all rows: `take` is twice as fast as an index of two
    measure, below, above = (trees[name].astype(np.intp) for name in ("measure", "below", "above"))
    root = np.arange(len(measure))[:, None] * measure.shape[1]
    below, above = root + below, root + above
    of_row = np.arange(len(rows))[:, None] * rows.shape[1]
    node = np.broadcast_to(root.T, (len(rows), len(measure)))
    while True:
        higher = rows.take(of_row + measure.take(node)) > trees["threshold"].take(node)
        following = np.where(higher, above.take(node), below.take(node))
        if (following == node).all():
            return trees["start"] + trees["value"].take(node).sum(axis=1, dtype=np.float64)
        node = following

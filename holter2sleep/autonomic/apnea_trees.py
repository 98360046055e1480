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
    measure, below, above = (trees[name].astype(np.intp) for name in ("measure", "below", "above"))
    tree, row = np.arange(len(measure)), np.arange(len(rows))[:, None]
    node = np.zeros((len(rows), len(measure)), np.intp)
    while True:
        higher = rows[row, measure[tree, node]] > trees["threshold"][tree, node]
        following = np.where(higher, above[tree, node], below[tree, node])
        if (following == node).all():
            return trees["start"] + trees["value"][tree, node].sum(axis=1, dtype=np.float64)
        node = following

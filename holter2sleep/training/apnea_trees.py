"""Fit the trees of `autonomic/apnea_trees.py` to nights with labelled epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from holter2sleep.heart.weights import Arrays
from holter2sleep.night import EPOCH_S

PER_MINUTE = round(60.0 / EPOCH_S)


@dataclass(frozen=True)
class Measured:
    """A night as the trees see it, with its labels."""

    source: str  # data set: each has the same say
    measures: NDArray[np.float32]  # (n_epochs, n_measures)
    target: NDArray[np.float32]  # (n_epochs,), 1 where an apnoea or hypopnoea was scored


@dataclass(frozen=True)
class Growth:
    """How trees are grown."""

    trees: int = 120
    leaves: int = 12
    rate: float = 0.08
    least: int = 200  # epochs in a leaf, those of warped nights among them
    shrinkage: float = 5.0  # of the leaves' values
    share: float = 0.2  # of the measures, among which each node chooses
    bins: int = 63  # of each measure


def fit_trees(nights: Sequence[Measured], growth: Growth, seed: int) -> Arrays:
    """The trees, as `apnea_trees.trees_logits` reads them."""
    return exported(grown(nights, growth, seed))


def grown(nights: Sequence[Measured], growth: Growth, seed: int) -> HistGradientBoostingClassifier:
    """Fitted to one epoch of each minute, the first and the second in turn: they share the label, and most else."""
    model = HistGradientBoostingClassifier(
        max_iter=growth.trees,
        max_leaf_nodes=growth.leaves,
        learning_rate=growth.rate,
        min_samples_leaf=growth.least,
        l2_regularization=growth.shrinkage,
        max_features=growth.share,
        max_bins=growth.bins,
        early_stopping=False,
        random_state=seed,
    )
    chosen = [_one_a_minute(len(night.target)) for night in nights]
    measures = np.concatenate([night.measures[epoch] for night, epoch in zip(nights, chosen, strict=True)])
    target = np.concatenate([night.target[epoch] for night, epoch in zip(nights, chosen, strict=True)])
    source = np.concatenate([np.full(len(epoch), night.source) for night, epoch in zip(nights, chosen, strict=True)])
    return model.fit(measures, target, sample_weight=_equal_say(source))


def _one_a_minute(n_epochs: int) -> NDArray[np.intp]:
    minute = np.arange(n_epochs // PER_MINUTE)
    return PER_MINUTE * minute + minute % PER_MINUTE


def _equal_say(source: NDArray[np.str_]) -> NDArray[np.float64]:
    """Weight of each row: every data set alike, one on average."""
    _, which, n = np.unique(source, return_inverse=True, return_counts=True)
    return len(source) / len(n) / n[which]


def exported(model: HistGradientBoostingClassifier) -> Arrays:
    """Its nodes as plain arrays. scikit-learn has no other way to them than its own."""
    grown = [stage[0].nodes for stage in model._predictors]
    shape = len(grown), max(len(nodes) for nodes in grown)
    itself = np.broadcast_to(np.arange(shape[1]), shape)
    trees = {name: np.zeros(shape, np.float32) for name in ("measure", "threshold", "value")}
    trees |= {name: itself.astype(np.float32) for name in ("below", "above")}
    for i, nodes in enumerate(grown):
        leaf = nodes["is_leaf"].astype(bool)
        inner = np.flatnonzero(~leaf)
        trees["measure"][i, inner] = nodes["feature_idx"][inner]
        trees["threshold"][i, inner] = _not_above(nodes["num_threshold"][inner])
        trees["below"][i, inner], trees["above"][i, inner] = nodes["left"][inner], nodes["right"][inner]
        trees["value"][i, np.flatnonzero(leaf)] = nodes["value"][leaf]
    return {**trees, "start": np.ravel(model._baseline_prediction).astype(np.float32)}


def _not_above(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """The next float32 that is not greater: no float32 lies between, so all go the same way as before."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)

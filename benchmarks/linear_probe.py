"""A linear probe: softmax regression whose penalty is chosen on the subjects it is fitted to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from holter2sleep.night import Float

PENALTIES = (1e-3, 1e-2, 1e-1)
INNER_FOLDS = 4
DRAWS = 400

Codes = NDArray[np.int64]


def probe(x_fit: Float, y_fit: Codes, who_fit: Codes, x_test: Float, n_classes: int) -> Float:
    """Chances of the classes for the rows to test. array (n_test, n_classes)."""
    mean, sd = x_fit.mean(axis=0), x_fit.std(axis=0) + 1e-6
    x_fit, x_test = (x_fit - mean) / sd, (x_test - mean) / sd
    penalty = chosen_penalty(x_fit, y_fit, who_fit, n_classes)
    return chances(fitted(x_fit, y_fit, n_classes, penalty), x_test)


def chosen_penalty(x: Float, y: Codes, who: Codes, n_classes: int) -> float:
    """The penalty under which folds of subjects are told best by the others: macro AUC, summed over the folds."""
    people = np.unique(who)
    folds = [np.isin(who, people[i::INNER_FOLDS]) for i in range(INNER_FOLDS)]

    def score(penalty: float) -> float:
        chance = np.zeros((len(y), n_classes))
        for out in folds:
            chance[out] = chances(fitted(x[~out], y[~out], n_classes, penalty), x[out])
        return macro_auc(y, chance)

    return max(PENALTIES, key=score)


def fitted(x: Float, y: Codes, n_classes: int, penalty: float) -> tuple[Float, Float]:
    """Weights and constants; each class weighs as much as any other."""
    rows, target = torch.from_numpy(x.astype(np.float64)), torch.from_numpy(y)
    count = torch.bincount(target, minlength=n_classes).clamp_min(1)
    balance = len(target) / (n_classes * count.double())
    weight = torch.zeros(x.shape[1], n_classes, dtype=torch.float64, requires_grad=True)
    shift = torch.zeros(n_classes, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, shift], max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(rows @ weight + shift, target, balance)
        loss = loss + penalty * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weight.detach().numpy(), shift.detach().numpy()


def chances(model: tuple[Float, Float], x: Float) -> Float:
    """Softmax of the scores."""
    score = x @ model[0] + model[1]
    score = np.exp(score - score.max(axis=1, keepdims=True))
    return score / score.sum(axis=1, keepdims=True)


# --- figures ---------------------------------------------------------------------------------------


def accuracy(y: Codes, chance: Float) -> float:
    """Share of rows whose likeliest class is theirs."""
    return float((chance.argmax(axis=1) == y).mean())


def macro_f1(y: Codes, chance: Float) -> float:
    """F1 of each class that is there, averaged.

    Examples
    --------
    >>> round(macro_f1(np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9]])), 3)
    0.667
    """
    found = chance.argmax(axis=1)
    scores = [2 * ((found == k) & (y == k)).sum() / ((found == k).sum() + (y == k).sum()) for k in np.unique(y)]
    return float(np.mean(scores))


def macro_auc(y: Codes, chance: Float) -> float:
    """Area under the curve of each class against the rest, averaged over the classes that are there.

    Examples
    --------
    >>> macro_auc(np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.6, 0.4], [0.2, 0.8]]))
    0.75
    """
    areas = []
    for k in np.unique(y):
        rank, is_k = rankdata(chance[:, k]), y == k
        n, m = is_k.sum(), (~is_k).sum()
        if m:
            areas.append((rank[is_k].sum() - n * (n + 1) / 2) / (n * m))
    return float(np.mean(areas)) if areas else float("nan")


FIGURES: dict[str, Callable[[Codes, Float], float]] = {"accuracy": accuracy, "macro F1": macro_f1, "AUC": macro_auc}


def mean_figure(name: str, y: Codes, runs: list[Float]) -> float:
    """Mean over the networks of one kind."""
    return float(np.mean([FIGURES[name](y, chance) for chance in runs]))


def bootstrapped(figure: Callable[[NDArray[np.intp]], float], who: Codes, seed: int = 0) -> tuple[float, float]:
    """95 % interval of a figure of rows, from drawing whole subjects."""
    rng = np.random.default_rng(seed)
    rows_of = [np.flatnonzero(who == one) for one in np.unique(who)]
    draws = [
        figure(np.concatenate([rows_of[i] for i in rng.integers(len(rows_of), size=len(rows_of))]))
        for _ in range(DRAWS)
    ]
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return float(low), float(high)

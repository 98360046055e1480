"""What the answers on left-out nights are worth: agreement, calibration, abstention, and the floors beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holter2sleep.evaluate.calibration import counts_of, expected_calibration_error, kappa_by_coverage
from holter2sleep.evaluate.stages import StageMatrix, accuracy, bootstrap_interval, class_kappa, kappa, macro_f1
from holter2sleep.night import EPOCH_S, Float
from holter2sleep.sleep.staging.base import Proba
from holter2sleep.sleep.staging.clock import StageTable
from holter2sleep.training.clock import BIN_S
from holter2sleep.training.fusion import MEANT, N_STAGES, UNKNOWN, TrainingNight

# Class of W, N1, N2, N3, R, L, NREM in each number of classes; UNKNOWN where it may be more than one.
MERGES = {
    2: (0, 1, 1, 1, 1, 1, 1),
    3: (0, 1, 1, 1, 2, 1, 1),
    4: (0, 1, 1, 2, 3, 1, UNKNOWN),
    5: (0, 1, 2, 3, 4, UNKNOWN, UNKNOWN),
}
NAMES = {2: ("W", "sleep"), 3: ("W", "NREM", "R"), 4: ("W", "L", "N3", "R"), 5: ("W", "N1", "N2", "N3", "R")}
SHARED = MEANT / MEANT.sum(axis=1, keepdims=True)
COVERAGE = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
DRAWS, SEED = 2000, 0


def merged(chance: Float, n_classes: int) -> Float:
    """Chances of the coarser classes. array (n_epochs, n_classes)."""
    into = np.eye(n_classes)[list(MERGES[n_classes][:N_STAGES])]
    return chance @ into


def truth_of(night: TrainingNight, n_classes: int) -> NDArray[np.int64]:
    """Class of each epoch; UNKNOWN where it was not scored, or not as finely. array (n_epochs,)."""
    return np.array([*MERGES[n_classes], UNKNOWN])[night.stage]  # UNKNOWN is the last place


def figures_of(
    nights: Sequence[TrainingNight],
    chances: Sequence[Float],
    clock: Sequence[Float],
    numbers: Sequence[int] = tuple(MERGES),
) -> dict[str, Any]:
    """Figures by number of classes, with 95 % intervals over subjects and the floors.

    Parameters
    ----------
    chances
        Of W, N1, N2, N3, R in each night; arrays (n_epochs, 5).
    clock
        What the time of night alone says of them, learned from others.
    numbers
        Of classes; one in which no epoch is scored is left out.
    """
    scored = [n for n in numbers if any((truth_of(night, n) != UNKNOWN).any() for night in nights)]
    return {f"{n}_classes": _figures(nights, chances, clock, n) for n in scored}


def _figures(
    nights: Sequence[TrainingNight], chances: Sequence[Float], clock: Sequence[Float], n_classes: int
) -> dict[str, Any]:
    whole = [truth_of(night, n_classes) for night in nights]
    truth = [one[one != UNKNOWN] for one in whole]
    chance, floor = (
        [merged(c[one != UNKNOWN], n_classes) for one, c in zip(whole, answers, strict=True)]
        for answers in (chances, clock)
    )
    by_night, by_clock = (
        [counts_of(t, c.argmax(axis=1), n_classes) for t, c in zip(truth, answers, strict=True)]
        for answers in (chance, floor)
    )
    counts, pooled_chance, pooled_truth = np.sum(by_night, axis=0), np.concatenate(chance), np.concatenate(truth)
    coverage = kappa_by_coverage(pooled_chance, pooled_truth, COVERAGE)
    return {
        "kappa": _rounded(kappa(counts)),
        "kappa_interval": _interval(nights, by_night, n_classes, kappa),
        "kappa_by_night": {night.name: _rounded(kappa(c)) for night, c in zip(nights, by_night, strict=True)},
        "accuracy": _rounded(accuracy(counts)),
        "macro_f1": _rounded(macro_f1(counts)),
        "kappa_of_class": {name: _rounded(class_kappa(counts, i)) for i, name in enumerate(NAMES[n_classes])},
        "counts": counts.tolist(),
        "calibration_error": _rounded(expected_calibration_error(pooled_chance, pooled_truth)),
        "kappa_by_coverage": {f"{share:g}": _rounded(value) for share, value in coverage.items()},
        "clock_kappa": _rounded(kappa(np.sum(by_clock, axis=0))),
        "majority_accuracy": _rounded(counts.sum(axis=1).max() / counts.sum()),
    }


def _interval(
    nights: Sequence[TrainingNight],
    by_night: Sequence[NDArray[np.int64]],
    n_classes: int,
    measure: Callable[[NDArray[np.int64]], float | None],
) -> list[float | None] | None:
    matrices = [StageMatrix(NAMES[n_classes], counts, int(counts.sum()), 0, 0) for counts in by_night]
    found = bootstrap_interval(
        matrices, [night.subject for night in nights], measure, np.random.default_rng(SEED), DRAWS
    )
    return None if found is None else [_rounded(end) for end in found]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)


def beside(nights: Sequence[TrainingNight], chances: Sequence[Proba], opinions: Sequence[Proba]) -> dict[str, Any]:
    """Kappa of another's W, NREM and R on the same epochs, and how much more ours has, with its interval."""
    people = sorted({night.subject for night in nights})
    ours, theirs = (np.zeros((len(people), 3, 3), np.int64) for _ in range(2))
    for night, chance, opinion in zip(nights, chances, opinions, strict=True):
        known = (night.stage != UNKNOWN) & np.isfinite(opinion).all(axis=1)
        truth, person = truth_of(night, 3)[known], people.index(night.subject)
        ours[person] += counts_of(truth, merged(chance[known].astype(np.float64), 3).argmax(axis=1), 3)
        theirs[person] += counts_of(truth, opinion[known].argmax(axis=1), 3)
    drawn = np.random.default_rng(SEED).integers(len(people), size=(DRAWS, len(people)))
    more = [_more(ours[index], theirs[index]) for index in drawn]
    interval = [_rounded(end) for end in np.quantile(more, [0.025, 0.975])]
    return {
        "kappa": _rounded(kappa(theirs.sum(axis=0))),
        "ours_more": _rounded(_more(ours, theirs)),
        "interval": interval,
    }


def _more(ours: NDArray[np.int64], theirs: NDArray[np.int64]) -> float:
    """Difference of the pooled kappas; a kappa that is undefined counts as 0."""
    return (kappa(ours.sum(axis=0)) or 0.0) - (kappa(theirs.sum(axis=0)) or 0.0)


def agreement_with(opinions: Sequence[Proba], chances: Sequence[Proba]) -> dict[str, Any]:
    """How far answers of unscored nights agree with another's view of W, NREM and R; no truth is known there."""
    theirs, ours = (np.concatenate(list(rows)).astype(np.float64) for rows in (opinions, chances))
    ours = merged(ours, 3)
    both = np.isfinite(theirs).all(axis=1) & np.isfinite(ours).all(axis=1)
    counts = counts_of(theirs[both].argmax(axis=1), ours[both].argmax(axis=1), 3)
    return {
        "nights": len(opinions),
        "kappa": _rounded(kappa(counts)),
        "agreement": _rounded(accuracy(counts)),
        "share_theirs": [_rounded(n / counts.sum()) for n in counts.sum(axis=1)],
        "share_ours": [_rounded(n / counts.sum()) for n in counts.sum(axis=0)],
    }


def clock_left_out(nights: Sequence[TrainingNight]) -> list[Float]:
    """Stage shares by the time since the recording began, of the other subjects' nights. arrays (n_epochs, 5)."""
    return [clock_of([other for other in nights if other.subject != one.subject], len(one.stage)) for one in nights]


def clock_of(nights: Sequence[TrainingNight], n_epochs: int) -> Float:
    """Stage shares by the time since the recording began; a coarse stage counts for all it may be, in equal parts.

    array (n_epochs, 5).
    """
    n_bins = 1 + max(_bins(len(night.stage)).max() for night in nights)
    counts = np.zeros((n_bins, N_STAGES))
    for night in nights:
        known = night.stage != UNKNOWN
        np.add.at(counts, _bins(len(known))[known], SHARED[night.stage[known]])
    middle_s = EPOCH_S * (np.arange(n_epochs, dtype=np.float64) + 0.5)
    return StageTable.from_counts(counts, BIN_S).at(middle_s).astype(np.float64)


def _bins(n_epochs: int) -> NDArray[np.int64]:
    return (np.arange(n_epochs) * EPOCH_S // BIN_S).astype(np.int64)

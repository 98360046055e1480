"""What the answers on left-out nights are worth: agreement, calibration, abstention, and the floors beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from holter2sleep.evaluate import floors
from holter2sleep.evaluate.bootstrap import Draws
from holter2sleep.evaluate.calibration import calibration_error
from holter2sleep.evaluate.chance_tables import by_coverage
from holter2sleep.evaluate.classes import CLASSES, UNKNOWN, Codes, code_of, merged
from holter2sleep.evaluate.judged import Judged, pooled_epochs
from holter2sleep.evaluate.peers import more_kappa, paired_counts
from holter2sleep.evaluate.stages import accuracy, class_kappa, counts_of, kappa, macro_f1, majority_accuracy
from holter2sleep.night import EPOCH_S, Float
from holter2sleep.sleep.staging.base import Proba
from holter2sleep.training.fusion import LETTERS, MEANT, TrainingNight

SEED = 0

# Class of each of LETTERS in each number of classes; UNKNOWN where it may be more than one.
CLASS_OF = {n: np.array([code_of(letter, n) for letter in LETTERS]) for n in CLASSES}
SHARED = MEANT / MEANT.sum(axis=1, keepdims=True)


def truth_of(night: TrainingNight, n_classes: int) -> Codes:
    """Class of each epoch; UNKNOWN where it was not scored, or not as finely. array (n_epochs,)."""
    return np.where(night.stage == UNKNOWN, UNKNOWN, CLASS_OF[n_classes][night.stage])


def figures_of(
    nights: Sequence[TrainingNight],
    chances: Sequence[Float],
    clock: Sequence[Float],
    numbers: Sequence[int] = tuple(CLASSES),
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
    judged = [_judged(night, chance, n_classes) for night, chance in zip(nights, chances, strict=True)]
    by_night, everything = [one.matrix.counts for one in judged], pooled_epochs(judged)
    counts = everything.matrix.counts
    floor = [_judged(night, chance, n_classes).matrix.counts for night, chance in zip(nights, clock, strict=True)]
    interval = Draws([night.subject for night in nights], SEED).of_sums(by_night, kappa)
    return {
        "kappa": _rounded(kappa(counts)),
        "kappa_interval": None if interval is None else [_rounded(end) for end in interval],
        "kappa_by_night": {night.name: _rounded(kappa(c)) for night, c in zip(nights, by_night, strict=True)},
        "accuracy": _rounded(accuracy(counts)),
        "macro_f1": _rounded(macro_f1(counts)),
        "kappa_of_class": {name: _rounded(class_kappa(counts, i)) for i, name in enumerate(CLASSES[n_classes])},
        "counts": counts.tolist(),
        "calibration_error": _rounded(calibration_error(everything.reliability)),
        "kappa_by_coverage": {f"{share:g}": _rounded(value) for share, _, _, value in by_coverage(everything)},
        "clock_kappa": _rounded(kappa(np.sum(floor, axis=0))),
        "majority_accuracy": _rounded(majority_accuracy(counts)),
    }


def _judged(night: TrainingNight, chance: Float, n_classes: int) -> Judged:
    """The scored epochs of a night, answered by the most probable class."""
    chance = merged(chance, n_classes)
    return Judged.of(truth_of(night, n_classes), chance.argmax(axis=1), chance, n_classes)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)


def beside(nights: Sequence[TrainingNight], chances: Sequence[Proba], opinions: Sequence[Proba]) -> dict[str, Any]:
    """Kappa of another's W, NREM and R on the same epochs, and how much more ours has, with its interval."""
    others = [np.where(np.isfinite(opinion).all(axis=1), opinion.argmax(axis=1), UNKNOWN) for opinion in opinions]
    return _more(nights, [chance.astype(np.float64) for chance in chances], others, 3)


def more_than(
    nights: Sequence[TrainingNight], chances: Sequence[Float], others: Sequence[Float]
) -> dict[str, dict[str, Any]]:
    """How much more kappa some chances of the five stages have than others of the same nights, by number of classes."""
    return {
        f"{n}_classes": _more(nights, chances, [merged(other, n).argmax(axis=1) for other in others], n)
        for n in CLASSES
    }


def _more(
    nights: Sequence[TrainingNight], chances: Sequence[Float], others: Sequence[Codes], n_classes: int
) -> dict[str, Any]:
    both = [
        paired_counts(truth_of(night, n_classes), merged(chance, n_classes).argmax(axis=1), other, n_classes)
        for night, chance, other in zip(nights, chances, others, strict=True)
    ]
    interval = Draws([night.subject for night in nights], SEED).of_sums(both, more_kappa)
    total = np.sum(both, axis=0)
    return {
        "kappa": _rounded(kappa(total[1])),
        "ours_more": _rounded(more_kappa(total)),
        "interval": None if interval is None else [_rounded(end) for end in interval],
    }


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
    counts, elapsed_s = [_counts(night) for night in nights], [_elapsed_s(len(night.stage)) for night in nights]
    return floors.clock_left_out(counts, elapsed_s, [night.subject for night in nights])


def clock_of(nights: Sequence[TrainingNight], n_epochs: int) -> Float:
    """Stage shares by the time since the recording began; a coarse stage counts for all it may be, in equal parts.

    array (n_epochs, 5).
    """
    return floors.clock_of([_counts(night) for night in nights], _elapsed_s(n_epochs))


def _counts(night: TrainingNight) -> Float:
    return floors.meant_by_time(night.stage, _elapsed_s(len(night.stage)), SHARED)


def _elapsed_s(n_epochs: int) -> Float:
    return EPOCH_S * np.arange(n_epochs, dtype=np.float64)

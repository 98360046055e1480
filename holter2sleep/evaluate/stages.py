"""Sleep stages against a scored reference: kappa, accuracy, F1, sensitivity, from counts of epochs.

Epochs without a stage on either side are left out of every rate, and counted.

References
----------
Cohen J (1960) A coefficient of agreement for nominal scales. Educ Psychol Meas 20:37-46.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.evaluate.classes import CLASSES, Codes, codes, common_classes
from holter2sleep.night import Hypnogram, frozen_array

Counts = NDArray[np.int64]  # (n_classes, n_classes), row = reference, column = test


@dataclass(frozen=True)
class StageMatrix:
    """Counts of epochs: row = reference stage, column = stage of the test, in the order of `classes`."""

    classes: tuple[str, ...]
    counts: Counts
    n_epochs: int  # epochs present on both sides
    n_reference_unscored: int  # movement, artefact, unscored
    n_test_unscored: int  # scored by the reference, left unstaged by the test

    def __post_init__(self) -> None:
        counts = frozen_array(self.counts, np.int64)
        if counts.shape != (len(self.classes),) * 2:
            raise ValueError(f"{len(self.classes)} classes need a square matrix, not {counts.shape}")
        object.__setattr__(self, "counts", counts)

    @property
    def coverage(self) -> float | None:
        """Share of the reference's scored epochs that the test staged."""
        return _ratio(self.counts.sum(), self.n_epochs - self.n_reference_unscored)

    def measures(self) -> dict[str, float | None]:
        """Kappa, accuracy, macro F1, the majority class's accuracy, coverage and kappa of each class."""
        return {
            **{name: measure(self.counts) for name, measure in POOLED_MEASURES.items()},
            "majority_accuracy": majority_accuracy(self.counts),
            "coverage": self.coverage,
            **{f"kappa_{name.lower()}": class_kappa(self.counts, i) for i, name in enumerate(self.classes)},
        }


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def counts_of(truth: Codes, answer: Codes, n_classes: int) -> Counts:
    """How often each class was answered for each; row = truth. array (n_classes, n_classes)."""
    counts = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(counts, (truth, answer), 1)
    return counts


def kappa(counts: Counts) -> float | None:
    """Cohen's kappa; None where chance alone would agree fully, or there is no epoch.

    Examples
    --------
    >>> kappa(np.array([[20, 5], [10, 15]]))
    0.4
    """
    n = counts.sum()
    if n == 0:
        return None
    observed = np.trace(counts)
    by_chance = (counts.sum(axis=0) * counts.sum(axis=1)).sum() / n
    return _ratio(observed - by_chance, n - by_chance)


def class_kappa(counts: Counts, index: int) -> float | None:
    """Kappa of one class against all others."""
    hit = counts[index, index]
    missed, extra = counts[index].sum() - hit, counts[:, index].sum() - hit
    return kappa(np.array([[hit, missed], [extra, counts.sum() - hit - missed - extra]]))


def accuracy(counts: Counts) -> float | None:
    """Share of the epochs on which both agree."""
    return _ratio(np.trace(counts), counts.sum())


def majority_accuracy(counts: Counts) -> float | None:
    """Accuracy of calling every epoch the reference's commonest stage; the kappa of that is 0."""
    return _ratio(counts.sum(axis=1).max(), counts.sum())


def sensitivity(counts: Counts, index: int) -> float | None:
    """Share of the reference's epochs of a class that the test calls so."""
    return _ratio(counts[index, index], counts[index].sum())


def positive_predictivity(counts: Counts, index: int) -> float | None:
    """Share of the test's epochs of a class that the reference calls so."""
    return _ratio(counts[index, index], counts[:, index].sum())


def f1(counts: Counts, index: int) -> float | None:
    """Harmonic mean of sensitivity and positive predictivity; None for a class that occurs on neither side."""
    return _ratio(2 * counts[index, index], counts[index].sum() + counts[:, index].sum())


def macro_f1(counts: Counts) -> float | None:
    """Mean F1 over the classes that occur on either side."""
    found = [value for i in range(len(counts)) if (value := f1(counts, i)) is not None]
    return float(np.mean(found)) if found else None


POOLED_MEASURES: dict[str, Callable[[Counts], float | None]] = {
    "kappa": kappa,
    "accuracy": accuracy,
    "macro_f1": macro_f1,
}
CLASS_MEASURES: dict[str, Callable[[Counts, int], float | None]] = {
    "sensitivity": sensitivity,
    "positive_predictivity": positive_predictivity,
    "f1": f1,
    "kappa": class_kappa,
}


def compare_stages(reference: Hypnogram, test: Hypnogram, n_classes: int | None = None) -> StageMatrix:
    """Epoch-by-epoch counts over the epochs both grids have; in the most classes both can say unless told.

    Raises
    ------
    ValueError
        More classes than one of the two can say.
    """
    n_classes = n_classes or common_classes(reference.scheme, test.scheme)
    n = min(reference.grid.n, test.grid.n)
    truth, answer = (codes(h.stage[:n], n_classes) for h in (reference, test))
    scored, staged = truth >= 0, answer >= 0
    both = scored & staged
    return StageMatrix(
        classes=CLASSES[n_classes],
        counts=counts_of(truth[both], answer[both], n_classes),
        n_epochs=n,
        n_reference_unscored=int((~scored).sum()),
        n_test_unscored=int((scored & ~staged).sum()),
    )


def pooled(matrices: Sequence[StageMatrix]) -> StageMatrix:
    """All nights as one.

    Raises
    ------
    ValueError
        No night, or nights compared in different schemes.
    """
    schemes = {matrix.classes for matrix in matrices}
    if len(schemes) != 1:
        raise ValueError(f"nights of one scheme can be pooled, not of {sorted(schemes)}")
    return StageMatrix(
        classes=matrices[0].classes,
        counts=np.sum([matrix.counts for matrix in matrices], axis=0),
        n_epochs=sum(matrix.n_epochs for matrix in matrices),
        n_reference_unscored=sum(matrix.n_reference_unscored for matrix in matrices),
        n_test_unscored=sum(matrix.n_test_unscored for matrix in matrices),
    )

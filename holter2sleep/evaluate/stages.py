"""Sleep stages against a scored reference: kappa, accuracy, F1, epoch by epoch.

The unit of resampling is the subject, never the epoch or the night. Epochs without a stage on either
side are left out of every rate, and counted.

References
----------
Cohen J (1960) A coefficient of agreement for nominal scales. Educ Psychol Meas 20:37-46.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import MERGED, SCHEMES, UNSCORED, Hypnogram, Text, frozen_array

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
            "kappa": kappa(self.counts),
            "accuracy": accuracy(self.counts),
            "macro_f1": macro_f1(self.counts),
            "majority_accuracy": majority_accuracy(self.counts),
            "coverage": self.coverage,
            **{f"kappa_{name.lower()}": class_kappa(self.counts, i) for i, name in enumerate(self.classes)},
        }


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def kappa(counts: NDArray[np.int64]) -> float | None:
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


def macro_f1(counts: Counts) -> float | None:
    """Mean F1 over the classes that occur on either side."""
    total = counts.sum(axis=0) + counts.sum(axis=1)
    present = total > 0
    return float((2 * np.diag(counts)[present] / total[present]).mean()) if present.any() else None


def merge_stages(stage: Text, scheme: str) -> Text:
    """Stage letters in a coarser scheme; what is no stage of it becomes `U`.

    Raises
    ------
    ValueError
        A letter is coarser than the scheme, such as `NREM` for AASM5.
    """
    letters, index = np.unique(stage, return_inverse=True)
    merged = [MERGED[scheme].get(str(letter), str(letter)) for letter in letters]
    too_coarse = set(merged) & {"L", "NREM"} - set(SCHEMES[scheme])
    if too_coarse:
        raise ValueError(f"stages {sorted(too_coarse)} cannot be told apart into {scheme}")
    known = [letter if letter in SCHEMES[scheme] else UNSCORED for letter in merged]
    return np.array(known, "<U4")[index]


def common_scheme(one: str, other: str) -> str:
    """The coarser of two schemes: the finest that both can say."""
    return min(one, other, key=lambda scheme: len(SCHEMES[scheme]))


def compare_stages(reference: Hypnogram, test: Hypnogram) -> StageMatrix:
    """Epoch-by-epoch counts in the finest scheme both can say, over the epochs both grids have."""
    scheme = common_scheme(reference.scheme, test.scheme)
    classes = SCHEMES[scheme]
    n = min(reference.grid.n, test.grid.n)
    of_reference, of_test = (merge_stages(h.stage[:n], scheme) for h in (reference, test))
    scored = of_reference != UNSCORED
    staged = scored & (of_test != UNSCORED)
    counts = [[np.sum(staged & (of_reference == r) & (of_test == t)) for t in classes] for r in classes]
    return StageMatrix(
        classes=classes,
        counts=np.array(counts),
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


def bootstrap_interval(
    matrices: Sequence[StageMatrix],
    subjects: Sequence[str],
    measure: Callable[[Counts], float | None],
    rng: np.random.Generator,
    draws: int,
) -> tuple[float, float] | None:
    """95 % interval of a pooled measure, drawing whole subjects with replacement.

    `subjects[i]` is the person of night i; all nights of a drawn person come along. None with fewer than
    two subjects, or where the measure is undefined.
    """
    names, person = np.unique(np.asarray(subjects), return_inverse=True)
    if len(names) < 2:
        return None
    nights = np.array([matrix.counts for matrix in matrices])
    by_subject = np.array([nights[person == i].sum(axis=0) for i in range(len(names))])
    drawn = rng.integers(len(names), size=(draws, len(names)))
    values = [value for index in drawn if (value := measure(by_subject[index].sum(axis=0))) is not None]
    if not values:
        return None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)

"""Respiratory minutes against a scored reference: accuracy, kappa, AUC, calibration.

A minute of the test is the mean of the chances of its epochs; minutes the test calls indeterminate are left out of
every rate, and counted. The unit of resampling is the subject.

References
----------
Penzel 2000 (Comput Cardiol 27:255-258): one A or N a minute. Guo 2017 (ICML): expected calibration error, ten bins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from holter2sleep.evaluate.bootstrap import Interval, interval_of
from holter2sleep.evaluate.calibration import calibration_error, reliability
from holter2sleep.evaluate.stages import accuracy, kappa, majority_accuracy
from holter2sleep.night import EPOCH_S, Bool, Float, frozen_array

MINUTE_S = 60.0
CALLED = 0.5  # chance from which a minute is called respiratory


@dataclass(frozen=True)
class Minutes:
    """Minutes judged on both sides: the reference's word and the test's chance; and how many were not judged."""

    reference: Bool  # (n,)
    chance: Float  # (n,), 0-1
    n_indeterminate: int  # minutes of the reference for which the test gives no chance

    def __post_init__(self) -> None:
        for name, dtype in (("reference", bool), ("chance", np.float64)):
            object.__setattr__(self, name, frozen_array(getattr(self, name), dtype))

    def measures(self) -> dict[str, float | None]:
        """Rates of this record; None without denominator."""
        counts = _counts(self)
        n = len(self.reference) + self.n_indeterminate
        return {
            "accuracy": accuracy(counts),
            "sensitivity": _share(counts[1, 1], counts[1].sum()),
            "specificity": _share(counts[0, 0], counts[0].sum()),
            "kappa": kappa(counts),
            "auc": auc(self.reference, self.chance),
            "ece": calibration_error(reliability(self.chance, self.reference)),
            "majority_accuracy": majority_accuracy(counts),
            "coverage": _share(len(self.reference), n),
        }


def compare_minutes(onset_s: Float, reference: Bool, p_epochs: Float) -> Minutes:
    """The reference's minutes with the mean chance of the epochs that begin in them."""
    first = np.round(np.asarray(onset_s) / EPOCH_S).astype(np.int64)
    place = first[:, None] + np.arange(round(MINUTE_S / EPOCH_S))
    p = np.where((place >= 0) & (place < len(p_epochs)), p_epochs[np.clip(place, 0, len(p_epochs) - 1)], np.nan)
    n_known = np.isfinite(p).sum(axis=1)
    judged = n_known > 0
    chance = np.nansum(p, axis=1)[judged] / n_known[judged]
    return Minutes(np.asarray(reference)[judged], chance, int((~judged).sum()))


def pooled_minutes(records: Sequence[Minutes]) -> Minutes:
    """All records as one."""
    return Minutes(
        np.concatenate([record.reference for record in records]),
        np.concatenate([record.chance for record in records]),
        sum(record.n_indeterminate for record in records),
    )


def auc(reference: Bool, score: Float) -> float | None:
    """Area under the ROC curve; None where only one kind occurs.

    Examples
    --------
    >>> auc(np.array([False, True, False, True]), np.array([0.1, 0.4, 0.4, 0.9]))
    0.875
    """
    n_true = int(np.sum(reference))
    n_false = len(reference) - n_true
    if n_true == 0 or n_false == 0:
        return None
    rank_sum = stats.rankdata(score)[reference].sum()
    return float((rank_sum - n_true * (n_true + 1) / 2) / (n_true * n_false))


def interval_by_subject(
    records: Sequence[Minutes],
    subjects: Sequence[str],
    measure: Callable[[Minutes], float | None],
    rng: np.random.Generator,
    draws: int,
) -> Interval:
    """95 % interval of a pooled measure, drawing whole subjects with replacement; None with fewer than two."""
    names = sorted(set(subjects))
    if len(names) < 2:
        return None
    of_subject = [
        pooled_minutes([record for record, who in zip(records, subjects, strict=True) if who == name]) for name in names
    ]
    drawn = rng.integers(len(names), size=(draws, len(names)))
    return interval_of(measure(pooled_minutes([of_subject[i] for i in index])) for index in drawn)


def accuracy_of(minutes: Minutes) -> float | None:
    """Share of minutes on which both agree."""
    return accuracy(_counts(minutes))


def auc_of(minutes: Minutes) -> float | None:
    """Area under the ROC curve of the chances."""
    return auc(minutes.reference, minutes.chance)


def _counts(minutes: Minutes) -> np.ndarray:
    """Row: reference no, yes; column: test no, yes."""
    called = minutes.chance >= CALLED
    return np.bincount(2 * minutes.reference + called, minlength=4).reshape(2, 2)


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None

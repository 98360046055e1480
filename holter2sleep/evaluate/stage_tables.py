"""Agreement of the stages of nights, as tables: each night, and all as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from holter2sleep.evaluate.bootstrap import Draws, Interval
from holter2sleep.evaluate.calibration import calibration_error
from holter2sleep.evaluate.classes import CLASSES
from holter2sleep.evaluate.judged import Judged, StagedNight, pooled_epochs
from holter2sleep.evaluate.stages import (
    CLASS_MEASURES,
    POOLED_MEASURES,
    Counts,
    accuracy,
    kappa,
    macro_f1,
    majority_accuracy,
)
from holter2sleep.night import Float

POOLED = "pooled"

WHICH = {"night": pl.String, "n_classes": pl.Int64}
NIGHT_SCHEMA = {
    **WHICH,
    "subject_id": pl.String,
    "n_epochs": pl.Int64,
    "n_reference_unscored": pl.Int64,
    "n_test_unscored": pl.Int64,
    "n_compared": pl.Int64,
    "coverage": pl.Float64,
    "kappa": pl.Float64,
    "accuracy": pl.Float64,
    "macro_f1": pl.Float64,
    "majority_accuracy": pl.Float64,
    "calibration_error": pl.Float64,
    "brier": pl.Float64,
    "n_with_chance": pl.Int64,
}
FIGURE_SCHEMA = {
    "n_classes": pl.Int64,
    "measure": pl.String,
    "value": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
    "n_nights": pl.Int64,
    "n_subjects": pl.Int64,
    "n_epochs": pl.Int64,
}
STAGE_SCHEMA = {
    **WHICH,
    "stage": pl.String,
    "n_reference": pl.Int64,
    "n_test": pl.Int64,
    **{name: pl.Float64 for measure in CLASS_MEASURES for name in (measure, f"{measure}_low", f"{measure}_high")},
}
CONFUSION_SCHEMA = {
    **WHICH,
    "reference": pl.String,
    "test": pl.String,
    "n": pl.Int64,
    "row_share": pl.Float64,
}


@dataclass(frozen=True)
class JudgedNights:
    """The nights that can be judged in so many classes, their epochs, and the draws of their subjects."""

    n_classes: int
    nights: Sequence[StagedNight]
    epochs: Sequence[Judged]
    draws: Draws

    @classmethod
    def of(cls, nights: Sequence[StagedNight], n_classes: int, seed: int) -> JudgedNights:
        """Those of the nights that can say so many classes on both sides."""
        able = [night for night in nights if n_classes <= night.most_classes]
        draws = Draws([night.subject for night in able], seed)
        return cls(n_classes, able, [night.judged(n_classes) for night in able], draws)

    @cached_property
    def pooled(self) -> Judged:
        """All epochs as those of one night."""
        return pooled_epochs(self.epochs)

    @cached_property
    def each(self) -> list[tuple[str, Judged]]:
        """The epochs of each night by its name, then of all."""
        return [
            *((night.recording_id, own) for night, own in zip(self.nights, self.epochs, strict=True)),
            (POOLED, self.pooled),
        ]


def figure_table(judged: JudgedNights) -> pl.DataFrame:
    """Each pooled figure with its interval; and the kappas of the nights, where each night weighs the same."""
    facts = len(judged.nights), judged.draws.n_subjects, len(judged.pooled.truth)
    rows = [(judged.n_classes, name, value, *ends(interval), *facts) for name, value, interval in _figures(judged)]
    return pl.DataFrame(rows, FIGURE_SCHEMA, orient="row")


def _figures(judged: JudgedNights) -> Iterator[tuple[str, float | None, Interval]]:
    counts = [epochs.matrix.counts for epochs in judged.epochs]
    summed: dict[str, tuple[list[Any], Callable[[Any], float | None]]] = {
        **{name: (counts, measure) for name, measure in POOLED_MEASURES.items()},
        "majority_accuracy": (counts, majority_accuracy),
        "calibration_error": ([epochs.reliability for epochs in judged.epochs], calibration_error),
        "brier": ([epochs.brier_sum for epochs in judged.epochs], mean_brier),
    }
    for name, (sums, measure) in summed.items():
        yield name, measure(np.sum(sums, axis=0)), judged.draws.of_sums(sums, measure)
    yield "coverage", judged.pooled.matrix.coverage, None
    of_nights = [value for one in counts if (value := kappa(one)) is not None]
    quarters = np.quantile(of_nights, [0.25, 0.5, 0.75]).tolist() if of_nights else [None] * 3
    for name, value in zip(("q25", "median", "q75"), quarters, strict=True):
        yield f"night_kappa_{name}", value, None


def mean_brier(score_and_n: Float) -> float | None:
    """Brier score of an epoch, 0 to 2; None without probabilities."""
    score, n = score_and_n
    return float(score / n) if n else None


def ends(interval: Interval) -> tuple[float | None, float | None]:
    """Both ends of an interval, None where there is none."""
    return interval or (None, None)


def night_table(judged: JudgedNights) -> pl.DataFrame:
    """A row a night."""
    rows = [_night_row(night, epochs) for night, epochs in zip(judged.nights, judged.epochs, strict=True)]
    return pl.DataFrame(rows, NIGHT_SCHEMA, orient="row")


def _night_row(night: StagedNight, epochs: Judged) -> tuple[str | float | None, ...]:
    matrix = epochs.matrix
    which = night.recording_id, epochs.n_classes, night.subject
    n = epochs.n_epochs, epochs.n_reference_unscored, epochs.n_test_unscored, len(epochs.truth), matrix.coverage
    figures = [measure(matrix.counts) for measure in (kappa, accuracy, macro_f1, majority_accuracy)]
    chances = calibration_error(epochs.reliability), mean_brier(epochs.brier_sum), int(epochs.has_chance.sum())
    return *which, *n, *figures, *chances


def stage_table(judged: JudgedNights) -> pl.DataFrame:
    """A row for each stage of each night, and of all with intervals: the stage against the rest."""
    rows = [
        (name, judged.n_classes, stage, int(counts[i].sum()), int(counts[:, i].sum()), *_rates(judged, name, counts, i))
        for name, epochs in judged.each
        for counts in [epochs.matrix.counts]
        for i, stage in enumerate(CLASSES[judged.n_classes])
    ]
    return pl.DataFrame(rows, STAGE_SCHEMA, orient="row")


def _rates(judged: JudgedNights, name: str, counts: Counts, index: int) -> Iterator[float | None]:
    """Each rate of one stage and its interval; only that of all nights has one."""
    by_night = [epochs.matrix.counts for epochs in judged.epochs]
    for measure in CLASS_MEASURES.values():
        yield measure(counts, index)
        yield from ends(judged.draws.of_sums(by_night, _of_stage(measure, index)) if name == POOLED else None)


def _of_stage(measure: Callable[[Counts, int], float | None], index: int) -> Callable[[Counts], float | None]:
    return lambda counts: measure(counts, index)


def confusion_table(judged: JudgedNights) -> pl.DataFrame:
    """A row for each pair of stages: how many epochs, and their share of the reference's."""
    classes = CLASSES[judged.n_classes]
    rows = [
        (name, judged.n_classes, reference, test, int(row[j]), float(row[j] / row.sum()) if row.sum() else None)
        for name, epochs in judged.each
        for reference, row in zip(classes, epochs.matrix.counts, strict=True)
        for j, test in enumerate(classes)
    ]
    return pl.DataFrame(rows, CONFUSION_SCHEMA, orient="row")

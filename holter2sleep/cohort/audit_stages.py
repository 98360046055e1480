"""Agreement and calibration of the stages of a cohort's nights with scored hypnograms, group by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from holter2sleep.clock import Clock
from holter2sleep.cohort.audit_stats import drawn_interval
from holter2sleep.errors import UsageError
from holter2sleep.evaluate.bootstrap import Draws, Interval
from holter2sleep.evaluate.calibration import N_BINS, calibration_error
from holter2sleep.evaluate.classes import CLASSES, codes, common_classes
from holter2sleep.evaluate.judged import Judged, merged_chances, on_grid
from holter2sleep.evaluate.staged_nights import read_night_stages
from holter2sleep.evaluate.stages import kappa
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.night import Bool, Float
from holter2sleep.phenotypes.files import read_run

Figure = tuple[float | None, Interval]  # a value and its 95 % interval, where they are defined
NO_FIGURES: dict[str, Figure] = {"kappa": (None, None), "calibration_error": (None, None)}


@dataclass(frozen=True)
class ScoredNight:
    """A night beside its scored hypnogram, in the most classes that both can say."""

    recording_id: str
    epochs: Judged


def read_scored(runs: pl.DataFrame, reference_dir: Path, suffix: str) -> list[ScoredNight]:
    """The nights that have a hypnogram in the folder, named recording id + suffix.

    Raises
    ------
    UsageError
        No night has one, or they are compared in different schemes.
    RecordingError
        A file is no hypnogram.
    """
    nights = [
        _scored(Path(folder), name, reference_dir / f"{name}{suffix}")
        for name, folder in runs.select("recording_id", "folder").iter_rows()
        if (reference_dir / f"{name}{suffix}").is_file()
    ]
    if not nights:
        raise UsageError(
            f"{reference_dir}: no hypnogram of any night; they are named recording id + --suffix, such as "
            f"{runs['recording_id'][0]}{suffix}"
        )
    numbers = {night.epochs.n_classes for night in nights}
    if len(numbers) > 1:
        words = " and ".join("/".join(CLASSES[n]) for n in sorted(numbers))
        raise UsageError(f"nights and hypnograms of different schemes ({words}) have no common kappa; stage them alike")
    return nights


def _scored(folder: Path, name: str, reference: Path) -> ScoredNight:
    run = read_run(folder) or {}
    test = read_night_stages(folder, run)
    clock = Clock.of_iso(run["start"], run.get("time_zone")) if run["start"] else None
    scored = on_grid(read_hypnogram(reference, test.grid, clock)[0], test.grid)
    n_classes = common_classes(scored.scheme, test.scheme)
    truth, answer = (codes(side.stage, n_classes) for side in (scored, test))
    return ScoredNight(name, Judged.of(truth, answer, merged_chances(test, n_classes), n_classes))


# --- groups ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sums:
    """What kappa and calibration error need of each subject, in a group and in the rest."""

    counts: Float  # (n_subjects, n_classes, n_classes)
    reliability: Float  # (n_subjects, 3, N_BINS)

    def measures(self, weights: Float) -> Float:
        """Kappa and calibration error with each subject counted so many times. array (n_draws, 2), NaN undefined."""
        counts, tables = (np.tensordot(weights, sums, axes=1) for sums in (self.counts, self.reliability))
        found = [(kappa(drawn), calibration_error(table)) for drawn, table in zip(counts, tables, strict=True)]
        return np.array(found, np.float64).reshape(-1, 2)


def sums_of(nights: Sequence[ScoredNight], subject: NDArray[np.int64], n_subjects: int) -> Sums:
    """Sums over each subject's nights."""
    n_classes = nights[0].epochs.n_classes if nights else 0
    counts, tables = np.zeros((n_subjects, n_classes, n_classes)), np.zeros((n_subjects, 3, N_BINS))
    for night, who in zip(nights, subject, strict=True):
        counts[who] += night.epochs.matrix.counts
        tables[who] += night.epochs.reliability
    return Sums(counts, tables)


def figures_of(nights: Sequence[ScoredNight], subjects: Sequence[str], draws: int, seed: int) -> dict[str, Figure]:
    """Kappa and calibration error of a group's nights, each with the interval from drawing its subjects."""
    drawn = Draws(subjects, seed, draws)
    counts = [night.epochs.matrix.counts for night in nights]
    tables = [night.epochs.reliability for night in nights]
    return {
        "kappa": (kappa(np.sum(counts, axis=0)), drawn.of_sums(counts, kappa)),
        "calibration_error": (calibration_error(np.sum(tables, axis=0)), drawn.of_sums(tables, calibration_error)),
    }


def differences(
    inside: Sums, outside: Sums, weights: Float, is_in: Bool, permutations: int, rng: np.random.Generator
) -> tuple[Float, Float, Float]:
    """95 % interval of the difference of each measure, and p by permuting which subjects are in the group.

    Parameters
    ----------
    is_in
        Subjects with a night in the group; array (n_subjects,).

    Returns
    -------
    low, high, p
        arrays (2,): kappa, calibration error.
    """
    drawn = inside.measures(weights) - outside.measures(weights)
    low, high = drawn_interval(drawn)
    whole = Sums(inside.counts + outside.counts, inside.reliability + outside.reliability)
    order = rng.permuted(np.tile(is_in, (permutations, 1)), axis=1).astype(float)
    one = np.ones((1, len(is_in)))
    found = np.abs(inside.measures(one) - outside.measures(one))[0]
    away = np.abs(whole.measures(order) - whole.measures(1 - order))
    exceeding = (away >= found - 1e-12).sum(axis=0)
    return low, high, np.where(np.isfinite(found), (1 + exceeding) / (1 + permutations), np.nan)

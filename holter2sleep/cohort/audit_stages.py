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
from holter2sleep.evaluate.calibration import N_BINS, expected_calibration_error
from holter2sleep.evaluate.stages import (
    StageMatrix,
    bootstrap_interval,
    common_scheme,
    compare_stages,
    kappa,
    merge_stages,
)
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.night import MERGED, SCHEMES, Bool, EpochGrid, Float, Hypnogram
from holter2sleep.phenotypes.epochs import PROBABILITY_COLUMN
from holter2sleep.phenotypes.files import read_run, read_table

Figure = tuple[float | None, tuple[float, float] | None]  # a value and its 95 % interval, where they are defined
NO_FIGURES: dict[str, Figure] = {"kappa": (None, None), "calibration_error": (None, None)}


@dataclass(frozen=True)
class ScoredNight:
    """A night beside its scored hypnogram, in the finest scheme that both can say."""

    recording_id: str
    matrix: StageMatrix
    chance: Float  # (n_epochs, n_classes), of epochs that both have; no row where the stager gives none
    truth: NDArray[np.int64]  # (n_epochs,)


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
    schemes = {night.matrix.classes for night in nights}
    if len(schemes) > 1:
        words = " and ".join("/".join(classes) for classes in sorted(schemes))
        raise UsageError(f"nights and hypnograms of different schemes ({words}) have no common kappa; stage them alike")
    return nights


def _scored(folder: Path, name: str, reference: Path) -> ScoredNight:
    run, epochs = read_run(folder) or {}, read_table(folder / "epochs.parquet")
    grid = EpochGrid(epochs.height, run["duration_s"])
    test = Hypnogram(grid, epochs["stage"].to_numpy(), run["hypnogram"]["scheme"], run["hypnogram"]["scorer"])
    clock = Clock.of_iso(run["start"], run.get("time_zone")) if run["start"] else None
    scored, _ = read_hypnogram(reference, grid, clock)
    scheme = common_scheme(scored.scheme, test.scheme)
    chance = _chance(epochs, test.scheme, scheme)
    truth = np.array([_number(scheme, letter) for letter in merge_stages(scored.stage, scheme)], np.int64)
    known = np.isfinite(chance).all(axis=1) & (truth >= 0)
    return ScoredNight(name, compare_stages(scored, test), chance[known], truth[known])


def _number(scheme: str, letter: str) -> int:
    classes = SCHEMES[scheme]
    return classes.index(letter) if letter in classes else -1


def _chance(epochs: pl.DataFrame, scheme: str, coarser: str) -> Float:
    """Chances of a stager's scheme, added up to those of a coarser one. array (n_epochs, n_classes)."""
    chance = np.zeros((epochs.height, len(SCHEMES[coarser])))
    for letter in SCHEMES[scheme]:
        column = epochs[PROBABILITY_COLUMN[letter]].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        chance[:, _number(coarser, MERGED[coarser].get(letter, letter))] += column
    return chance


# --- groups ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sums:
    """What kappa and calibration error need of each subject, in a group and in the rest."""

    counts: Float  # (n_subjects, n_classes, n_classes)
    bins: Float  # (n_subjects, 2, N_BINS): epochs, and their chance minus right answers

    def measures(self, weights: Float) -> Float:
        """Kappa and calibration error with each subject counted so many times. array (n_draws, 2), NaN undefined."""
        counts = np.einsum("ds,sij->dij", weights, self.counts)
        bins = np.einsum("ds,skb->dkb", weights, self.bins)
        kappas = [found if (found := kappa(drawn)) is not None else np.nan for drawn in counts]
        n, gap = bins[:, 0].sum(axis=1), np.abs(bins[:, 1]).sum(axis=1)
        return np.column_stack([kappas, np.divide(gap, n, out=np.full(len(n), np.nan), where=n > 0)])


def sums_of(nights: Sequence[ScoredNight], subject: NDArray[np.int64], n_subjects: int) -> Sums:
    """Sums over each subject's nights."""
    n_classes = len(nights[0].matrix.classes) if nights else 0
    counts, bins = np.zeros((n_subjects, n_classes, n_classes)), np.zeros((n_subjects, 2, N_BINS))
    for night, who in zip(nights, subject, strict=True):
        counts[who] += night.matrix.counts
        bins[who] += calibration_sums(night.chance, night.truth)
    return Sums(counts, bins)


def calibration_sums(chance: Float, truth: NDArray[np.int64]) -> Float:
    """Epochs, and sum of chance minus right answers, in each bin of `expected_calibration_error`. array (2, N_BINS)."""
    sure, right = chance.max(axis=1, initial=0.0), chance.argmax(axis=1) == truth
    bins = np.minimum((sure * N_BINS).astype(int), N_BINS - 1)
    return np.array([np.bincount(bins, minlength=N_BINS), np.bincount(bins, sure - right, minlength=N_BINS)])


def figures_of(
    nights: Sequence[ScoredNight], subjects: Sequence[str], draws: int, rng: np.random.Generator
) -> dict[str, Figure]:
    """Kappa and calibration error of a group's nights, each with the interval from drawing its subjects."""
    matrices = [night.matrix for night in nights]
    pooled = np.sum([matrix.counts for matrix in matrices], axis=0)
    names, who = np.unique(np.asarray(subjects), return_inverse=True)
    with_chance = [night for night in nights if len(night.truth)]
    error, interval = None, None
    if with_chance:
        error = expected_calibration_error(
            np.concatenate([night.chance for night in with_chance]), np.concatenate([n.truth for n in with_chance])
        )
        weights = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), draws).astype(float)
        low, high = drawn_interval(sums_of(nights, who, len(names)).measures(weights))
        interval = (float(low[1]), float(high[1])) if len(names) > 1 else None
    return {
        "kappa": (kappa(pooled), bootstrap_interval(matrices, subjects, kappa, rng, draws)),
        "calibration_error": (error, interval),
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
    whole = Sums(inside.counts + outside.counts, inside.bins + outside.bins)
    order = rng.permuted(np.tile(is_in, (permutations, 1)), axis=1).astype(float)
    one = np.ones((1, len(is_in)))
    found = np.abs(inside.measures(one) - outside.measures(one))[0]
    away = np.abs(whole.measures(order) - whole.measures(1 - order))
    exceeding = (away >= found - 1e-12).sum(axis=0)
    return low, high, np.where(np.isfinite(found), (1 + exceeding) / (1 + permutations), np.nan)

"""What else would have been said of the same epochs: the floors, and other stagers, with the paired difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from holter2sleep.evaluate.bootstrap import Draws
from holter2sleep.evaluate.classes import CLASSES, Codes, codes, merged
from holter2sleep.evaluate.floors import clock_left_out, counts_by_time
from holter2sleep.evaluate.judged import StagedNight
from holter2sleep.evaluate.stages import Counts, accuracy, counts_of, kappa, macro_f1
from holter2sleep.night import SCHEMES, Hypnogram

MAJORITY, CLOCK = "majority", "clock"

PEER_SCHEMA = {
    "peer": pl.String,
    "n_classes": pl.Int64,
    "n_nights": pl.Int64,
    "n_subjects": pl.Int64,
    "n_epochs": pl.Int64,
    "accuracy": pl.Float64,
    "macro_f1": pl.Float64,
    "kappa": pl.Float64,
    "kappa_ours": pl.Float64,
    "ours_more": pl.Float64,
    "ours_more_low": pl.Float64,
    "ours_more_high": pl.Float64,
}


@dataclass(frozen=True)
class Peer:
    """Another's answers: by recording id and number of classes, on the epochs of the night."""

    name: str
    answers: Mapping[str, Mapping[int, Codes]]


def peer_of_hypnograms(name: str, hypnograms: Mapping[str, Hypnogram]) -> Peer:
    """A peer that gave hypnograms, by recording id."""
    answers = {
        recording_id: {n: codes(h.stage, n) for n in CLASSES if n <= len(SCHEMES[h.scheme])}
        for recording_id, h in hypnograms.items()
    }
    return Peer(name, answers)


def floors_of(nights: Sequence[StagedNight]) -> list[Peer]:
    """The commonest stage of all; and, with two subjects, the clock of the other subjects' nights."""
    finest = min(len(SCHEMES[night.reference.scheme]) for night in nights)
    every = {n: _commonest(nights, n) for n in CLASSES if n <= finest}
    constant = {
        night.recording_id: {n: np.full(night.test.grid.n, best) for n, best in every.items()} for night in nights
    }
    majority = Peer(MAJORITY, constant)
    subjects = [night.subject for night in nights]
    if len(set(subjects)) < 2:
        return [majority]
    elapsed_s = [night.test.grid.onset_s - night.lights.off_s for night in nights]
    counts = [
        counts_by_time(codes(night.reference.stage, finest), at_s, finest)
        for night, at_s in zip(nights, elapsed_s, strict=True)
    ]
    chances = clock_left_out(counts, elapsed_s, subjects)
    answers = {
        night.recording_id: {n: merged(chance, n).argmax(axis=1) for n in every}
        for night, chance in zip(nights, chances, strict=True)
    }
    return [majority, Peer(CLOCK, answers)]


def _commonest(nights: Sequence[StagedNight], n_classes: int) -> int:
    scored = np.concatenate([codes(night.reference.stage, n_classes) for night in nights])
    return int(np.bincount(scored[scored >= 0], minlength=n_classes).argmax())


def peer_table(nights: Sequence[StagedNight], peers: Sequence[Peer], seed: int) -> pl.DataFrame:
    """A row for each peer and number of classes that all three sides can say, on the epochs that all have staged."""
    rows = [row for peer in peers for n in CLASSES if (row := _row(nights, peer, n, seed)) is not None]
    return pl.DataFrame(rows, PEER_SCHEMA, orient="row")


def _row(nights: Sequence[StagedNight], peer: Peer, n_classes: int, seed: int) -> tuple[str | float | None, ...] | None:
    shared = [
        night
        for night in nights
        if n_classes <= night.most_classes and n_classes in peer.answers.get(night.recording_id, {})
    ]
    if not shared:
        return None
    both = [_both(night, peer.answers[night.recording_id][n_classes], n_classes) for night in shared]
    draws = Draws([night.subject for night in shared], seed)
    ours, theirs = np.sum(both, axis=0)
    low, high = draws.of_sums(both, more_kappa) or (None, None)
    facts = peer.name, n_classes, len(shared), draws.n_subjects, int(theirs.sum())
    figures = accuracy(theirs), macro_f1(theirs), kappa(theirs), kappa(ours)
    return *facts, *figures, more_kappa(np.array([ours, theirs])), low, high


def _both(night: StagedNight, answer: Codes, n_classes: int) -> np.ndarray:
    """Counts of ours and of theirs. array (2, n_classes, n_classes)."""
    truth, ours = (codes(h.stage, n_classes) for h in (night.reference, night.test))
    return paired_counts(truth, ours, answer, n_classes)


def paired_counts(truth: Codes, ours: Codes, theirs: Codes, n_classes: int) -> np.ndarray:
    """Counts of both on the epochs that both have staged. array (2, n_classes, n_classes)."""
    known = (truth >= 0) & (ours >= 0) & (theirs >= 0)
    return np.array([counts_of(truth[known], one[known], n_classes) for one in (ours, theirs)])


def more_kappa(both: Counts) -> float | None:
    """How much more kappa the first of two has; None where one is undefined."""
    ours, theirs = kappa(both[0]), kappa(both[1])
    return None if ours is None or theirs is None else ours - theirs

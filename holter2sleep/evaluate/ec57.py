"""Beats and episodes of a detector against a reference, by the rules of ANSI/AAMI EC57.

A rate without denominator is None, never 0 or 1.

References
----------
ANSI/AAMI EC57:2012/(R)2020, Testing and reporting performance results of cardiac rhythm and ST segment
measurement algorithms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.evaluate.protocol import MATCH_WINDOW_S, STANDARD, Protocol
from holter2sleep.night import Beats, frozen_array
from holter2sleep.spans import EMPTY, Spans, complement, contains, duration, intersection, subtraction

# O: no mark on the other side. X: no mark because the other side had shut down (declared noise).
CLASSES = "NSVFQOX"
_INDEX = {letter: i for i, letter in enumerate(CLASSES)}
_SHUT_DOWN, _NONE = _INDEX["X"], _INDEX["O"]


@dataclass(frozen=True)
class BeatMatrix:
    """Beat-by-beat counts: row = reference class, column = class given by the test, order `N S V F Q O X`."""

    counts: NDArray[np.int64]  # (7, 7)
    scored_s: float
    shutdown_s: float = 0.0

    def __post_init__(self) -> None:
        counts = frozen_array(self.counts, np.int64)
        if counts.shape != (len(CLASSES), len(CLASSES)):
            raise ValueError(f"a beat matrix is 7 x 7, not {counts.shape}")
        object.__setattr__(self, "counts", counts)

    def count(self, reference: str, test: str) -> int:
        """Number of beats of the given reference classes that the test put into the given classes.

        Examples
        --------
        `matrix.count("NSF", "V")` counts false VEB marks on N, S and F beats.
        """
        rows, columns = [_INDEX[letter] for letter in reference], [_INDEX[letter] for letter in test]
        return int(self.counts[np.ix_(rows, columns)].sum())

    def measures(self) -> dict[str, float | None]:
        """Sensitivity and positive predictivity of QRS, VEB and SVEB, as shares of 1."""
        return {name: measure(self) for name, measure in MEASURES.items()}


def ratio(part: float, whole: float) -> float | None:
    """Share of the whole; None without a whole."""
    return part / whole if whole > 0 else None


def qrs_sensitivity(matrix: BeatMatrix) -> float | None:
    """Share of the reference beats that the test found; beats lost to a shutdown count as missed."""
    return ratio(matrix.count("NSVFQ", "NSVFQ"), matrix.count("NSVFQ", CLASSES))


def qrs_positive_predictivity(matrix: BeatMatrix) -> float | None:
    """Share of the test's beats that are beats of the reference."""
    return ratio(matrix.count("NSVFQ", "NSVFQ"), matrix.count(CLASSES, "NSVFQ"))


def veb_sensitivity(matrix: BeatMatrix) -> float | None:
    """Share of the reference's ventricular ectopic beats that the test calls V."""
    return ratio(matrix.count("V", "V"), matrix.count("V", CLASSES))


def veb_positive_predictivity(matrix: BeatMatrix) -> float | None:
    """Share of the beats called V that are V; a fusion or unknown beat called V is no false positive."""
    return ratio(matrix.count("V", "V"), matrix.count("NSVOX", "V"))


def sveb_sensitivity(matrix: BeatMatrix) -> float | None:
    """Share of the reference's supraventricular ectopic beats that the test calls S."""
    return ratio(matrix.count("S", "S"), matrix.count("S", CLASSES))


def sveb_positive_predictivity(matrix: BeatMatrix) -> float | None:
    """Share of the beats called S that are S; an unknown beat called S is no false positive."""
    return ratio(matrix.count("S", "S"), matrix.count("NSVFOX", "S"))


MEASURES: dict[str, Callable[[BeatMatrix], float | None]] = {
    "qrs_sensitivity": qrs_sensitivity,
    "qrs_positive_predictivity": qrs_positive_predictivity,
    "veb_sensitivity": veb_sensitivity,
    "veb_positive_predictivity": veb_positive_predictivity,
    "sveb_sensitivity": sveb_sensitivity,
    "sveb_positive_predictivity": sveb_positive_predictivity,
}


def compare_beats(
    reference: Beats,
    test: Beats,
    *,
    duration_s: float,
    excluded: Spans = EMPTY,
    shutdown: Spans = EMPTY,
    reference_shutdown: Spans = EMPTY,
    protocol: Protocol = STANDARD,
) -> BeatMatrix:
    """Beat-by-beat matrix of a test against its reference.

    Beats pair over the whole record; a pair counts when at least one of its beats lies in the scored time,
    so that a beat just after 5:00 may match a mark just before. `excluded` are the reference's stretches
    of ventricular flutter or fibrillation, left out for both lists. Reference beats missed while the test
    had declared a `shutdown` go to column X, beats found while the reference had to row X.
    """
    scored = scored_spans(duration_s, excluded, protocol)
    pairs = match_beats(reference.time_s, test.time_s, protocol.window_s)
    counts = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    in_reference, in_test = contains(scored, reference.time_s), contains(scored, test.time_s)
    row, column = _class_index(reference), _class_index(test)

    paired = pairs[in_reference[pairs[:, 0]] | in_test[pairs[:, 1]]]
    np.add.at(counts, (row[paired[:, 0]], column[paired[:, 1]]), 1)

    missed = in_reference & ~_chosen(pairs[:, 0], len(reference))
    np.add.at(counts, (row[missed], _lost_to(shutdown, reference)[missed]), 1)

    extra = in_test & ~_chosen(pairs[:, 1], len(test))
    np.add.at(counts, (_lost_to(reference_shutdown, test)[extra], column[extra]), 1)
    return BeatMatrix(counts, duration(scored), duration(intersection(shutdown, scored)))


def scored_spans(duration_s: float, excluded: Spans = EMPTY, protocol: Protocol = STANDARD) -> Spans:
    """The record from the end of the learning period on, without what is excluded."""
    return complement(excluded, protocol.learning_s, max(duration_s, protocol.learning_s))


def _lost_to(shutdown: Spans, beats: Beats) -> NDArray[np.int64]:
    """What a beat without partner is paired with: X where the other side had shut down, else O."""
    return np.where(contains(shutdown, beats.time_s), _SHUT_DOWN, _NONE)


def match_beats(
    reference_s: NDArray[np.float64], test_s: NDArray[np.float64], window_s: float = MATCH_WINDOW_S
) -> NDArray[np.int64]:
    """One-to-one pairs of beats at most a match window apart; when two compete for one, the nearer wins.

    Both lists are walked in time. The earlier of the two beats at hand pairs with the other, unless the
    beat that follows it in its own list is nearer still. Ties go to the earlier.

    Returns
    -------
    array (n_pairs, 2) int64: index in the reference, index in the test.

    Examples
    --------
    >>> match_beats(np.array([1.0, 2.0]), np.array([1.1, 1.95, 2.01])).tolist()
    [[0, 0], [1, 2]]
    """
    # Whole microseconds: the border of 150 ms must not depend on the rounding of a difference of floats.
    times = [np.round(np.asarray(side) * 1e6).astype(np.int64).tolist() for side in (reference_s, test_s)]
    window = round(window_s * 1e6)
    at, pairs = [0, 0], []
    while at[0] < len(times[0]) and at[1] < len(times[1]):
        early = 0 if times[0][at[0]] <= times[1][at[1]] else 1
        own, other = times[early], times[1 - early][at[1 - early]]
        gap = other - own[at[early]]
        rival = at[early] + 1
        if gap <= window and not (rival < len(own) and abs(other - own[rival]) < gap):
            pairs.append((at[0], at[1]))
            at[1 - early] += 1
        at[early] += 1
    return np.array(pairs, np.int64).reshape(-1, 2)


def _chosen(index: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    mask = np.zeros(n, bool)
    mask[index] = True
    return mask


def _class_index(beats: Beats) -> NDArray[np.int64]:
    unknown = set(np.unique(beats.label)) - set("NSVFQ")
    if unknown:
        found = ", ".join(sorted(unknown))
        raise ValueError(f"beat classes {found} are not of N S V F Q; map the file's codes to AAMI classes")
    return np.array([_INDEX[label] for label in beats.label], np.int64)


def gross(matrices: Sequence[BeatMatrix]) -> BeatMatrix:
    """All records pooled: every beat has the same weight."""
    counts = sum((matrix.counts for matrix in matrices), np.zeros((len(CLASSES), len(CLASSES)), np.int64))
    return BeatMatrix(counts, sum(m.scored_s for m in matrices), sum(m.shutdown_s for m in matrices))


def average(measures: Sequence[dict[str, float | None]]) -> dict[str, float | None]:
    """Mean over the records that define the value: every record has the same weight."""
    names = measures[0] if measures else {}
    defined = {name: [value for record in measures if (value := record[name]) is not None] for name in names}
    return {name: float(np.mean(values)) if values else None for name, values in defined.items()}


@dataclass(frozen=True)
class EpisodeAgreement:
    """Overlap of a test's episodes with the reference's, within the scored time."""

    n_reference: int
    n_reference_met: int  # overlapped by any test episode
    n_test: int
    n_test_met: int  # overlap any reference episode
    reference_s: float
    test_s: float
    overlap_s: float

    def measures(self) -> dict[str, float | None]:
        """Sensitivity and positive predictivity, of episodes and of their duration, as shares of 1."""
        return {
            "episode_sensitivity": ratio(self.n_reference_met, self.n_reference),
            "episode_positive_predictivity": ratio(self.n_test_met, self.n_test),
            "duration_sensitivity": ratio(self.overlap_s, self.reference_s),
            "duration_positive_predictivity": ratio(self.overlap_s, self.test_s),
        }


def compare_episodes(reference: Spans, test: Spans, scored: Spans, neutral: Spans = EMPTY) -> EpisodeAgreement:
    """Agreement of two lists of episodes, clipped to the scored time.

    Spans are merged where they touch; an episode is met when it shares any time with the other side. Time of the
    test that lies in `neutral` is neither right nor wrong: EC57 so treats fibrillation called in atrial flutter.
    """
    reference, test = intersection(reference, scored), intersection(test, scored)
    counted = subtraction(test, neutral)
    judged = test[_meets(test, counted)]
    return EpisodeAgreement(
        n_reference=len(reference),
        n_reference_met=int(_meets(reference, test).sum()),
        n_test=len(judged),
        n_test_met=int(_meets(judged, reference).sum()),
        reference_s=duration(reference),
        test_s=duration(counted),
        overlap_s=duration(intersection(reference, test)),
    )


def _meets(spans: Spans, others: Spans) -> NDArray[np.bool_]:
    """Whether each span shares time with any of the others."""
    begun = np.searchsorted(others[:, 0], spans[:, 1], side="left")
    over = np.searchsorted(others[:, 1], spans[:, 0], side="right")
    return begun > over


def gross_episodes(agreements: Sequence[EpisodeAgreement]) -> EpisodeAgreement:
    """All records pooled."""
    return EpisodeAgreement(
        n_reference=sum(a.n_reference for a in agreements),
        n_reference_met=sum(a.n_reference_met for a in agreements),
        n_test=sum(a.n_test for a in agreements),
        n_test_met=sum(a.n_test_met for a in agreements),
        reference_s=sum(a.reference_s for a in agreements),
        test_s=sum(a.test_s for a in agreements),
        overlap_s=sum(a.overlap_s for a in agreements),
    )

"""QRS detection against annotators: gross rates at two windows, how near the R times lie, seconds a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.detectors import DETECTORS, Annotated, timed
from holter2sleep.evaluate.ec57 import BeatMatrix, compare_beats, gross, match_beats, ratio
from holter2sleep.evaluate.protocol import LEARNING_S, STANDARD, Protocol
from holter2sleep.evaluate.sides import Side
from holter2sleep.evaluate.tables import COUNT, Column
from holter2sleep.night import Beats
from holter2sleep.spans import Spans, as_spans, contains

TIGHT = Protocol(window_s=0.050)  # a beat placed worse spoils heart rate variability (Reklewski 2024 scores so)
NEAR_S = 0.010
ALL = "NSVFQ"
N_WORST = 5


@dataclass(frozen=True)
class Detected:
    """One detector on one record, or on many pooled."""

    n_records: int
    wide: BeatMatrix  # pairs within 150 ms, as EC57 asks
    tight: BeatMatrix  # within 50 ms
    n_normal: int  # normal beats of the reference that are paired
    n_near: int  # of them within 10 ms, once the record's usual offset is taken off
    cpu_s: float

    @property
    def missed(self) -> int:
        """Beats of the reference that were not found."""
        return self.wide.count(ALL, "OX")

    @property
    def extra(self) -> int:
        """Beats found that are none."""
        return self.wide.count("OX", ALL)


DETECTION_COLUMNS = (
    Column("records", "records", COUNT, lambda found: found.n_records),
    Column("missed", "missed", COUNT, lambda found: found.missed),
    Column("extra", "extra", COUNT, lambda found: found.extra),
    *(
        Column(f"{title} {window_ms} ms", f"{name}_{window_ms}_ms", "percent", value)
        for window_ms, which in ((150, "wide"), (50, "tight"))
        for title, name, value in (
            ("Se", "sensitivity", lambda found, which=which: getattr(found, which).measures()["qrs_sensitivity"]),
            (
                "+P",
                "positive_predictivity",
                lambda found, which=which: getattr(found, which).measures()["qrs_positive_predictivity"],
            ),
        )
    ),
    Column("R within 10 ms", "near", "percent", lambda found: ratio(found.n_near, found.n_normal)),
    Column("CPU s a record", "cpu_s", "ms", lambda found: ratio(found.cpu_s, found.n_records)),
)


def score(record: Annotated, beats: Beats, cpu_s: float, excluded: Spans | None = None) -> Detected:
    """Beats against the annotators; fibrillation and what else is `excluded` left out."""
    flutter = record.reference.ventricular_fibrillation
    left_out = flutter if excluded is None else as_spans(np.vstack([flutter, excluded]))
    wide, tight = (
        compare_beats(
            record.reference.beats,
            beats,
            duration_s=record.recording.duration_s,
            excluded=left_out,
            protocol=protocol,
        )
        for protocol in (STANDARD, TIGHT)
    )
    n_near, n_normal = near_normal_beats(record.reference, beats, left_out)
    return Detected(1, wide, tight, n_normal, n_near, cpu_s)


def near_normal_beats(reference: Side, test: Beats, excluded: Spans) -> tuple[int, int]:
    """Paired normal beats whose R lies within 10 ms of the annotator's, once the median offset is off; and all.

    Annotators and detectors mean different points of a QRS complex: a constant offset does no harm to intervals.
    """
    pairs = match_beats(reference.beats.time_s, test.time_s)
    times, labels = reference.beats.time_s[pairs[:, 0]], reference.beats.label[pairs[:, 0]]
    chosen = (labels == "N") & (times >= LEARNING_S) & ~contains(excluded, times)
    offset_s = (test.time_s[pairs[:, 1]] - times)[chosen]
    if len(offset_s) == 0:
        return 0, 0
    near = np.abs(offset_s - np.median(offset_s)) <= NEAR_S + 1e-9
    return int(near.sum()), len(near)


def detect(record: Annotated, name: str) -> Detected:
    """A detector on a record."""
    return score(record, *timed(DETECTORS[name], record.recording))


def pooled(found: Sequence[Detected]) -> Detected:
    """Records as one: every beat has the same weight."""
    return Detected(
        n_records=sum(one.n_records for one in found),
        wide=gross([one.wide for one in found]),
        tight=gross([one.tight for one in found]),
        n_normal=sum(one.n_normal for one in found),
        n_near=sum(one.n_near for one in found),
        cpu_s=sum(one.cpu_s for one in found),
    )


def worst(found: Mapping[str, Detected]) -> dict[str, Detected]:
    """The records with the most beats missed or found in excess."""
    return dict(sorted(found.items(), key=lambda item: -item[1].missed - item[1].extra)[:N_WORST])

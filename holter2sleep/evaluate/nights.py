"""A finished night against its reference file: read both, compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from holter2sleep.errors import UsageError
from holter2sleep.evaluate.ec57 import (
    LEARNING_S,
    MATCH_WINDOW_S,
    BeatMatrix,
    EpisodeAgreement,
    compare_beats,
    compare_episodes,
)
from holter2sleep.evaluate.pairs import Pair
from holter2sleep.evaluate.rhythms import VENTRICULAR_FLUTTER, read_rhythm_spans
from holter2sleep.evaluate.stages import StageMatrix, compare_stages
from holter2sleep.io.annotations import ANNOTATION_SUFFIXES
from holter2sleep.io.beatfiles import read_beats
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.night import Clock, EpochGrid, Float, Hypnogram
from holter2sleep.spans import EMPTY, Spans, as_spans


def compare_night_beats(pair: Pair) -> BeatMatrix:
    """EC57 beat matrix of a night's `beats.parquet`, or of any beat file."""
    reference, test = read_beats(pair.reference), read_beats(pair.table("beats.parquet"))
    return compare_beats(
        reference,
        test,
        duration_s=_duration_s(pair, reference.time_s, test.time_s),
        excluded=_flutter_spans(pair.reference),
        shutdown=_unusable_spans(pair),
    )


def compare_night_episodes(pair: Pair, kinds: Sequence[str], min_length_s: float) -> EpisodeAgreement:
    """EC57 agreement of the episodes of some kinds; those of the test shorter than `min_length_s` are left out."""
    reference = read_rhythm_spans(pair.reference, kinds)
    test = read_rhythm_spans(pair.table("episodes.parquet"), kinds)
    scored = as_spans([(LEARNING_S, _duration_s(pair, reference[:, 1], test[:, 1]))])
    return compare_episodes(reference, test[test[:, 1] - test[:, 0] >= min_length_s], scored)


def compare_night_stages(pair: Pair) -> StageMatrix:
    """Counts of a night's stages against a scored hypnogram."""
    run = pair.run()
    if not run:
        raise UsageError(f"{pair.test}: stages are compared for a night folder, which has epochs.parquet and run.json")
    table = pl.read_parquet(pair.table("epochs.parquet"), columns=["stage"])
    grid = EpochGrid(table.height, run["duration_s"])
    test = Hypnogram(grid, table["stage"].to_numpy(), run["hypnogram"]["scheme"], run["hypnogram"]["scorer"])
    clock = Clock.of_iso(run["start"], run.get("time_zone")) if run["start"] else None
    reference, _ = read_hypnogram(pair.reference, grid, clock)
    return compare_stages(reference, test)


def subjects_of(recording_ids: Sequence[str], table: Path | None) -> list[str]:
    """Person of each recording, from a CSV with `recording_id, subject_id`; without it each is a person.

    Raises
    ------
    UsageError
        The table lacks a column or a recording.
    """
    if table is None:
        return list(recording_ids)
    people = pl.read_csv(table, infer_schema=False)
    if not {"recording_id", "subject_id"} <= set(people.columns):
        raise UsageError(f"{table}: columns {', '.join(people.columns)}; needed: recording_id, subject_id")
    known = dict(people.select("recording_id", "subject_id").iter_rows())
    missing = [name for name in recording_ids if name not in known]
    if missing:
        raise UsageError(f"{table}: no row for {', '.join(missing)}")
    return [known[name] for name in recording_ids]


def _duration_s(pair: Pair, *times_s: Float) -> float:
    """Length of the record; of bare files, the time to just after their last mark."""
    last_s = max((side[-1] for side in times_s if len(side)), default=0.0)
    return float(pair.run().get("duration_s", last_s + MATCH_WINDOW_S))


def _flutter_spans(reference: Path) -> Spans:
    """Ventricular flutter of a WFDB reference; a plain list of beats marks none."""
    return read_rhythm_spans(reference, [VENTRICULAR_FLUTTER]) if reference.suffix in ANNOTATION_SUFFIXES else EMPTY


def _unusable_spans(pair: Pair) -> Spans:
    """Epochs in which the tested night declared its signal unusable."""
    if not pair.run():
        return EMPTY
    usable = pl.read_parquet(pair.table("epochs.parquet"), columns=["usable"])["usable"].to_numpy()
    return EpochGrid(len(usable), pair.run()["duration_s"]).spans(~np.asarray(usable, bool))

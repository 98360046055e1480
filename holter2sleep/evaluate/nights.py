"""A finished night against its reference file: read both, compare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from holter2sleep.errors import UsageError
from holter2sleep.evaluate.ec57 import EpisodeAgreement, compare_episodes, scored_spans
from holter2sleep.evaluate.minutes import Minutes, compare_minutes
from holter2sleep.evaluate.pairs import Pair
from holter2sleep.evaluate.protocol import MATCH_WINDOW_S, STANDARD, Protocol
from holter2sleep.evaluate.records import BeatAgreement, compare_sides
from holter2sleep.evaluate.rhythms import (
    ATRIAL_FIBRILLATION,
    ATRIAL_FLUTTER,
    VENTRICULAR_FIBRILLATION,
    read_rhythm_spans,
    rhythm_codes,
)
from holter2sleep.evaluate.sides import Side, read_side
from holter2sleep.io.annotations import header_beside
from holter2sleep.io.beatfiles import is_annotation_file, read_beats
from holter2sleep.io.minutes import read_minutes
from holter2sleep.night import EpochGrid, Float
from holter2sleep.spans import EMPTY, Spans


def compare_night_record(pair: Pair, protocol: Protocol = STANDARD) -> BeatAgreement:
    """EC57 agreement of the beats, runs and intervals of a night, or of any beat file."""
    reference, test = read_side(pair.reference, protocol), _test_side(pair, protocol)
    duration_s = _duration_s(pair, reference.beats.time_s, test.beats.time_s)
    return compare_sides(reference, test, duration_s, protocol)


def compare_night_episodes(
    pair: Pair, kinds: Sequence[str], min_length_s: float, protocol: Protocol = STANDARD
) -> EpisodeAgreement:
    """EC57 agreement of the episodes of some kinds; those of the test shorter than `min_length_s` are left out.

    Where atrial fibrillation is asked for without flutter, what the test calls in the reference's flutter is left
    out of its positive predictivity.
    """
    codes = rhythm_codes(kinds)
    reference = read_rhythm_spans(pair.reference, codes)
    test = read_rhythm_spans(pair.table("episodes.parquet"), codes)
    flutter = read_rhythm_spans(pair.reference, [ATRIAL_FLUTTER]) if codes == ("AFIB",) else EMPTY
    scored = scored_spans(_duration_s(pair, reference[:, 1], test[:, 1]), protocol=protocol)
    long = test[np.round(test[:, 1] - test[:, 0], 6) >= min_length_s]
    return compare_episodes(reference, long, scored, neutral=flutter)


def _test_side(pair: Pair, protocol: Protocol) -> Side:
    """The tested night, whose shutdown is the time it calls unusable; or the tested file."""
    if not pair.run():
        return read_side(pair.test, protocol)
    episodes = pair.table("episodes.parquet")
    vf, af = (read_rhythm_spans(episodes, codes) for codes in (VENTRICULAR_FIBRILLATION, ATRIAL_FIBRILLATION))
    return Side(read_beats(pair.table("beats.parquet")), vf, af, _unusable_spans(pair))


def compare_night_minutes(pair: Pair) -> Minutes:
    """Minutes of a reference with the chances of respiratory events in a night's epochs."""
    if not pair.run():
        raise UsageError(f"{pair.test}: minutes are compared for a night folder, which has epochs.parquet")
    table = pl.read_parquet(pair.table("epochs.parquet"), columns=["p_respiratory"])
    return compare_minutes(*read_minutes(pair.reference), table["p_respiratory"].cast(pl.Float64).to_numpy())


def _duration_s(pair: Pair, *times_s: Float) -> float:
    """Length of the record: of the night, else by the reference's header, else to just after the last mark."""
    if pair.run():
        return float(pair.run()["duration_s"])
    header = header_beside(pair.reference) if is_annotation_file(pair.reference) else None
    if header and header.n_samples:
        return header.n_samples / header.fs
    return float(max((side[-1] for side in times_s if len(side)), default=0.0)) + MATCH_WINDOW_S


def _unusable_spans(pair: Pair) -> Spans:
    """Epochs in which the tested night declared its signal unusable."""
    usable = pl.read_parquet(pair.table("epochs.parquet"), columns=["usable"])["usable"].to_numpy()
    return EpochGrid(len(usable), pair.run()["duration_s"]).spans(~np.asarray(usable, bool))

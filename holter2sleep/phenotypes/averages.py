"""The averaged beats of a night and its stages as a table, for drawing."""

from __future__ import annotations

import polars as pl

from holter2sleep.heart.morphology import first_marks, level_of
from holter2sleep.night import STAGE_STRATA, Night
from holter2sleep.phenotypes.dictionary import entries_of
from holter2sleep.recipe import Recipe
from holter2sleep.spans import contains

AVERAGE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "stratum": pl.String,
    "n_beats": pl.Int64,
    "rr_ms": pl.Float64,
    "fs": pl.Float64,
    "r_index": pl.Int64,
    "ecg_mv": pl.List(pl.Float32),
    "qrs_on_ms": pl.Float64,
    "qrs_off_ms": pl.Float64,
    "t_peak_ms": pl.Float64,
    "t_end_ms": pl.Float64,
}


def average_table(night: Night, recipe: Recipe) -> pl.DataFrame:
    """One row a stratum with enough beats: the averaged beat, mV above its PQ segment, and marks, ms from R."""
    strata = ["night", *(name for name in STAGE_STRATA if night.hypnogram.can_say(name))]
    rows = [row for stratum in strata if (row := _row(night.within(stratum), stratum, recipe))]
    return pl.DataFrame(rows, schema=AVERAGE_SCHEMA, orient="row")


def _row(part: Night, stratum: str, recipe: Recipe) -> tuple[object, ...] | None:
    if part.averages is None:
        return None
    found = first_marks(part.averages, contains(part.spans, part.grid.onset_s), recipe.morphology)
    if found is None or found[0].n_beats < entries_of("averaged_beat")["qt"].minimum_n:
        return None
    beat, marks = found
    times_s = (marks.qrs_on_s, marks.qrs_off_s, marks.t_peak_s, marks.t_end_s)
    times_ms = (None if at is None else 1000 * at for at in times_s)
    mv = level_of(beat, marks).tolist()
    return (stratum, beat.n_beats, 1000 * beat.rr_s, beat.fs, beat.r_index, mv, *times_ms)

"""Sleep measures of nights by both sides, over the epochs that both have staged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from holter2sleep.evaluate.bland_altman import Agreement, agreement
from holter2sleep.evaluate.judged import StagedNight
from holter2sleep.night import UNSCORED, Hypnogram
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.sleep.architecture import SleepRules, sleep_measures

# Ids of the phenotype dictionary, in the order of a sleep report.
COMPARED = ("tst", "se", "waso", "sol", "rem_min", "rem_latency", "light_min", "n3_min", "nrem_min")

MEASURE_SCHEMA = {
    "recording_id": pl.String,
    "subject_id": pl.String,
    "measure": pl.String,
    "unit": pl.String,
    "reference": pl.Float64,
    "test": pl.Float64,
}

BLAND_ALTMAN_SCHEMA = {
    "measure": pl.String,
    "label": pl.String,
    "unit": pl.String,
    "n_nights": pl.Int64,
    "n_subjects": pl.Int64,
    "bias": pl.Float64,
    "bias_low": pl.Float64,
    "bias_high": pl.Float64,
    "bias_drawn_low": pl.Float64,
    "bias_drawn_high": pl.Float64,
    "sd": pl.Float64,
    "lower": pl.Float64,
    "lower_low": pl.Float64,
    "lower_high": pl.Float64,
    "upper": pl.Float64,
    "upper_low": pl.Float64,
    "upper_high": pl.Float64,
    "slope": pl.Float64,
    "slope_low": pl.Float64,
    "slope_high": pl.Float64,
    "intervals_by": pl.String,
}


def measure_table(nights: Sequence[StagedNight]) -> pl.DataFrame:
    """A row for each night and measure that both schemes can say; null where a night does not define it."""
    rows = [
        (night.recording_id, night.subject, name, load_dictionary()[name].unit, reference, test)
        for night in nights
        for name, (reference, test) in _both(night).items()
    ]
    return pl.DataFrame(rows, MEASURE_SCHEMA, orient="row")


def _both(night: StagedNight) -> dict[str, tuple[float | None, float | None]]:
    """Measures by the reference and by the test.

    An epoch that one side leaves unscored is so for both: a difference is then one of stages, not of what was scored.
    """
    unscored = (night.reference.stage == UNSCORED) | (night.test.stage == UNSCORED)
    rules = SleepRules(night.max_unscored_share)
    reference, test = (
        sleep_measures(_without(hypnogram, unscored), night.lights, rules)
        for hypnogram in (night.reference, night.test)
    )
    return {name: (reference[name], test[name]) for name in COMPARED if name in reference and name in test}


def _without(hypnogram: Hypnogram, unscored: np.ndarray) -> Hypnogram:
    stage = np.where(unscored, UNSCORED, hypnogram.stage)
    return Hypnogram(hypnogram.grid, stage, hypnogram.scheme, hypnogram.scorer)


def agreement_table(measures: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Bias and limits of agreement of each measure, over the nights that define it on both sides."""
    defined = measures.drop_nulls(["reference", "test"])
    rows = [
        _row(name, agreement(own["reference"].to_numpy(), own["test"].to_numpy(), own["subject_id"].to_list(), seed))
        for name in COMPARED
        if len(own := defined.filter(pl.col("measure") == name))
    ]
    return pl.DataFrame(rows, BLAND_ALTMAN_SCHEMA, orient="row")


def _row(name: str, found: Agreement) -> tuple[str | float | None, ...]:
    entry = load_dictionary()[name]
    (lower, upper), nothing = found.limits or (None, None), (None, None)
    return (
        *(name, entry.label, entry.unit, found.n_nights, found.n_subjects),
        *(found.bias, *(found.bias_interval or nothing), *(found.bias_drawn or nothing), found.sd),
        *(lower, *(found.lower_interval or nothing), upper, *(found.upper_interval or nothing)),
        *(found.slope, *(found.slope_interval or nothing), found.intervals_by),
    )

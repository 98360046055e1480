"""A night to its phenotype table: every entry of the dictionary, in every stratum it is defined for."""

from __future__ import annotations

import math

import polars as pl

from holter2sleep.night import STAGE_STRATA, Night
from holter2sleep.phenotypes.dictionary import STRATA_SETS, Entry, entries_of
from holter2sleep.phenotypes.measures import FORMULAS
from holter2sleep.phenotypes.measures.measured import Measured
from holter2sleep.recipe import Recipe

PHENOTYPE_SCHEMA = {
    "recording_id": pl.String,
    "phenotype": pl.String,
    "stratum": pl.String,
    "value": pl.Float64,
    "unit": pl.String,
    "status": pl.String,
    "n": pl.Int64,
    "coverage_s": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
}


def phenotype_table(night: Night, recipe: Recipe) -> pl.DataFrame:
    """The long table: one row for each phenotype and stratum, with unit, status, n and coverage.

    `value` is null unless the status is `ok` or `implausible`; no NaN is written.
    """
    rows = []
    for stratum in strata_of(night):
        part = night.within(stratum)
        for domain, formula in FORMULAS.items():
            entries = [entry for entry in entries_of(domain).values() if _defined_in(entry, stratum)]
            if entries:
                measured = formula(part, night, recipe)
                rows += [_row(night, entry, stratum, measured) for entry in entries]
    return pl.DataFrame(rows, schema=PHENOTYPE_SCHEMA, orient="row")


def strata_of(night: Night) -> list[str]:
    """Strata a night is described in: the whole, each kind of stage, each hour begun, its parts."""
    return ["night", *STAGE_STRATA, *(f"hour_{hour:02d}" for hour in range(1, night.n_hours + 1)), *night.parts]


def _defined_in(entry: Entry, stratum: str) -> bool:
    return stratum.partition("_")[0] in STRATA_SETS[entry.strata]


def _row(night: Night, entry: Entry, stratum: str, measured: Measured) -> tuple[object, ...]:
    value = measured.values.get(entry.name)
    status = _status(night, entry, stratum, value, measured)
    shown = value if status in ("ok", "implausible") else None
    id_ = night.recording.recording_id
    interval = measured.intervals.get(entry.name, (None, None)) if shown is not None else (None, None)
    return (id_, entry.name, stratum, shown, entry.unit, status, measured.n, measured.coverage_s, *interval)


def _status(night: Night, entry: Entry, stratum: str, value: float | None, measured: Measured) -> str:
    if not _applicable(night, entry, stratum) or value is None:
        return "not_applicable"
    if measured.n < entry.minimum_n or measured.coverage_s < entry.minimum_coverage_s:
        return "insufficient_data"
    if not math.isfinite(value):
        return "insufficient_data"
    low, high = entry.plausible
    return "ok" if low <= value <= high else "implausible"


def _applicable(night: Night, entry: Entry, stratum: str) -> bool:
    """Whether the night has what the entry needs, and a scheme that can tell the stratum apart."""
    has = {
        "waveform": night.recording.ecg is not None,
        "millivolt": not night.recording.source.relative_scale,
        "beats": True,
        "beat_classes": night.recording.beats_classified,
        "stages": True,
        **{name: night.hypnogram.can_say(name) for name in STAGE_STRATA},
        "night": True,
    }
    return all(has[need] for need in entry.needs) and has.get(stratum, True)

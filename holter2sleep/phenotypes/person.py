"""The nights of one person side by side: a row a night, and each phenotype over the nights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep.clock import date_known, night_of
from holter2sleep.phenotypes.cross import is_hour
from holter2sleep.phenotypes.files import read_run, write_csv, write_parquet, write_run
from holter2sleep.phenotypes.wide import column
from holter2sleep.split import Part

PERSON_FILES = frozenset({"nights.csv", "nights.parquet", "summary.csv", "summary.parquet", "run.json"})
# What stands in the row of a night; everything else is in its own folder, and over the nights in the summary.
MAIN = (
    *(("analysable_time", "night"), ("tib", "night"), ("tst", "night"), ("sol", "night"), ("waso", "night")),
    *(("se", "night"), ("rem_min", "night"), ("n3_min", "night"), ("nrem_min", "night"), ("n_awakenings", "night")),
    *(("heart_rate_mean", "night"), ("heart_rate_min", "night"), ("heart_rate_max", "night")),
    *(("heart_rate_dip", "night"), ("sdnn", "night"), ("rmssd", "night"), ("rmssd", "nrem"), ("lf_hf", "nrem")),
    *(
        ("ahi_ecg", "night"),
        ("respiratory_index", "night"),
        ("cvhr_index", "night"),
        ("af_burden", "night"),
        ("longest_pause", "night"),
    ),
    *(("n_pauses", "night"), ("veb_per_hour", "night"), ("sveb_per_hour", "night")),
)
NIGHT_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "night": pl.Int32,
    "recording_id": pl.String,
    "night_of": pl.Date,
    "date_known": pl.Boolean,
    "start": pl.Datetime("us"),
    "end": pl.Datetime("us"),
    "start_s": pl.Float64,
    "end_s": pl.Float64,
    "duration_h": pl.Float64,
    "lights_off_s": pl.Float64,
    "lights_on_s": pl.Float64,
    "confidence": pl.Float64,
    "status": pl.String,
    "message": pl.String,
}
SUMMARY_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "phenotype": pl.String,
    "stratum": pl.String,
    "unit": pl.String,
    "n_nights": pl.Int32,
    "mean": pl.Float64,
    "sd": pl.Float64,
    "median": pl.Float64,
    "min": pl.Float64,
    "max": pl.Float64,
}


@dataclass(frozen=True)
class NightResult:
    """What became of one night: its phenotypes, or why there are none."""

    part: Part
    start: datetime | None  # naive local time
    end: datetime | None
    phenotypes: pl.DataFrame | None
    message: str | None = None
    exit_code: int = 0

    @property
    def status(self) -> str:
        """`ok` or `failed`."""
        return "failed" if self.phenotypes is None else "ok"


def nights_table(results: list[NightResult]) -> pl.DataFrame:
    """One row a night: when it was, what became of it, and its main phenotypes (null unless their status is ok).

    `start_s`, `end_s` and lights are seconds of the whole recording; `start` and `end` are naive local time.
    """
    schema = NIGHT_SCHEMA | {column(*key): pl.Float64 for key in MAIN}
    return pl.DataFrame([_row(result) for result in results], schema=schema)


def _row(result: NightResult) -> dict[str, Any]:
    part = result.part
    known = _values(result.phenotypes)
    return {
        "night": part.night,
        "recording_id": part.recording_id,
        "night_of": night_of(result.start),
        "date_known": result.start is not None and date_known(result.start),
        "start": result.start,
        "end": result.end,
        "start_s": part.start_s,
        "end_s": part.end_s,
        "duration_h": (part.end_s - part.start_s) / 3600,
        "lights_off_s": part.period.start_s,
        "lights_on_s": part.period.end_s,
        "confidence": part.period.confidence,
        "status": result.status,
        "message": result.message,
        **{column(*key): known.get(key) for key in MAIN},
    }


def _values(phenotypes: pl.DataFrame | None) -> dict[tuple[str, str], float]:
    """Values by phenotype and stratum, where the status is ok."""
    if phenotypes is None:
        return {}
    good = phenotypes.filter(pl.col("status") == "ok").select("phenotype", "stratum", "value")
    return {(name, stratum): value for name, stratum, value in good.iter_rows()}


def summary_table(results: list[NightResult]) -> pl.DataFrame:
    """One row for each phenotype and stratum: how it is distributed over the nights in which its status is ok.

    `sd` has n - 1 in its denominator and is null for a single night. Hours are left out: the third hour of one night
    is not that of another. A phenotype that no night has keeps its row, with `n_nights` 0.
    """
    tables = [result.phenotypes for result in results if result.phenotypes is not None]
    if not tables:
        return pl.DataFrame(schema=SUMMARY_SCHEMA)
    good = pl.col("value").filter(pl.col("status") == "ok")
    return (
        pl.concat(tables)
        .filter(~is_hour())
        .group_by("phenotype", "stratum", "unit", maintain_order=True)
        .agg(
            n_nights=good.len(),
            mean=good.mean(),
            sd=good.std(),
            median=good.median(),
            min=good.min(),
            max=good.max(),
        )
        .cast(pl.Schema(SUMMARY_SCHEMA))
        .select(list(SUMMARY_SCHEMA))
    )


def facts_of_results(results: list[NightResult]) -> list[dict[str, Any]]:
    """What `run.json` says of each night."""
    return [
        {
            "night": result.part.night,
            "recording_id": result.part.recording_id,
            "night_of": str(evening) if (evening := night_of(result.start)) else None,
            "start_s": result.part.start_s,
            "end_s": result.part.end_s,
            "sleep_period": asdict(result.part.period),
            "status": result.status,
            "message": result.message,
            "exit_code": result.exit_code,
        }
        for result in results
    ]


def write_person(folder: Path, nights: pl.DataFrame, summary: pl.DataFrame, run: dict[str, Any]) -> None:
    """Both tables as CSV and Parquet, and the facts of the run."""
    for name, table in (("nights", nights), ("summary", summary)):
        write_csv(folder / f"{name}.csv", table)
        write_parquet(folder / f"{name}.parquet", table)
    write_run(folder, run)


def is_person_folder(folder: Path) -> bool:
    """Whether a folder is what `analyze` makes over the nights of one person."""
    return read_run(folder) is not None and all((folder / name).is_file() for name in PERSON_FILES)

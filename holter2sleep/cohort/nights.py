"""Finished nights, gathered: what each run says of its night, and the long tables of a few under one another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep.clock import Clock, date_known
from holter2sleep.cohort.members import recording_of
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.export.finished import scorer_of
from holter2sleep.phenotypes.files import TABLES, read_night

# One row a night: who, how long, staged by what, made by what.
FACT_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "recording_id": pl.String,
    "recording": pl.String,  # the same, or the recording of several nights that it was cut from
    "subject": pl.String,
    "age": pl.Float64,
    "sex": pl.String,
    "duration_h": pl.Float64,
    "scorer": pl.String,
    "version": pl.String,
    "recipe_sha256": pl.String,
}
NIGHT_NUMBER = "night_number"  # beside the facts in the wide table
# What else a run says, for orders and checks; none of it reaches a table of the cohort as it is: starts are dates.
RUN_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "recording_id": pl.String,
    "folder": pl.String,
    "input_sha256": pl.String,
    "channel": pl.String,
    "start": pl.Datetime("us"),  # naive local time, null where the clock is unknown
    "date_known": pl.Boolean,
    "zone": pl.String,
    "lights_off_s": pl.Float64,
    "part": pl.Int64,  # number of the night in its recording, null where that is one night
    "warnings": pl.List(pl.String),
}


@dataclass(frozen=True)
class Facts:
    """What the runs of a cohort say: a row a night in both tables, and why others have none."""

    nights: pl.DataFrame  # FACT_SCHEMA
    runs: pl.DataFrame  # RUN_SCHEMA
    broken: dict[str, str]  # by name of the folder


def gather(
    folders: Sequence[Path],
    show: Callable[[str], None] = lambda _: None,
    subjects: Mapping[str, str] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The long phenotype table of a few nights, and one row of facts for each.

    `subjects` names the subject of a recording. Without a name it is the hash of the recording's content, which the
    nights cut from it share; nights of one person in several recordings are then those of several.

    Raises
    ------
    RecordingError
        A folder is no finished night.
    """
    tables, facts = [], []
    for folder in folders:
        show(folder.name)
        night = read_night(folder)
        tables.append(night.phenotypes)
        facts.append(_facts(night.run, subjects or {}))
    return pl.concat(tables), pl.DataFrame(facts, FACT_SCHEMA)


def facts_of_runs(runs: Mapping[Path, dict[str, Any] | None], subjects: Mapping[str, str]) -> Facts:
    """The facts of nights by their folders; folders that are half written are told.

    Raises
    ------
    UsageError
        Two folders hold nights of one id.
    """
    nights, others, broken = [], [], dict[str, str]()
    for folder, run in runs.items():
        try:
            _check_whole(folder, run)
            facts, other = _facts(run or {}, subjects), _others(folder, run or {})
        except RecordingError as error:
            broken[folder.name] = str(error)
        except (KeyError, TypeError, ValueError) as error:
            broken[folder.name] = f"{folder / 'run.json'}: no run of ours ({error}); run analyze on the recording again"
        else:
            nights.append(facts)
            others.append(other)
    table = Facts(pl.DataFrame(nights, FACT_SCHEMA), pl.DataFrame(others, RUN_SCHEMA), broken)
    _check_ids(table.runs)
    return table


def _check_whole(folder: Path, run: dict[str, Any] | None) -> None:
    missing = ["run.json"] if run is None else [f"{name}.parquet" for name in TABLES]
    lacking = [name for name in missing if run is None or not (folder / name).is_file()]
    if lacking:
        raise RecordingError(
            f"{folder} is no finished night: {lacking[0]} is missing or broken; run analyze on the recording"
        )


def _check_ids(runs: pl.DataFrame) -> None:
    twice = runs.filter(pl.col("recording_id").is_duplicated()).sort("recording_id", maintain_order=True)
    if len(twice):
        one, other = twice["folder"][:2]
        raise UsageError(
            f"{one} and {other} both hold a night named {twice['recording_id'][0]!r}; move one of them away, or "
            f"analyse it again with another --id"
        )


def _facts(run: dict[str, Any], subjects: Mapping[str, str]) -> dict[str, Any]:
    recording = recording_of(run, run["recording_id"])
    return {
        "recording_id": run["recording_id"],
        "recording": recording,
        "subject": subjects.get(recording, run["input"]["sha256"]),
        "age": run["subject"]["age"],
        "sex": run["subject"]["sex"],
        "duration_h": run["duration_s"] / 3600,
        "scorer": scorer_of(run),
        "version": run["version"],
        "recipe_sha256": run["recipe"]["sha256"],
    }


def _others(folder: Path, run: dict[str, Any]) -> dict[str, Any]:
    clock = Clock.of_iso(run["start"], run.get("time_zone")) if run["start"] else None
    return {
        "recording_id": run["recording_id"],
        "folder": str(folder),
        "input_sha256": run["input"]["sha256"],
        "channel": run.get("channel"),
        "start": clock.start if clock is not None else None,
        "date_known": clock is not None and date_known(clock.start),
        "zone": run.get("time_zone"),
        "lights_off_s": (run.get("lights") or {}).get("off_s"),
        "part": (run.get("part") or {}).get("night"),
        "warnings": run.get("warnings", []),
    }


def night_numbers(facts: pl.DataFrame, runs: pl.DataFrame, visits: pl.Series | None) -> pl.Series:
    """Which night of its subject each is, from 1.

    By the start where all of a subject's nights have a date, else by the manifest's visit, else by their place in one
    recording; null where none of these tells all of them apart. A subject's only night is its first.
    """
    table = facts.select("subject", "recording").with_columns(
        start=runs.select(pl.when("date_known").then("start")).to_series(),
        visit=visits if visits is not None else pl.lit(None),
        part=runs["part"],
    )
    same_recording = pl.col("recording").n_unique().over("subject") == 1
    table = table.with_columns(part=pl.when(same_recording).then("part"))
    orders = [_rank(name) for name in ("start", "visit", "part")]
    alone = pl.when(pl.len().over("subject") == 1).then(1)
    return table.select(pl.coalesce(alone, *orders).cast(pl.Int64).alias(NIGHT_NUMBER)).to_series()


def _rank(name: str) -> pl.Expr:
    """Rank in the subject, where every night has a value of its own."""
    tells = (pl.col(name).n_unique().over("subject") == pl.len().over("subject")) & (
        pl.col(name).null_count().over("subject") == 0
    )
    return pl.when(tells).then(pl.col(name).rank("ordinal").over("subject"))

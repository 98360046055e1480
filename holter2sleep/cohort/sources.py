"""The nights of a folder before anything is counted: which there are, what their runs say, which cannot be used."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep.cohort.members import FAILURE_COLUMNS, FAILURES, Members, members_of
from holter2sleep.cohort.merge import Merged, NightTable, merge_nights
from holter2sleep.cohort.nights import facts_of_runs, night_numbers
from holter2sleep.counted import counted
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.phenotypes.cohort_folder import COHORT
from holter2sleep.phenotypes.files import read_run
from holter2sleep.phenotypes.find import find_nights

GATHERING = "cohort"  # step of a night whose folder could not be read


@dataclass(frozen=True)
class Source:
    """All nights of a folder that can be used, and those that cannot."""

    members: Members
    nights: pl.DataFrame  # wide, with the facts, the night's number and the columns of the manifest
    runs: pl.DataFrame  # RUN_SCHEMA, in the same order
    merged: Merged
    broken: dict[str, str]  # why, by name of the folder


Runs = dict[Path, dict[str, Any] | None]  # what run.json says, by folder; None where it is missing or broken


def find_runs(directory: Path) -> Runs:
    """The night folders of a folder, half written ones too.

    Raises
    ------
    UsageError
        No such folder, or one that analyze made for a night.
    RecordingError
        No night in it.
    """
    folders = find_nights([directory])
    if (directory / "run.json").is_file():
        raise UsageError(f"{directory}: a folder that analyze made, and fills alone; give the folder that it lies in")
    runs = {folder: _run(folder) for folder in folders if folder != directory}
    runs |= dict.fromkeys(_half_written(directory, runs))
    if not runs:
        raise RecordingError(f"{directory}: no night in it; give the folder that analyze or batch wrote nights into")
    return runs


def read_source(directory: Path, runs: Runs, scratch: Path, begin: Callable[[int], Callable[[str], None]]) -> Source:
    """Read nights, each once; `begin` is told how many there are, and gives what is told each name.

    Raises
    ------
    UsageError
        Two nights of one id.
    RecordingError
        None of the nights is a finished one of the manifest, or none can be read.
    OutputError
        The scratch folder is full.
    """
    members = members_of(directory, runs)
    if not members.folders:
        raise RecordingError(
            f"{directory}: none of {counted(len(runs), 'night')} is a finished one of the manifest; run batch"
        )
    facts = facts_of_runs({folder: runs[folder] for folder in members.folders}, members.subjects)
    folder_of = dict(facts.runs.select("recording_id", "folder").iter_rows())
    tables = [NightTable(name, Path(folder) / "phenotypes.parquet") for name, folder in folder_of.items()]
    merged = merge_nights(tables, scratch, begin(len(tables)))
    broken = facts.broken | {Path(folder_of[name]).name: why for name, why in merged.broken.items()}
    if len(broken) == len(members.folders):
        raise RecordingError(f"{directory}: no night can be read; the first: {next(iter(broken.values()))}")
    is_read = ~pl.col("recording_id").is_in(list(merged.broken))
    nights, kept_runs = facts.nights.filter(is_read), facts.runs.filter(is_read)
    return Source(members, _wide(nights, kept_runs, members, merged), kept_runs, merged, broken)


def _run(folder: Path) -> dict[str, Any] | None:
    run = read_run(folder)
    return run if isinstance(run, dict) else None


def _half_written(directory: Path, known: Runs) -> list[Path]:
    """Folders with tables of a night and no `run.json`, which a copy that was cut short leaves."""
    there = {folder.resolve() for folder in known}
    found = {path.parent for path in directory.glob("*/phenotypes.parquet") if not (path.parent / "run.json").is_file()}
    return sorted(
        folder
        for folder in found
        if folder.name != COHORT and not folder.name.startswith(".") and folder.resolve() not in there
    )


def _wide(facts: pl.DataFrame, runs: pl.DataFrame, members: Members, merged: Merged) -> pl.DataFrame:
    """Facts, the night's number, what the manifest says of each recording, and the numbers."""
    told = facts
    if members.columns is not None:  # its `subject_id` is the `subject` already
        others = members.columns.select(pl.exclude("recording_id", "subject_id"), recording="recording_id")
        told = told.join(others, on="recording", how="left", maintain_order="left")
    visits = told["visit"] if "visit" in told.columns else None
    told = told.with_columns(night_numbers(facts, runs, visits))
    return told.join(merged.wide, on="recording_id", how="left", maintain_order="left")


def failures_text(directory: Path, broken: dict[str, str]) -> str | None:
    """`failures.csv` of batch, and the folders that could not be read; None where there is neither."""
    path = directory / FAILURES
    if not path.is_file() and not broken:
        return None
    text = path.read_text(encoding="utf-8") if path.is_file() else ",".join(FAILURE_COLUMNS) + "\n"
    rows = io.StringIO()
    csv.writer(rows, lineterminator="\n").writerows(
        (name, GATHERING, RecordingError.__name__, why) for name, why in sorted(broken.items())
    )
    return text + rows.getvalue()

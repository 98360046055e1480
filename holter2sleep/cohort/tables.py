"""The tables of a cohort's folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl

from holter2sleep.cohort.members import FAILURES, Members, members_of
from holter2sleep.cohort.nights import gather
from holter2sleep.cohort.reference import reference_table
from holter2sleep.errors import RecordingError
from holter2sleep.phenotypes.dictionary import as_csv
from holter2sleep.phenotypes.files import write_csv, write_parquet
from holter2sleep.phenotypes.find import find_nights
from holter2sleep.phenotypes.wide import wide_table


def make_cohort(
    directory: Path, with_reference: bool, begin: Callable[[int], Callable[[str], None]]
) -> tuple[Path, ...]:
    """Gather the nights of a folder into `cohort/` in it; the paths written.

    `begin` is told how many nights there are, and gives what is told each of their names.

    Raises
    ------
    UsageError
        No such folder, or none with a night; with a reference, nights that were made in different ways.
    RecordingError
        None of the nights is one of the manifest, or one is not finished.
    """
    found = find_nights([directory])
    members = members_of(directory, found)
    if not members.folders:
        raise RecordingError(f"{directory}: none of {len(found)} nights is a finished one of the manifest; run batch")
    phenotypes, facts = gather(members.folders, begin(len(members.folders)), members.subjects)
    reference = reference_table(phenotypes, facts) if with_reference else None
    return write_cohort(directory, phenotypes, facts, reference, members)


def write_cohort(
    directory: Path, phenotypes: pl.DataFrame, facts: pl.DataFrame, reference: pl.DataFrame | None, members: Members
) -> tuple[Path, ...]:
    """Long and wide table, dictionary, flow, failures, and the reference where there is one; the paths written."""
    folder = directory / "cohort"
    folder.mkdir(parents=True, exist_ok=True)
    told = _with_columns(facts, members.columns)
    nights = told.join(wide_table(phenotypes), on="recording_id", how="left", maintain_order="left")
    tables = {"nights": nights, "phenotypes": phenotypes}
    if reference is not None:
        tables["reference"] = reference
    for name, table in tables.items():
        write_parquet(folder / f"{name}.parquet", table)
    write_csv(folder / "nights.csv", nights)
    (folder / "dictionary.csv").write_text(as_csv(), encoding="utf-8")
    (folder / "flow.json").write_text(json.dumps(members.flow, indent=2) + "\n", encoding="utf-8")
    written = ["nights.csv", "dictionary.csv", "flow.json", *(f"{name}.parquet" for name in tables)]
    if (directory / FAILURES).is_file():
        shutil.copyfile(directory / FAILURES, folder / FAILURES)
        written.append(FAILURES)
    return tuple(sorted(folder / name for name in written))


def _with_columns(facts: pl.DataFrame, columns: pl.DataFrame | None) -> pl.DataFrame:
    """The facts, and what the manifest says of each recording; its `subject_id` is the `subject` already."""
    if columns is None:
        return facts
    others = columns.select(pl.exclude("recording_id", "subject_id"), recording="recording_id")
    return facts.join(others, on="recording", how="left", maintain_order="left")

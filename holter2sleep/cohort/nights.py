"""Finished nights, gathered: their long tables under one another, and what each run says of its night."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep.cohort.members import recording_of
from holter2sleep.phenotypes.files import read_night

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


def gather(
    folders: Sequence[Path],
    show: Callable[[str], None] = lambda _: None,
    subjects: Mapping[str, str] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The long phenotype table of all nights, and one row of facts for each.

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


def _facts(run: dict[str, Any], subjects: Mapping[str, str]) -> dict[str, Any]:
    recording = recording_of(run, run["recording_id"])
    return {
        "recording_id": run["recording_id"],
        "recording": recording,
        "subject": subjects.get(recording, run["input"]["sha256"]),
        "age": run["subject"]["age"],
        "sex": run["subject"]["sex"],
        "duration_h": run["duration_s"] / 3600,
        "scorer": run["hypnogram"]["scorer"],
        "version": run["version"],
        "recipe_sha256": run["recipe"]["sha256"],
    }

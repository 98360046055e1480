"""Finished nights, gathered: their long tables under one another, and what each run says of its night."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep.phenotypes.files import read_night

# One row a night: who, how long, staged by what, made by what.
FACT_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "recording_id": pl.String,
    "subject": pl.String,
    "age": pl.Float64,
    "sex": pl.String,
    "duration_h": pl.Float64,
    "scorer": pl.String,
    "version": pl.String,
    "recipe_sha256": pl.String,
}


def gather(folders: Sequence[Path], show: Callable[[str], None] = lambda _: None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The long phenotype table of all nights, and one row of facts for each.

    Nights cut from one recording have one `subject`: the hash of its content. Other nights of one person are told apart
    from those of others only by a table that names subjects.

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
        facts.append(_facts(night.run))
    return pl.concat(tables), pl.DataFrame(facts, FACT_SCHEMA)


def _facts(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "recording_id": run["recording_id"],
        "subject": run["input"]["sha256"],
        "age": run["subject"]["age"],
        "sex": run["subject"]["sex"],
        "duration_h": run["duration_s"] / 3600,
        "scorer": run["hypnogram"]["scorer"],
        "version": run["version"],
        "recipe_sha256": run["recipe"]["sha256"],
    }

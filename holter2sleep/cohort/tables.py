"""The tables of a cohort's folder."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from holter2sleep.cohort.bids import check_new, write_bids
from holter2sleep.cohort.exclusions import SHIPPED, Step, excluded_nights, flow_of_steps, read_steps
from holter2sleep.cohort.flow import flow_of
from holter2sleep.cohort.harmonised import name_table, nsrr_table
from holter2sleep.cohort.members import FAILURES
from holter2sleep.cohort.merge import rows_of, stream_into
from holter2sleep.cohort.nights import FACT_SCHEMA
from holter2sleep.cohort.publish import alone_in, publish
from holter2sleep.cohort.quality import night_quality_table, quality_table
from holter2sleep.cohort.reference import reference_table
from holter2sleep.cohort.reliability import reliability_table
from holter2sleep.cohort.sources import Source, failures_text, find_runs, read_source
from holter2sleep.cohort.subjects import subject_table
from holter2sleep.errors import OutputError
from holter2sleep.phenotypes.cohort_folder import COHORT, SEAL
from holter2sleep.phenotypes.dictionary import as_csv
from holter2sleep.phenotypes.files import write_csv, write_parquet

SEED = 0  # of the intervals: the same nights give the same tables


@dataclass(frozen=True)
class CohortOptions:
    """What is asked of a cohort."""

    reference: bool = False
    exclude: str | None = None  # name or file of the exclusions; None leaves every night in
    nsrr: bool = False
    bids: Path | None = None  # a new folder


@dataclass(frozen=True)
class Made:
    """What was written, and what has to be said about it."""

    paths: tuple[Path, ...]
    flow: dict[str, Any]
    would_exclude: pl.DataFrame  # by the exclusions asked for; where none were, by the shipped ones
    problems: pl.DataFrame
    broken: dict[str, str]  # why, by name of the folder


def make_cohort(directory: Path, options: CohortOptions, begin: Callable[[int], Callable[[str], None]]) -> Made:
    """Gather the nights of a folder into `cohort/` in it.

    `begin` is told how many nights there are, and gives what is told each of their names.

    Raises
    ------
    UsageError
        No such folder; two nights of one id; another run at work; with a reference, nights that were made in different
        ways; a folder for BIDS that is there already.
    RecordingError
        No night, none that is one of the manifest, or none that can be read.
    RecipeError
        Exclusions that cannot be used.
    OutputError
        The disk is full, or cannot be written.
    """
    steps = () if options.exclude is None else read_steps(options.exclude)
    if options.bids is not None:
        check_new(options.bids)
    runs = find_runs(directory)
    folder = directory / COHORT
    with alone_in(folder) as scratch:
        source = read_source(directory, runs, _inside(scratch, "raw"), begin)
        ready = _inside(scratch, "ready")
        excluded = excluded_nights(source.nights, steps)
        would_exclude = excluded if options.exclude else excluded_nights(source.nights, read_steps(SHIPPED))
        flow = _flow(source, excluded, options.exclude, steps)
        try:
            _write(ready, directory, source, excluded, would_exclude, options)
            # others may stand beside them: of a run with other options, or of another command
            flow["files"] = sorted(path.name for path in ready.iterdir())
            (ready / SEAL).write_text(json.dumps(flow, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            said = f"{folder}: cannot be written ({error.strerror or error}); nothing was changed"
            raise OutputError(f"{said}. Make room, and run cohort again") from error
        paths = publish(ready, folder)
    broken = dict(source.broken)
    if options.bids is not None:
        nights = without(source.nights, excluded)
        broken |= write_bids(options.bids, directory.resolve().name, nights, without(source.runs, excluded))
        paths = (*paths, options.bids)
    return Made(paths, flow, would_exclude, source.merged.problems, broken)


def _inside(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def _flow(source: Source, excluded: pl.DataFrame, recipe: str | None, steps: Sequence[Step]) -> dict[str, Any]:
    kept = without(source.nights, excluded)
    return flow_of(source, kept, recipe, flow_of_steps(source.nights, steps, excluded))


def without(nights: pl.DataFrame, excluded: pl.DataFrame) -> pl.DataFrame:
    """The nights that are not excluded, in their order."""
    return nights.join(excluded, on="recording_id", how="anti", maintain_order="left")


def _write(
    ready: Path,
    directory: Path,
    source: Source,
    excluded: pl.DataFrame,
    would_exclude: pl.DataFrame,
    options: CohortOptions,
) -> None:
    """All files but the flow."""
    nights, runs = without(source.nights, excluded), without(source.runs, excluded)
    long = ready / "phenotypes.parquet"
    if excluded.is_empty():
        source.merged.long.rename(long)
        merged = dataclasses.replace(source.merged, long=long)
    else:
        merged = source.merged
        stream_into(long, rows_of(merged.long, nights["recording_id"]))
    both = {"nights": nights, "subjects": subject_table(nights, runs)}
    text = {
        "quality": quality_table(pl.scan_parquet(long), nights),
        "quality_nights": night_quality_table(source.nights, source.runs, merged, would_exclude),
        "problems": merged.problems,
        "excluded": excluded,
        "reliability": reliability_table(nights, np.random.default_rng(SEED)),
    }
    if options.nsrr:
        text |= {"nights_nsrr": nsrr_table(nights), "names": name_table(nights.columns)}
    if options.reference:
        facts = nights.select(*FACT_SCHEMA)
        good = pl.scan_parquet(long).filter(pl.col("status") == "ok").collect(engine="streaming")
        write_parquet(ready / "reference.parquet", reference_table(good, facts))
    for name, table in both.items():
        write_parquet(ready / f"{name}.parquet", table)
    for name, table in (both | text).items():
        write_csv(ready / f"{name}.csv", table)
    (ready / "dictionary.csv").write_text(as_csv(), encoding="utf-8")
    failures = failures_text(directory, source.broken)
    if failures is not None:
        (ready / FAILURES).write_text(failures, encoding="utf-8")

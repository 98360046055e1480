"""The long tables of many nights as one, and their wide form, in memory that does not grow with the long one.

Nights are read a block at a time. Each block is checked, widened and written; the blocks' files are then streamed into
one. What cannot be read is told and left out, never the end of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from holter2sleep.cohort.checks import PROBLEM_SCHEMA, checked, pooled_problems, problems_of
from holter2sleep.errors import OutputError, RecordingError
from holter2sleep.phenotypes.files import read_table
from holter2sleep.phenotypes.table import PHENOTYPE_SCHEMA
from holter2sleep.phenotypes.wide import in_dictionary_order, wide_table

# A million rows of 5,000 numbers a night: about 200 MB while a block is widened.
NIGHTS_A_BLOCK = 200
_NEEDED = ("recording_id", "phenotype", "stratum", "value", "unit", "status")
_COUNT_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {"recording_id": pl.String, "n_problems": pl.Int64}


@dataclass(frozen=True)
class NightTable:
    """Where the long table of a night lies, and the id that its run gives it."""

    recording_id: str
    path: Path


@dataclass(frozen=True)
class Merged:
    """All nights that could be read: the file of the long table, the wide one, what is odd, and what is broken."""

    long: Path
    wide: pl.DataFrame
    problems: pl.DataFrame
    n_problems: pl.DataFrame  # rows that the dictionary does not know, by recording_id, of the nights that have such
    broken: dict[str, str]  # why, by recording id


def merge_nights(nights: Sequence[NightTable], scratch: Path, show: Callable[[str], None] = lambda _: None) -> Merged:
    """Write the long table into `scratch`, and give the wide one.

    Rows that the dictionary does not know stay in the long table; the wide one has only what it knows.

    Raises
    ------
    OutputError
        The disk is full, or cannot be written.
    """
    wides, problems, counts = [], [pl.DataFrame(schema=PROBLEM_SCHEMA)], [pl.DataFrame(schema=_COUNT_SCHEMA)]
    broken, parts = dict[str, str](), list[Path]()
    for first in range(0, len(nights), NIGHTS_A_BLOCK):
        block = nights[first : first + NIGHTS_A_BLOCK]
        table, odd, unread = _read_block(block)
        rows = checked(table)
        wides.append(wide_table(rows.filter(pl.col("problem").is_null())))
        problems += [odd, problems_of(rows)]
        counts.append(_counted(rows))
        broken |= unread
        parts.append(scratch / f"block_{first}.parquet")
        stream_into(parts[-1], table.lazy())
        for night in block:
            show(night.recording_id)
    long = scratch / "phenotypes.parquet"
    stream_into(long, pl.scan_parquet(parts) if parts else pl.LazyFrame(schema=PHENOTYPE_SCHEMA))
    for part in parts:
        part.unlink()
    wide = in_dictionary_order(_under_one_another(wides))
    return Merged(long, wide, pooled_problems(problems), pl.concat(counts), broken)


def _counted(rows: pl.DataFrame) -> pl.DataFrame:
    odd = rows.filter(pl.col("problem").is_not_null())
    return odd.group_by("recording_id", maintain_order=True).agg(n_problems=pl.len().cast(pl.Int64))


def stream_into(path: Path, rows: pl.LazyFrame) -> None:
    """Write rows as Parquet, in their order, without having all of them in memory.

    Raises
    ------
    OutputError
        The disk is full, or cannot be written.
    """
    try:
        rows.sink_parquet(path, maintain_order=True)
    except (OSError, pl.exceptions.ComputeError) as error:
        raise OutputError(f"{path}: cannot be written ({error}); make room") from error


def _under_one_another(wides: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(wides, how="diagonal") if wides else pl.DataFrame(schema={"recording_id": pl.String})


# --- reading ---------------------------------------------------------------------------------------


def _read_block(block: Sequence[NightTable]) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, str]]:
    """The rows of some nights, columns that nobody knows, and the nights that could not be read."""
    try:
        table = pl.read_parquet([night.path for night in block], glob=False)
        if table.schema == PHENOTYPE_SCHEMA and _fault(table, [night.recording_id for night in block]) is None:
            return table, pl.DataFrame(schema=PROBLEM_SCHEMA), {}
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        pass  # one of them is odd, and is found by reading each alone
    tables, odd, broken = [pl.DataFrame(schema=PHENOTYPE_SCHEMA)], [pl.DataFrame(schema=PROBLEM_SCHEMA)], {}
    for night in block:
        try:
            table = read_table(night.path)
            tables.append(_as_written(night, table))
        except (RecordingError, OSError) as error:
            broken[night.recording_id] = str(error)
            continue
        odd.append(_unknown_columns(night, table))
    return pl.concat(tables), pl.concat(odd), broken


def _as_written(night: NightTable, table: pl.DataFrame) -> pl.DataFrame:
    """The columns of the contract; those that an older version did not write are null.

    Raises
    ------
    RecordingError
        A column that a row cannot do without is missing or of another kind, or the rows are not one night's.
    """
    lacking = [name for name in _NEEDED if name not in table.columns]
    if lacking:
        raise RecordingError(f"{night.path}: no column {lacking[0]}; run analyze on the recording again")
    try:
        columns = [
            (pl.col(name) if name in table.columns else pl.lit(None)).cast(kind).alias(name)
            for name, kind in PHENOTYPE_SCHEMA.items()
        ]
        rows = table.select(columns)
    except pl.exceptions.PolarsError as error:
        found = next(iter(str(error).splitlines()), type(error).__name__)
        raise RecordingError(f"{night.path}: {found}; run analyze on the recording again") from None
    fault = _fault(rows, [night.recording_id])
    if fault is not None:
        raise RecordingError(f"{night.path}: {fault}; run analyze on the recording again")
    return rows


def _fault(rows: pl.DataFrame, names: Sequence[str]) -> str | None:
    """What makes rows unusable as those of the nights named; None where nothing does."""
    found = set(rows["recording_id"].unique().to_list())
    if found != set(names):
        strange = sorted(map(str, found.symmetric_difference(names)))
        return f"the rows are not those of the night of run.json ({', '.join(strange)[:80]})"
    keys = rows.select("recording_id", "phenotype", "stratum")
    if keys.null_count().sum_horizontal()[0]:
        return "a row without phenotype or stratum"
    if keys.n_unique() == len(keys):
        return None
    twice = keys.filter(keys.is_duplicated())
    return f"two rows of {twice['phenotype'][0]}, {twice['stratum'][0]}"


def _unknown_columns(night: NightTable, table: pl.DataFrame) -> pl.DataFrame:
    rows = [
        {"problem": "unknown_column", "found": name, "n_nights": 1, "first_night": night.recording_id}
        for name in table.columns
        if name not in PHENOTYPE_SCHEMA
    ]
    return pl.DataFrame(rows, PROBLEM_SCHEMA)


def rows_of(long: Path, recording_ids: pl.Series) -> pl.LazyFrame:
    """The rows of some nights, in their order."""
    kept = pl.LazyFrame({"recording_id": recording_ids.cast(pl.String)})
    return pl.scan_parquet(long).join(kept, on="recording_id", how="semi", maintain_order="left")

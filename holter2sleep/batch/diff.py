"""Two runs of the same nights: which nights and which numbers differ, and by how much; one night in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from holter2sleep.errors import UsageError
from holter2sleep.phenotypes.files import read_run, read_table
from holter2sleep.phenotypes.find import find_nights

TABLE = "phenotypes.parquet"
KEYS = ("phenotype", "stratum")
MADE_BY = {  # what is told of nights -> the key of their identity
    "version": "version",
    "recipe": "recipe_sha256",
    "models": "models_sha256",
    "input": "input_sha256",
    "options": "options",  # age, sex, channel and others of the manifest, too
}
CHANGE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "recording_id": pl.String,
    "phenotype": pl.String,
    "stratum": pl.String,
    "unit": pl.String,
    "status_a": pl.String,
    "status_b": pl.String,
    "value_a": pl.Float64,
    "value_b": pl.Float64,
    "change": pl.Float64,
    "change_percent": pl.Float64,
}
SUMMARY_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "phenotype": pl.String,
    "unit": pl.String,
    "n_nights": pl.Int64,
    "n_values": pl.Int64,
    "n_status": pl.Int64,
    "mean_change": pl.Float64,
    "mean_absolute_change": pl.Float64,
    "largest_change": pl.Float64,
    "largest_percent": pl.Float64,
    "largest_in": pl.String,
}
_EVERY = 100  # nights that are summed up together


@dataclass(frozen=True)
class Diff:
    """What differs between run A and run B.

    `summary` has a row for each phenotype with a change anywhere: in how many nights and values, how many of them
    became known or unknown (`n_status`), the mean change B - A, and the largest with its night.
    """

    changed: tuple[str, ...]
    n_same: int
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    made_by: dict[str, int]  # nights whose version, recipe, models, input or options differ
    summary: pl.DataFrame


def diff_runs(a: Path, b: Path, keep: Callable[[pl.DataFrame], None] = lambda _rows: None) -> Diff:
    """Compare the nights of two folders by their ids; `keep` is given the changed rows of each night.

    Raises
    ------
    UsageError
        A folder without a night.
    """
    nights_a, nights_b = _nights(a), _nights(b)
    both = sorted(nights_a.keys() & nights_b.keys())
    made_by, changed, sums, waiting = dict.fromkeys(MADE_BY, 0), [], list[pl.DataFrame](), list[pl.DataFrame]()
    for name in both:
        for what in _made_otherwise(nights_a[name], nights_b[name]):
            made_by[what] += 1
        rows = changes_of(nights_a[name], nights_b[name])
        if rows.is_empty():
            continue
        keep(rows)
        changed.append(name)
        waiting.append(_summed(rows))
        if len(waiting) == _EVERY:
            sums, waiting = [_added([*sums, *waiting])], []
    summary = _finished(_added([*sums, *waiting])) if changed else pl.DataFrame(schema=SUMMARY_SCHEMA)
    only_a, only_b = (tuple(sorted(one.keys() - other.keys())) for one, other in _both_ways(nights_a, nights_b))
    return Diff(tuple(changed), len(both) - len(changed), only_a, only_b, made_by, summary)


def _nights(run: Path) -> dict[str, Path]:
    found = {folder.name: folder for folder in find_nights([run]) if (folder / "run.json").is_file()}
    if not found:
        raise UsageError(f"{run}: no night in it; give the folder that batch or analyze wrote nights into")
    return found


def _both_ways(a: dict[str, Path], b: dict[str, Path]) -> tuple[tuple[dict[str, Path], dict[str, Path]], ...]:
    return (a, b), (b, a)


def _made_otherwise(a: Path, b: Path) -> Iterator[str]:
    """What the identities of two nights differ in."""
    one, other = ((read_run(night) or {}).get("identity", {}) for night in (a, b))
    for what, key in MADE_BY.items():
        if one.get(key) != other.get(key):
            yield what


def changes_of(a: Path, b: Path) -> pl.DataFrame:
    """The rows of two nights' long tables that differ in value or status; `CHANGE_SCHEMA`. A row of one alone counts.

    `change` is B - A where both have a number, `change_percent` that of A's size.
    """
    if (a / TABLE).read_bytes() == (b / TABLE).read_bytes():
        return pl.DataFrame(schema=CHANGE_SCHEMA)
    one, other = (read_table(night / TABLE).select(*KEYS, "unit", "status", "value") for night in (a, b))
    rows = one.join(other, on=KEYS, how="full", suffix="_b", coalesce=True, maintain_order="left_right")
    change = pl.col("value_b") - pl.col("value_a")
    return (
        rows.rename({"value": "value_a", "status": "status_a"})
        .filter(pl.col("value_a").ne_missing(pl.col("value_b")) | pl.col("status_a").ne_missing(pl.col("status_b")))
        .with_columns(
            recording_id=pl.lit(a.name),
            unit=pl.coalesce("unit", "unit_b"),
            change=change,
            change_percent=pl.when(pl.col("value_a") != 0).then(100 * change / pl.col("value_a").abs()),
        )
        .select(pl.col(name).cast(kind) for name, kind in CHANGE_SCHEMA.items())
    )


# --- sums ------------------------------------------------------------------------------------------


def _summed(rows: pl.DataFrame) -> pl.DataFrame:
    """Sums over one night's changes, which can be added to those of others."""
    largest = pl.col("change").abs().arg_max()
    return rows.group_by("phenotype", maintain_order=True).agg(
        pl.col("unit").first(),
        n_nights=pl.lit(1, pl.Int64),
        n_values=pl.len().cast(pl.Int64),
        n_status=pl.col("status_a").ne_missing(pl.col("status_b")).sum().cast(pl.Int64),
        n_both=pl.col("change").is_not_null().sum().cast(pl.Int64),
        sum=pl.col("change").sum(),
        sum_absolute=pl.col("change").abs().sum(),
        largest_change=pl.col("change").get(largest, null_on_oob=True),
        largest_percent=pl.col("change_percent").get(pl.col("change_percent").abs().arg_max(), null_on_oob=True),
        largest_in=pl.col("recording_id").first(),
    )


def _added(sums: list[pl.DataFrame]) -> pl.DataFrame:
    n_largest = pl.col("largest_change").abs().arg_max()
    return (
        pl.concat(sums)
        .group_by("phenotype", maintain_order=True)
        .agg(
            pl.col("unit").first(),
            pl.col("n_nights", "n_values", "n_status", "n_both", "sum", "sum_absolute").sum(),
            largest_change=pl.col("largest_change").get(n_largest, null_on_oob=True),
            largest_percent=pl.col("largest_percent").get(pl.col("largest_percent").abs().arg_max(), null_on_oob=True),
            largest_in=pl.col("largest_in").get(n_largest, null_on_oob=True),
        )
    )


def _finished(sums: pl.DataFrame) -> pl.DataFrame:
    """Means, the phenotypes with the most changed nights first."""
    known = pl.col("n_both") > 0
    return (
        sums.with_columns(
            mean_change=pl.when(known).then(pl.col("sum") / pl.col("n_both")),
            mean_absolute_change=pl.when(known).then(pl.col("sum_absolute") / pl.col("n_both")),
        )
        .select(*SUMMARY_SCHEMA)
        .sort("n_nights", "phenotype", descending=[True, False])
    )

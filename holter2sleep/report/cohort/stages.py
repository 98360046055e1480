"""Stages of a cohort: what share of the night each person spends in which, and how it changes through the night."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from holter2sleep.phenotypes.epochs import PROBABILITY_COLUMN
from holter2sleep.phenotypes.files import read_run
from holter2sleep.phenotypes.wide import column

HOUR_S = 3600.0
# Ways to part a night, finest first: stage letter and the phenotype of its minutes.
PARTITIONS = (
    {"W": "wake_min", "R": "rem_min", "N1": "n1_min", "N2": "n2_min", "N3": "n3_min"},
    {"W": "wake_min", "R": "rem_min", "L": "light_min", "N3": "n3_min"},
    {"W": "wake_min", "R": "rem_min", "NREM": "nrem_min"},
)
MINUTES = tuple(dict.fromkeys(name for partition in PARTITIONS for name in partition.values()))


def partition_of(persons: pl.DataFrame) -> dict[str, str]:
    """The partition that most persons have; of as many, the finest."""
    return max(PARTITIONS, key=lambda partition: shares_of(persons, partition).height)


def shares_of(persons: pl.DataFrame, partition: dict[str, str]) -> pl.DataFrame:
    """Share of each stage of each person's staged minutes, by letter; those with all of a partition, most wake last."""
    minutes = {letter: pl.col(column(name, "night")) for letter, name in partition.items()}
    return (
        persons.select(**minutes)
        .drop_nulls()
        .with_columns(_total=pl.sum_horizontal(*partition))
        .filter(pl.col("_total") > 0)
        .select(pl.col(*partition) / pl.col("_total"))
        .sort("W", *list(partition)[1:])
    )


def hourly_chances(directory: Path, nights: pl.DataFrame, letters: list[str], smallest: int) -> pl.DataFrame:
    """Mean chance of each stage in each hour since lights-off: a night counts once an hour, a person by the mean.

    A stage that a person has scored is certain. Hours of fewer than `smallest` persons are left out, as are nights
    whose folder is missing, broken or not staged in these letters.

    Parameters
    ----------
    nights
        recording_id, subject.
    """
    parts = [
        hours.with_columns(subject=pl.lit(subject))
        for name, subject in nights.select("recording_id", "subject").iter_rows()
        if (hours := _of_night(directory / name, letters)) is not None
    ]
    if not parts:
        return pl.DataFrame(schema={"hour": pl.Int64, **dict.fromkeys(letters, pl.Float64), "n": pl.UInt32})
    return (
        pl.concat(parts)
        .group_by("hour", "subject")
        .agg(pl.col(letters).mean())
        .sort("hour", "subject")
        .group_by("hour", maintain_order=True)
        .agg(pl.col(letters).mean(), n=pl.len())
        .filter(pl.col("n") >= max(smallest, 1))
    )


def _of_night(folder: Path, letters: list[str]) -> pl.DataFrame | None:
    """Mean chance of each stage by hour of one night; None where it cannot be told."""
    run = read_run(folder)
    off_s = ((run or {}).get("lights") or {}).get("off_s")
    if off_s is None:
        return None
    chance = {
        letter: pl.coalesce(PROBABILITY_COLUMN[letter], (pl.col("stage") == letter).cast(pl.Float32)).cast(pl.Float64)
        for letter in letters
    }
    names = ["onset_s", "stage", *(PROBABILITY_COLUMN[letter] for letter in letters)]
    try:
        epochs = pl.read_parquet(folder / "epochs.parquet", columns=names)
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    hours = (
        epochs.filter((pl.col("onset_s") >= off_s) & (pl.col("stage") != "U"))
        .select(hour=((pl.col("onset_s") - off_s) // HOUR_S).cast(pl.Int64), **chance)
        .filter((pl.sum_horizontal(*letters) - 1).abs() < 0.01)
        .group_by("hour", maintain_order=True)
        .agg(pl.col(letters).mean())
    )
    return None if hours.is_empty() else hours

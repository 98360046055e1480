"""What a night leaves in its folder, and how it is read again."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.night import Night
from holter2sleep.phenotypes.epochs import beat_table, episode_table, epoch_table
from holter2sleep.phenotypes.strips import Strip, choose_strips
from holter2sleep.phenotypes.table import phenotype_table
from holter2sleep.recipe import Recipe

STRIP_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "strip": pl.String,
    "reason": pl.String,
    "start_s": pl.Float64,
    "fs": pl.Float64,
    "ecg_mv": pl.List(pl.Float32),
    "stage": pl.String,
    "clock": pl.String,
}
TABLES = ("phenotypes", "epochs", "beats", "episodes", "strips")
NIGHT_FILES = frozenset({*(f"{name}.parquet" for name in TABLES), "phenotypes.csv", "run.json", "report.pdf"})


@dataclass(frozen=True)
class NightTables:
    """The tables of a night's folder."""

    phenotypes: pl.DataFrame
    epochs: pl.DataFrame
    beats: pl.DataFrame
    episodes: pl.DataFrame
    strips: pl.DataFrame
    run: dict[str, Any]


def tables_of(night: Night, recipe: Recipe) -> dict[str, pl.DataFrame]:
    """All tables of a night by name."""
    return {
        "phenotypes": phenotype_table(night, recipe),
        "epochs": epoch_table(night),
        "beats": beat_table(night),
        "episodes": episode_table(night),
        "strips": _strip_table(choose_strips(night, recipe.strips)),
    }


def _strip_table(strips: list[Strip]) -> pl.DataFrame:
    rows = [{**vars(strip), "ecg_mv": strip.ecg_mv.tolist()} for strip in strips]
    return pl.DataFrame(rows, schema=STRIP_SCHEMA)


def write_tables(folder: Path, tables: dict[str, pl.DataFrame]) -> None:
    """Parquet for each table; the phenotypes as CSV too."""
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
    tables["phenotypes"].write_csv(folder / "phenotypes.csv")


def write_run(folder: Path, run: dict[str, Any]) -> None:
    """The facts of the run as `run.json`."""
    text = json.dumps(run, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "run.json").write_text(text + "\n", encoding="utf-8")


def read_run(folder: Path) -> dict[str, Any] | None:
    """The facts of a finished run; None where there is none, or it cannot be read."""
    try:
        run: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return run


def read_night(folder: Path) -> NightTables:
    """The tables of a finished night.

    Raises
    ------
    UsageError
        No such folder.
    RecordingError
        The folder is not one that `analyze` has finished.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give the folder that analyze made for a night")
    run = read_run(folder)
    missing = [name for name in TABLES if not (folder / f"{name}.parquet").is_file()]
    if run is None or missing:
        lacking = "run.json" if run is None else f"{missing[0]}.parquet"
        raise RecordingError(
            f"{folder} is no finished night: {lacking} is missing or broken; run analyze on the recording"
        )
    return NightTables(**{name: pl.read_parquet(folder / f"{name}.parquet") for name in TABLES}, run=run)


def is_night_folder(folder: Path) -> bool:
    """Whether a folder holds a night of ours and nothing else, so that it may be replaced."""
    return folder.is_dir() and {path.name for path in folder.iterdir()} <= NIGHT_FILES and read_run(folder) is not None


def fill_folder(folder: Path, write: Callable[[Path], None]) -> None:
    """A folder that is either complete or not there: written beside its place, then moved.

    What stood there before is removed only when the new one is whole.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        new.mkdir()
        write(new)
        if folder.exists():
            folder.replace(old)
        try:
            new.replace(folder)
        except OSError:
            if old.exists():
                old.replace(folder)
            raise

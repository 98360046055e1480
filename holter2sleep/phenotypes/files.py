"""What a night leaves in its folder, and how it is read again."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep.edits import LOG, MACHINE, Edit, read_edits
from holter2sleep.errors import OutputError, RecordingError, UsageError
from holter2sleep.io.files import check_folder
from holter2sleep.night import Night
from holter2sleep.phenotypes.averages import average_table
from holter2sleep.phenotypes.cross import cross_table
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
TABLES = ("phenotypes", "epochs", "beats", "episodes", "strips", "averages")
DERIVED = ("cardio_sleep",)  # made from the others again where it is needed
AS_CSV = ("phenotypes", "cardio_sleep")  # what a person opens
NIGHT_FILES = frozenset(
    {
        *(f"{name}.parquet" for name in (*TABLES, *DERIVED)),
        *(f"{name}.csv" for name in AS_CSV),
        "run.json",
        "report.pdf",
        "narrative.json",
    }
)
DRAWN = frozenset(
    {"report.pdf", "report.html", "narrative.json", "person.pdf", "full_disclosure.pdf"}
)  # `report` may add them to a night
EDITABLE = ("beats", "episodes", "epochs")  # what a person may edit; `edits.jsonl` is chained to them
_KEPT_LOG = re.compile(r"edits_before_\d{2}\.jsonl")


@dataclass(frozen=True)
class NightTables:
    """The tables of a night's folder."""

    phenotypes: pl.DataFrame
    epochs: pl.DataFrame
    beats: pl.DataFrame
    episodes: pl.DataFrame
    strips: pl.DataFrame
    averages: pl.DataFrame
    run: dict[str, Any]


@dataclass(frozen=True)
class History:
    """What a person did to a night since it was analysed."""

    edits: tuple[Edit, ...] = ()  # the whole log; `run["edits"]` says how much of it is in the tables
    machine_phenotypes: pl.DataFrame | None = None  # before any edit; None for a night without


def tables_of(night: Night, recipe: Recipe) -> dict[str, pl.DataFrame]:
    """All tables of a night by name."""
    phenotypes = phenotype_table(night, recipe)
    return {
        "phenotypes": phenotypes,
        "cardio_sleep": cross_table(phenotypes),
        "epochs": epoch_table(night),
        "beats": beat_table(night),
        "episodes": episode_table(night),
        "strips": _strip_table(choose_strips(night, recipe.strips)),
        "averages": average_table(night, recipe),
    }


def _strip_table(strips: list[Strip]) -> pl.DataFrame:
    rows = [{**vars(strip), "ecg_mv": strip.ecg_mv.tolist()} for strip in strips]
    return pl.DataFrame(rows, schema=STRIP_SCHEMA)


def write_tables(folder: Path, tables: dict[str, pl.DataFrame]) -> None:
    """Parquet for each table; what a person opens as CSV too."""
    for name, table in tables.items():
        write_parquet(folder / f"{name}.parquet", table)
    for name in AS_CSV:
        write_csv(folder / f"{name}.csv", tables[name])


def write_parquet(path: Path, table: pl.DataFrame) -> None:
    """A table as Parquet, by way of memory: polars tells of a full disk in words of its own, Python as `OSError`."""
    content = io.BytesIO()
    table.write_parquet(content)
    path.write_bytes(content.getvalue())


def write_csv(path: Path, table: pl.DataFrame) -> None:
    """A table as CSV; moments as ISO 8601."""
    path.write_bytes(table.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S%.f").encode())


def write_run(folder: Path, run: dict[str, Any]) -> None:
    """The facts of the run as `run.json`."""
    text = json.dumps(run, indent=2, ensure_ascii=False, allow_nan=False)
    # a name of bytes that are no UTF-8 is written as JSON escapes them
    (folder / "run.json").write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


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
        No such folder, or one that holds nights.
    RecordingError
        The folder is not one that `analyze` has finished.
    """
    check_folder(folder, "give the folder that analyze made for a night")
    run = read_run(folder)
    missing = [name for name in TABLES if not (folder / f"{name}.parquet").is_file()]
    if run is None or missing:
        if any(path.parent.name != MACHINE for path in folder.glob("*/run.json")):
            raise UsageError(f"{folder}: holds nights and is none itself; give them one by one, or as {folder / '*'}")
        lacking = "run.json" if run is None else f"{missing[0]}.parquet"
        raise RecordingError(
            f"{folder} is no finished night: {lacking} is missing or broken; run analyze on the recording"
        )
    return NightTables(**{name: read_table(folder / f"{name}.parquet") for name in TABLES}, run=run)


def read_history(folder: Path) -> History:
    """The log of a finished night, and what its numbers were before.

    Raises
    ------
    RecordingError
        The log is broken.
    """
    before = folder / MACHINE / "phenotypes.parquet"
    edits = read_edits(folder, root_sha256(folder)) if is_edited(folder) else ()
    return History(edits, read_table(before) if before.is_file() else None)


def machine_folder(folder: Path) -> Path:
    """Where the tables lie that the program alone has made: beside the edited ones, or there is only one set."""
    beside = folder / MACHINE
    return beside if beside.is_dir() else folder


def is_edited(folder: Path) -> bool:
    """Whether a person's edits lie in a night's folder."""
    log = folder / LOG
    return log.is_file() and log.stat().st_size > 0


def root_sha256(folder: Path) -> str:
    """Hash of the tables that edits are made on, to which the first edit is chained."""
    content = b"".join((machine_folder(folder) / f"{name}.parquet").read_bytes() for name in EDITABLE)
    return hashlib.sha256(content).hexdigest()


def keep_logs(old: Path, new: Path) -> None:
    """Copy the logs of edits of a night into the folder that takes its place; they belong to no table there."""
    if not old.is_dir():
        return
    kept = sorted(path for path in old.iterdir() if _KEPT_LOG.fullmatch(path.name))
    logs = [*kept, *([old / LOG] if is_edited(old) else [])]
    for number, path in enumerate(logs, start=1):
        shutil.copyfile(path, new / f"edits_before_{number:02d}.jsonl")


def _is_of_review(name: str) -> bool:
    return name in (LOG, MACHINE) or _KEPT_LOG.fullmatch(name) is not None


def read_table(path: Path) -> pl.DataFrame:
    """A Parquet table.

    Raises
    ------
    RecordingError
        The file is none.
    """
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        found = next(iter(str(error).splitlines()), type(error).__name__)
        raise RecordingError(f"{path} is no Parquet table ({found}); make it again") from None


def holds_only(folder: Path, names: frozenset[str]) -> bool:
    """Whether a folder is a finished run of ours: `run.json` and no file but those named, and those of a review."""
    if not folder.is_dir():
        return False
    found = {path.name for path in folder.iterdir() if not _is_of_review(path.name)}
    return found <= names and read_run(folder) is not None


def fill_folder(folder: Path, write: Callable[[Path], None]) -> None:
    """A folder that is either complete or not there: written beside its place, then moved.

    What stood there before is removed only when the new one is whole.

    Raises
    ------
    OutputError
        The disk is full, or cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=scratch_prefix(folder)) as scratch:
            _fill(folder, Path(scratch), write)
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be written ({error.strerror or error}); nothing was changed. Make room, or choose "
            f"another --out"
        ) from error


def _fill(folder: Path, scratch: Path, write: Callable[[Path], None]) -> None:
    new, old = scratch / "new", scratch / "old"
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


# --- what a killed run leaves behind ----------------------------------------------------------------


def scratch_prefix(folder: Path) -> str:
    """Beginning of a scratch folder's name: whose place it takes, and which process on which machine works in it."""
    return f".{folder.name}.h2s-{machine()}-{os.getpid()}-"


def machine() -> str:
    """Eight letters that tell this machine from the others that write to the same disk."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def sweep_leftovers(out: Path) -> None:
    """Remove what killed runs on this machine have left in a folder; a night caught while being replaced is put back.

    Another machine's work, a living process's, and whatever is not named by us stays as it is.
    """
    pattern = re.compile(rf"\.(.+)\.h2s-{machine()}-(\d+)-\w+")
    for scratch in sorted(out.glob(".*.h2s-*")):
        found = pattern.fullmatch(scratch.name)
        if found is None or scratch.is_symlink() or not scratch.is_dir() or _is_alive(int(found[2])):
            continue
        folder = out / found[1]
        if (scratch / "old").exists() and not folder.exists():
            with suppress(OSError):  # another process may do the same
                (scratch / "old").replace(folder)  # killed between the two moves: the night was whole before
        shutil.rmtree(scratch, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    """Whether a process runs; on Windows, which has no harmless way to ask, always.

    One that has ended and that nobody has asked about stays listed, in a container for as long as that runs.
    """
    if sys.platform == "win32":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    with suppress(OSError):  # not every system tells the state
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0] not in "ZX"
    return True

"""A finished night into files of a format, all of them or none."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from holter2sleep.errors import OutputError, UsageError
from holter2sleep.export.bids import bids_files
from holter2sleep.export.edf import edf_files
from holter2sleep.export.finished import FinishedNight, read_finished
from holter2sleep.export.nsrr import nsrr_files
from holter2sleep.export.tables import csv_files
from holter2sleep.export.wfdb import wfdb_files
from holter2sleep.phenotypes.files import read_run
from holter2sleep.whole_files import write_files

FORMATS: dict[str, Callable[[FinishedNight, str], dict[str, bytes]]] = {
    "wfdb": wfdb_files,
    "edf+": edf_files,
    "csv": csv_files,
    "nsrr-xml": nsrr_files,
    "bids": bids_files,
}
_HEADER = ".hea"  # of a WFDB record; one that is there belongs to the signals and stays


@dataclass(frozen=True)
class Exported:
    """The files of one night, and whether they had to be written."""

    paths: tuple[Path, ...]
    written: bool


def file_name(recording_id: str) -> str:
    """Name of a night's files: its id, with `_` for what WFDB allows in no name of a record.

    Examples
    --------
    >>> file_name("My night.2"), file_name("slp01a")
    ('My_night_2', 'slp01a')
    """
    return re.sub(r"[^A-Za-z0-9_-]", "_", recording_id)


def check_names(folders: tuple[Path, ...]) -> None:
    """Whether the files of all nights can lie in one folder.

    Raises
    ------
    UsageError
        Two nights would write the same file.
    """
    owner: dict[str, Path] = {}
    for folder in folders:
        run = read_run(folder) or {}
        # BIDS leaves out what the other formats replace
        name = file_name(str(run.get("recording_id", folder.resolve().name)))
        for taken in {name, re.sub("[_-]", "", name)}:
            if taken in owner:
                raise UsageError(
                    f"{owner[taken]} and {folder} would both write {taken!r}; export one into another --out"
                )
        owner.update(dict.fromkeys((name, re.sub("[_-]", "", name)), folder))


def check_out(out: Path) -> None:
    """Whether a folder may take exports.

    Raises
    ------
    UsageError
        It is a night's own, which `analyze` would no longer know as its work.
    """
    if (out / "run.json").is_file():
        raise UsageError(f"--out {out}: a folder that analyze made, and fills alone; choose another folder")


def export_night(folder: Path, format_name: str, out: Path, overwrite: bool = False) -> Exported:
    """Write a finished night in a format; files that are there already with this very content are left alone.

    Raises
    ------
    UsageError
        No such folder, or files of another content are there and `overwrite` is not set.
    RecordingError
        No finished night.
    OutputError
        The disk is full, or cannot be written.
    """
    night = read_finished(folder)
    contents = FORMATS[format_name](night, file_name(night.recording_id))
    files = {out / name: content for name, content in contents.items() if not _belongs_to_signals(out / name)}
    differs = [path for path, content in files.items() if _holds_other(path, content)]
    if differs and not overwrite:
        raise UsageError(f"{differs[0]} is there with another content; give --overwrite, or another --out")
    new = {path: [content] for path, content in files.items() if not path.is_file() or path in differs}
    try:
        write_files(new)
    except OSError as error:
        said = f"{out}: cannot be written ({error.strerror or error}); nothing was changed"
        raise OutputError(f"{said}. Make room, or choose another --out") from None
    return Exported(tuple(files), bool(new))


def _belongs_to_signals(path: Path) -> bool:
    """Whether a header is there that names signals: it tells more than ours."""
    if path.suffix != _HEADER or not path.is_file():
        return False
    lines = [line for line in path.read_text("utf-8", errors="replace").splitlines() if not line.startswith("#")]
    fields = lines[0].split() if lines else []
    return not (len(fields) > 1 and fields[1] == "0")


def _holds_other(path: Path, content: bytes) -> bool:
    return path.exists() and (not path.is_file() or path.read_bytes() != content)

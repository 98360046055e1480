"""Night folders among folders and patterns."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from holter2sleep.errors import UsageError
from holter2sleep.io.files import check_folder, exists
from holter2sleep.phenotypes.files import read_run

_RUN, _PHENOTYPES, _NIGHTS = "run.json", "phenotypes.parquet", "nights.parquet"


def find_nights(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Night folders, each once: those named, and the nights in a folder that is none itself.

    A summary over several nights stands for the nights it tells of, which lie beside it.

    Raises
    ------
    UsageError
        A missing path, a file, a pattern that nothing matches, or a folder without a night.
    """
    found = {night.resolve(): night for path in paths for folder in _matching(path) for night in _nights(folder)}
    return tuple(found.values())


def _matching(path: Path) -> list[Path]:
    """The path itself, or the folders that match it as a pattern."""
    if exists(path) or not glob.has_magic(str(path)):
        return [path]
    matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207  absolute ones too
    folders = [match for match in matches if (match / _RUN).is_file()]
    if not folders:
        raise UsageError(f"{path}: no night folder matches; give folders that analyze made")
    return folders


def _nights(folder: Path) -> list[Path]:
    check_folder(folder, "give the folder that analyze made for a night, or the one that it lies in")
    if (folder / _NIGHTS).is_file() and not (folder / _PHENOTYPES).is_file():
        return _of_summary(folder)
    if (folder / _RUN).is_file():
        return [folder]
    inside = sorted(run.parent for run in folder.glob(f"*/{_RUN}"))
    return [night for night in inside if not (night / _NIGHTS).is_file()] or [folder]  # reading it tells what is wrong


def _of_summary(folder: Path) -> list[Path]:
    nights = (read_run(folder) or {}).get("nights", [])
    made = [folder.parent / night["recording_id"] for night in nights if night.get("status") == "ok"]
    if not made:
        raise UsageError(f"{folder}: a summary of several nights, none of which was made; give the folder of a night")
    return made

"""Corrections that a person made elsewhere: a CSV or JSON lines file of what is asked for."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from holter2sleep.errors import RecordingError, UsageError

NUMBERS = ("time_s", "start_s", "end_s", "new_start_s", "new_end_s", "first_epoch", "last_epoch", "number")
WORDS = ("kind", "label", "episode", "new_episode", "stage", "text")
LARGEST_BYTES = 1 << 26

Asked = dict[str, Any]


def read_asked(path: Path) -> list[Asked]:
    """What a file asks for, in its order: fields as `review.ask.change_of` has them.

    Raises
    ------
    UsageError
        No such file, or none of the two kinds by its suffix.
    RecordingError
        A row that is none.
    """
    if not path.is_file():
        raise UsageError(f"--apply {path}: {'not a file' if path.exists() else 'no such file'}")
    read = {".csv": _of_csv, ".jsonl": _of_lines}.get(path.suffix.lower())
    if read is None:
        raise UsageError(f"--apply {path}: expected a .csv or .jsonl file")
    if path.stat().st_size > LARGEST_BYTES:
        raise RecordingError(f"{path}: larger than {LARGEST_BYTES >> 20} MB; corrections of a night are not")
    try:
        return read(path, path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise RecordingError(f"{path}: not text in UTF-8") from None


def _of_csv(path: Path, text: str) -> list[Asked]:
    table = csv.DictReader(text.splitlines(), strict=True)
    strange = [name for name in table.fieldnames or () if name not in (*NUMBERS, *WORDS)]
    if strange or "kind" not in (table.fieldnames or ()):
        found = f"column {strange[0]!r}" if strange else "no column 'kind'"
        raise RecordingError(f"{path}: {found}; expected kind and some of {', '.join((*NUMBERS, *WORDS))}")
    try:
        return [_of_row(path, number, row) for number, row in enumerate(table, start=1)]
    except csv.Error as error:
        raise RecordingError(f"{path}: not valid CSV ({error})") from None


def _of_row(path: Path, number: int, row: dict[str, Any]) -> Asked:
    """The filled cells of a row."""
    if None in row:
        raise RecordingError(f"{path}, row {number}: more cells than columns")
    filled = {name: cell.strip() for name, cell in row.items() if cell and cell.strip()}
    return {name: _as_number(path, number, name, cell) if name in NUMBERS else cell for name, cell in filled.items()}


def _as_number(path: Path, number: int, name: str, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise RecordingError(f"{path}, row {number}: {name} {cell!r} is no number") from None


def _of_lines(path: Path, text: str) -> list[Asked]:
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            asked = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise RecordingError(f"{path}, row {number}: not valid JSON ({error})") from None
        if not isinstance(asked, dict):
            raise RecordingError(f"{path}, row {number}: expected an object, found {line[:80]!r}")
        found.append(asked)
    return found

"""Corrections that a person made elsewhere: a CSV or JSON lines file of what is asked for, or the log of a night."""

from __future__ import annotations

import csv
import json
from datetime import time
from pathlib import Path
from typing import Any

from holter2sleep.clock import Clock
from holter2sleep.edits import BEAT_KINDS, NOTE, STAGE, Edit, changes_in_force
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.told import DAY_S, told_moment, told_seconds

TIMES = ("time_s", "start_s", "end_s", "new_start_s", "new_end_s")
NUMBERS = (*TIMES, "first_epoch", "last_epoch", "number")
WORDS = ("kind", "label", "episode", "new_episode", "stage", "text")
LARGEST_BYTES = 1 << 26

SEPARATORS = ",;\t"  # a semicolon: Excel where the comma belongs to numbers

Asked = dict[str, Any]


def read_asked(path: Path, clock: Clock | None, duration_s: float) -> list[Asked]:
    """What a file asks for, in its order: fields as `review.ask.change_of` has them.

    In a table times are seconds from the start, or of the wall clock of the night. Of a log, such as that of the same
    night analysed before, the edits that hold are asked for again.

    Raises
    ------
    UsageError
        No such file, or none of the two kinds by its suffix.
    RecordingError
        A row that is none.
    """
    if not path.is_file():
        raise UsageError(f"--apply {path}: {'not a file' if path.exists() else 'no such file'}")
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".jsonl"):
        raise UsageError(f"--apply {path}: expected a .csv or .jsonl file")
    if path.stat().st_size > LARGEST_BYTES:
        raise RecordingError(f"{path}: larger than {LARGEST_BYTES >> 20} MB; corrections of a night are not")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise RecordingError(f"{path}: not text in UTF-8") from None
    return _of_lines(path, text) if suffix == ".jsonl" else _Table(path, clock, duration_s).read(text)


class _Table:
    """A CSV file of corrections of a night with this clock and length."""

    def __init__(self, path: Path, clock: Clock | None, duration_s: float) -> None:
        self._path, self._clock, self._duration_s = path, clock, duration_s

    def read(self, text: str) -> list[Asked]:
        header = text.partition("\n")[0]
        separator = max(SEPARATORS, key=header.count)
        point = "," if separator == ";" else "."
        table = csv.DictReader(text.splitlines(), delimiter=separator, strict=True)
        names = table.fieldnames or ()
        strange = [name for name in names if name not in (*NUMBERS, *WORDS)]
        if strange or "kind" not in names:
            found = f"column {strange[0]!r}" if strange else "no column 'kind'"
            raise RecordingError(f"{self._path}: {found}; expected kind and some of {', '.join((*NUMBERS, *WORDS))}")
        try:
            return [self._row(f"{self._path}, row {i}", row, point) for i, row in enumerate(table, start=1)]
        except csv.Error as error:
            raise RecordingError(f"{self._path}: not valid CSV ({error})") from None

    def _row(self, where: str, row: dict[str, Any], point: str) -> Asked:
        """The filled cells of a row."""
        if None in row:
            raise RecordingError(f"{where}: more cells than columns")
        filled = {name: cell.strip() for name, cell in row.items() if cell and cell.strip()}
        return {
            name: self._number(f"{where}: {name}", cell, point, name in TIMES) if name in NUMBERS else cell
            for name, cell in filled.items()
        }

    def _number(self, where: str, cell: str, point: str, is_time: bool) -> float:
        try:
            return float(cell.replace(point, "."))
        except ValueError:
            if not (is_time and ":" in cell):
                works = "; expected seconds from the start, or a clock time such as 04:40:55" if is_time else ""
                raise RecordingError(f"{where} {cell!r} is no number{works}") from None
        return self._of_clock(where, cell)

    def _of_clock(self, where: str, cell: str) -> float:
        clock, zone = self._clock, self._clock.zone if self._clock else None
        if clock is None:
            raise RecordingError(f"{where} {cell!r}: when the night began is unknown; give seconds from its start")
        if isinstance(told_moment(cell, where, zone), time) and self._duration_s > DAY_S:
            raise RecordingError(f"{where} {cell!r}: the recording is longer than a day; give the date, or seconds")
        return told_seconds(cell, where, clock, 0.0, zone)


def _of_lines(path: Path, text: str) -> list[Asked]:
    lines = text.splitlines()
    if lines and '"before_sha256":' in lines[0]:
        return _of_log(path, lines)
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            asked = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise RecordingError(f"{path}, row {number}: not valid JSON ({error})") from None
        if not isinstance(asked, dict):
            raise RecordingError(f"{path}, row {number}: expected an object, found {line[:80]!r}")
        found.append(asked)
    return found


def _of_log(path: Path, lines: list[str]) -> list[Asked]:
    edits = []
    for number, line in enumerate(lines, start=1):
        try:
            edits.append(Edit.of_line(line))
        except (ValueError, RecursionError) as error:
            raise RecordingError(f"{path}, row {number}: a broken line of a log ({error})") from None
    return [_asked_again(edit) for edit in changes_in_force(edits)]


def _asked_again(edit: Edit) -> Asked:
    """What asks for the change of an edit, on whatever tables."""
    more: Asked = {}
    if edit.kind in BEAT_KINDS and edit.after is not None:
        more = {"label": edit.after["label"]}
    elif edit.kind == "episode_change":
        more = {"new_episode": edit.after["kind"]} | {f"new_{end}": edit.after[end] for end in ("start_s", "end_s")}
    elif edit.kind == STAGE:
        more = {"stage": edit.after[0]}
    elif edit.kind == NOTE:
        more = {"text": edit.after}
    return {"kind": edit.kind, **edit.target, **more}

"""A manifest, checked row by row before anything runs."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep.batch.manifest_file import read_rows, with_numbers
from holter2sleep.cohort.nights import FACT_SCHEMA, NIGHT_NUMBER
from holter2sleep.errors import UsageError
from holter2sleep.io.files import exists, is_file
from holter2sleep.night import Sex
from holter2sleep.request import WHAT_AN_ID_IS, Request, is_id, whole_of
from holter2sleep.told import told_moment

RESERVED = ("batch", "cohort")  # folders beside those of the nights
OLDEST_YEARS = 130
SEXES: dict[str, Sex] = {"f": "F", "female": "F", "woman": "F", "m": "M", "male": "M", "man": "M"}
_SECONDS = re.compile(r"\d+(\.\d+)?\s*s")
_FIRST_LINE = 2  # of the file, which begins with the names of the columns
_BESIDE = (
    *FACT_SCHEMA,
    NIGHT_NUMBER,
    "phenotype",
    "stratum",
    "value",
)  # names that columns of the cohort's own tables have
_WIDE = "__"  # between phenotype and stratum in the wide table


@dataclass(frozen=True, slots=True)
class Row:
    """One night of a manifest: what to analyse, and what is known of it. Paths are absolute."""

    line: int
    folder: Path  # of the manifest
    recording_id: str
    path: Path
    subject_id: str | None = None
    age: float | None = None
    sex: Sex | None = None
    channel: str | None = None
    hypnogram: Path | None = None
    beats: Path | None = None
    lights_off: str | None = None
    lights_on: str | None = None

    def request(self, of_all: Request) -> Request:
        """What is asked for this night: what is asked for all of them, and what its row says."""
        own = ("recording_id", "age", "sex", "channel", "hypnogram", "beats", "lights_off", "lights_on")
        told = {name: getattr(self, name) for name in own if getattr(self, name) is not None}
        return dataclasses.replace(of_all, **told)


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used, and why."""

    line: int
    recording_id: str | None
    message: str

    def __str__(self) -> str:
        """As the user reads it."""
        return f"row {self.line} ({self.recording_id or 'no recording_id'}): {self.message}"


@dataclass(frozen=True)
class Manifest:
    """The rows that can be used, those that cannot, and the columns that travel along (one row for each good one)."""

    rows: tuple[Row, ...]
    bad: tuple[BadRow, ...]
    columns: pl.DataFrame


UNDERSTOOD = frozenset(field.name for field in dataclasses.fields(Row)) - {"line", "folder"}


def read_manifest(path: Path, tz: str | None = None) -> Manifest:
    """A manifest with every fault of every row; `tz` is the zone that times with an offset are turned to.

    Raises
    ------
    UsageError
        No table, or one whose columns cannot be used.
    """
    table = read_rows(path)
    check_columns(path, table.columns)
    base, rows, bad = path.absolute().parent, list[Row](), list[BadRow]()
    for line, told in enumerate(table.iter_rows(named=True), _FIRST_LINE):
        row, faults = _row(line, told, base, tz)
        if row is None:
            bad.append(BadRow(line, told["recording_id"], "; ".join(faults)))
        else:
            rows.append(row)
    clashes = {line: BadRow(line, name, message) for line, name, message in _clashes(rows)}
    good = tuple(row for row in rows if row.line not in clashes)
    bad = sorted([*bad, *clashes.values()], key=lambda fault: fault.line)
    return Manifest(good, tuple(bad), _travelling(table[[row.line - _FIRST_LINE for row in good]]))


def check_columns(path: Path, names: list[str]) -> None:
    """A column that travels along may not be taken for one that is understood, or for one of the cohort's own.

    Raises
    ------
    UsageError
        It is called like such a one.
    """
    for name in names:
        if name not in UNDERSTOOD and name.casefold() in UNDERSTOOD:
            raise UsageError(f"{path}: column {name!r} is not understood; write {name.casefold()!r}, or another name")
        if name not in UNDERSTOOD and (name in _BESIDE or _WIDE in name):
            advice = "subject_id" if name == "subject" else "another name"
            raise UsageError(f"{path}: column {name!r} has a name of the cohort's own tables; call it {advice}")


def _travelling(table: pl.DataFrame) -> pl.DataFrame:
    """Ids as text, `visit` and all columns that the program does not know as numbers where they are such."""
    names = [name for name in ("recording_id", "subject_id") if name in table.columns]
    others = [name for name in table.columns if name not in UNDERSTOOD]
    return table.select(*names, *with_numbers(table.select(others)))


# --- one row ---------------------------------------------------------------------------------------


def _row(line: int, told: dict[str, str | None], base: Path, tz: str | None) -> tuple[Row | None, list[str]]:
    """The row, or all that is wrong with it."""
    readers = {**_READERS, "lights_off": _lights(tz), "lights_on": _lights(tz)}
    read: dict[str, Any] = {}
    faults = [f"no {name}" for name in ("recording_id", "path") if told[name] is None]
    for name in UNDERSTOOD & told.keys():
        text = told[name]
        if text is None:
            continue
        try:
            read[name] = readers[name](text, base)
        except (ValueError, UsageError) as error:
            faults.append(f"{name} {text[:100]!r}: {error}")
    return (None, sorted(faults)) if faults else (Row(line, base, **read), [])


def _id(text: str, _base: Path) -> str:
    if text.casefold() in RESERVED:
        raise ValueError(f"the folder of that name holds what belongs to all nights ({', '.join(RESERVED)})")
    if not is_id(text):
        raise ValueError(WHAT_AN_ID_IS)
    return text


def _file(text: str, base: Path) -> Path:
    path = base / text
    if not is_file(path):
        raise ValueError("not a file" if exists(path) else f"no such file (paths begin at {base})")
    return path


def _age(text: str, _base: Path) -> float:
    """Years; a word raises as `float` does."""
    try:
        years = float(text)
    except ValueError:
        years = math.nan
    if not 0 <= years <= OLDEST_YEARS:
        raise ValueError(f"expected years, 0 to {OLDEST_YEARS}")
    return years


def _sex(text: str, _base: Path) -> Sex:
    if text.casefold() not in SEXES:
        raise ValueError("expected F or M, or nothing where it is unknown")
    return SEXES[text.casefold()]


def _lights(tz: str | None) -> Callable[[str, Path], str]:
    def read(text: str, _base: Path) -> str:
        if not _SECONDS.fullmatch(text):
            told_moment(text, "lights", tz)
        return text

    return read


def _text(text: str, _base: Path) -> str:
    return text


_READERS: dict[str, Callable[[str, Path], object]] = {
    "recording_id": _id,
    **dict.fromkeys(("path", "hypnogram", "beats"), _file),
    **dict.fromkeys(("subject_id", "channel"), _text),
    "age": _age,
    "sex": _sex,
}


# --- rows against one another ----------------------------------------------------------------------


def _clashes(rows: list[Row]) -> Iterator[tuple[int, str, str]]:
    """Line, id and fault of rows that an earlier row excludes."""
    ids: dict[str, int] = {}
    inputs: dict[tuple[Path, str | None], int] = {}
    sexes: dict[str, Row] = {}
    for row in rows:
        # disks of Windows and macOS take names that differ in case for one
        first = ids.setdefault(row.recording_id.casefold(), row.line)
        same = inputs.setdefault((row.path, row.channel), row.line)
        known = sexes.setdefault(row.subject_id, row) if row.subject_id and row.sex else row
        if first != row.line:
            yield row.line, row.recording_id, f"recording_id {row.recording_id!r} is that of row {first} too"
        elif same != row.line:
            yield row.line, row.recording_id, f"path {row.path.name!r} is that of row {same} too, with the same channel"
        elif known.sex != row.sex:
            found = f"subject {row.subject_id!r} is {row.sex} here and {known.sex} in row {known.line}"
            yield row.line, row.recording_id, found
    for row in rows:
        whole = whole_of(row.recording_id)
        if whole is not None and (line := ids.get(whole.casefold())) is not None:
            yield row.line, row.recording_id, f"the name of a night of {whole!r} in row {line}; rename one"

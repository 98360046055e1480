"""A first manifest of the recordings in a folder, for the user to complete."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from holter2sleep.batch.manifest import RESERVED
from holter2sleep.batch.own_table import Facts, read_own_table, told_apart
from holter2sleep.io.files import check_folder
from holter2sleep.io.hypnogram_names import hypnogram_of, names_in
from holter2sleep.io.inputs import find_inputs

COLUMNS = (
    *("recording_id", "path", "subject_id", "visit", "age", "sex", "channel", "hypnogram", "beats"),
    *("lights_off", "lights_on"),
)


@dataclass(frozen=True)
class Draft:
    """A manifest as CSV text, what was found for it, and what was not."""

    text: str
    n_rows: int
    n_hypnograms: int
    n_known: int  # recordings that the user's table knows
    notes: tuple[str, ...]


def draft_manifest(folder: Path, beside: Path, own: Path | None = None) -> Draft:
    """A row for each recording in a folder.

    Paths begin at the folder `beside`. An id is the stem of the file, with the names of its folders before it where
    two would be the same. Hypnograms are found by their names. What the user knows comes from the table `own`, and is
    left empty without one; age and sex then come from the header of each recording.

    Raises
    ------
    UsageError
        No such folder, or one without a recording; a table that cannot be used.
    """
    check_folder(folder, "give the folder that holds the recordings")
    paths = find_inputs([folder])
    table = read_own_table(own) if own is not None else None
    index, rows, used, without = names_in(folder), list[Facts](), set[str](), list[str]()
    for name, path in zip(_ids(paths, folder), paths, strict=True):
        hypnogram = hypnogram_of(path, index)
        known = table.of_recording(name, _place(path, folder)) if table is not None else None
        used |= {known[0]} if known else set()
        without += [] if known else [name]
        found = {"recording_id": name, "path": _from(beside, path)}
        found |= {"hypnogram": _from(beside, hypnogram)} if hypnogram else {}
        rows.append({**(known[1] if known else {}), **found})
    notes = told_apart(own, without, [key for key in table.rows if key not in used]) if own and table else []
    columns = dict.fromkeys((*COLUMNS, *(table.columns if table else ())))
    n_hypnograms = sum("hypnogram" in row for row in rows)
    return Draft(_csv(list(columns), rows), len(rows), n_hypnograms, len(rows) - len(without), tuple(notes))


def _csv(columns: Sequence[str], rows: Sequence[Facts]) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _place(path: Path, folder: Path) -> Path:
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _from(beside: Path, path: Path) -> str:
    return Path(os.path.relpath(path, beside)).as_posix()


def _ids(paths: Sequence[Path], folder: Path) -> list[str]:
    """A name for each file that no other has."""
    stems = Counter(path.stem.casefold() for path in paths) + Counter(RESERVED)
    names = [path.stem if stems[path.stem.casefold()] == 1 else _long_name(path, folder) for path in paths]
    met = Counter[str]()
    unique = []
    for name in map(_cleaned, names):
        met[name.casefold()] += 1
        unique.append(name if met[name.casefold()] == 1 else f"{name}-{met[name.casefold()]}")
    return unique


def _long_name(path: Path, folder: Path) -> str:
    parts = path.relative_to(folder).with_suffix("").parts if path.is_relative_to(folder) else (path.stem,)
    return "-".join([*parts, path.suffix.lstrip(".")])


def _cleaned(name: str) -> str:
    """The name with what an id may not hold as `_`.

    Examples
    --------
    >>> _cleaned("night (2)"), _cleaned("-x")
    ('night _2_', '_-x')
    """
    kept = re.sub(r"[^\w .-]", "_", name)[:190]
    return kept if re.match(r"\w", kept) else f"_{kept}"

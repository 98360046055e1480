"""A first manifest of the recordings in a folder, for the user to complete."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from holter2sleep.batch.manifest import RESERVED
from holter2sleep.errors import UsageError
from holter2sleep.io.files import exists, is_folder
from holter2sleep.io.hypnogram_names import hypnogram_of, names_in
from holter2sleep.io.inputs import find_inputs

COLUMNS = (
    *("recording_id", "path", "subject_id", "visit", "age", "sex", "channel", "hypnogram", "beats"),
    *("lights_off", "lights_on"),
)


def draft_manifest(folder: Path, beside: Path) -> tuple[str, int, int]:
    """CSV text with a row for each recording in a folder, their number, and that of hypnograms.

    Paths begin at the folder `beside`. An id is the stem of the file, with the names of its folders before it where
    two would be the same. Hypnograms are found by their names. What only the user knows is left empty; age and sex
    then come from the header of each recording.

    Raises
    ------
    UsageError
        No such folder, or one without a recording.
    """
    if not is_folder(folder):
        what = "a file, not a folder" if exists(folder) else "no such folder"
        raise UsageError(f"{folder}: {what}; give the folder that holds the recordings")
    paths = find_inputs([folder])
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    index, n_hypnograms = names_in(folder), 0
    for name, path in zip(_ids(paths, folder), paths, strict=True):
        hypnogram = hypnogram_of(path, index)
        n_hypnograms += hypnogram is not None
        known = {
            "recording_id": name,
            "path": _from(beside, path),
            "hypnogram": _from(beside, hypnogram) if hypnogram else "",
        }
        table.writerow([known.get(column, "") for column in COLUMNS])
    return text.getvalue(), len(paths), n_hypnograms


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

"""What a table of the user's own knows of people or recordings, laid beside the recordings of a draft."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from holter2sleep.batch.manifest import check_columns
from holter2sleep.batch.manifest_file import read_text_table
from holter2sleep.errors import UsageError

RECORDING, SUBJECT = "recording_id", "subject_id"
OF_THE_DRAFT = ("path", "hypnogram")  # what is found by looking at the folder

Facts = dict[str, str]  # by column


@dataclass(frozen=True)
class OwnTable:
    """Rows by the id of a recording, or of a person where `key` is `subject_id`."""

    key: str
    columns: tuple[str, ...]
    rows: dict[str, Facts]

    def of_recording(self, name: str, place: Path) -> tuple[str, Facts] | None:
        """The id and the facts that belong to a recording; None where there are none, or those of two people.

        A person's recordings lie in a folder of that id, or their names are the id, or begin with it and a sign that is
        neither letter nor digit: `p01.edf`, `p01_visit2.edf`, `p01/first.edf`.

        Parameters
        ----------
        name
            The recording's id.
        place
            Its path from the folder of the recordings on.
        """
        found = {name} & self.rows.keys() if self.key == RECORDING else self._people_of(place)
        return (key, self.rows[key]) if len(found) == 1 and (key := found.pop()) else None

    def _people_of(self, place: Path) -> set[str]:
        stem = place.stem
        starts = [stem[: sign.start()] for sign in re.finditer(r"[\W_]", stem)]
        longest = next((start for start in [stem, *reversed(starts)] if start in self.rows), None)
        return ({*place.parent.parts} & self.rows.keys()) | ({longest} if longest else set())


def read_own_table(path: Path) -> OwnTable:
    """A table with a row for each recording (`recording_id`), or for each person (`subject_id`).

    Raises
    ------
    UsageError
        No table, none of these columns, an id that is missing or there twice, or a column that a manifest cannot have.
    """
    table = read_text_table(path, "give a table with a row for each subject_id, or recording_id")
    key = next((name for name in (RECORDING, SUBJECT) if name in table.columns), None)
    if key is None:
        found = ", ".join(table.columns)[:200]
        raise UsageError(
            f"{path}: no column subject_id or recording_id among {found}; rename the one that holds the ids"
        )
    check_columns(path, table.columns)
    columns = tuple(name for name in table.columns if name not in (RECORDING, *OF_THE_DRAFT))
    rows = dict[str, Facts]()
    for line, told in enumerate(table.iter_rows(named=True), 2):
        _check_id(path, line, key, told[key], rows)
        rows[told[key]] = {name: told[name] or "" for name in columns}
    return OwnTable(key, columns, rows)


def _check_id(path: Path, line: int, key: str, name: str | None, rows: dict[str, Facts]) -> None:
    if name is None:
        raise UsageError(f"{path}: row {line} has no {key}; fill it in, or take the row out")
    if name in rows:
        works = "; name the recording of each row in a column recording_id" if key == SUBJECT else ""
        raise UsageError(f"{path}: row {line} is the second of {key} {name!r}{works}")


def told_apart(path: Path, without: Sequence[str], unused: Sequence[str]) -> list[str]:
    """Which recordings have no row, and which rows no recording."""
    told = []
    if without:
        told.append(f"no row of {path.name} fits {_some(without)}: left empty")
    if unused:
        told.append(f"no recording fits {_some(unused)} of {path.name}")
    return told


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"

"""Which subjects are learned from and which are kept for testing: a file, so that every model uses the same."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from holter2sleep.errors import UsageError

COLUMNS = ("recording_id", "subject", "part")
FIT, TEST = "fit", "test"


@dataclass(frozen=True)
class SubjectSplit:
    """Part of each recording. All recordings of a subject are in the same part."""

    subject: dict[str, str]  # by recording
    part: dict[str, str]  # by recording

    def __post_init__(self) -> None:
        parts: dict[str, set[str]] = {}
        for name, who in self.subject.items():
            parts.setdefault(who, set()).add(self.part[name])
        torn = [who for who, found in parts.items() if len(found) > 1]
        if torn:
            raise UsageError(f"Subject {torn[0]!r} is in both parts of the split; each subject belongs to one")

    def names(self, part: str) -> list[str]:
        """Recordings of a part."""
        return [name for name, its in self.part.items() if its == part]

    @property
    def text(self) -> str:
        """As CSV."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((name, self.subject[name], part) for name, part in self.part.items())
        return out.getvalue()


def read_split(path: Path) -> SubjectSplit:
    """A split from its file: CSV with recording_id, subject, part (fit or test).

    Raises
    ------
    UsageError
        No such table, or a subject in both parts.
    """
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as a split ({error})") from None
    if not rows or not set(COLUMNS) <= set(rows[0]) or any(row["part"] not in (FIT, TEST) for row in rows):
        raise UsageError(f"{path}: a split is a CSV with {', '.join(COLUMNS)}, where part is {FIT} or {TEST}")
    names = [row["recording_id"] for row in rows]
    if len(set(names)) < len(names):
        raise UsageError(f"{path}: a recording_id is listed twice")
    return SubjectSplit(
        {row["recording_id"]: row["subject"] for row in rows}, {row["recording_id"]: row["part"] for row in rows}
    )


def split_by_chance(recording_ids: Iterable[str], test_share: float, seed: int) -> SubjectSplit:
    """Each recording a subject of its own, about `test_share` of them kept for testing.

    A recording's part hangs on its name and the seed alone, so that one more recording moves no other.
    """
    names = list(recording_ids)
    chance = {name: int(hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()[:8], 16) / 2**32 for name in names}
    return SubjectSplit({name: name for name in names}, {n: TEST if chance[n] < test_share else FIT for n in names})

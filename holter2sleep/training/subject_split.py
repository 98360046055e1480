"""Which subjects are learned from and which are kept for testing: a file, so that every model uses the same."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from holter2sleep.errors import UsageError

COLUMNS = ("recording_id", "subject", "part")
FIT, VALIDATION, TEST = "fit", "validation", "test"


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
            raise UsageError(f"Subject {torn[0]!r} is in two parts of the split; each subject belongs to one")

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


def read_split(path: Path, parts: Sequence[str] = (FIT, TEST)) -> SubjectSplit:
    """A split from its file: CSV with recording_id, subject, part (fit or test, or others that are asked for).

    Raises
    ------
    UsageError
        No such table, or a subject in two parts.
    """
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as a split ({error})") from None
    if not rows or not set(COLUMNS) <= set(rows[0]) or any(row["part"] not in parts for row in rows):
        raise UsageError(f"{path}: a split is a CSV with {', '.join(COLUMNS)}, where part is {' or '.join(parts)}")
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
    return SubjectSplit(
        {name: name for name in names}, {name: TEST if _chance(name, seed) < test_share else FIT for name in names}
    )


def split_subjects(subject: Mapping[str, str], shares: Mapping[str, float], seed: int) -> SubjectSplit:
    """Whole subjects drawn for each part of `shares`, at least one; the others are learned from.

    Parameters
    ----------
    subject
        Person of each recording.
    shares
        Of the subjects, by part.
    """
    people = sorted(set(subject.values()), key=lambda who: _chance(who, seed))
    part: dict[str, str] = {}
    for name, share in shares.items():
        left = [who for who in people if who not in part]
        part |= dict.fromkeys(left[: max(1, round(share * len(people)))], name)
    return SubjectSplit(dict(subject), {name: part.get(who, FIT) for name, who in subject.items()})


def _chance(name: str, seed: int) -> float:
    """A number from 0 to 1 that hangs on a name and the seed alone."""
    return int(hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()[:8], 16) / 2**32

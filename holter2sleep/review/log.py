"""The log of edits on disk: only ever added to, one writer at a time, each line on the disk before anything is said."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from holter2sleep.counted import counted
from holter2sleep.edits import KINDS, LOG, Edit, read_edits
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.locks import wait_for
from holter2sleep.phenotypes.files import read_run, root_sha256

LONGEST_WHO = 100  # characters


class Overtaken(UsageError):
    """Someone else has edited the night since the one who edits has last looked."""


@dataclass(frozen=True)
class Change:
    """What is to become an edit: all of it but its number, who made it and when."""

    kind: str
    target: dict[str, Any]
    before: Any
    after: Any

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind {self.kind!r}; known: {', '.join(KINDS)}")


Make = Callable[[tuple[Edit, ...]], list[Change]]  # the edits so far -> what comes behind them


def append(folder: Path, who: str, make: Make, known: int | None = None) -> tuple[Edit, ...]:
    """Add what `make` gives to the log of a night, in one write that is on the disk when this returns.

    `known` is the number of the last edit that the one who edits has seen; None for whatever is there.

    Raises
    ------
    Overtaken
        The log holds edits beyond `known`.
    UsageError
        `who` is no name; whatever `make` refuses.
    RecordingError
        The log is broken.
    """
    who = checked_name(who)
    with alone(folder) as file:
        edits = read_edits(folder, root := root_sha256(folder))
        if known is not None and known != len(edits):
            raise Overtaken(_overtaken_words(edits, known))
        when = datetime.now(UTC).isoformat(timespec="milliseconds")
        new: list[Edit] = []
        for change in make(edits):
            last = new[-1] if new else edits[-1] if edits else None
            new.append(
                Edit(
                    number=last.number + 1 if last else 1,
                    who=who,
                    when=when,
                    **vars(change),
                    before_sha256=last.sha256 if last else root,
                )
            )
        file.write("".join(f"{edit.line}\n" for edit in new).encode())
        file.flush()
        os.fsync(file.fileno())
    return tuple(new)


def verified(folder: Path) -> tuple[Edit, ...]:
    """The edits of a night; the chain is whole, and the log holds all that the tables were made from.

    Raises
    ------
    RecordingError
        A line is broken, or lines are missing at the end.
    """
    edits = read_edits(folder, root_sha256(folder))
    made_from = (read_run(folder) or {}).get("edits") or {"n_lines": 0, "sha256": None}
    n = made_from["n_lines"]
    if n > len(edits) or (n and edits[n - 1].sha256 != made_from["sha256"]):
        raise RecordingError(
            f"{folder / LOG}: {counted(len(edits), 'edit')}, and run.json was made from {n}, the last with "
            f"another hash: the end of the log is missing or was replaced. Put back a copy of it"
        )
    return edits


def checked_name(who: str) -> str:
    """A name that can be logged.

    Raises
    ------
    UsageError
        Empty, too long, or with signs that are none of writing.
    """
    name = " ".join(who.split())
    if not 0 < len(name) <= LONGEST_WHO or not name.isprintable():
        raise UsageError(f"--who {who[:LONGEST_WHO]!r}: expected the name of who edits, 1 to {LONGEST_WHO} letters")
    return name


def _overtaken_words(edits: tuple[Edit, ...], known: int) -> str:
    others = sorted({edit.who for edit in edits[known:]})
    by = f" by {', '.join(others)}" if others else ""
    return (
        f"the log holds {counted(len(edits), 'edit')}{by}, and {known} were known here: look at what has changed, "
        f"and do it again if it still holds"
    )


@contextmanager
def alone(folder: Path) -> Iterator[IO[bytes]]:
    """The log of a night, opened for adding to, while nobody else has it so.

    A night that is recomputed takes the place of the old folder, log and all: who waited for the old one asks again.
    """
    path = folder / LOG
    while True:
        with path.open("ab") as file:
            wait_for(file)
            if path.is_file() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                yield file
                return

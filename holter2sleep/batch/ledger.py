"""The ledger: what became of each night, in files of JSON lines that are only ever appended to.

Every run writes a file of its own in `OUT/batch/runs/`, so that shards on many machines never wait for one another: a
database in one file cannot be shared over a network disk (sqlite.org/wal.html, 2: all processes on one host), lines in
files of one writer each can. A line is one write; a kill loses at most the line that is being written, and a torn line
is passed over. The latest line of a night counts.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from holter2sleep.errors import OutputError, UsageError
from holter2sleep.locks import is_locked, wait_for
from holter2sleep.phenotypes.files import machine

DONE, FAILED = "done", "failed"


@dataclass(frozen=True, slots=True)
class Failure:
    """A row of `failures.csv`."""

    recording_id: str
    step: str
    error: str
    message: str


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one row of a manifest."""

    recording_id: str
    status: str  # done or failed
    address: str  # what it was made from
    folders: tuple[str, ...] = ()  # of the nights
    summary: str | None = None  # folder of the summary over several nights
    exit_code: int = 0
    failures: tuple[Failure, ...] = ()
    traceback: str | None = None  # of a defect
    seconds: float | None = None
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())


@dataclass(frozen=True)
class Run:
    """One call of `batch`: who writes, and which nights are its own."""

    file: Path
    started: str
    machine: str
    pid: int
    version: str
    manifest_sha256: str
    shard: tuple[int, int]
    is_live: bool = False

    def excludes(self, other: Run) -> bool:
        """Whether both could write the same night: only different parts of one manifest never do."""
        same = (self.manifest_sha256, self.shard[1]) == (other.manifest_sha256, other.shard[1])
        return not (same and self.shard[0] != other.shard[0])


def runs_folder(out: Path) -> Path:
    """Folder of the ledger's files."""
    return out / "batch" / "runs"


class Ledger:
    """The file of one run, open for as long as the run lives; its lock tells others that it does."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def add(self, record: Record) -> None:
        """Write what became of a night.

        Raises
        ------
        OutputError
            The disk is full, or gone.
        """
        _write(self._file, dataclasses.asdict(record))


@contextmanager
def open_ledger(out: Path, run_facts: dict[str, Any]) -> Iterator[Ledger]:
    """A new file in the ledger of a folder.

    Raises
    ------
    UsageError
        A run that lives writes the same nights into this folder.
    """
    folder = runs_folder(out)
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    path = folder / f"{now:%Y%m%dT%H%M%S%f}-{machine()}-{os.getpid()}.jsonl"
    run = Run(path, now.isoformat(), machine(), os.getpid(), **run_facts)
    with path.open("xb", buffering=0) as file:
        with (folder / "lock").open("ab") as door:
            wait_for(door)  # two runs that begin at once see each other one after the other
            _refuse_twins(run, read_runs(out))
            wait_for(file)
            facts = dataclasses.asdict(run)
            _write(file, {"run": {name: value for name, value in facts.items() if name not in ("file", "is_live")}})
        yield Ledger(file)


def _refuse_twins(run: Run, others: list[Run]) -> None:
    for other in others:
        if other.is_live and run.excludes(other):
            run.file.unlink(missing_ok=True)
            part, of = other.shard
            raise UsageError(
                f"{run.file.parents[2]}: another batch (process {other.pid} on {other.machine}, since "
                f"{other.started[:16]} UTC) is writing shard {part}/{of} here; wait for it, or give another shard of "
                f"the same manifest and number, or another --out"
            )


def _write(file: IO[bytes], facts: dict[str, Any]) -> None:
    line = json.dumps(facts, ensure_ascii=True, allow_nan=False).encode() + b"\n"
    try:
        n_written = file.write(line)  # to the system at once: a kill of this process loses nothing
    except OSError as error:
        raise _unwritable(file, error.strerror) from None
    if n_written != len(line):
        raise _unwritable(file, "the disk is full")


def _unwritable(file: IO[bytes], why: str | None) -> OutputError:
    return OutputError(f"{file.name}: the ledger cannot be written ({why}); make room, then the same command goes on")


# --- reading ---------------------------------------------------------------------------------------


def read_ledger(out: Path) -> dict[str, Record]:
    """The latest record of each night, by its id."""
    latest: dict[str, Record] = {}
    for path in sorted(runs_folder(out).glob("*.jsonl")):
        for facts in _lines(path):
            if "recording_id" in facts:
                record = _record(facts)
                known = latest.setdefault(record.recording_id, record)
                latest[record.recording_id] = max(known, record, key=lambda found: found.at)
    return latest


def read_runs(out: Path) -> list[Run]:
    """All runs, the first first; those whose process still writes are `is_live`."""
    return [run for path in sorted(runs_folder(out).glob("*.jsonl")) if (run := _run(path)) is not None]


def count_records(path: Path) -> int:
    """Nights that a run has ended so far, by its file."""
    return sum("recording_id" in facts for facts in _lines(path))


def _run(path: Path) -> Run | None:
    facts = next(_lines(path), {}).get("run")
    if facts is None:
        return None
    return Run(path, **{**facts, "shard": tuple(facts["shard"])}, is_live=is_locked(path))


def _record(facts: dict[str, Any]) -> Record:
    failures = tuple(Failure(**failure) for failure in facts["failures"])
    return Record(**{**facts, "folders": tuple(facts["folders"]), "failures": failures})


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:  # torn by a kill
                continue

"""How far a batch is, from its ledger alone."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep.batch.ledger import DONE, FAILED, Run, count_records, read_ledger, read_runs, runs_folder
from holter2sleep.cohort.members import MANIFEST
from holter2sleep.counted import counted
from holter2sleep.errors import UsageError
from holter2sleep.io.files import check_folder


@dataclass(frozen=True)
class RunStatus:
    """A call of `batch` that is at work."""

    shard: tuple[int, int]
    machine: str
    pid: int
    started: str
    n_ended: int  # of the nights it had to analyse, so far


@dataclass(frozen=True)
class Status:
    """Nights of the manifest that was given last, and who works on them."""

    n_nights: int
    n_done: int
    n_failed: int
    n_waiting: int
    errors: dict[str, int]  # how many nights each error cost
    running: tuple[RunStatus, ...]
    left_s: float | None  # estimate, while somebody works

    def as_json(self) -> dict[str, Any]:
        """As it is printed by `--json`."""
        return dataclasses.asdict(self)


def batch_status(out: Path) -> Status:
    """Where a batch stands.

    Raises
    ------
    UsageError
        No batch has written into the folder.
    """
    check_folder(out, "give the folder of batch's --out")
    if not runs_folder(out).is_dir() or not (out / MANIFEST).is_file():
        raise UsageError(f"{out}: no batch has begun in this folder; give the one of its --out")
    names = pl.read_parquet(out / MANIFEST, columns=["recording_id"])["recording_id"]
    known = read_ledger(out)
    records = [known[name] for name in names if name in known]
    live = [run for run in read_runs(out) if run.is_live]
    n_done = sum(record.status == DONE for record in records)
    n_failed = sum(record.status == FAILED for record in records)
    n_waiting = len(names) - len(records)
    ended = [count_records(run.file) for run in live]
    return Status(
        len(names),
        n_done,
        n_failed,
        n_waiting,
        dict(Counter(failure.error for record in records for failure in record.failures)),
        tuple(RunStatus(run.shard, run.machine, run.pid, run.started, n) for run, n in zip(live, ended, strict=True)),
        _left_s(live, ended, n_waiting),
    )


def _left_s(live: Sequence[Run], ended: Sequence[int], n_waiting: int) -> float | None:
    """Nights that wait, by the nights that all living runs together end in a second."""
    now = datetime.now(UTC)
    rates = [
        n / max((now - datetime.fromisoformat(run.started)).total_seconds(), 1.0)
        for run, n in zip(live, ended, strict=True)
    ]
    return n_waiting / sum(rates) if sum(rates) > 0 else None


def as_text(status: Status) -> str:
    """For a person to read."""
    lines = [
        f"{counted(status.n_nights, 'night')}: {status.n_done} done, {status.n_failed} failed, "
        f"{status.n_waiting} not ended yet",
        *(f"  {error}: {n}" for error, n in sorted(status.errors.items())),
        *(
            f"process {run.pid} on {run.machine} since {run.started[:16]} UTC: shard {run.shard[0]}/{run.shard[1]}, "
            f"{counted(run.n_ended, 'night')} ended"
            for run in status.running
        ),
    ]
    if not status.running:
        lines.append("nobody works on it" + ("; the same command goes on" if status.n_waiting else ""))
    elif status.left_s is not None:
        lines.append(f"about {duration_text(status.left_s)} left")
    return "\n".join(lines)


def duration_text(seconds: float) -> str:
    """A length of time in the largest unit that fits.

    Examples
    --------
    >>> duration_text(42), duration_text(600), duration_text(3 * 3600)
    ('42 s', '10 min', '3.0 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

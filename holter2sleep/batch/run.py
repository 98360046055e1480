"""A batch from manifest to exit code: check, plan, analyse, record."""

from __future__ import annotations

import io
import logging
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep import __version__
from holter2sleep.batch.cluster import connect, run_on_cluster
from holter2sleep.batch.failures import write_failures
from holter2sleep.batch.ledger import DONE, FAILED, Failure, Ledger, Record, open_ledger, read_ledger
from holter2sleep.batch.limits import Limits
from holter2sleep.batch.local import Answer, run_local
from holter2sleep.batch.manifest import BadRow, Manifest, read_manifest
from holter2sleep.batch.night import Task, analyse
from holter2sleep.batch.plan import Plan, in_shard, plan_of
from holter2sleep.batch.worker import Lost, Work
from holter2sleep.cohort.members import MANIFEST
from holter2sleep.counted import counted
from holter2sleep.errors import UsageError
from holter2sleep.folders import check_writable
from holter2sleep.io.files import sha256_of
from holter2sleep.phenotypes.files import sweep_leftovers
from holter2sleep.privacy import is_pseudonym, pseudonym
from holter2sleep.request import AUTO, Request
from holter2sleep.sleep.staging import get_stager
from holter2sleep.whole_files import write_bytes

BAD_ROW_CODE = UsageError.exit_code  # of a row that was left out


@dataclass(frozen=True)
class BatchOptions:
    """How the nights are worked off."""

    jobs: int = 1
    shard: tuple[int, int] = (1, 1)
    scheduler: str | None = None
    limits: Limits = field(default_factory=Limits)
    retry_failed: bool = False
    verify: bool = False
    skip_bad_rows: bool = False
    log_level: int = logging.ERROR


@dataclass(frozen=True)
class Tally:
    """What became of the nights of this call."""

    n_done: int
    n_failed: int
    n_kept: int  # of both, as they were found
    n_bad_rows: int
    exit_code: int


Shown = Callable[[Record], None]


def checked_manifest(path: Path, request: Request, skip_bad_rows: bool, tell: Callable[[str], None]) -> Manifest:
    """The manifest, every bad row of which is told.

    Raises
    ------
    UsageError
        It has bad rows, which `skip_bad_rows` does not allow, or no good one.
    """
    manifest = read_manifest(path, request.tz)
    for row in manifest.bad:
        tell(f"{path.name}, {row}")
    n_bad, n = len(manifest.bad), len(manifest.bad) + len(manifest.rows)
    if n_bad and not (skip_bad_rows and manifest.rows):
        works = "mend them, or leave them out with --skip-bad-rows" if manifest.rows else "mend them"
        raise UsageError(f"{path.name}: {n_bad} of {counted(n, 'row')} cannot be used, so nothing was run; {works}")
    return manifest


def run_batch(
    path: Path,
    manifest: Manifest,
    request: Request,
    options: BatchOptions,
    begin: Callable[[int, int], Shown],
    work: Work = analyse,
) -> Tally:
    """Analyse what a manifest asks for and is not there yet; each night's end is in the ledger before it is shown.

    Parameters
    ----------
    path, manifest
        The manifest, and its rows as `checked_manifest` gives them.
    request
        What is asked for all nights; `out` is the folder of the cohort.
    begin
        Told the number of nights to analyse and that of nights that need not be; gives what is told each record.
    work
        What is done with each task.

    Raises
    ------
    UsageError
        Another batch writes the same nights into the folder, no scheduler answers, or no stager has the name.
    WeightsError
        The stager that is asked for lacks its weights.
    OutputError
        The ledger cannot be written.
    """
    if request.recipe.staging.stager != AUTO:
        get_stager(request.recipe.staging.stager)  # what every night would fail with is told before the first
    check_writable(request.out)
    sweep_leftovers(request.out)
    rows = in_shard(manifest.rows, options.shard)
    facts = {"version": __version__, "manifest_sha256": sha256_of([path]), "shard": options.shard}
    with open_ledger(request.out, facts) as ledger:
        _write_columns(manifest, request)
        plan = plan_of(rows, request, read_ledger(request.out), options.retry_failed, options.verify)
        _write_failures(manifest, request, {task.recording_id for task in plan.tasks})
        try:
            ended = _work_off(plan, options, work, ledger, begin(len(plan.tasks), len(plan.kept)))
        finally:
            _write_failures(manifest, request, set())
            sweep_leftovers(request.out)  # of nights that were stopped at a limit
    return _tally(ended, plan, manifest)


def _work_off(plan: Plan, options: BatchOptions, work: Work, ledger: Ledger, show: Shown) -> Counter[tuple[str, int]]:
    """Number of nights that ended with each status and exit code."""
    ended: Counter[tuple[str, int]] = Counter()
    with closing(_answers(plan, options, work)) as answers:
        for task, answer in answers:
            record = _lost(task, answer) if isinstance(answer, Lost) else answer
            ledger.add(record)
            ended[record.status, record.exit_code] += 1
            show(record)
    return ended


def _answers(plan: Plan, options: BatchOptions, work: Work) -> Generator[Answer, None, None]:
    if not plan.tasks:
        return
    if options.scheduler is None:
        yield from run_local(plan.tasks, work, options.jobs, options.limits, options.log_level)
        return
    with connect(options.scheduler) as client:
        yield from run_on_cluster(plan.tasks, work, client, options.limits)


def _lost(task: Task, lost: Lost) -> Record:
    failure = Failure(task.recording_id, "analysis", lost.error, lost.message)
    return Record(task.recording_id, FAILED, task.address, exit_code=1, failures=(failure,))


def _tally(ended: Counter[tuple[str, int]], plan: Plan, manifest: Manifest) -> Tally:
    """Counts, by status and exit code, of the nights that have ended now and before."""
    counts = ended + Counter((record.status, record.exit_code) for record in plan.kept)
    codes = [code for _, code in counts] + [BAD_ROW_CODE] * bool(manifest.bad)
    n_done, n_failed = (sum(n for (status, _), n in counts.items() if status == which) for which in (DONE, FAILED))
    return Tally(n_done, n_failed, len(plan.kept), len(manifest.bad), max(codes, default=0))


def _write_columns(manifest: Manifest, request: Request) -> None:
    """The columns that travel along, for the tables of the cohort; under pseudonyms where those are asked for."""
    table, key = manifest.columns, request.key
    if key is not None:
        names = [name for name in ("recording_id", "subject_id") if name in table.columns]
        table = table.with_columns(pl.Series(name, [_veiled(key, value) for value in table[name]]) for name in names)
    content = io.BytesIO()
    table.write_parquet(content)
    path = request.out / MANIFEST
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, content.getvalue())


def _write_failures(manifest: Manifest, request: Request, without: set[str]) -> None:
    """Failures of the manifest's nights, of all shards: what else the folder once held is not of this cohort."""
    known = read_ledger(request.out)
    names = (row.request(request).name_of(row.path) for row in manifest.rows)
    records = [known[name] for name in names if name in known and name not in without]
    write_failures(request.out, records, [_veiled_row(row, request.key) for row in manifest.bad])


def _veiled_row(row: BadRow, key: bytes | None) -> BadRow:
    """A bad row as it may be written; what it says of a night may name a person."""
    if key is None:
        return row
    return BadRow(row.line, _veiled(key, row.recording_id), f"row {row.line} of the manifest cannot be used")


def _veiled(key: bytes, value: Any) -> str | None:
    return value if value is None or is_pseudonym(value) else pseudonym(key, value)

"""Which nights of a manifest there is something to do for."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from holter2sleep.batch.address import content_address, method_address
from holter2sleep.batch.ledger import FAILED, Record
from holter2sleep.batch.manifest import Row
from holter2sleep.batch.night import Task
from holter2sleep.folders import night_files
from holter2sleep.phenotypes.person import PERSON_FILES
from holter2sleep.request import Request


@dataclass(frozen=True)
class Plan:
    """Nights to analyse, and what is known of those that need not be."""

    tasks: tuple[Task, ...]
    kept: tuple[Record, ...]


def in_shard(rows: Sequence[Row], shard: tuple[int, int]) -> tuple[Row, ...]:
    """Every n-th row from the i-th on: the shards 1/n to n/n hold each row once, and are as long as one another."""
    part, of = shard
    return tuple(rows[part - 1 :: of])


def plan_of(
    rows: Sequence[Row], of_all: Request, known: Mapping[str, Record], retry_failed: bool, verify: bool
) -> Plan:
    """A night is kept when it was made from the same, and its files are there; a failure from the same is one again.

    `retry_failed` tries failed nights again; `verify` has the content of all finished ones compared.
    """
    method, of_all = method_address(of_all), dataclasses.replace(of_all, renew=True)
    tasks, kept = [], []
    for row in rows:
        asked = row.request(of_all)
        name, address = asked.name_of(row.path), content_address(row, asked, method)
        record = known.get(name)
        if record is not None and record.address == address and _is_settled(record, of_all, retry_failed, verify):
            kept.append(record)
        else:
            tasks.append(Task(name, row, of_all, address))
    return Plan(tuple(tasks), tuple(kept))


def _is_settled(record: Record, of_all: Request, retry_failed: bool, verify: bool) -> bool:
    return not (retry_failed if record.status == FAILED else verify or not _is_whole(record, of_all))


def _is_whole(record: Record, of_all: Request) -> bool:
    """Whether all files of the night are still there."""
    folders = dict.fromkeys(record.folders, night_files(of_all))
    if record.summary is not None:
        folders[record.summary] = PERSON_FILES
    return all(files <= _names_in(of_all.out / name) for name, files in folders.items())


def _names_in(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))  # noqa: PTH208  names alone, for 100,000 folders
    except OSError:
        return set()

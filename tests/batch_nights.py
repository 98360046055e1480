"""Nights of a batch that are told as done without being analysed, but for one that never ends."""

from __future__ import annotations

import time

from holter2sleep.batch.ledger import DONE, Record
from holter2sleep.batch.night import Task
from holter2sleep.phenotypes.files import fill_folder


def done_at_once(task: Task) -> Record:
    """A night without work."""
    return Record(task.recording_id, DONE, task.address, (task.recording_id,))


def hang_on_n1(task: Task) -> Record:
    """Likewise, but for the night n1, which hangs while its folder is written."""
    if task.recording_id == "n1":
        fill_folder(task.of_all.out / "n1", lambda _new: time.sleep(3600))
    return done_at_once(task)

"""One night of a batch: analysed, or the failure told. The one place where any exception is caught."""

from __future__ import annotations

import time
import traceback
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from holter2sleep import __version__
from holter2sleep.batch.ledger import DONE, FAILED, Failure, Record
from holter2sleep.batch.manifest import Row
from holter2sleep.errors import Holter2SleepError, UsageError
from holter2sleep.phenotypes.files import read_run
from holter2sleep.privacy import veiled_logs, without_names
from holter2sleep.request import Request
from holter2sleep.run import Outcome, analyze_into

ERROR_OF_CODE = {kind.exit_code: kind.__name__ for kind in Holter2SleepError.__subclasses__()}
_LONGEST = 1000  # characters of a message


@dataclass(frozen=True, slots=True)
class Task:
    """A night to analyse."""

    recording_id: str  # as it may be shown
    row: Row
    of_all: Request
    address: str
    version: str = __version__  # of the one who asks


def analyse(task: Task) -> Record:
    """What became of the night; never raises."""
    steps: list[str] = ["read"]
    path, request = task.row.path, task.row.request(task.of_all)
    names, begun = request.veil(path), time.perf_counter()
    try:
        if task.version != __version__:
            raise UsageError(f"version {__version__} here, {task.version} where batch runs: install the same")
        with veiled_logs(names) if names else nullcontext():
            outcome = analyze_into(path, request, steps.append)
        return _made(task, outcome, time.perf_counter() - begun)
    except Exception as error:
        return _failed(task, steps[-1], error, time.perf_counter() - begun, names)


def _failed(task: Task, step: str, error: Exception, seconds: float, names: dict[str, str]) -> Record:
    """A finding of ours in its own words; a defect with its traceback, unless that may hold a name."""
    is_ours = isinstance(error, Holter2SleepError)
    told = str(error) if is_ours else f"{error} (a defect of ours)"
    failure = Failure(
        task.recording_id, step, type(error).__name__, _line(without_names(told, names) if names else told)
    )
    return Record(
        task.recording_id,
        FAILED,
        task.address,
        exit_code=error.exit_code if isinstance(error, Holter2SleepError) else 1,
        failures=(failure,),
        traceback=None if is_ours or names else "".join(traceback.format_exception(error)),
        seconds=round(seconds, 3),
    )


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]


def _made(task: Task, outcome: Outcome, seconds: float) -> Record:
    """The folders of a night, or of each night of a longer recording with what became of the others."""
    code = outcome.exit_code
    nights = (read_run(outcome.folder) or {}).get("nights")
    if nights is None:  # one night, in the folder that is named
        nights = [{"recording_id": outcome.folder.name, "message": outcome.text if code else None, "exit_code": code}]
        summary = None
    else:
        summary = outcome.folder.name
    made = tuple(night["recording_id"] for night in nights if not night["exit_code"])
    failures = tuple(_failure(night) for night in nights if night["exit_code"])
    status = FAILED if code else DONE
    return Record(task.recording_id, status, task.address, made, summary, code, failures, seconds=round(seconds, 3))


def _failure(night: dict[str, Any]) -> Failure:
    error = ERROR_OF_CODE.get(night["exit_code"], "Exception")
    return Failure(night["recording_id"], "night", error, _line(night["message"]))

"""A night while a person looks at it: what it holds now, and what may be done to it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from holter2sleep.edits import CONFIRM, UNDO, Edit, changes_in_force, in_force
from holter2sleep.errors import Holter2SleepError, RecordingError, UsageError
from holter2sleep.review.apply import Editable, apply
from holter2sleep.review.ask import change_of
from holter2sleep.review.derive import editable_of
from holter2sleep.review.log import Change, append, checked_name, verified
from holter2sleep.review.pieces import Pieces
from holter2sleep.review.recompute import is_behind, read_source, recompute

log = logging.getLogger(__name__)

IDLE, RUNNING = "idle", "running"
TRIES, REPLACED_S = 5, 0.05  # two moves of a folder take less
T = TypeVar("T")


class Session:
    """One night, its log and its waveform; who may edit it is given once, or nobody may."""

    def __init__(self, folder: Path, who: str | None, recording: Path | None = None) -> None:
        self.folder, self.who, self._recording = folder, who and checked_name(who), recording
        self.source = source = read_source(folder, recording)
        self.pieces = None if source.ecg is None else Pieces(source.ecg, float(source.machine.run["fs"]))
        self._lock = threading.Lock()
        self._edits: tuple[Edit, ...] = ()
        self._tables = editable_of(source.machine)
        self.work: dict[str, str] = {"state": IDLE, "step": "", "error": ""}
        self.refresh()

    @property
    def now(self) -> tuple[Editable, tuple[Edit, ...]]:
        """The tables as they stand, and the log they stand by."""
        with self._lock:
            return self._tables, self._edits

    def refresh(self) -> None:
        """Read the log again: another may have added to it."""
        edits = _patiently(lambda: verified(self.folder))
        tables = self._tables_after(edits)
        with self._lock:
            self._tables, self._edits = tables, edits

    def _tables_after(self, edits: tuple[Edit, ...]) -> Editable:
        """The tables after the edits; those that are applied already are not applied again."""
        tables, known = self.now
        if edits[: len(known)] == known:
            return apply(tables, edits[len(known) :])
        return apply(editable_of(self.source.machine), edits)

    def edit(self, asked: dict[str, Any], known: int) -> Edit:
        """Log one edit, made by somebody who has seen the log up to line `known`.

        Raises
        ------
        UsageError
            Nobody was named; the edit cannot be made; others were faster (`Overtaken`).
        """
        who, duration_s = self.who, self.source.machine.run["duration_s"]
        if who is None:
            raise UsageError("only looking: start `holter2sleep review` with --who NAME to edit")

        def make(edits: tuple[Edit, ...]) -> list[Change]:
            return [change_of(asked, self._tables_after(edits), edits, duration_s)]

        (new,) = _patiently(lambda: append(self.folder, who, make, known))
        self.refresh()
        return new

    def begin_recompute(self) -> None:
        """Recompute in the background; `work` says how far it is."""
        if self.who is None:
            raise UsageError("only looking: start `holter2sleep review` with --who NAME to recompute")
        with self._lock:
            if self.work["state"] == RUNNING:
                raise UsageError("the night is being recomputed already")
            self.work = {"state": RUNNING, "step": "begin", "error": ""}
        threading.Thread(target=self._recompute).start()

    def _recompute(self) -> None:
        error = ""
        try:
            # a waveform of its own: that of the page is read meanwhile
            recompute(self.folder, read_source(self.folder, self._recording), lambda step: self.work.update(step=step))
        except Holter2SleepError as refused:
            error = str(refused)
        except Exception as defect:  # told on the page, which would wait for ever otherwise
            log.exception("recompute")
            error = f"{type(defect).__name__}: {defect} (a defect of ours)"
        self.work = {"state": IDLE, "step": "", "error": error}

    def is_behind(self) -> bool:
        """Whether the tables on the disk are older than the log."""
        return is_behind(self.folder, self.now[1])


def _patiently(read: Callable[[], T]) -> T:
    """What is read, after a moment where the folder was just being replaced by a recomputed one."""
    for _ in range(TRIES):
        try:
            return read()
        except (FileNotFoundError, RecordingError):
            time.sleep(REPLACED_S)
    return read()


def next_undo(edits: Sequence[Edit]) -> int | None:
    """The edit that an undo takes back: the last that holds."""
    holding = changes_in_force(edits)
    return holding[-1].number if holding else None


def next_redo(edits: Sequence[Edit]) -> int | None:
    """The undo that a redo takes back: the last of those behind the last new edit; None where there is none."""
    holding = in_force(edits)
    for edit in reversed(edits):
        if edit.kind != UNDO:
            return None
        if edit.number in holding and edits[edit.target["number"] - 1].kind != UNDO:
            return edit.number
    return None


def looked_at(edits: Sequence[Edit]) -> dict[str, dict[Any, Edit]]:
    """The last edit or look that holds, of beats by time, episodes by kind and start, epochs by number."""
    found: dict[str, dict[Any, Edit]] = {"beats": {}, "episodes": {}, "epochs": {}}
    for edit in changes_in_force(edits):
        target = edit.target
        if "time_s" in target:
            found["beats"][target["time_s"]] = edit
        elif "first_epoch" in target:
            found["epochs"] |= dict.fromkeys(range(target["first_epoch"], target["last_epoch"] + 1), edit)
        elif "episode" in target:
            row = target if edit.kind == CONFIRM or edit.after is None else edit.after
            found["episodes"][row.get("kind", row.get("episode")), row["start_s"]] = edit
    return found

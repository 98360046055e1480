"""A night while a person looks at it: what it holds now, and what may be done to it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from holter2sleep.edits import CONFIRM, UNDO, Edit, changes_in_force, in_force
from holter2sleep.errors import Holter2SleepError, UsageError
from holter2sleep.review.apply import Editable, apply
from holter2sleep.review.ask import change_of
from holter2sleep.review.derive import editable_of
from holter2sleep.review.log import append, checked_name, verified
from holter2sleep.review.pieces import Pieces
from holter2sleep.review.recompute import is_behind, read_source, recompute

log = logging.getLogger(__name__)

IDLE, RUNNING = "idle", "running"


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
        edits = verified(self.folder)
        with self._lock:
            if edits[: len(self._edits)] == self._edits:
                self._tables = apply(self._tables, edits[len(self._edits) :])
            else:
                self._tables = apply(editable_of(self.source.machine), edits)
            self._edits = edits

    def edit(self, asked: dict[str, Any], known: int) -> Edit:
        """Log one edit, made by somebody who has seen the log up to line `known`.

        Raises
        ------
        UsageError
            Nobody was named; the edit cannot be made; others were faster (`Overtaken`).
        """
        if self.who is None:
            raise UsageError("only looking: start `holter2sleep review` with --who NAME to edit")
        self.refresh()
        tables, duration_s = self.now[0], self.source.machine.run["duration_s"]
        (new,) = append(self.folder, self.who, lambda edits: [change_of(asked, tables, edits, duration_s)], known)
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

"""What a person changed in a night: one line of `edits.jsonl` each, chained by hashes, never removed.

A line holds what stood there before and what stands there after, so that applying needs no other line. An undo is a
line of its own, with the two the other way round. Each line ends with the hash of its own text, in which the hash of
the line before stands: a byte that is changed anywhere breaks the chain there. The first line is chained to the
tables it was made on.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from holter2sleep.clock import Clock
from holter2sleep.errors import RecordingError

LOG = "edits.jsonl"
MACHINE = "machine"  # folder beside the log: what the program alone had made
UNDO = "undo"
BEAT_KINDS = ("beat_relabel", "beat_add", "beat_delete")
EPISODE_KINDS = ("episode_add", "episode_change", "episode_delete")
STAGE, NOTE, CONFIRM = "stage", "note", "confirm"
KINDS = (*BEAT_KINDS, *EPISODE_KINDS, STAGE, NOTE, CONFIRM, UNDO)

Facts = dict[str, Any]


@dataclass(frozen=True)
class Edit:
    """One line of the log."""

    number: int  # from 1, without a gap
    who: str  # as given; the program does not know who it is
    when: str  # UTC, ISO 8601
    kind: str  # of KINDS
    target: Facts  # what was changed; of an undo the number of the line too, and `of`, the kind of it
    before: Any  # None where nothing was
    after: Any
    before_sha256: str  # hash of the line before

    @property
    def of(self) -> str:
        """The kind of change; that of an undo is the kind it takes back."""
        return str(self.target["of"]) if self.kind == UNDO else self.kind

    @property
    def sha256(self) -> str:
        """Hash of the line, the next one's `before_sha256`."""
        return hashlib.sha256(_dumps(asdict(self)).encode()).hexdigest()

    @property
    def line(self) -> str:
        """The one text of this edit."""
        return _dumps({**asdict(self), "sha256": self.sha256})

    @classmethod
    def of_line(cls, line: str) -> Self:
        """The edit of a line.

        Raises
        ------
        ValueError
            No such line, or not written as `line` writes it.
        """
        facts = json.loads(line)
        told = facts.pop("sha256", None) if isinstance(facts, dict) else None
        try:
            edit = cls(**facts)
        except TypeError:
            raise ValueError("no edit") from None
        if told != edit.sha256 or edit.line != line:
            raise ValueError("its hash is not that of its text")
        return edit


def _dumps(facts: Facts) -> str:
    return json.dumps(facts, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def read_edits(folder: Path, root_sha256: str) -> tuple[Edit, ...]:
    """The edits of a night in order, none where there is no log; the chain is checked.

    Raises
    ------
    RecordingError
        A line is broken, does not follow the one before, or the first does not belong to the tables of the night.
    """
    path = folder / LOG
    content = path.read_bytes() if path.is_file() else b""
    edits: list[Edit] = []
    for number, raw in enumerate(content.split(b"\n")[:-1], start=1):
        edits.append(_checked(raw, number, edits[-1].sha256 if edits else root_sha256, path))
    if content and not content.endswith(b"\n"):
        raise _broken(path, len(edits) + 1, "it has no end: its writing was cut short")
    return tuple(edits)


def _checked(raw: bytes, number: int, before_sha256: str, path: Path) -> Edit:
    try:
        edit = Edit.of_line(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _broken(path, number, str(error)) from None
    if edit.before_sha256 != before_sha256:
        follows = "it does not follow the line before" if number > 1 else "it was made on other tables than these"
        raise _broken(path, number, follows)
    if edit.number != number or edit.kind not in KINDS:
        raise _broken(path, number, f"it is number {edit.number} of kind {edit.kind!r}")
    return edit


def _broken(path: Path, number: int, found: str) -> RecordingError:
    return RecordingError(
        f"{path}, line {number}: {found}; the log was changed by something else than `holter2sleep review`. Put back a "
        f"copy of it, or analyse the night anew (analyze --overwrite keeps the log as it is beside the tables)"
    )


# --- which edits hold -------------------------------------------------------------------------------


def in_force(edits: Iterable[Edit]) -> dict[int, Edit]:
    """The edits that hold, by number: those that no undo which holds itself takes back."""
    undone: set[int] = set()
    holding = {}
    for edit in sorted(edits, key=lambda edit: -edit.number):
        if edit.number in undone:
            continue
        holding[edit.number] = edit
        if edit.kind == UNDO:
            undone.add(edit.target["number"])
    return holding


def changes_in_force(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The edits that hold, in order, without the undos."""
    holding = in_force(edits)
    return tuple(holding[number] for number in sorted(holding) if holding[number].kind != UNDO)


# --- in words ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """An edit in words."""

    what: str
    before: str
    after: str


def told(edit: Edit, clock: Clock | None) -> Told:
    """What was changed, from what, to what; times by the clock where it is known."""
    what = f"{edit.of.replace('_', ' ')}{_place(edit.target, clock)}"
    if edit.kind == UNDO:
        what = f"undo of {edit.target['number']}: {what}"
    return Told(what, _value(edit.before, edit.target, clock), _value(edit.after, edit.target, clock))


def _place(target: Facts, clock: Clock | None) -> str:
    if "time_s" in target:
        return f" at {time_text(target['time_s'], clock)}"
    if "first_epoch" in target:
        return f", epochs {target['first_epoch']} to {target['last_epoch']}"
    if "start_s" in target:
        kind = f" {target['episode']}" if "episode" in target else ""
        return f"{kind}, {time_text(target['start_s'], clock)} to {time_text(target['end_s'], clock)}"
    return ""


def time_text(seconds: float, clock: Clock | None) -> str:
    """A time of the night to the hundredth of a second: by the clock, or from the start."""
    if clock is not None:
        return f"{clock.at(round(seconds, 2)):%H:%M:%S.%f}"[:-4]
    hours, rest = divmod(round(seconds, 2), 3600)
    return f"{int(hours)}:{int(rest // 60):02d}:{rest % 60:05.2f} from start"


def _value(value: Any, target: Facts, clock: Clock | None) -> str:
    """A row, stages or a text in words; the ends of an episode only where they are not those of the target."""
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(f"{n} {stage}" for stage, n in Counter(value).items())
    if isinstance(value, dict) and "label" in value:
        return str(value["label"])
    if isinstance(value, dict):
        moved = (value["start_s"], value["end_s"]) != (target["start_s"], target["end_s"])
        ends = f" {time_text(value['start_s'], clock)} to {time_text(value['end_s'], clock)}" if moved else ""
        return f"{value['kind']}{ends}"
    return str(value)

"""An edit to the change that takes it back; only where the night is still as the edit left it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from holter2sleep.edits import BEAT_KINDS, EPISODE_KINDS, STAGE, UNDO, Edit, Facts, changes_in_force, in_force
from holter2sleep.errors import UsageError
from holter2sleep.review.apply import Editable, is_episode, without_episode
from holter2sleep.review.log import Change


def undo_of(number: int, night: Editable, edits: Sequence[Edit]) -> Change:
    """The change that takes an edit back.

    Raises
    ------
    UsageError
        The edit does not hold, or what it left was changed since.
    """
    undone = in_force(edits).get(number)
    if undone is None:
        raise UsageError(f"edit {number} does not hold any more, or there is none; `--list` shows which do")
    later = [other for other in changes_in_force(edits) if other.number > number and _touches(other, undone)]
    if later or not _stands(undone, night):
        by = f" by edit {later[-1].number}" if later else ""
        raise UsageError(f"what edit {number} left was changed since{by}; undo that first")
    place = {name: value for name, value in undone.target.items() if name not in ("number", "of")}
    return Change(UNDO, {"number": number, "of": undone.of, **place}, undone.after, undone.before)


def _stands(edit: Edit, night: Editable) -> bool:
    """Whether the night is, where an edit changed it, as the edit left it."""
    if edit.of in BEAT_KINDS:
        there = night.beats.filter(pl.col("time_s") == edit.target["time_s"]).to_dicts()
        return there == ([edit.after] if edit.after else [])
    if edit.of == STAGE:
        first, last = edit.target["first_epoch"], edit.target["last_epoch"]
        return bool(night.epochs["stage"][first : last + 1].to_list() == edit.after)
    if edit.of in EPISODE_KINDS:
        others = without_episode(night.episodes, edit.after) if edit.after else night.episodes
        stands = edit.after is None or edit.after in night.episodes.to_dicts()
        return stands and (edit.before is None or others.filter(is_episode(edit.before)).is_empty())
    return True


def _touches(one: Edit, other: Edit) -> bool:
    """Whether two edits change the same thing."""
    if one.of in BEAT_KINDS and other.of in BEAT_KINDS:
        return bool(one.target["time_s"] == other.target["time_s"])
    if one.of == other.of == STAGE:
        return bool(_overlap(one.target, other.target, "first_epoch", "last_epoch"))
    if one.of in EPISODE_KINDS and other.of in EPISODE_KINDS:
        rows = [[row for row in (edit.before, edit.after) if row] for edit in (one, other)]
        return any(a["kind"] == b["kind"] and _overlap(a, b, "start_s", "end_s") for a in rows[0] for b in rows[1])
    return False


def _overlap(one: Facts, other: Facts, first: str, last: str) -> bool:
    return bool(one[first] <= other[last] and other[first] <= one[last])

"""Tables and edits to edited tables: nothing but what the edits say is changed.

Each edit holds what was before and after, so that they are applied one behind the other, in any parts. What follows
from a change (the RR interval behind a deleted beat, an episode of beats) is found in `review.derive`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from holter2sleep.edits import BEAT_KINDS, EPISODE_KINDS, STAGE, Edit, changes_in_force
from holter2sleep.errors import RecordingError
from holter2sleep.night import Bool
from holter2sleep.phenotypes.epochs import BEAT_SCHEMA, EPISODE_SCHEMA

SAME_SHARE = 0.5  # of the shorter of two episodes of a kind: with as much in common they are one, whose ends moved

Row = dict[str, Any]


@dataclass(frozen=True)
class Editable:
    """The tables of a night that a person may edit."""

    beats: pl.DataFrame
    episodes: pl.DataFrame
    epochs: pl.DataFrame


def apply(tables: Editable, edits: Iterable[Edit]) -> Editable:
    """The tables after the edits, in order; undoing all of them gives the tables as they were.

    Raises
    ------
    RecordingError
        An edit changes a beat that is not there.
    """
    edits = tuple(edits)
    return replace(
        tables,
        beats=edit_beats(tables.beats, edits),
        episodes=edit_episodes(tables.episodes, edits),
        epochs=edit_stages(tables.epochs, edits),
    )


def edit_beats(beats: pl.DataFrame, edits: Iterable[Edit]) -> pl.DataFrame:
    """Beats relabelled, added and deleted."""
    ours = [edit for edit in edits if edit.of in BEAT_KINDS]
    if not ours:
        return beats
    named = {row["time_s"] for edit in ours for row in (edit.before, edit.after) if row}
    is_named = pl.col("time_s").is_in(list(named))
    now = {row["time_s"]: row for row in beats.filter(is_named).iter_rows(named=True)}
    for edit in ours:
        if edit.before and now.pop(edit.before["time_s"], None) is None:
            raise RecordingError(f"edit {edit.number}: there is no beat at {edit.before['time_s']:.3f} s")
        if edit.after:
            now[edit.after["time_s"]] = edit.after
    changed = pl.DataFrame(list(now.values()), schema=BEAT_SCHEMA)
    return pl.concat([beats.filter(~is_named), changed]).sort("time_s")


def edit_episodes(episodes: pl.DataFrame, edits: Iterable[Edit]) -> pl.DataFrame:
    """Episodes added, changed and deleted."""
    for edit in edits:
        if edit.of in EPISODE_KINDS:
            if edit.before:
                episodes = without_episode(episodes, edit.before)
            if edit.after:
                added = pl.DataFrame([edit.after], schema=EPISODE_SCHEMA)
                episodes = pl.concat([episodes, added]).sort("start_s", "kind", "end_s", maintain_order=True)
    return episodes


def without_episode(episodes: pl.DataFrame, row: Row) -> pl.DataFrame:
    """The episodes but this one: the very one, else those of its kind that have half of the shorter in common."""
    is_very = pl.all_horizontal(pl.col(name) == row[name] for name in ("kind", "start_s", "end_s"))
    return episodes.filter(~is_very if episodes.select(is_very.any()).item() else ~is_episode(row))


def is_episode(row: Row) -> pl.Expr:
    """Whether an episode is this one, or was before its ends moved."""
    start_s, end_s = pl.col("start_s"), pl.col("end_s")
    own_s = row["end_s"] - row["start_s"]
    common_s = pl.min_horizontal(end_s, pl.lit(row["end_s"])) - pl.max_horizontal(start_s, pl.lit(row["start_s"]))
    shorter_s = pl.min_horizontal(end_s - start_s, pl.lit(own_s))
    return (pl.col("kind") == row["kind"]) & (common_s >= SAME_SHARE * shorter_s) & (common_s >= 0)


def edit_stages(epochs: pl.DataFrame, edits: Iterable[Edit]) -> pl.DataFrame:
    """Epochs with other stages."""
    ours = [edit for edit in edits if edit.of == STAGE]
    if not ours:
        return epochs
    stage = epochs["stage"].to_list()
    for edit in ours:
        stage[edit.target["first_epoch"] : edit.target["last_epoch"] + 1] = edit.after
    return epochs.with_columns(pl.Series("stage", stage, dtype=pl.String))


def scored_by_hand(n_epochs: int, edits: Iterable[Edit]) -> Bool:
    """Epochs whose stage is a person's. array (n_epochs,)."""
    by_hand = np.zeros(n_epochs, bool)
    for edit in changes_in_force(edits):
        if edit.kind == STAGE:
            by_hand[edit.target["first_epoch"] : edit.target["last_epoch"] + 1] = True
    return by_hand

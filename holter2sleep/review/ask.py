"""What a person asks for to the change it is: checked against the night as it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

from holter2sleep.edits import (
    BEAT_KINDS,
    CONFIRM,
    EPISODE_KINDS,
    KINDS,
    NOTE,
    STAGE,
    UNDO,
    Edit,
)
from holter2sleep.errors import UsageError
from holter2sleep.night import EPOCH_S, SCHEMES
from holter2sleep.review.apply import Editable, apply, is_episode, without_episode
from holter2sleep.review.log import Change
from holter2sleep.review.undo import undo_of

NEAR_S = 0.150  # ANSI/AAMI EC57: beats pair within 150 ms
LEAST_RR_S = 0.150  # two beats nearer than that cannot both be beats
LONGEST_NOTE = 1000  # characters
MOST_NAMED = 5  # episodes that a refusal lists
LABELS = ("N", "S", "V", "F", "Q")
STAGES = SCHEMES["AASM5"]
EPISODES = (
    *("AFIB", "AFL", "SVTA", "VT", "IVR", "B", "T", "COUPLET_V", "COUPLET_S", "PAUSE", "BRADY", "TACHY"),
    *("BII", "BIII", "RESP", "CVHR", "SURGE"),
)

Asked = dict[str, Any]


def change_of(asked: Asked, night: Editable, edits: Sequence[Edit], duration_s: float) -> Change:
    """The change that is asked for.

    Parameters
    ----------
    asked
        `kind`, and by kind: beat_relabel, beat_add `time_s, label`; beat_delete `time_s`; episode_add,
        episode_delete `episode, start_s, end_s`; episode_change these and `new_episode, new_start_s, new_end_s`;
        stage `first_epoch, last_epoch, stage`; note `start_s, end_s, text`; confirm the fields of a beat, an episode
        or epochs; undo `number`.
    night, edits
        The tables as they stand, after the edits.
    duration_s
        Length of the recording.

    Raises
    ------
    UsageError
        Unknown kind, a field that is missing or of no use, a beat or an episode that is not there.
    """
    kind = asked.get("kind")
    if kind not in KINDS:
        raise UsageError(f"kind {kind!r}: expected one of {', '.join(KINDS)}")
    if kind in BEAT_KINDS:
        return _BEATS[kind](asked, night.beats, duration_s)
    if kind in EPISODE_KINDS:
        return _EPISODES[kind](asked, night, duration_s)
    if kind == UNDO:
        return undo_of(_whole(asked, "number", 1, max(1, len(edits))), night, edits)
    return {STAGE: _stage, NOTE: _note, CONFIRM: _confirm}[str(kind)](asked, night, duration_s)


def changes_of(
    many: Sequence[Asked], tables: Editable, edits: tuple[Edit, ...], duration_s: float, names: Callable[[int], str]
) -> list[Change]:
    """The changes of a list, each made on what the ones before leave; `names` says which one is refused.

    Raises
    ------
    UsageError
        One of them cannot be made; then none is.
    """
    night, all_edits, changes = apply(tables, edits), list(edits), []
    for i, asked in enumerate(many):
        try:
            change = change_of(asked, night, all_edits, duration_s)
        except UsageError as error:
            raise UsageError(f"{names(i)}: {error}") from None
        made = Edit(len(all_edits) + 1, "", "", **vars(change), before_sha256="")
        night = apply(night, [made])
        all_edits.append(made)
        changes.append(change)
    return changes


# --- fields ------------------------------------------------------------------------------------------


def _number(asked: Asked, name: str, low: float, high: float) -> float:
    value = asked.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise UsageError(f"{name} {value!r}: expected a number from {low:g} to {high:g}")
    return float(value)


def _whole(asked: Asked, name: str, low: int, high: int) -> int:
    value = _number(asked, name, low, high)
    if value != int(value):
        raise UsageError(f"{name} {value!r}: expected a whole number from {low} to {high}")
    return int(value)


def _one_of(asked: Asked, name: str, known: Sequence[str]) -> str:
    value = asked.get(name)
    if value not in known:
        raise UsageError(f"{name} {value!r}: expected one of {', '.join(known)}")
    return str(value)


def _span(asked: Asked, duration_s: float, prefix: str = "") -> tuple[float, float]:
    start_s = _number(asked, f"{prefix}start_s", 0.0, duration_s)
    end_s = _number(asked, f"{prefix}end_s", 0.0, duration_s)
    if not start_s < end_s:
        raise UsageError(f"{prefix}start_s {start_s:g} to {prefix}end_s {end_s:g}: expected a start before the end")
    return start_s, end_s


# --- beats -------------------------------------------------------------------------------------------


def _row_near(beats: pl.DataFrame, time_s: float) -> Asked:
    """The beat nearest to a time, and within 150 ms of it."""
    times = beats["time_s"].to_numpy()
    if len(times) == 0 or (away := np.abs(times - time_s)).min() > NEAR_S:
        raise UsageError(f"no beat within {1000 * NEAR_S:.0f} ms of {time_s:.3f} s")
    return beats.row(int(away.argmin()), named=True)


def by_person(label: str) -> Asked:
    """What a beat's row says once a person has named it: no confidence of ours, and no doubt."""
    return {"label": label, "confidence": None, "p_s": float(label == "S"), "p_v": float(label == "V")}


def _relabel(asked: Asked, beats: pl.DataFrame, duration_s: float) -> Change:
    row = _row_near(beats, _number(asked, "time_s", 0.0, duration_s))
    after = {**row, **by_person(_one_of(asked, "label", LABELS))}
    return Change("beat_relabel", {"time_s": row["time_s"]}, row, after)


def _add(asked: Asked, beats: pl.DataFrame, duration_s: float) -> Change:
    time_s = _number(asked, "time_s", 0.0, duration_s)
    times = beats["time_s"].to_numpy()
    if len(times) and np.abs(times - time_s).min() < LEAST_RR_S:
        raise UsageError(f"a beat is within {1000 * LEAST_RR_S:.0f} ms of {time_s:.3f} s already; relabel that one")
    row: Asked = dict.fromkeys(beats.columns)
    label = _one_of(asked, "label", LABELS)
    # whether its time can be trusted, and its height, are found where the night is recomputed
    after = {**row, "time_s": time_s, **by_person(label), "usable": True, "p_qrs": 1.0}
    return Change("beat_add", {"time_s": time_s}, None, after)


def _delete(asked: Asked, beats: pl.DataFrame, duration_s: float) -> Change:
    row = _row_near(beats, _number(asked, "time_s", 0.0, duration_s))
    if len(beats) <= 2:
        raise UsageError("a night needs two beats; these are the last")
    return Change("beat_delete", {"time_s": row["time_s"]}, row, None)


_BEATS = {"beat_relabel": _relabel, "beat_add": _add, "beat_delete": _delete}


# --- episodes ----------------------------------------------------------------------------------------


def _episode_row(kind: str, start_s: float, end_s: float, night: Editable) -> Asked:
    time_s = night.beats.filter(pl.col("usable"))["time_s"].to_numpy()
    inside = time_s[(time_s >= start_s) & (time_s <= end_s)]
    rate = 60 * (len(inside) - 1) / (inside[-1] - inside[0]) if len(inside) > 1 else None
    epoch = min(int(start_s // EPOCH_S), night.epochs.height - 1)
    return {
        "start_s": start_s,
        "end_s": end_s,
        "kind": kind,
        "n_beats": len(inside),
        "rate_bpm": rate,
        "stage_at_onset": night.epochs["stage"][epoch],
        "confidence": None,
    }


def _found_episode(asked: Asked, night: Editable, duration_s: float) -> Asked:
    start_s, end_s = _span(asked, duration_s)
    kind = _one_of(asked, "episode", EPISODES)
    found = night.episodes.filter(is_episode({"kind": kind, "start_s": start_s, "end_s": end_s}))
    if found.is_empty():
        raise UsageError(f"no {kind} from {start_s:.1f} to {end_s:.1f} s; {_episodes_there(kind, start_s, night)}")
    nearest = (found["start_s"] - start_s).abs().arg_min()
    return found.row(int(nearest or 0), named=True)


def _episodes_there(kind: str, start_s: float, night: Editable) -> str:
    """The nearest episodes of a kind, in words."""
    own = night.episodes.filter(kind=kind)
    near = own.sort((pl.col("start_s") - start_s).abs()).head(MOST_NAMED).sort("start_s")
    spans = [f"{start:.1f} to {end:.1f}" for start, end in near.select("start_s", "end_s").iter_rows()]
    if not spans:
        return f"the night has no {kind}"
    return f"{'the nearest of' if own.height > MOST_NAMED else 'there are'} {own.height}: {', '.join(spans)} s"


def _where(row: Asked) -> Asked:
    return {"episode": row["kind"], "start_s": row["start_s"], "end_s": row["end_s"]}


def _add_episode(asked: Asked, night: Editable, duration_s: float) -> Change:
    row = _episode_row(_one_of(asked, "episode", EPISODES), *_span(asked, duration_s), night)
    _refuse_clash(row, night.episodes)
    return Change("episode_add", _where(row), None, row)


def _change_episode(asked: Asked, night: Editable, duration_s: float) -> Change:
    old = _found_episode(asked, night, duration_s)
    new = _episode_row(_one_of(asked, "new_episode", EPISODES), *_span(asked, duration_s, "new_"), night)
    _refuse_clash(new, without_episode(night.episodes, old))
    return Change("episode_change", _where(old), old, new)


def _refuse_clash(row: Asked, others: pl.DataFrame) -> None:
    if not others.filter(is_episode(row)).is_empty():
        raise UsageError(f"{row['kind']} is there already; change its ends")


def _delete_episode(asked: Asked, night: Editable, duration_s: float) -> Change:
    row = _found_episode(asked, night, duration_s)
    return Change("episode_delete", _where(row), row, None)


_EPISODES = {
    "episode_add": _add_episode,
    "episode_change": _change_episode,
    "episode_delete": _delete_episode,
}


# --- stages, notes, looks ----------------------------------------------------------------------------


def _epochs(asked: Asked, night: Editable) -> tuple[int, int]:
    last = night.epochs.height - 1
    ends = _whole(asked, "first_epoch", 0, last), _whole(asked, "last_epoch", 0, last)
    if ends[0] > ends[1]:
        raise UsageError(f"first_epoch {ends[0]}, last_epoch {ends[1]}: expected the first before the last")
    return ends


def _stage(asked: Asked, night: Editable, duration_s: float) -> Change:
    first, last = _epochs(asked, night)
    stage = _one_of(asked, "stage", STAGES)
    before = night.epochs["stage"][first : last + 1].to_list()
    return Change(STAGE, {"first_epoch": first, "last_epoch": last}, before, [stage] * len(before))


def _note(asked: Asked, night: Editable, duration_s: float) -> Change:
    start_s, end_s = _span(asked, duration_s)
    text = asked.get("text")
    words = " ".join(text.split()) if isinstance(text, str) else ""
    if not 0 < len(words) <= LONGEST_NOTE or not words.isprintable():
        raise UsageError(f"text: expected a note of 1 to {LONGEST_NOTE} letters")
    return Change(NOTE, {"start_s": start_s, "end_s": end_s}, None, words)


def _confirm(asked: Asked, night: Editable, duration_s: float) -> Change:
    """A look at a beat, an episode or epochs that leaves it as it is."""
    if "episode" in asked:
        row = _found_episode(asked, night, duration_s)
        return Change(CONFIRM, _where(row), "unconfirmed", "confirmed")
    if "first_epoch" in asked:
        first, last = _epochs(asked, night)
        return Change(CONFIRM, {"first_epoch": first, "last_epoch": last}, "unconfirmed", "confirmed")
    row = _row_near(night.beats, _number(asked, "time_s", 0.0, duration_s))
    return Change(CONFIRM, {"time_s": row["time_s"]}, "unconfirmed", "confirmed")

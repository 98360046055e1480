"""A night as the page of the review reads it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from holter2sleep.edits import NOTE, Edit, changes_in_force, in_force, told
from holter2sleep.night import EPOCH_S, SCHEMES
from holter2sleep.report.axes import BEAT_COLOURS, RHYTHM_LANES, STAGE_COLOURS
from holter2sleep.review.apply import Editable
from holter2sleep.review.ask import EPISODES, LABELS, STAGES
from holter2sleep.review.recompute import clock_of
from holter2sleep.review.session import Session, looked_at, next_redo, next_undo
from holter2sleep.review.stages import numbers

EPOCH_COLUMNS = ("stage", "confidence", "usable", "heart_rate_bpm", "p_respiratory", "sqi")
DECIMALS = 3  # of what is drawn
USABLE, EDITED, CONFIRMED = 1, 2, 4  # bits of a beat's `flags`


def night_view(session: Session) -> dict[str, Any]:
    """Facts, epochs, episodes, notes and the log."""
    tables, edits = session.now
    looks = looked_at(edits)
    return {
        **_facts(session.source.machine.run),
        "has_waveform": session.pieces is not None,
        "lacks_waveform": session.source.lacks_waveform,
        "who": session.who,
        "palette": {
            "stages": STAGE_COLOURS,
            "beats": BEAT_COLOURS,
            "lanes": [{"name": name, "kinds": kinds, "colour": colour} for name, kinds, colour in RHYTHM_LANES],
        },
        "labels": LABELS,
        "stages": STAGES,
        "kinds": EPISODES,
        "epochs": _epochs(tables, looks["epochs"]),
        "episodes": _episodes(tables, looks["episodes"]),
        "notes": [{**edit.target, "text": edit.after} for edit in changes_in_force(edits) if edit.kind == NOTE],
        "log": log_view(edits, clock_of(session.source.machine.run)),
        "undo": next_undo(edits),
        "redo": next_redo(edits),
        "is_behind": session.is_behind(),
        "work": session.work,
    }


def _facts(run: dict[str, Any]) -> dict[str, Any]:
    """What the run says of the night."""
    clock = clock_of(run)
    return {
        "recording_id": run["recording_id"],
        "start": clock.iso(0.0)[:19] if clock else None,
        "duration_s": run["duration_s"],
        "channel": run["channel"],
        "relative": run["unit"]["relative"],
        "classes": SCHEMES[run["hypnogram"]["scheme"]],
        "scorer": run["hypnogram"]["scorer"],
        "lights": run["lights"],
    }


def _epochs(tables: Editable, looks: dict[Any, Edit]) -> dict[str, list[Any]]:
    columns = tables.epochs.select(EPOCH_COLUMNS).with_columns(pl.selectors.float().cast(pl.Float64).round(DECIMALS))
    seen = [_seen(looks.get(epoch)) for epoch in range(tables.epochs.height)]
    return {**columns.to_dict(as_series=False), "seen": seen}


def _episodes(tables: Editable, looks: dict[Any, Edit]) -> list[dict[str, Any]]:
    rows = tables.episodes.with_columns(pl.selectors.float().cast(pl.Float64)).iter_rows(named=True)
    return [{**row, "seen": _seen(looks.get((row["kind"], row["start_s"])))} for row in rows]


def _seen(edit: Edit | None) -> str | None:
    """Who has edited or looked at a thing; None: it is automatic, unconfirmed."""
    if edit is None:
        return None
    return f"{'looked at' if edit.kind == 'confirm' else 'edited'} by {edit.who}"


def log_view(edits: tuple[Edit, ...], clock: Any) -> list[dict[str, Any]]:
    """The log in words, with the place in the night that each line speaks of."""
    holding = in_force(edits)
    return [
        {
            "number": edit.number,
            "who": edit.who,
            "when": edit.when[:19].replace("T", " "),
            **vars(told(edit, clock)),
            "holds": edit.number in holding,
            "at_s": _place_s(edit),
        }
        for edit in edits
    ]


def _place_s(edit: Edit) -> float | None:
    target = edit.target
    if "first_epoch" in target:
        return float(EPOCH_S * target["first_epoch"])
    place: float | None = target.get("time_s", target.get("start_s"))
    return place


def beats_bytes(session: Session) -> bytes:
    """Beats column by column, little-endian: time_s (8 bytes), confidence and usable rr_ms (4), label and flags (1)."""
    tables, edits = session.now
    beats, looks = tables.beats, looked_at(edits)["beats"]
    time_s = beats["time_s"].to_numpy()
    flags = np.where(beats["usable"].to_numpy(), USABLE, 0).astype(np.uint8)
    for place, edit in looks.items():
        flags[time_s == place] |= CONFIRMED if edit.kind == "confirm" else EDITED
    rr_ms = 1000 * np.diff(time_s, prepend=np.nan)
    confidence = numbers(beats["confidence"])
    label = np.frombuffer("".join(beats["label"].to_list()).encode("ascii"), np.uint8)
    columns = (time_s.astype("<f8"), confidence.astype("<f4"), rr_ms.astype("<f4"), label, flags)
    return b"".join(column.tobytes() for column in columns)

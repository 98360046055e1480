"""What a finished night says, read from its tables; nothing is detected again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from holter2sleep.clock import Clock
from holter2sleep.errors import RecordingError
from holter2sleep.night import Beats, Bool, Episodes, EpochGrid, Float, Lights, Subject, Text
from holter2sleep.phenotypes.epochs import BEAT_SCHEMA, EPISODE_SCHEMA
from holter2sleep.phenotypes.files import NightTables, read_night
from holter2sleep.spans import Spans, as_spans, complement, intersection, runs

_NEEDED = {
    "beats": BEAT_SCHEMA.keys(),
    "episodes": EPISODE_SCHEMA.keys(),
    "epochs": ("epoch", "onset_s", "stage", "usable", "n_veb"),
}
_FACTS = ("recording_id", "fs", "start", "duration_s", "subject", "version", "models", "hypnogram")
_LETTERS = {"beats": ("label", list("NSVFQ")), "epochs": ("stage", ["W", "N1", "N2", "N3", "R", "L", "NREM", "U"])}
SCORED = "a scored file"  # its name may be that of a person
PERSON = "a person"
_NOBODYS_LIGHTS = ("recording", "not_found")  # sources of lights that nobody told and nothing found


@dataclass(frozen=True)
class FinishedNight:
    """A night as its folder holds it; the name of its file and what is not in `run.json` stay behind."""

    recording_id: str
    fs: float | None  # Hz; None where the beats came without a sample clock
    clock: Clock | None
    subject: Subject
    grid: EpochGrid
    stage: Text  # (n_epochs,)
    scorer: str  # the model that staged, or SCORED
    scheme: str
    beats: Beats
    lost: Bool  # (n_beats,), whether signal was lost since the beat before
    classified: bool  # False: every beat is called N because nobody looked
    episodes: Episodes
    lights: Lights | None  # None where they are only the ends of the recording
    tables: NightTables
    version: str

    @property
    def stage_runs(self) -> list[tuple[float, float, str]]:
        """Onset, end (s) and letter of each stretch of one stage, unscored ones too."""
        first = np.flatnonzero(np.r_[True, self.stage[1:] != self.stage[:-1]])
        edges = self.grid.edges_s[np.r_[first, self.grid.n]].tolist()
        return list(zip(edges[:-1], edges[1:], self.stage[first].tolist(), strict=True))

    @property
    def unreadable(self) -> Spans:
        """Time that is not trusted: from beat to beat, and before the first and behind the last by the epochs."""
        usable, time_s = self.beats.usable, self.beats.time_s
        broken = ~usable | np.r_[True, ~usable[:-1]] | self.lost
        broken[:1] = False  # the first beat ends no interval
        first, behind = runs(broken)
        between = np.column_stack([time_s[first - 1], time_s[behind - 1]])
        without_beats = complement(as_spans([(time_s[0], time_s[-1])]), 0.0, self.grid.duration_s)
        epochs = self.grid.spans(~self.tables.epochs["usable"].to_numpy().astype(bool))
        return as_spans(np.concatenate([between, intersection(epochs, without_beats)]))


def read_finished(folder: Path) -> FinishedNight:
    """A finished night.

    Raises
    ------
    UsageError
        No such folder.
    RecordingError
        No finished night, or tables that were changed into something else.
    """
    tables = read_night(folder)
    _check(folder, tables)
    run = tables.run
    try:
        beats, episodes = _beats(tables.beats), _episodes(tables.episodes)
    except (ValueError, pl.exceptions.PolarsError) as error:
        raise RecordingError(f"{folder}: {error}; times must increase, and every row needs its fields") from None
    return FinishedNight(
        recording_id=run["recording_id"],
        fs=run["fs"],
        clock=Clock.of_iso(run["start"], run.get("time_zone")) if run["start"] else None,
        subject=Subject(run["subject"]["age"], run["subject"]["sex"]),
        grid=EpochGrid(tables.epochs.height, run["duration_s"]),
        stage=tables.epochs["stage"].to_numpy().astype("<U4"),
        scorer=scorer_of(run),
        scheme=run["hypnogram"]["scheme"],
        beats=beats,
        lost=tables.beats["rr_ms"].is_null().to_numpy(),
        classified=not tables.epochs["n_veb"].is_null().all(),
        episodes=episodes,
        lights=_lights(run.get("lights")),
        tables=tables,
        version=run["version"],
    )


def scorer_of(run: dict[str, Any]) -> str:
    """Who staged; a person who did, or edited a model's stages, is not named."""
    stager = next((str(model["name"]) for model in run["models"] if model["role"] == "stager"), None)
    if not (run.get("edits") or {}).get("stages_by_hand"):
        return stager or SCORED
    return f"{stager}, edited by {PERSON}" if stager else PERSON


def _check(folder: Path, tables: NightTables) -> None:
    """Whether the tables have the columns, and the run the facts, that are exported."""
    for name, needed in _NEEDED.items():
        lacking = [column for column in needed if column not in getattr(tables, name).columns]
        if lacking:
            raise RecordingError(f"{folder / name}.parquet: no column {lacking[0]}; run analyze on the recording again")
    lacking = [fact for fact in _FACTS if fact not in tables.run]
    if lacking:
        raise RecordingError(f"{folder / 'run.json'}: no {lacking[0]}; run analyze on the recording again")
    for name in ("epochs", "beats"):
        if getattr(tables, name).is_empty():
            raise RecordingError(f"{folder / name}.parquet: no row; run analyze on the recording again")
    for name, (column, letters) in _LETTERS.items():
        strange = getattr(tables, name)[column].fill_null("").unique().sort().to_list()
        if not set(strange) <= set(letters):
            found = next(repr(letter) for letter in strange if letter not in letters)
            raise RecordingError(f"{folder / name}.parquet: {column} {found}; it may be {' '.join(letters)}")


def _beats(table: pl.DataFrame) -> Beats:
    return Beats(
        _numbers(table["time_s"]),
        table["label"].to_numpy().astype("<U1"),
        _numbers(table["confidence"]).astype(np.float32),
        table["usable"].fill_null(value=False).to_numpy(),
        _numbers(table["amplitude_mv"]).astype(np.float32),
    )


def _episodes(table: pl.DataFrame) -> Episodes:
    numbers = {name: _numbers(table[name]) for name in ("start_s", "end_s", "rate_bpm", "confidence")}
    kind, n_beats = table["kind"].to_numpy().astype("<U12"), table["n_beats"].fill_null(0).to_numpy()
    return Episodes(kind=kind, n_beats=n_beats, **numbers)  # type: ignore[arg-type]


def _numbers(column: pl.Series) -> Float:
    """A column as numbers, NaN where there is none."""
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _lights(facts: dict[str, Any] | None) -> Lights | None:
    """Lights that somebody told, or that were found."""
    if facts is None or facts["source"] in _NOBODYS_LIGHTS:
        return None
    return Lights(facts["off_s"], facts["on_s"], facts["source"])

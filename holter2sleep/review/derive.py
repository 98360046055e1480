"""A finished night and edits to the night that follows from them; nothing is detected again.

Beats, their classes, the judgement of quality and the stages are those of the tables, edited. Episodes, intervals,
breathing, averaged beats and parts of the night follow from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from holter2sleep.analyze import Intervals, breathing_of, intervals_of, whole_night
from holter2sleep.autonomic.coupling import find_coupling
from holter2sleep.clock import Clock
from holter2sleep.edits import Edit
from holter2sleep.heart.detect import amplitude_at
from holter2sleep.heart.morphology_average import average_by_epoch
from holter2sleep.heart.p_waves import p_waves
from holter2sleep.heart.quality import usable_beats
from holter2sleep.heart.rhythm import find_episodes
from holter2sleep.heart.shape import beat_shapes
from holter2sleep.night import (
    Beats,
    BeatsSource,
    Episodes,
    EpochGrid,
    Lights,
    Night,
    Quality,
    Recording,
    Respiration,
    Source,
    Subject,
)
from holter2sleep.phenotypes.epochs import EPISODE_SCHEMA, quality_of
from holter2sleep.phenotypes.files import NightTables
from holter2sleep.recipe import Recipe
from holter2sleep.review.apply import Editable, edit_beats, edit_episodes, without_episode
from holter2sleep.review.stages import hypnogram_of, numbers
from holter2sleep.spans import as_spans
from holter2sleep.waveform import Waveform

BREATHING_KINDS = ("CVHR", "SURGE", "RESP")  # found from intervals; every other kind is found from beats


@dataclass(frozen=True)
class _Base:
    """What edits leave as it is."""

    recording: Recording  # without waveform where that is not at hand
    grid: EpochGrid
    quality: Quality
    machine: NightTables


def editable_of(tables: NightTables) -> Editable:
    """The tables of a night that a person may edit."""
    return Editable(tables.beats, tables.episodes, tables.epochs)


def derived_night(machine: NightTables, edits: tuple[Edit, ...], ecg: Waveform | None, recipe: Recipe) -> Night:
    """The night that follows from the machine's tables and the edits.

    Parameters
    ----------
    machine
        The tables before any edit.
    ecg
        The waveform, upright, on the night's own time; None where it is not at hand. What it alone can tell keeps the
        machine's value where there is one in the tables: `respiration`, RESP episodes, P waves of episodes.
    """
    base = _base(machine, ecg)
    beats, rhythm = _edited_beats_and_rhythm(base, edits, recipe)
    spans, grid, recording = base.quality.usable_spans, base.grid, base.recording
    intervals = intervals_of(beats, rhythm, spans, recipe)
    respiration, events = _breathing(base, beats, intervals, recipe)
    has_waveform = machine.run["channel"] is not None
    return whole_night(
        recording if recording.ecg is not None else recording.but(given_beats=beats),
        grid,
        base.quality,
        beats,
        _with_events(rhythm, events, edits),
        intervals,
        average_by_epoch(recording, grid, beats, rhythm, spans, recipe.averages),
        respiration,
        find_coupling(intervals.nn, beats, grid, recipe.coupling) if has_waveform else None,
        hypnogram_of(machine, edits, grid),
        Lights(**machine.run["lights"]),
    )


def _edited_beats_and_rhythm(base: _Base, edits: tuple[Edit, ...], recipe: Recipe) -> tuple[Beats, Episodes]:
    before, beats = (_beats(edit_beats(base.machine.beats, some)) for some in ((), edits))
    beats = _fitted(beats, before, base, recipe)
    return beats, _rhythm(base, before, beats, edits, recipe)


# --- from tables to nouns ----------------------------------------------------------------------------


def _base(machine: NightTables, ecg: Waveform | None) -> _Base:
    epochs, run = machine.epochs, machine.run
    grid = EpochGrid(epochs.height, run["duration_s"])
    return _Base(_recording(machine, ecg), grid, quality_of(run, epochs), machine)


def _recording(machine: NightTables, ecg: Waveform | None) -> Recording:
    run = machine.run
    unit, given = run["unit"], run["beats"]
    return Recording(
        recording_id=run["recording_id"],
        source=Source(
            **run["input"],
            unit=unit["file"],
            scale_to_mv=unit["scale_to_mv"],
            proposed_scale_to_mv=unit["proposed_scale_to_mv"],
            relative_scale=unit["relative"],
        ),
        duration_s=run["duration_s"],
        fs=run["fs"],
        start=Clock.of_iso(run["start"], run["time_zone"]).start if run["start"] else None,
        subject=Subject(run["subject"]["age"], run["subject"]["sex"]),
        channel=run["channel"],
        ecg=ecg,
        given_beats=_beats(machine.beats) if ecg is None else None,
        gaps=as_spans(run["gaps"]),
        polarity=run["polarity"],
        beats_source=_beats_source(given),
        beats_classified=not machine.epochs["n_veb"].is_null().all(),
        warnings=tuple(run["warnings"]),
        zone=run["time_zone"],
    )


def _beats_source(given: dict[str, Any] | None) -> BeatsSource | None:
    if given is None:
        return None
    return BeatsSource(given["file"], given["format"], given["sha256"], given["classes"] == "file")


def _beats(table: pl.DataFrame) -> Beats:
    columns = {"confidence": "confidence", "amplitude_mv": "amplitude_mv", "chance_s": "p_s", "chance_v": "p_v"}
    floats = {name: numbers(table[column]) for name, column in (columns | {"chance_qrs": "p_qrs"}).items()}
    label = table["label"].to_numpy().astype("<U1")
    return Beats(time_s=table["time_s"].to_numpy(), label=label, usable=table["usable"].to_numpy(), **floats)  # type: ignore[arg-type]


def _fitted(beats: Beats, before: Beats, base: _Base, recipe: Recipe) -> Beats:
    """The beats with what the night says of added ones: whether their time is usable, and their height."""
    added = ~np.isin(beats.time_s, before.time_s)
    amplitude_mv = beats.amplitude_mv.copy()
    if base.recording.ecg is not None:
        amplitude_mv[added] = amplitude_at(base.recording, beats.time_s[added], recipe.beats)
    usable = np.where(added, usable_beats(beats.time_s, base.quality), beats.usable)
    return beats.but(usable=usable, amplitude_mv=amplitude_mv)


# --- episodes ----------------------------------------------------------------------------------------


def _rhythm(base: _Base, before: Beats, beats: Beats, edits: tuple[Edit, ...], recipe: Recipe) -> Episodes:
    """Episodes of beats: the machine's, but where the edited beats give others than its own beats do, then edited.

    The machine called its beats in rounds, and had P waves that may not be at hand: found again from its final beats,
    an episode may differ for no edit. Only the difference that the edits make is taken over.
    """
    old = base.machine.episodes.filter(~pl.col("kind").is_in(BREATHING_KINDS))
    if beats_differ(before, beats):
        spans, told = base.quality.usable_spans, _classes_told(base)
        found = [
            episode_rows(find_episodes(each, spans, recipe.rhythm, p_waves(base.recording, each), told))
            for each in (before, beats)
        ]
        old = with_difference(old, *found)
    return episodes_of(edit_episodes(old, edits))


def _classes_told(base: _Base) -> bool:
    """Whether the classes of the beats came with them, in a file beside the waveform or without one."""
    source = base.recording.beats_source
    only_beats = base.machine.run["channel"] is None
    return source.classified if source else only_beats and base.recording.beats_classified


def beats_differ(one: Beats, other: Beats) -> bool:
    """Whether two lists of beats differ in time or class."""
    return not (np.array_equal(one.time_s, other.time_s) and np.array_equal(one.label, other.label))


def with_difference(old: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The episodes `old` with what `after` has more than `before`, and without what it has less."""
    key = ["kind", "start_s", "end_s", "n_beats"]
    gone, new = before.join(after, on=key, how="anti"), after.join(before, on=key, how="anti")
    for row in pl.concat([gone, new]).iter_rows(named=True):
        old = without_episode(old, row)
    return pl.concat([old, new]).sort("start_s", maintain_order=True)


def episode_rows(episodes: Episodes) -> pl.DataFrame:
    """Episodes as rows of their table, without the stage."""
    columns = {name: getattr(episodes, name) for name in EPISODE_SCHEMA if name != "stage_at_onset"}
    table = pl.DataFrame({**columns, "kind": episodes.kind.tolist(), "stage_at_onset": [None] * len(episodes)})
    return table.select(pl.col(name).cast(dtype) for name, dtype in EPISODE_SCHEMA.items()).with_columns(
        pl.selectors.float().fill_nan(None)
    )


def episodes_of(table: pl.DataFrame) -> Episodes:
    """The episodes of a table."""
    floats = {name: numbers(table[name]) for name in ("start_s", "end_s", "rate_bpm", "confidence")}
    kind = table["kind"].to_numpy().astype("<U12")
    return Episodes(kind=kind, n_beats=table["n_beats"].to_numpy(), **floats)  # type: ignore[arg-type]


def _with_events(rhythm: Episodes, events: Episodes, edits: tuple[Edit, ...]) -> Episodes:
    """Both; what an edit takes from the events is gone, and stands among the first where it was given back."""
    left = episode_rows(events)
    for row in (edit.before for edit in edits if edit.of.startswith("episode") and edit.before):
        left = without_episode(left, row)
    return rhythm.and_also(episodes_of(left))


# --- breathing ---------------------------------------------------------------------------------------


def _breathing(base: _Base, beats: Beats, intervals: Intervals, recipe: Recipe) -> tuple[Respiration, Episodes]:
    """Breathing; what needs the waveform, where that is not at hand, is the machine's."""
    shape = beat_shapes(base.recording, beats.time_s, recipe.shape)
    sizes = None if shape is None else shape.sizes
    found, events = breathing_of(base.grid, beats, intervals, sizes, base.quality.usable_spans, recipe)
    if base.recording.ecg is not None or base.machine.run["channel"] is None:
        return found, events
    epochs = base.machine.epochs
    kept = {
        "rate_bpm": numbers(epochs["respiration_rate_bpm"]),
        "confidence": numbers(epochs["respiration_confidence"]),
        "p_respiratory": numbers(epochs["p_respiratory"]),
        "hf_ms2": np.full(base.grid.n, np.nan),
    }
    respiratory = base.machine.episodes.filter(kind="RESP")
    return found.but(**kept), events.of("CVHR", "SURGE").and_also(episodes_of(respiratory))

"""Finished nights beside their scored hypnograms, and what others say of the same nights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from holter2sleep.clock import Clock
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.evaluate.judged import StagedNight, on_grid
from holter2sleep.evaluate.pairs import Pair
from holter2sleep.evaluate.peers import Peer, peer_of_hypnograms
from holter2sleep.evaluate.subgroups import groups_found
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.night import SCHEMES, EpochGrid, Hypnogram, Lights
from holter2sleep.phenotypes.epochs import PROBABILITY_COLUMN
from holter2sleep.phenotypes.files import read_table


def read_staged_night(pair: Pair, subject: str, told: dict[str, str]) -> StagedNight:
    """A night folder with its reference on the night's grid; `told` are groups that count before those found.

    Raises
    ------
    UsageError
        The test is a file, not a night folder.
    RecordingError
        The reference is no hypnogram, or the folder no finished night.
    """
    run = pair.run()
    if not run:
        raise UsageError(f"{pair.test}: stages are compared for a night folder, which has epochs.parquet and run.json")
    test = read_night_stages(pair.test, run)
    reference, _ = read_hypnogram(pair.reference, test.grid, _clock(run))
    try:
        lights = Lights(run["lights"]["off_s"], run["lights"]["on_s"], run["lights"]["source"])
        max_unscored_share = run["recipe"]["resolved"]["sleep"]["max_unscored_share"]
    except KeyError as error:
        raise RecordingError(f"{pair.test / 'run.json'}: {error} is missing; analyse the night again") from None
    facts = groups_found(pair.test, run) | told
    return StagedNight(pair.recording_id, subject, reference, test, lights, max_unscored_share, facts)


def read_night_stages(folder: Path, run: Mapping[str, Any]) -> Hypnogram:
    """Stages and probabilities of a finished night.

    Raises
    ------
    RecordingError
        `epochs.parquet` is missing, or not that of a night.
    """
    path = folder / "epochs.parquet"
    if not path.is_file():
        raise RecordingError(f"{folder} is no finished night: epochs.parquet is missing; run analyze on the recording")
    table = read_table(path)
    if "stage" not in table.columns or "hypnogram" not in run:
        raise RecordingError(f"{folder} has no stages of a night; run analyze on the recording")
    facts = run["hypnogram"]
    grid = EpochGrid(table.height, run["duration_s"])
    proba = _proba(table, SCHEMES[facts["scheme"]])
    return Hypnogram(grid, table["stage"].to_numpy(), facts["scheme"], facts["scorer"], proba)


def _proba(table: pl.DataFrame, classes: Sequence[str]) -> np.ndarray | None:
    """Probabilities in the order of the classes; None where the table has none, as of a hypnogram that was given."""
    columns = [PROBABILITY_COLUMN[letter] for letter in classes]
    if not set(columns) <= set(table.columns):
        return None
    return table.select(pl.col(columns).cast(pl.Float32).fill_null(np.nan)).to_numpy()


def _clock(run: Mapping[str, Any]) -> Clock | None:
    return Clock.of_iso(run["start"], run.get("time_zone")) if run["start"] else None


def read_peer(name: str, folder: Path, pairs: Sequence[Pair], nights: Sequence[StagedNight]) -> Peer:
    """What another says of the same nights: night folders or hypnogram files, named by recording id.

    A night it lacks is left out.

    Raises
    ------
    UsageError
        It has none of the nights, or two files for one.
    """
    found = {
        pair.recording_id: on_grid(hypnogram, night.test.grid)
        for pair, night in zip(pairs, nights, strict=True)
        if (hypnogram := _peer_stages(folder, pair, night.test.grid)) is not None
    }
    if not found:
        ids = ", ".join(pair.recording_id for pair in pairs[:3])
        raise UsageError(
            f"{folder}: no night of peer {name}; it holds night folders or hypnograms named by recording id ({ids} ...)"
        )
    return peer_of_hypnograms(name, found)


def _peer_stages(folder: Path, pair: Pair, grid: EpochGrid) -> Hypnogram | None:
    own = Pair(pair.recording_id, pair.reference, folder / pair.recording_id)
    if own.test.is_dir():
        return read_night_stages(own.test, own.run())
    files = sorted(path for path in folder.glob("*.*") if path.stem == pair.recording_id)
    if len(files) > 1:
        raise UsageError(f"{folder}: {', '.join(path.name for path in files)} are one night twice; keep one of them")
    return read_hypnogram(files[0], grid, _clock(pair.run()))[0] if files else None

"""Evidence of made-up nights for the tests of the stagers, and real ones from slpdb."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path

import numpy as np

from holter2sleep.night import NN, Beats, EpochGrid, Lights, Quality, Recording, Source, Subject
from holter2sleep.recipe import load_recipe
from holter2sleep.sleep.staging import Evidence, StagingRules

START = datetime(2024, 3, 9, 22, 41, 30)
MAN_OF_60 = Subject(60.0, "M")


def asking_for(stager: str) -> StagingRules:
    """The shipped rules of staging, with this stager."""
    return dataclasses.replace(load_recipe().staging, stager=stager)


def steady_beats(duration_s: float, seed: int = 0) -> np.ndarray:
    """Beats of a quiet sleeper: respiratory and slow swings, a little noise."""
    rng = np.random.default_rng(seed)
    n = int(duration_s / 0.6)
    beat = np.arange(n)
    rr_s = 0.95 + 0.04 * np.sin(beat / 0.8) + 0.08 * np.sin(beat / 310) + rng.normal(0, 0.015, n)
    time_s = np.cumsum(rr_s)
    return time_s[time_s < duration_s]


def irregular_beats(duration_s: float, seed: int = 0) -> np.ndarray:
    """Beats of atrial fibrillation: every interval drawn on its own."""
    rng = np.random.default_rng(seed)
    time_s = np.cumsum(rng.gamma(14.0, 0.05, int(duration_s / 0.4)))
    return time_s[time_s < duration_s]


def faulty_beats(duration_s: float, seed: int = 0) -> np.ndarray:
    """A night with intervals too short and too long, an hour without beats and a short pause of the signal."""
    time_s = steady_beats(duration_s, seed)
    rng = np.random.default_rng(seed + 1)
    extra_s = time_s[rng.random(len(time_s)) < 0.003] + 0.2
    time_s = np.unique(np.concatenate([time_s[rng.random(len(time_s)) > 0.004], extra_s]))
    lost = ((time_s > 5000) & (time_s < 8700)) | ((time_s > 12_000) & (time_s < 12_140))
    return time_s[~lost]


def evidence_of(
    beat_s: np.ndarray,
    duration_s: float,
    *,
    start: datetime | None = START,
    subject: Subject = MAN_OF_60,
    unusable_epochs: slice = slice(0, 0),
) -> Evidence:
    """Evidence with the given beats, all usable but those in the unusable epochs."""
    grid = EpochGrid.covering(duration_s)
    usable = np.ones(grid.n, bool)
    usable[unusable_epochs] = False
    quality = Quality(np.zeros(grid.n), np.ones(grid.n), usable, grid.spans(usable) if usable.any() else [])
    n = len(beat_s)
    beat_usable = usable[grid.epoch_of(beat_s)] if n else np.ones(0, bool)
    beats = Beats(beat_s, np.full(n, "N"), np.full(n, np.nan), beat_usable)
    nn = NN(beat_s[1:], 1000 * np.diff(beat_s), np.arange(max(n - 1, 0)) > 0)
    source = Source("night.txt", "beats", "0" * 64)
    recording = Recording("night", source, duration_s, None, start, subject, given_beats=beats)
    return Evidence(recording, grid, beats, quality, nn, Lights(0.0, duration_s, "recording"))


def slpdb_beats(shared_data: Path, name: str) -> np.ndarray:
    """Times of the audited beats of a record of the MIT-BIH Polysomnographic Database, s."""
    import wfdb

    annotation = wfdb.rdann(str(shared_data / "slpdb" / name), "ecg")
    is_beat = np.isin(annotation.symbol, list("NSVFQ"))
    return np.unique(annotation.sample[is_beat]) / 250.0

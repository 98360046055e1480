"""Beats, recordings and whole nights with known truth, each made once for all tests."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from holter2sleep.analyze import analyze_night
from holter2sleep.autonomic.nn import nn_intervals
from holter2sleep.heart.detect import Detection, detect_beats
from holter2sleep.heart.faults import find_faults
from holter2sleep.heart.rhythm import find_episodes
from holter2sleep.night import (
    NN,
    Beats,
    Episodes,
    EpochGrid,
    Hypnogram,
    Lights,
    Night,
    Quality,
    Recording,
    Respiration,
    Source,
)
from holter2sleep.phenotypes.measures import FORMULAS
from holter2sleep.recipe import load_recipe
from holter2sleep.simulate import SyntheticNight, preset, simulate_night
from holter2sleep.spans import Spans, as_spans

RECIPE = load_recipe()


@cache
def simulated(name: str, seed: int = 1, **changes: Any) -> SyntheticNight:
    """A synthetic night of the named plan with changes."""
    return simulate_night(dataclasses.replace(preset(name), **changes), np.random.default_rng(seed))


@cache
def analysed(name: str, seed: int = 1, **changes: Any) -> Night:
    """What the program makes of that night."""
    return analyze_night(simulated(name, seed, **changes).recording, RECIPE)


def recording_of(ecg: ArrayLike, fs: float = 250.0, **facts: Any) -> Recording:
    """A recording of the given samples."""
    samples = np.asarray(ecg, np.float32)
    return Recording("made", Source("made.edf", "made", "0"), len(samples) / fs, fs, ecg=samples, **facts)


def recording_of_beats(beats: Beats, **facts: Any) -> Recording:
    """A recording that holds beats only."""
    source = Source("made.csv", "beat table", "0")
    return Recording("made", source, float(beats.time_s[-1]) + 1.0, None, given_beats=beats, **facts)


def detected(recording: Recording, **changes: Any) -> Detection:
    """The beats of a waveform, with some of the rules changed."""
    rules = dataclasses.replace(RECIPE.beats, **changes)
    return detect_beats(recording, find_faults(recording, RECIPE.faults), rules)


def beats_of_rr(rr_s: ArrayLike, label: str = "N", start_s: float = 0.3) -> Beats:
    """Beats with the given intervals; `label` is one letter for all, or one for each beat."""
    time_s = start_s + np.cumsum(np.r_[0.0, np.asarray(rr_s, np.float64)])
    return Beats.at(time_s, label if len(label) == 1 else list(label))


def all_of(beats: Beats) -> Spans:
    """The time that holds all the beats."""
    return as_spans([(0.0, float(beats.time_s[-1]) + 1.0)])


def nn_of(nn_ms: ArrayLike, start_s: float = 0.0) -> NN:
    """Intervals one after another, without a break."""
    values = np.asarray(nn_ms, np.float64)
    return NN(start_s + np.cumsum(values) / 1000, values, np.arange(len(values)) > 0)


def staged_night(
    beats: Beats, stage: str = "W", episodes: Episodes | None = None, usable: Spans | None = None
) -> Night:
    """A night of beats with the given stages, as many letters as epochs or one for all."""
    recording = recording_of_beats(beats)
    grid = EpochGrid.covering(recording.duration_s)
    spans = all_of(beats) if usable is None else usable
    letters = np.array([{"2": "N2"}.get(letter, letter) for letter in (stage * grid.n if len(stage) == 1 else stage)])
    return Night(
        recording,
        grid,
        Quality(np.zeros(grid.n), np.ones(grid.n), np.ones(grid.n, bool), spans),
        beats,
        find_episodes(beats, spans, RECIPE.rhythm) if episodes is None else episodes,
        nn_intervals(beats, episodes or Episodes.none(), spans, RECIPE.nn),
        Hypnogram(grid, letters, "AASM5", "by hand"),
        Lights(0.0, recording.duration_s, "recording"),
        Respiration.unknown(grid.n),
        np.array([[0.0, recording.duration_s]]),
    )


def values(domain: str, night: Night, stratum: str = "night") -> dict[str, float | None]:
    """What the formula of a domain says of a stratum."""
    return FORMULAS[domain](night.within(stratum), night, RECIPE).values

"""Small cohorts of synthetic nights with their hypnograms beside them."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from holter2sleep.night import EPOCH_S, MERGED
from holter2sleep.simulate import SyntheticNight, preset, simulate_night
from holter2sleep.simulate.files import write_night

Stages = Sequence[str]


def simulated_night(seed: int, hours: float) -> SyntheticNight:
    """A night of a sleeper who wakes often."""
    plan = dataclasses.replace(preset("healthy"), hours=hours, fs=100.0, awakenings_per_hour=5.0)
    return simulate_night(plan, np.random.default_rng(seed))


def write_beats(folder: Path, name: str, seed: int, *, epochs: int = 300, scheme: str = "AASM5") -> None:
    """Part of a night that begins anywhere, so that the clock tells little: beats, and stages in a scheme."""
    night = simulated_night(seed, 5.0)
    first = int(np.random.default_rng(seed).integers(len(night.hypnogram.stage) - epochs))
    begin_s, end_s = first * EPOCH_S, (first + epochs) * EPOCH_S
    inside = (night.beats.time_s >= begin_s) & (night.beats.time_s < end_s)
    beat_s = (night.beats.time_s[inside] - begin_s).tolist()
    stage = night.hypnogram.stage[first : first + epochs].tolist()
    _write_table(folder / f"{name}.csv", ("time_s", "label"), [(f"{s:.3f}", "N") for s in beat_s])
    write_stages(folder / f"{name}.hypnogram.csv", [MERGED[scheme].get(letter, letter) for letter in stage])


def write_waveform(folder: Path, name: str, seed: int, hours: float) -> None:
    """A whole short night with its waveform, as `simulate` writes it."""
    folder.mkdir(exist_ok=True)
    write_night(folder / f"{name}.edf", simulated_night(seed, hours), seed)


def write_stages(path: Path, stage: Stages) -> None:
    rows = [(f"{EPOCH_S * i:.0f}", f"{EPOCH_S:.0f}", letter) for i, letter in enumerate(stage)]
    _write_table(path, ("onset", "duration", "stage"), rows)


def _write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)

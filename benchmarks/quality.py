"""Whether the time called usable is the time in which beats can be trusted.

    python -m benchmarks.quality DATA

DATA is the folder that holds `mitdb`, `nstdb` and `cinc2017_validation`. Prints what is kept of noise without a heart,
of hand-held strips by their class, and, on MIT-BIH DS2 under the first channel of each noise (neither was trained on),
the share of wrong beats in what is kept and in what is left out, for several limits of the quality index. Last: how
far each phenotype of noisy synthetic nights moves when the limit does.
"""

from __future__ import annotations

import csv
import dataclasses
import sys
import warnings
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.detectors import first_channel, progress, read_annotated
from benchmarks.noise import CLEAN_S, LEVELS_DB, with_noise
from holter2sleep.analyze import analyze_night
from holter2sleep.heart.detect import detect_beats
from holter2sleep.heart.faults import find_faults
from holter2sleep.heart.quality import assess_quality, nearest
from holter2sleep.heart.shape import beat_shapes
from holter2sleep.io import read_recording
from holter2sleep.night import EpochGrid, Float, Recording
from holter2sleep.phenotypes.table import phenotype_table
from holter2sleep.recipe import Recipe, load_recipe
from holter2sleep.simulate import preset, simulate_night
from holter2sleep.spans import Spans, as_spans, contains, duration, intersection
from holter2sleep.training.mitdb import DS2

MATCH_S = 0.150  # ANSI/AAMI EC57
LIMITS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.9)
RECORDS = DS2[::3]
N_NIGHTS, SHIFTED = 4, (0.7, 0.9)
CLASSES = {"N": "normal", "A": "AF", "O": "other rhythm", "~": "noisy"}


def judged(recording: Recording, limits: Sequence[float]) -> tuple[list[Spans], Float]:
    """Usable time for each limit of the index, and the detected beats."""
    recipe = load_recipe()
    faults = find_faults(recording, recipe.faults)
    found = detect_beats(recording, faults, recipe.beats)
    shape = beat_shapes(recording, found.time_s, recipe.shape)
    grid = EpochGrid.covering(recording.duration_s)
    rules = [dataclasses.replace(recipe.quality, minimum_sqi=limit) for limit in limits]
    facts = (recording, grid, faults, found.time_s, found, shape)
    return [assess_quality(*facts, one).usable_spans for one in rules], found.time_s


def kept_percent(recording: Recording) -> float:
    """Share of the time called usable."""
    (spans,), _ = judged(recording, [load_recipe().quality.minimum_sqi])
    return 100 * duration(spans) / recording.duration_s


def wrong_beats(reference_s: Float, found_s: Float) -> Float:
    """Times of beats missed and of beats invented."""
    missed = np.abs(found_s[nearest(reference_s, found_s)] - reference_s) > MATCH_S
    invented = np.abs(reference_s[nearest(found_s, reference_s)] - found_s) > MATCH_S
    return np.concatenate([reference_s[missed], found_s[invented]])


def counts(recording: Recording, reference_s: Float) -> np.ndarray:
    """Seconds, beats and wrong beats that each limit keeps, and of all, from 5:00 on. (n_limits, 6)."""
    kept, found_s = judged(recording, LIMITS)
    scored = as_spans([(CLEAN_S, recording.duration_s)])
    wrong_s = wrong_beats(reference_s, found_s)

    def count(part: Spans) -> list[float]:
        return [duration(part), contains(part, reference_s).sum(), contains(part, wrong_s).sum()]

    return np.array([count(intersection(spans, scored)) + count(scored) for spans in kept])


def strips(folder: Path) -> None:
    """Hand-held strips by their class."""
    kept = defaultdict(list)
    for name, kind in csv.reader((folder / "REFERENCE.csv").open()):
        kept[kind].append(kept_percent(read_recording(folder / f"{name}.hea")))
    for kind, words in CLASSES.items():
        print(f"CinC 2017 {words:13} {len(kept[kind]):4} strips, {np.mean(kept[kind]):5.1f} % of the time kept")


def noises(folder: Path) -> None:
    """Noise without a heart."""
    for kind in ("em", "ma", "bw"):
        print(f"noise alone, {kind}: {kept_percent(first_channel(folder / f'{kind}.hea')):5.1f} % of the time kept")


def mixtures(data: Path) -> None:
    """Beats in noise, by the limit of the index."""
    total = np.zeros((len(LIMITS), 6))
    for name in [name for name in RECORDS if (data / "mitdb" / f"{name}.hea").exists()]:
        progress(f"mixtures: {name}")
        record = read_annotated(data / "mitdb" / f"{name}.hea")
        for kind in ("em", "ma"):
            noise = np.nan_to_num(np.asarray(first_channel(data / "nstdb" / f"{kind}.hea").ecg, np.float64))
            for level_db in LEVELS_DB:
                noisy = with_noise(record, noise, level_db).recording
                total += counts(noisy, record.reference.beats.time_s)
    print("limit  time kept  wrong beats kept  wrong beats left out")
    for limit, (kept_s, beats, wrong, all_s, all_beats, all_wrong) in zip(LIMITS, total.tolist(), strict=True):
        out = 100 * (all_wrong - wrong) / max(all_beats - beats, 1)
        print(f"{limit:5} {100 * kept_s / all_s:9.1f} % {100 * wrong / beats:14.2f} % {out:18.1f} %")


def sensitivities() -> None:
    """How far each phenotype of noisy nights moves with the limit: from its value at the recipe's, in percent of it."""
    recipe = load_recipe()
    moved, noisy = defaultdict(list), dataclasses.replace(preset("noisy"), hours=3.0)
    for seed in range(N_NIGHTS):
        progress(f"sensitivity: night {seed}")
        recording = simulate_night(noisy, np.random.default_rng(seed)).recording
        values = [night_values(recording, recipe, limit) for limit in (recipe.quality.minimum_sqi, *SHIFTED)]
        for name in set.intersection(*map(set, values)):
            usual, *others = (value[name] for value in values)
            if usual:
                moved[name].append([100 * (other / usual - 1) for other in others])
    changes = {name: np.abs(rows).mean(axis=0) for name, rows in moved.items()}
    low, high = np.median(list(changes.values()), axis=0)
    print(f"{len(changes)} phenotypes, median change at {SHIFTED[0]}: {low:.2f} %, at {SHIFTED[1]}: {high:.2f} %")
    for name, (low, high) in sorted(changes.items(), key=lambda item: -item[1].max()):
        print(f"{name:28} {low:7.2f} % {high:7.2f} %")


def night_values(recording: Recording, recipe: Recipe, limit: float) -> dict[str, float]:
    """Phenotypes of the whole night that have a value, with another limit of the index."""
    changed = dataclasses.replace(recipe, quality=dataclasses.replace(recipe.quality, minimum_sqi=limit))
    table = phenotype_table(analyze_night(recording, changed), changed)
    rows = table.filter((pl.col("stratum") == "night") & (pl.col("status") == "ok"))
    return dict(zip(rows["phenotype"], rows["value"], strict=True))


def main(data: Path) -> None:
    """Print everything."""
    warnings.simplefilter("ignore")
    noises(data / "nstdb")
    strips(data / "cinc2017_validation")
    mixtures(data)
    sensitivities()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

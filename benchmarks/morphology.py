"""Limits of agreement of QRS and QT: planted lengths, and our methods against neurokit2 on real records.

    python -m benchmarks.morphology ../shared/data

The folder holds mitdb, mimic_perform_af and cpsc2021. Bias is first minus second; limits are bias +- 1.96 SD
(Bland JM, Altman DG. Lancet 1986;327:307-310).
"""

from __future__ import annotations

import dataclasses
import logging
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from holter2sleep.analyze import Given, analyze_night
from holter2sleep.errors import Holter2SleepError
from holter2sleep.heart.morphology import METHODS, first_marks, measure_beats
from holter2sleep.heart.morphology_average import average_by_epoch
from holter2sleep.heart.morphology_marks import AveragedBeat, Marks
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.wfdb import read_wfdb
from holter2sleep.io.wfdb_header import read_wfdb_header
from holter2sleep.night import Night, Recording
from holter2sleep.recipe import Recipe, load_recipe
from holter2sleep.simulate import preset, simulate_night

SETS = ("mitdb", "mimic_perform_af", "cpsc2021")
MOST = 40  # records of a set, evenly spread
LONGEST_S = 1800.0
PAIRS = (("slope", "area"), ("slope", "neurokit2"), ("area", "neurokit2"))
QT_SIGMA = 2.5  # a Gaussian is seen as far as this many sigma: 4 % of its height


def agreement(first: list[float | None], second: list[float | None]) -> str:
    """Bias and 95 % limits of agreement of what both see."""
    both = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    difference = np.array([a - b for a, b in both])
    if len(difference) < 3:
        return f"n {len(difference)} of {len(first)}: too few"
    bias, half = difference.mean(), 1.96 * difference.std(ddof=1)
    limits = f"limits {bias - half:+6.1f} to {bias + half:+6.1f} ms"
    return f"n {len(both):3d} of {len(first):3d}  bias {bias:+6.1f} ms  {limits}  median {np.median(difference):+6.1f}"


def planted(recipe: Recipe) -> None:
    """Simulated leads of known QRS and QT: heart rates, rates of sampling, noise."""
    found: dict[str, list[tuple[float | None, float]]] = {}
    for rate_bpm in (45, 60, 75, 95):
        for fs in (100.0, 128.0, 250.0, 500.0, 1000.0):
            for noise_mv in (0.0, 0.03):
                plan = dataclasses.replace(
                    preset("clean"), hours=0.1, heart_rate_bpm=rate_bpm, fs=fs, noise_mv=noise_mv, wander_mv=noise_mv
                )
                truth = simulate_night(plan, np.random.default_rng(rate_bpm))
                spans = np.array([[0.0, plan.duration_s]])
                averages = average_by_epoch(
                    truth.recording, truth.hypnogram.grid, truth.beats, truth.episodes, spans, recipe.averages
                )
                assert averages is not None
                every = measure_beats(averages, averages.n_beats > 0, recipe.morphology)
                assert every.beat is not None
                # waves of simulate/waveform.py: Q, S, and the later half of T
                qrs_ms, stretch = 1000 * (0.058 + QT_SIGMA * 0.018), float(np.cbrt(every.beat.rr_s))
                qt_ms = 1000 * (0.028 + QT_SIGMA * 0.008) + 1000 * stretch * _t_end_s()
                for method, marks in every.marks.items():
                    found.setdefault(f"QRS {method}", []).append((marks.qrs_ms, qrs_ms))
                    found.setdefault(f"QT {method}", []).append((marks.qt_ms, qt_ms))
    for name, pairs in found.items():
        print(f"planted       {name:22} {agreement([a for a, _ in pairs], [b for _, b in pairs])}")


def _t_end_s() -> float:
    """Where the tangent at the steepest descent of the simulated T wave meets zero, s after R at RR 1 s."""
    at_s = np.arange(0.2, 0.6, 1e-4)
    t_mv = 0.20 * np.exp(-0.5 * ((at_s - 0.285) / 0.036) ** 2) + 0.13 * np.exp(-0.5 * ((at_s - 0.245) / 0.058) ** 2)
    slope = np.gradient(t_mv, at_s)
    steepest = int(slope.argmin())
    return float(at_s[steepest] - t_mv[steepest] / slope[steepest])


def recordings(folder: Path) -> Iterator[Recording]:
    """Records of a folder, evenly spread, first half hour; the first lead that is no pulse or breathing."""
    headers = sorted(folder.glob("*.hea"))
    for header in headers[:: max(1, len(headers) // MOST)][:MOST]:
        try:
            labels = [signal.label for signal in read_wfdb_header(header).signals]
            label = next((name for name in labels if name.startswith("ECG")), labels[0])
            recording = read_wfdb(header, header.stem, ReadOptions(label))
        except Holter2SleepError:
            continue
        if recording.ecg is not None and recording.fs is not None:
            length_s = min(LONGEST_S, recording.duration_s)
            yield recording.but(ecg=recording.ecg.cut(0, int(length_s * recording.fs)), duration_s=length_s)


def averaged(recording: Recording, recipe: Recipe) -> AveragedBeat | None:
    """The averaged beat of a whole record, as `analyze` makes it."""
    try:
        night: Night = analyze_night(recording, recipe, Given())
    except (Holter2SleepError, ValueError):
        return None
    if night.averages is None:
        return None
    found = first_marks(night.averages, np.ones(night.grid.n, bool), recipe.morphology)
    return None if found is None or found[0].n_beats < 10 else found[0]


def compare(name: str, beats: list[AveragedBeat], recipe: Recipe) -> None:
    """Print how far the methods agree on some averaged beats, and what each costs."""
    marks: dict[str, list[Marks]] = {}
    for method, mark in METHODS.items():
        start = time.perf_counter()
        marks[method] = [mark(beat, recipe.morphology.least_t_share) for beat in beats]
        print(f"{name:13} {method:10} {1000 * (time.perf_counter() - start) / max(1, len(beats)):8.1f} ms a beat")
    agreed = [_agreed(marks["slope"][i], marks["area"][i], recipe) for i in range(len(beats))]
    for what, of, given in (("QRS", "qrs_ms", [qrs for qrs, _ in agreed]), ("QT", "qt_ms", [qt for _, qt in agreed])):
        for other in ("area", "neurokit2"):
            values = [
                [getattr(one, of) if ok else None for one, ok in zip(marks[method], given, strict=True)]
                for method in ("slope", other)
            ]
            print(f"{name:13} {what:3}  slope - {other:10} {agreement(*values)}  (where a value is given)")
    for first, second in PAIRS:
        for what, of in (("QRS", "qrs_ms"), ("QT", "qt_ms")):
            values = ([getattr(one, of) for one in marks[method]] for method in (first, second))
            print(f"{name:13} {what:3} {first:>6} - {second:10} {agreement(*values)}")


def _agreed(slope: Marks, area: Marks, recipe: Recipe) -> tuple[bool, bool]:
    """Whether our two methods are near enough for a QRS and a QT value."""
    rules = recipe.morphology
    pairs = (
        (slope.qrs_ms, area.qrs_ms, rules.largest_qrs_spread_ms),
        (slope.qt_ms, area.qt_ms, rules.largest_qt_spread_ms),
    )
    qrs, qt = (a is not None and b is not None and abs(a - b) <= widest for a, b, widest in pairs)
    return qrs, qt


def main(folder: Path) -> None:
    """Print every agreement."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    recipe = load_recipe("overnight", ("staging.stager=clock",))
    planted(recipe)
    start = time.perf_counter()
    METHODS["neurokit2"](AveragedBeat(np.zeros(551), 500.0, 175, 10, 1.0, False), 0.05)
    print(f"neurokit2     first call, import included: {time.perf_counter() - start:.2f} s")
    every: list[AveragedBeat] = []
    for name in SETS:
        beats = [beat for recording in recordings(folder / name) if (beat := averaged(recording, recipe))]
        compare(name, beats, recipe)
        every += beats
    compare("all", every, recipe)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

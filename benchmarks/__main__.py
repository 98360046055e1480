"""Speed of the program against peers, measured in the same run: `make bench`."""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch are loaded: with two, both cores fight

import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import neurokit2
import numpy as np
import sleepecg

from holter2sleep.autonomic.blocks import estimates
from holter2sleep.autonomic.hrv import time_measures
from holter2sleep.autonomic.nn import nn_intervals
from holter2sleep.autonomic.spectrum import welch_rows, welch_values
from holter2sleep.autonomic.windows import five_minute_windows
from holter2sleep.heart.detect import detect_beats
from holter2sleep.heart.faults import find_faults
from holter2sleep.night import Beats, Episodes, Recording
from holter2sleep.recipe import load_recipe
from holter2sleep.simulate import preset, simulate_night
from holter2sleep.spans import as_spans

Row = tuple[str, float, str, float | None]  # what, our seconds, peer, its seconds
PROGRAM = [sys.executable, "-m", "holter2sleep"]


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """Best of a few runs."""
    best = np.inf
    for _ in range(times):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return float(best)


def detection(recording: Recording) -> list[Row]:
    """R peaks of 8 h."""
    recipe = load_recipe()
    ecg = np.asarray(recording.ecg, np.float64)
    ours = seconds(lambda: detect_beats(recording, find_faults(recording, recipe.faults), recipe.beats))
    sleepecg_s = seconds(lambda: sleepecg.detect_heartbeats(ecg, recording.fs))
    rate = int(recording.fs or 0)
    neurokit_s = seconds(lambda: neurokit2.ecg_peaks(neurokit2.ecg_clean(ecg, rate), rate), 1)
    what = "R peaks, two detectors, 8 h at 256 Hz"
    return [(what, ours, "sleepecg, one detector", sleepecg_s), (what, ours, "neurokit2", neurokit_s)]


def variability(beats: Beats, duration_s: float) -> list[Row]:
    """Time and frequency domain of 8 h."""
    recipe = load_recipe()
    whole = as_spans([(0.0, duration_s)])

    def ours() -> None:
        nn = nn_intervals(beats, Episodes.none(), whole, recipe.nn)
        time_measures(nn)
        estimates(welch_rows(five_minute_windows(nn, whole, recipe.hrv), recipe.hrv), welch_values)

    peaks = {"RRI": np.diff(beats.time_s) * 1000, "RRI_Time": beats.time_s[1:]}

    def neurokit() -> None:
        neurokit2.hrv_time(peaks, 1000)
        neurokit2.hrv_frequency(peaks, 1000)

    return [("HRV, time and frequency, 8 h", seconds(ours), "neurokit2 hrv_time + hrv_frequency", seconds(neurokit, 1))]


def whole_program(folder: Path) -> list[Row]:
    """The command as a user runs it, imports and PDF included."""
    night = folder / "night.edf"
    subprocess.run([*PROGRAM, "simulate", "--out", str(night)], check=True, capture_output=True)
    command = [*PROGRAM, "analyze", str(night), "--out", str(folder / "out"), "--overwrite"]
    analyze = seconds(lambda: subprocess.run(command, check=True, capture_output=True))
    shown = seconds(lambda: subprocess.run([*PROGRAM, "--help"], check=True, capture_output=True))
    return [("holter2sleep analyze, 8 h, tables and PDF", analyze, "", None), ("holter2sleep --help", shown, "", None)]


def main() -> None:
    """Print one table."""
    warnings.simplefilter("ignore")
    night = simulate_night(preset("sample"), np.random.default_rng(0))
    beats = night.beats.where(night.beats.usable)
    rows = [*detection(night.recording), *variability(beats, night.recording.duration_s)]
    with tempfile.TemporaryDirectory() as folder:
        rows += whole_program(Path(folder))
    print("| work | ours, s | peer | peer, s | ours / peer |\n|---|---|---|---|---|")
    for what, ours, peer, theirs in rows:
        right = f"{theirs:.2f} | {ours / theirs:.2g}" if theirs else "- | -"
        print(f"| {what} | {ours:.2f} | {peer or '-'} | {right} |")


if __name__ == "__main__":
    main()

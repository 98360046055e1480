"""Speed of the program against peers, measured in the same run: `make bench`.

Parts are seconds of this process, best of a few runs. Whole programs are processes of their own, imports included:
seconds of processor time, which other work on the machine disturbs least, with wall time and peak memory beside.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch are loaded: with two, both cores fight

import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import neurokit2
import numpy as np
import sleepecg

from benchmarks.batch import cohort, measured, rate_of, write_recording
from benchmarks.long_recordings import one_day
from benchmarks.processes import PROGRAM, Cost, cost_of
from benchmarks.sleepecg_night import FEATURES_ONLY
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

N_COMPARED = 16  # nights of 2 h, with one process and with two


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    seconds: float
    beside: str = ""  # what it is held against
    theirs: float | None = None
    more: str = ""

    def __str__(self) -> str:
        right = f"{self.theirs:.2f} | {self.seconds / self.theirs:.2g}" if self.theirs else "- | -"
        return f"| {self.what} | {self.seconds:.2f} | {self.beside or '-'} | {right} | {self.more} |"


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """Best of a few runs."""
    best = np.inf
    for _ in range(times):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return float(best)


def detection(recording: Recording) -> Iterator[Row]:
    """R peaks of 8 h."""
    recipe = load_recipe()
    ecg = np.asarray(recording.ecg, np.float64)
    ours = seconds(lambda: detect_beats(recording, find_faults(recording, recipe.faults), recipe.beats))
    rate = int(recording.fs or 0)
    what = "R peaks, two detectors, 8 h at 256 Hz"
    yield Row(what, ours, "sleepecg, one detector", seconds(lambda: sleepecg.detect_heartbeats(ecg, recording.fs)))
    theirs = seconds(lambda: neurokit2.ecg_peaks(neurokit2.ecg_clean(ecg, rate), rate), 1)
    yield Row(what, ours, "neurokit2", theirs)


def variability(beats: Beats, duration_s: float) -> Iterator[Row]:
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

    beside = "neurokit2 hrv_time + hrv_frequency"
    yield Row("HRV, time and frequency, 8 h", seconds(ours), beside, seconds(neurokit, 1))


def whole_program(folder: Path) -> Iterator[Row]:
    """The command as a user runs it, beside SleepECG's beats and stages, and three times as long."""
    night, day = folder / "night.edf", folder / "day.edf"
    one_day(night, 8)
    one_day(day, 24)
    analyze = (*PROGRAM, "analyze", "--out", str(folder / "out"), "--overwrite")
    eight, bare, long, peer, shown = cheapest(
        (*analyze, str(night)),
        (*analyze, str(night), "--no-report"),
        (*analyze, str(day)),
        ("-m", "benchmarks.sleepecg_night", str(night)),
        (*PROGRAM, "--help"),
    )
    beside = "sleepecg, beats and " + (FEATURES_ONLY if FEATURES_ONLY in peer.said else "three stages")
    yield Row("analyze, 8 h, tables and PDF", eight.cpu_s, beside, peer.cpu_s, _wall(eight, peer))
    yield Row("analyze --no-report, 8 h", bare.cpu_s, beside, peer.cpu_s, _wall(bare, peer))
    yield Row("analyze, 24 h, tables and PDF", long.cpu_s, "8 h", eight.cpu_s, _wall(long, eight))
    yield Row("--help", shown.cpu_s, more=f"wall {shown.wall_s:.2f} s")


def cheapest(*commands: tuple[str, ...]) -> list[Cost]:
    """Of each command the cheapest of three runs, all in turn: what else the machine does slows all alike."""
    runs = [[cost_of(*words) for words in commands] for _ in range(3)]
    return [min(costs, key=lambda cost: cost.cpu_s) for costs in zip(*runs, strict=True)]


def _wall(one: Cost, other: Cost) -> str:
    return f"wall {one.wall_s:.1f} and {other.wall_s:.1f} s, peak {one.peak_mb:.0f} and {other.peak_mb:.0f} MB"


def batches(folder: Path) -> Iterator[Row]:
    """Seconds a night of a batch with two processes beside one, from the end of the first night on."""
    manifest = cohort(folder / "recordings", N_COMPARED, write_recording, ".edf")
    for n in (1, 2):
        measured(manifest, folder / f"jobs{n}", "--jobs", str(n))
    alone, both = (60 / rate_of(folder / f"jobs{n}", n)[0] for n in (1, 2))
    load = f"{alone / both:.2f} times faster; wall, load {os.getloadavg()[0]:.1f}"
    yield Row("batch --jobs 2, a night of 2 h", both, "--jobs 1", alone, load)


def main() -> None:
    """Print one table."""
    warnings.simplefilter("ignore")
    night = simulate_night(preset("sample"), np.random.default_rng(0))
    beats = night.beats.where(night.beats.usable)
    print("| work | s | beside | s | ratio | |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = (
            detection(night.recording),
            variability(beats, night.recording.duration_s),
            whole_program(folder),
            batches(folder),
        )
        for part in parts:
            for row in part:
                print(row, flush=True)


if __name__ == "__main__":
    main()

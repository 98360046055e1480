"""Non-linear heart-rate variability: agreement with published results and neurokit2, and speed.

    python -m benchmarks.complexity ../shared/data/hrv_reference

Nothing is fitted; the published results are those of the PhysioNet programs `sampen` and `dfa` and of the PhysioNet
Cardiovascular Signal Toolbox (records nsr001 and nsr004 of 128 Hz, read with 125 Hz, time zero at the first beat).
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is loaded: seconds are of one core

import csv
import logging
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import neurokit2
import numpy as np
from scipy.signal import lfilter

from holter2sleep.autonomic.asymmetry import asymmetry_measures
from holter2sleep.autonomic.entropy import entropy_within, multiscale_measures
from holter2sleep.autonomic.fluctuation import fluctuation, scaling_exponents
from holter2sleep.autonomic.fragmentation import fragmentation_measures
from holter2sleep.autonomic.nn import nn_intervals
from holter2sleep.autonomic.pieces import whole_us
from holter2sleep.autonomic.prsa import averaged_signal, capacities, capacity
from holter2sleep.autonomic.short_series import values_of_windows
from holter2sleep.autonomic.turbulence import tachograms, turbulence_measures
from holter2sleep.autonomic.windows import five_minute_windows
from holter2sleep.io import read_recording
from holter2sleep.night import NN, Beats, Episodes, Float
from holter2sleep.recipe import load_recipe
from holter2sleep.spans import as_spans

RECIPE = load_recipe()
RECORDS = ("nsr001", "nsr004")
NIGHT = 30_000  # intervals in 8 h
PEER = 2_000  # its part is quadratic in time and memory


def physionet_programs(folder: Path) -> None:
    """Largest difference from the printed values of `sampen` and `dfa`."""
    values = np.loadtxt(folder / "sampen" / "test.10000").astype(np.int64)
    neighbours = np.arange(len(values)) > 0
    for file, tolerance in (("r02", 0.2), ("r2", 1.99)):  # `sampen` takes pairs nearer than r, we take up to r
        lines = (folder / "sampen" / f"sampen_expected_m5_{file}.txt").read_text().splitlines()
        theirs = [float(line.rpartition("=")[2]) for line in lines]
        off = max(abs(entropy_within(values, neighbours, tolerance, m) - theirs[m]) for m in range(1, 6))
        print(f"sampen, 10,000 values, m 1 to 5, r {tolerance}: largest difference {off:.1e}")
    log_size, log_distance = np.loadtxt(folder / "dfa" / "dfa.out").T
    series = np.loadtxt(folder / "dfa" / "rr-intervals")
    found = fluctuation(series, np.arange(len(series)) > 0, np.round(10**log_size).astype(np.int64))
    off = np.abs(np.log10(found) - log_distance).max()
    print(f"dfa, {len(series):,} intervals, {len(found)} sizes: largest difference of log10 F {off:.1e}")


def toolbox_windows(folder: Path) -> None:
    """Difference from the toolbox in its windows of 5 min, with its settings."""
    table = (folder / "ReferenceOutput" / "NSR_HRV_allwindows_allpatients.csv").read_text().splitlines()
    for record in RECORDS:
        nn = _toolbox_nn(folder, record)
        rows = [row for row in csv.DictReader(table) if row["patID"] == record]
        found = np.array([_as_toolbox(_between(nn, float(r["t_start"]), float(r["t_end"]))) for r in rows])
        theirs = np.array([[float(row[name]) for name in ("dc", "ac", "SampEn")] for row in rows])
        off = 100 * np.abs(found / theirs - 1)
        for name, column in zip(("DC", "AC", "SampEn"), off.T, strict=True):
            line = f"median {np.median(column):.2f} %, 90th percentile {np.quantile(column, 0.9):.1f} %"
            print(f"toolbox, {record}, {len(rows)} windows, {name}: {line}")


def _beats(folder: Path, record: str) -> Beats:
    beats = read_recording(folder / "TestData" / f"{record}.ecg").given_beats
    assert beats is not None
    return beats


def _toolbox_nn(folder: Path, record: str) -> NN:
    beats = _beats(folder, record)
    beats = beats.but(time_s=(beats.time_s - beats.time_s[0]) * 128 / 125)
    whole = as_spans([(0.0, beats.time_s[-1] + 1)])
    return nn_intervals(beats, Episodes.none(), whole, load_recipe().nn)


def _between(nn: NN, start_s: float, end_s: float) -> NN:
    """The intervals of a window, joined across what is missing, as the toolbox has them."""
    here = (nn.end_s >= start_s) & (nn.end_s < end_s)
    return NN(nn.end_s[here], nn.nn_ms[here], np.arange(here.sum()) > 0)


def _as_toolbox(nn: NN) -> tuple[float, float, float]:
    """DC and AC (changes up to 20 %, 30 intervals on either side) and sample entropy with r = 0.15 SD."""
    dc, ac = (capacity(averaged_signal(nn, sign, 0.2, 30)) for sign in (1, -1))
    values = whole_us(nn)
    return dc, ac, entropy_within(values, nn.adjacent, 0.15 * values.std(ddof=1), 2)


def toolbox_turbulence(folder: Path) -> None:
    """Turbulence of record nsr004 beside the toolbox's."""
    beats = _beats(folder, "nsr004")
    spans = as_spans([(0.0, beats.time_s[-1] + 1)])
    ours = turbulence_measures(tachograms(beats, np.flatnonzero(beats.label == "V"), spans))
    row = (folder / "ReferenceOutput" / "HRTtest.csv").read_text().splitlines()[1].split(",")
    print(f"toolbox, nsr004, turbulence: onset {float(row[1]):.3f} %, slope {float(row[2]):.3f} ms/RR, {row[3]} VPC")
    print(
        f"  ours: onset {ours['turbulence_onset']:.3f} %, slope {ours['turbulence_slope']:.3f} ms/RR, "
        f"{ours['n_vpc_turbulence']:.0f} VPC"
    )


def sinus(n: int) -> NN:
    """Slow drift, breathing and noise."""
    rng = np.random.default_rng(0)
    drift = lfilter([1.0], [1.0, -0.98], rng.normal(0, 12, n))
    values: Float = np.round(900 + drift + 30 * np.sin(2 * np.pi * np.arange(n) / 4.3) + rng.normal(0, 10, n), 3)
    return NN(np.cumsum(values) / 1000, values, np.arange(n) > 0)


def entropies_and_symbols(nn: NN) -> object:
    """What is measured window by window."""
    windows = five_minute_windows(nn, as_spans([(0.0, nn.end_s[-1] + 1)]), RECIPE.hrv)
    return values_of_windows(windows.parts, RECIPE.entropy)


MEASURES: tuple[Callable[[NN], object], ...] = (
    entropies_and_symbols,
    multiscale_measures,
    scaling_exponents,
    fragmentation_measures,
    asymmetry_measures,
    capacities,
)


def seconds(work: Callable[[], object]) -> float:
    """Processor time of a run without anything kept from another."""
    start = time.process_time()
    work()
    return time.process_time() - start


def speed() -> Iterator[str]:
    """Ours for 8 h beside neurokit2's for far less."""
    night, short = sinus(NIGHT), sinus(PEER)
    entropies_and_symbols(short)  # loads scipy's distances
    total = 0.0
    for measure in MEASURES:
        total += (took := seconds(lambda measure=measure: measure(night)))
        yield f"{measure.__name__}, {NIGHT:,} intervals: {took:.3f} s"
    yield f"all of them: {total:.3f} s"
    for length in (PEER // 2, PEER):
        peaks = {"RRI": short.nn_ms[:length], "RRI_Time": short.end_s[:length]}
        took = seconds(lambda peaks=peaks: neurokit2.hrv_nonlinear(peaks))
        yield f"neurokit2 hrv_nonlinear, {length:,} intervals: {took:.1f} s"


def main(folder: Path) -> None:
    """Print every agreement and the speed."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    physionet_programs(folder / "physiozoo_mhrv" / "test" / "resources")
    toolbox_windows(folder / "cliffordlab_PCST")
    toolbox_turbulence(folder / "cliffordlab_PCST")
    for line in speed():
        print(line, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

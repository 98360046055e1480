"""Variability held against published values of other packages, and its speed against neurokit2, in one run.

    python -m benchmarks.hrv DATA/hrv_reference

The PhysioNet Cardiovascular Signal Toolbox published 231 windows of each of two records. Two things stand between its
figures and ours, and both are arithmetic. Its windows were made with 125 Hz for records of 128 Hz: all its intervals
and times are 128/125 longer, and ours are stretched likewise here. Its powers are sums of 2 P(f) / 1024 over steps of
1/1024 Hz, P being Scargle's periodogram: the scale of a series with one interval a second. Ours are scaled by the
interval there is, so theirs are 1 / mean interval (s) higher, 8 % at 65/min and 50 % at 90/min.
The input of its third table (StandardizedData, from a generator of intervals with random numbers) was not published.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is loaded

import argparse
import csv
import json
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import neurokit2
import numpy as np

from holter2sleep.analyze import analyze_night
from holter2sleep.autonomic.blocks import estimates
from holter2sleep.autonomic.geometric import geometric_measures
from holter2sleep.autonomic.hrv import segment_measures, time_measures
from holter2sleep.autonomic.lomb import HZ, PERIOD_S, lomb_density
from holter2sleep.autonomic.nn import nn_intervals
from holter2sleep.autonomic.spectrum import BANDS_HZ, welch_rows, welch_values
from holter2sleep.autonomic.windows import Windows, five_minute_windows
from holter2sleep.io import read_recording
from holter2sleep.night import NN, Episodes, Float, Night
from holter2sleep.phenotypes.measures import FORMULAS
from holter2sleep.phenotypes.table import strata_of
from holter2sleep.recipe import load_recipe
from holter2sleep.simulate import preset, simulate_night
from holter2sleep.spans import as_spans

RECIPE = load_recipe()
RECORDS = ("nsr001", "nsr004")
TOOLBOX = "cliffordlab_PCST"
TOOLBOX_RATE = 125 / 128  # its sampling rate for these records / their own
SAME = 1e-4  # windows whose SDNN is as near have kept the same intervals

Ratios = dict[str, Float]  # ours / theirs, one a window


# --- PhysioNet Cardiovascular Signal Toolbox -------------------------------------------------------


def toolbox_windows(folder: Path, record: str) -> tuple[Windows, dict[str, Float]]:
    """Our intervals in the toolbox's windows, and what it published of them."""
    table = (folder / TOOLBOX / "ReferenceOutput" / "NSR_HRV_allwindows_allpatients.csv").read_text().splitlines()
    rows = [row for row in csv.DictReader(table) if row.pop("patID") == record]
    theirs = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    beats = read_recording(folder / TOOLBOX / "TestData" / f"{record}.ecg").given_beats
    assert beats is not None
    beats = beats.but(time_s=(beats.time_s - beats.time_s[0]) / TOOLBOX_RATE)
    nn = nn_intervals(beats, Episodes.none(), as_spans([(0.0, beats.time_s[-1] + 1)]), RECIPE.nn)
    borders = (np.searchsorted(nn.end_s, theirs[name]) for name in ("t_start", "t_end"))
    return Windows(nn, theirs["t_start"], *borders), theirs


def toolbox_ratios(folder: Path, record: str) -> Ratios:
    """Ours / theirs in each window; powers once theirs are scaled by the mean interval."""
    windows, theirs = toolbox_windows(folder, record)
    found = [time_measures(part).values for part in windows.parts]
    names = {"nn_mean": "NNmean", "sdnn": "SDNN", "rmssd": "RMSSD", "sd1": "SD1", "sd2": "SD2"}
    ratios = {name: np.array([one[name] for one in found]) / theirs[column] for name, column in names.items()}
    ratios["nn_median"] = np.array([np.median(part.nn_ms) for part in windows.parts]) / theirs["NNmedian"]
    mean_s = np.array([one["nn_mean"] for one in found]) / 1000
    density = lomb_density(windows)
    inside = {name: (HZ > low) & (HZ <= high) for name, (low, high) in BANDS_HZ.items()}
    powers = {name: density[:, band].sum(axis=1) / PERIOD_S for name, band in inside.items()}
    ratios |= {name: power / (theirs[name] * mean_s) for name, power in powers.items()}
    return ratios | {"lf_hf": powers["lf"] / powers["hf"] / (theirs["lf"] / theirs["hf"])}


def toolbox_lines(folder: Path) -> Iterator[str]:
    """Median ratios of all windows and of those whose intervals are the same."""
    yield "| record | measure | windows | ours / theirs, median | half of them within, % | same intervals | within, % |"
    yield "|---|---|---|---|---|---|---|"
    for record in RECORDS:
        ratios = toolbox_ratios(folder, record)
        same = np.abs(ratios["sdnn"] - 1) < SAME
        for name, ratio in ratios.items():
            spread = [100 * np.median(np.abs(some - 1)) for some in (ratio, ratio[same])]
            figures = f"{np.median(ratio):.4f} | {spread[0]:.3f} | {same.sum()} | {spread[1]:.6f}"
            yield f"| {record} | {name} | {len(ratio)} | {figures} |"


# --- pyHRV and hrv-analysis ------------------------------------------------------------------------


def series_of(nn_ms: Float) -> NN:
    """Intervals one after another."""
    return NN(np.cumsum(nn_ms) / 1000, nn_ms, np.arange(len(nn_ms)) > 0)


def pyhrv_pairs(folder: Path) -> Iterator[tuple[str, str, float, float]]:
    """Series, measure, ours and what pyHRV published."""
    names = {"nni_mean": "nn_mean", "pnn20": "pnn20", "pnn50": "pnn50", "nn50": "nn50", "tri_index": "triangular_index"}
    names |= {name: name for name in ("sdnn", "rmssd", "sd1", "sd2", "ellipse_area", "tinn")}
    names |= {"ellipse_area": "poincare_area", "fft_ratio": "lf_hf", "fft_total": "total_power"}
    published = json.loads((folder / "pyhrv" / "SampleExport.json").read_text())
    yield from _pairs("short", folder, {ours: float(published[name]) for name, ours in names.items()})
    labels = {"Mean NNI (ms)": "nn_mean", "SDNN (ms)": "sdnn", "SDNN Index (ms)": "sdnn_index", "SDANN (ms)": "sdann"}
    labels |= {"RMSSD (ms)": "rmssd", "NN50 (-)": "nn50", "pNN50 (%)": "pnn50", "pNN20 (%)": "pnn20"}
    labels |= {"Triangular Index (-)": "triangular_index", "SD1 (ms)": "sd1", "SD2 (ms)": "sd2"}
    labels |= {"Ellipse Area S (ms^2)": "poincare_area"}
    lines = [
        line.split(";") for line in (folder / "pyhrv" / "SampleReport.txt").read_text().splitlines() if ";" in line
    ]
    yield from _pairs("long", folder, {labels[a.strip()]: float(b) for a, b, *_ in lines if a.strip() in labels})


def _pairs(which: str, folder: Path, theirs: dict[str, float]) -> Iterator[tuple[str, str, float, float]]:
    ours = _everything(series_of(np.load(folder / "pyhrv" / f"SampleNNISeries{which.title()}.npy").astype(float)))
    yield from ((f"pyHRV {which}", name, ours[name], value) for name, value in theirs.items())


def _everything(nn: NN) -> dict[str, float]:
    windows = five_minute_windows(nn, as_spans([(0.0, nn.end_s[-1] + 1)]), RECIPE.hrv)
    found = (
        time_measures(nn),
        geometric_measures(nn),
        segment_measures(windows),
        estimates(welch_rows(windows, RECIPE.hrv), welch_values),
    )
    return {name: value for estimates in found for name, value in estimates.values.items()}


def vector_pairs(folder: Path) -> Iterator[tuple[str, str, float, float]]:
    """The vector of hrv-analysis, which has no published values, by neurokit2."""
    nn_ms = np.loadtxt(folder / "hrv-analysis" / "test_nn_intervals.txt")
    ours = _everything(series_of(nn_ms))
    theirs = neurokit2.hrv_time(np.r_[0, np.cumsum(nn_ms)].astype(int), sampling_rate=1000).iloc[0]
    names = {
        "MeanNN": "nn_mean",
        "SDNN": "sdnn",
        "RMSSD": "rmssd",
        "SDSD": "sdsd",
        "MedianNN": "nn_median",
        "HTI": "triangular_index",
        "TINN": "tinn",
    }
    for name, own in names.items():
        yield "hrv-analysis by neurokit2", own, ours[own], float(theirs[f"HRV_{name}"])


def pair_lines(folder: Path) -> Iterator[str]:
    """Ours beside theirs."""
    yield "| series | measure | ours | theirs | difference, % |\n|---|---|---|---|---|"
    for series, name, ours, theirs in [*pyhrv_pairs(folder), *vector_pairs(folder)]:
        yield f"| {series} | {name} | {ours:.3f} | {theirs:.3f} | {100 * (ours / theirs - 1):+.3f} |"


# --- speed -----------------------------------------------------------------------------------------


def speed_lines() -> Iterator[str]:
    """Processor time on 8 h of beats."""
    truth = simulate_night(preset("sample"), np.random.default_rng(0))
    night = analyze_night(truth.recording, RECIPE)
    peaks = {"RRI": night.rr.nn_ms, "RRI_Time": night.rr.end_s}
    whole = as_spans([(0.0, night.recording.duration_s)])
    yield "| work, 8 h | CPU s |\n|---|---|"
    yield f"| ours, time and frequency, whole night | {_cpu_s(lambda: _of_night(night, whole)):.3f} |"
    yield f"| ours, all HRV domains, all strata, three handlings, intervals | {_cpu_s(lambda: _of_strata(night)):.3f} |"
    yield f"| neurokit2 hrv_time + hrv_frequency, whole night | {_cpu_s(lambda: _of_neurokit(peaks), 1):.3f} |"


def _of_night(night: Night, whole: Float) -> None:
    time_measures(night.nn)
    estimates(welch_rows(five_minute_windows(night.nn, whole, RECIPE.hrv), RECIPE.hrv), welch_values)


def _of_strata(night: Night) -> None:
    domains = [name for name in FORMULAS if name.startswith("hrv_")]
    for stratum in strata_of(night):
        part = night.within(stratum)
        for domain in domains:
            FORMULAS[domain](part, night, RECIPE)


def _of_neurokit(peaks: dict[str, Float]) -> None:
    neurokit2.hrv_time(peaks, 1000)
    neurokit2.hrv_frequency(peaks, 1000)


def _cpu_s(work: Callable[[], object], times: int = 3) -> float:
    """Best of a few runs."""
    used = []
    for _ in range(times):
        start = time.process_time()
        work()
        used.append(time.process_time() - start)
    return min(used)


def main() -> None:
    """Print the tables."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hrv", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="the folder hrv_reference")
    folder = parser.parse_args().folder
    for lines in (toolbox_lines(folder), pair_lines(folder), speed_lines()):
        print(*lines, sep="\n", end="\n\n", flush=True)


if __name__ == "__main__":
    main()

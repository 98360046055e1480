"""Annotated records, and the QRS detectors that are compared on them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import neurokit2
import numpy as np
import sleepecg
from wfdb import processing

from holter2sleep.errors import UsageError
from holter2sleep.evaluate.sides import Side, read_side
from holter2sleep.heart.detect import detect_beats
from holter2sleep.heart.faults import find_faults
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.wfdb import read_wfdb
from holter2sleep.io.wfdb_header import read_wfdb_header
from holter2sleep.night import Beats, Float, Recording
from holter2sleep.recipe import load_recipe

Detector = Callable[[Recording], Float]  # -> R times, s


@dataclass(frozen=True)
class Annotated:
    """The first channel of a record, and what its annotators say."""

    name: str
    recording: Recording
    reference: Side


def first_channel(header: Path) -> Recording:
    """The lead stored first, as the field scores the sets."""
    return read_wfdb(header, header.stem, ReadOptions(read_wfdb_header(header).signals[0].label))


def annotated_headers(folder: Path, names: Sequence[str] | None = None) -> list[Path]:
    """Headers of the records that have a `.atr` beside them, all or those named.

    Raises
    ------
    UsageError
        There is none, or one that is named is missing.
    """
    headers = [path for path in sorted(folder.glob("*.hea")) if path.with_suffix(".atr").is_file()]
    missing = sorted(set(names or ()) - {path.stem for path in headers})
    if missing or not headers:
        what = f"no annotated record {missing[0]}" if missing else "no record with a header and a .atr"
        raise UsageError(f"{folder}: {what}; give the folder that holds mitdb and nstdb")
    return [path for path in headers if names is None or path.stem in names]


def read_annotated(header: Path) -> Annotated:
    """A record with its reference."""
    return Annotated(header.stem, first_channel(header), read_side(header.with_suffix(".atr")))


def ours(recording: Recording) -> Float:
    """The first detector of this package."""
    recipe = load_recipe()
    return detect_beats(recording, find_faults(recording, recipe.faults), recipe.beats).time_s


def by_sleepecg(recording: Recording) -> Float:
    """SleepECG's detector."""
    ecg, fs = _samples(recording)
    return np.asarray(sleepecg.detect_heartbeats(ecg, fs) / fs)


def by_neurokit(recording: Recording) -> Float:
    """NeuroKit2's default."""
    ecg, fs = _samples(recording)
    return np.asarray(neurokit2.ecg_peaks(neurokit2.ecg_clean(ecg, int(fs)), int(fs))[1]["ECG_R_Peaks"] / fs)


def by_xqrs(recording: Recording) -> Float:
    """XQRS of the wfdb package."""
    ecg, fs = _samples(recording)
    return np.asarray(processing.xqrs_detect(ecg, fs, verbose=False), np.float64) / fs


def _samples(recording: Recording) -> tuple[Float, float]:
    """Samples in mV and their rate."""
    return np.asarray(recording.ecg, np.float64), float(recording.fs or 0)


OURS = "holter2sleep"
DETECTORS: dict[str, Detector] = {
    OURS: ours,
    "sleepecg": by_sleepecg,
    "neurokit2": by_neurokit,
    "xqrs": by_xqrs,
}


def progress(text: str) -> None:
    """What is being done, beside the results."""
    print(text, file=sys.stderr, flush=True)


def timed(detector: Detector, recording: Recording) -> tuple[Beats, float]:
    """Beats that a detector finds, and the seconds of processor time it takes."""
    begin = time.process_time()
    found = detector(recording)
    return Beats.at(np.unique(found)), time.process_time() - begin

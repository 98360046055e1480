"""QRS detectors on annotated records, scored by EC57 in one run.

    python -m benchmarks.detectors ../shared/data/mitdb

The first channel of every record that has a `.atr` beside its header.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import neurokit2
import numpy as np
import sleepecg

from holter2sleep.evaluate.ec57 import compare_beats, gross, qrs_positive_predictivity, qrs_sensitivity
from holter2sleep.evaluate.rhythms import VENTRICULAR_FLUTTER, read_rhythm_spans
from holter2sleep.heart.detect import detect_beats
from holter2sleep.heart.faults import find_faults
from holter2sleep.io.beatfiles import read_beats
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.wfdb import read_wfdb
from holter2sleep.io.wfdb_header import read_wfdb_header
from holter2sleep.night import Beats, Recording
from holter2sleep.recipe import load_recipe

Detector = Callable[[Recording], np.ndarray]  # -> R times, s


def ours(recording: Recording) -> np.ndarray:
    """The first detector of this package."""
    recipe = load_recipe()
    return detect_beats(recording, find_faults(recording, recipe.faults), recipe.beats).time_s


def by_sleepecg(recording: Recording) -> np.ndarray:
    """SleepECG's detector."""
    return sleepecg.detect_heartbeats(np.asarray(recording.ecg, np.float64), recording.fs) / recording.fs


def by_neurokit(recording: Recording) -> np.ndarray:
    """NeuroKit2's default."""
    rate = int(recording.fs or 0)
    clean = neurokit2.ecg_clean(np.asarray(recording.ecg, np.float64), rate)
    return neurokit2.ecg_peaks(clean, rate)[1]["ECG_R_Peaks"] / rate


DETECTORS: dict[str, Detector] = {"holter2sleep": ours, "sleepecg": by_sleepecg, "neurokit2": by_neurokit}


def main(folder: Path) -> None:
    """Print gross sensitivity and positive predictivity of each detector."""
    warnings.simplefilter("ignore")
    matrices: dict[str, list] = {name: [] for name in DETECTORS}
    for header in sorted(folder.glob("*.hea")):
        if not header.with_suffix(".atr").exists():
            continue
        recording = read_wfdb(header, header.stem, ReadOptions(read_wfdb_header(header).signals[0].label))
        reference = read_beats(header.with_suffix(".atr"), recording.fs)
        flutter = read_rhythm_spans(header.with_suffix(".atr"), VENTRICULAR_FLUTTER)
        for name, detector in DETECTORS.items():
            test = Beats.at(np.unique(detector(recording)))
            matrix = compare_beats(reference, test, duration_s=recording.duration_s, excluded=flutter)
            matrices[name].append(matrix)
    for name, found in matrices.items():
        total = gross(found)
        sensitivity, predictivity = qrs_sensitivity(total), qrs_positive_predictivity(total)
        print(
            f"{name:13} Se {100 * (sensitivity or 0):.2f} %  +P {100 * (predictivity or 0):.2f} %  {len(found)} records"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))

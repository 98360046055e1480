"""Fit the clock-only table from scored nights: `python -m holter2sleep.training.clock FOLDER`.

FOLDER holds the hypnograms of the St Vincent's University Hospital sleep apnea database (`ucddbNNN_stage.txt`,
PhysioNet, ODC-BY 1.0; one code a line, 30 s). The table is written with counts, source, and the kappa of each
night staged by a table from all others.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.evaluate.classes import UNKNOWN, Codes
from holter2sleep.evaluate.floors import BIN_S, counts_by_time, summed
from holter2sleep.evaluate.stages import counts_of, kappa
from holter2sleep.night import EPOCH_S, SCHEMES
from holter2sleep.sleep.staging.clock import SCHEME, StageTable

TABLE = Path(__file__).parents[1] / "sleep" / "staging" / "clock_table.json"
MIN_NIGHTS = 5  # a bin reached by fewer nights is left out: its shares would be those of a few people
# Code of the set -> column of the scheme: wake, REM, S1, S2, S3, S4. Any other code is unscored.
COLUMN = {0: 0, 1: 2, 2: 1, 3: 1, 4: 1, 5: 1}


def read_night(path: Path) -> Codes:
    """Column of the scheme for each epoch. array (n_epochs,); UNKNOWN is unscored."""
    return np.array([COLUMN.get(int(line), UNKNOWN) for line in path.read_text().split()])


def count_stages(nights: list[Codes]) -> NDArray[np.int64]:
    """Epochs by half hour since the start, and stage. array (n_bins, n_classes)."""
    counts = [counts_by_time(n, EPOCH_S * np.arange(len(n), dtype=np.float64), len(SCHEMES[SCHEME])) for n in nights]
    n_nights = summed([(own > 0).max(axis=1, keepdims=True) for own in counts])[:, 0]
    return summed(counts)[n_nights >= MIN_NIGHTS]


def left_out_kappa(nights: list[Codes]) -> float:
    """Pooled kappa of every night staged by the table of all others."""
    matrix = np.zeros((len(SCHEMES[SCHEME]),) * 2, dtype=np.int64)
    for i, night in enumerate(nights):
        table = StageTable.from_counts(count_stages(nights[:i] + nights[i + 1 :]), BIN_S)
        guess = table.at(EPOCH_S * (np.arange(len(night), dtype=np.float64) + 0.5)).argmax(axis=1)
        scored = night != UNKNOWN
        matrix += counts_of(night[scored], guess[scored], len(matrix))
    value = kappa(matrix)
    if value is None:
        raise ValueError("kappa is undefined: the nights hold a single stage")
    return value


def fit(folder: Path) -> str:
    """The table as JSON text.

    Raises
    ------
    ValueError
        The folder holds no hypnogram.
    """
    paths = sorted(folder.glob("ucddb*_stage.txt"))
    if not paths:
        raise ValueError(f"no ucddb*_stage.txt in {folder}")
    nights = [read_night(path) for path in paths]
    table = {
        "data": "St Vincent's University Hospital / UCD sleep apnea database, PhysioNet, ODC-BY 1.0",
        "n_subjects": len(nights),
        "n_epochs": int(sum((night >= 0).sum() for night in nights)),
        "left_out_kappa": round(left_out_kappa(nights), 3),
        "bin_s": BIN_S,
        "classes": SCHEMES[SCHEME],
        "counts": count_stages(nights).tolist(),
    }
    return json.dumps(table, indent=1) + "\n"


def main() -> None:
    """Write the table beside the stager, or to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=TABLE)
    options = parser.parse_args()
    options.out.write_text(fit(options.folder), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()

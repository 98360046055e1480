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

from holter2sleep.evaluate.stages import kappa
from holter2sleep.night import EPOCH_S, SCHEMES
from holter2sleep.sleep.staging.clock import SCHEME, StageTable

TABLE = Path(__file__).parents[1] / "sleep" / "staging" / "clock_table.json"
BIN_S = 1800.0
MIN_NIGHTS = 5  # a bin reached by fewer nights is left out: its shares would be those of a few people
# Code of the set -> column of the scheme: wake, REM, S1, S2, S3, S4. Any other code is unscored.
COLUMN = {0: 0, 1: 2, 2: 1, 3: 1, 4: 1, 5: 1}

Codes = NDArray[np.int64]  # (n_epochs,), column of the scheme, -1 where unscored


def read_night(path: Path) -> Codes:
    """Column of the scheme for each epoch. array (n_epochs,); -1 is unscored."""
    return np.array([COLUMN.get(int(line), -1) for line in path.read_text().split()])


def count_stages(nights: list[Codes]) -> NDArray[np.int64]:
    """Epochs by half hour since the start, and stage. array (n_bins, n_classes)."""
    n_bins = 1 + max(_bins(night).max() for night in nights)
    counts = np.zeros((n_bins, len(SCHEMES[SCHEME])), dtype=np.int64)
    n_nights = np.zeros(n_bins, dtype=np.int64)
    for night in nights:
        scored = night >= 0
        np.add.at(counts, (_bins(night)[scored], night[scored]), 1)
        n_nights[np.unique(_bins(night)[scored])] += 1
    return counts[n_nights >= MIN_NIGHTS]


def _bins(night: Codes) -> NDArray[np.int64]:
    return (np.arange(len(night)) * EPOCH_S // BIN_S).astype(np.int64)


def left_out_kappa(nights: list[Codes]) -> float:
    """Pooled kappa of every night staged by the table of all others."""
    matrix = np.zeros((len(SCHEMES[SCHEME]),) * 2, dtype=np.int64)
    for i, night in enumerate(nights):
        table = StageTable.from_counts(count_stages(nights[:i] + nights[i + 1 :]), BIN_S)
        guess = table.at(EPOCH_S * (np.arange(len(night), dtype=np.float64) + 0.5)).argmax(axis=1)
        scored = night >= 0
        np.add.at(matrix, (night[scored], guess[scored]), 1)
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

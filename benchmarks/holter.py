"""Everything that is measured of beats, classes and rhythm on annotated records, in one run.

    python -m benchmarks.holter DATA [--quick] [--set detection --set noise --set classes] [--csv FOLDER]

DATA is the folder that holds `mitdb` (and `nstdb` for the noise). Detection: our detector and its peers on the first
channel of every record. Noise: electrode motion (em) and muscle (ma) at six levels, on the records of the MIT-BIH Noise
Stress Test Database. Classes: the whole analysis by EC57, on the training and the test set of de Chazal 2004; paced
records are left out of everything but atrial fibrillation. Figures on DS1 flatter: methods are made on it.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded: processor times are of one thread

import argparse
import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.classes import classes
from benchmarks.detection import DETECTION_COLUMNS, N_WORST, Detected, detect, pooled, score, worst
from benchmarks.detectors import (
    DETECTORS,
    OURS,
    Annotated,
    annotated_headers,
    first_channel,
    progress,
    read_annotated,
    timed,
)
from benchmarks.noise import LEVELS_DB, noisy_spans, with_noise
from benchmarks.people import QRS_COLUMNS, beat_rates
from holter2sleep.errors import UsageError
from holter2sleep.evaluate.tables import COUNT, Column, Table, line_table, record_table
from holter2sleep.spans import complement

SECTIONS = ("detection", "noise", "classes")
QUICK = ("105", "118", "119", "201", "202", "208", "213", "232")
NOISE_RECORDS = ("118", "119")  # those of the MIT-BIH Noise Stress Test Database
NOISES = ("em", "ma")
QUICK_LEVELS_DB = (24, 6, -6)


@dataclass(frozen=True)
class Choice:
    """What is to be measured."""

    data: Path
    sections: Sequence[str]
    detectors: Sequence[str]
    records: Sequence[str] | None  # None: all that are there
    noise_records: Sequence[str]
    levels_db: Sequence[int]

    def headers(self) -> list[Path]:
        """Records of the arrhythmia database."""
        return annotated_headers(self.data / "mitdb", self.records)


# --- detection -------------------------------------------------------------------------------------


def detection(choice: Choice) -> Iterator[tuple[str, Table]]:
    """The detectors side by side, each detector's records, and the worst ones of ours."""
    found: dict[str, dict[str, Detected]] = {name: {} for name in choice.detectors}
    for header in choice.headers():
        record = read_annotated(header)
        progress(f"detection: {record.name}")
        for name in choice.detectors:
            found[name][record.name] = detect(record, name)
    totals = {name: pooled(list(of_records.values())) for name, of_records in found.items()}
    yield "detection", line_table("QRS detection, MIT-BIH, first channel, gross (EC57)", DETECTION_COLUMNS, totals)
    rates = {name: beat_rates({record: one.wide for record, one in of.items()}) for name, of in found.items()}
    yield "detection_intervals", line_table("QRS within 150 ms, 95 % intervals over people", QRS_COLUMNS, rates)
    for name, of_records in found.items():
        heading = f"Worst {N_WORST} records of {name}"
        yield f"detection_worst_{name}", line_table(heading, DETECTION_COLUMNS, worst(of_records))
        yield f"detection_{name}", record_table(f"Records of {name}", DETECTION_COLUMNS, of_records, totals[name])


# --- noise -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stressed:
    """A detector at one level of noise: whole records as EC57 asks, and only their noisy minutes."""

    detector: str
    snr_db: int
    whole: Detected
    noisy: Detected


_NOISE_FIGURES = ("missed", "extra", "sensitivity_150_ms", "positive_predictivity_150_ms")


def _within(part: str, column: Column) -> Column:
    """A column of the whole records, or of their noisy minutes."""
    return Column(
        f"{column.title} {part}",
        f"{column.name}_{part}",
        column.form,
        lambda stressed: column.value(getattr(stressed, part)),
    )


NOISE_COLUMNS = (
    Column("detector", "detector", COUNT, lambda stressed: stressed.detector),
    Column("SNR dB", "snr_db", COUNT, lambda stressed: stressed.snr_db),
    *(
        _within(part, column)
        for part in ("whole", "noisy")
        for column in DETECTION_COLUMNS
        if column.name in _NOISE_FIGURES
    ),
)


def noise(choice: Choice) -> Iterator[tuple[str, Table]]:
    """For each kind of noise, every detector at every level."""
    records = [read_annotated(path) for path in annotated_headers(choice.data / "mitdb", choice.noise_records)]
    for kind in NOISES:
        samples = np.asarray(first_channel(choice.data / "nstdb" / f"{kind}.hea").ecg, np.float64)
        rows = {}
        for level_db in choice.levels_db:
            progress(f"noise: {kind}, {level_db} dB")
            noisy = [with_noise(record, samples, level_db) for record in records]
            rows |= {f"{name} {level_db}": _stressed(noisy, name, level_db) for name in choice.detectors}
        heading = f"Noise stress, {kind}, records {' '.join(choice.noise_records)}, gross at 150 ms"
        yield f"noise_{kind}", line_table(heading, NOISE_COLUMNS, dict(sorted(rows.items(), key=_curve)))


def _curve(item: tuple[str, Stressed]) -> tuple[int, int]:
    """Order: a detector's levels together, the quietest noise first."""
    return list(DETECTORS).index(item[1].detector), -item[1].snr_db


def _stressed(records: Sequence[Annotated], name: str, snr_db: int) -> Stressed:
    whole, noisy = [], []
    for record in records:
        found = timed(DETECTORS[name], record.recording)
        duration_s = record.recording.duration_s
        clean = complement(noisy_spans(duration_s), 0.0, duration_s)
        whole.append(score(record, *found))
        noisy.append(score(record, *found, excluded=clean))
    return Stressed(name, snr_db, pooled(whole), pooled(noisy))


# --- command ---------------------------------------------------------------------------------------


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.holter", description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder that holds mitdb and nstdb")
    parser.add_argument("--set", dest="sections", action="append", choices=SECTIONS, help="repeatable; all by default")
    parser.add_argument("--detector", action="append", choices=list(DETECTORS), help="repeatable; all by default")
    parser.add_argument("--records", nargs="+", help="records of mitdb; all by default")
    parser.add_argument("--noise-records", nargs="+", default=list(NOISE_RECORDS), help="records that get noise")
    parser.add_argument("--quick", action="store_true", help=f"records {' '.join(QUICK)}, three levels of noise")
    parser.add_argument("--details", action="store_true", help="print a line for each record too")
    parser.add_argument("--csv", type=Path, help="folder for every table as CSV")
    return parser


def choice_of(given: argparse.Namespace) -> Choice:
    """What the options ask for."""
    return Choice(
        given.data,
        given.sections or SECTIONS,
        given.detector or list(DETECTORS),
        given.records or (QUICK if given.quick else None),
        given.noise_records,
        QUICK_LEVELS_DB if given.quick else LEVELS_DB,
    )


def main() -> None:
    """Print the tables as they are ready."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    given = arguments().parse_args()
    choice = choice_of(given)
    makers = {
        "detection": lambda: detection(choice),
        "noise": lambda: noise(choice),
        "classes": lambda: classes(choice.headers()),
    }
    try:
        for section in choice.sections:
            for name, table in makers[section]():
                _show(name, table, given)
    except UsageError as error:
        sys.exit(f"Error: {error}")


def _show(name: str, table: Table, given: argparse.Namespace) -> None:
    if given.details or not _is_detail(name):
        print(table.text(), flush=True)
    if given.csv:
        given.csv.mkdir(parents=True, exist_ok=True)
        (given.csv / f"{name}.csv").write_text(table.csv(), encoding="utf-8")


def _is_detail(name: str) -> bool:
    """Whether a table has a line for each record, or is the worst of a peer."""
    ours = ("detection", "detection_intervals", f"detection_worst_{OURS}")
    return name.endswith("_records") or (name.startswith("detection") and name not in ours)


if __name__ == "__main__":
    main()

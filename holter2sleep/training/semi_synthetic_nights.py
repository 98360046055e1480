"""Scored nights with a waveform, of people of whom the beats are known and others of whom the shapes are.

    python -m holter2sleep.training.semi_synthetic_nights SLPDB MITDB NSTDB --out DIR

SLPDB gives the beat times and stages of eleven men, MITDB a source of beat shapes for each (DS2, sinus rhythm, so that
neither our detectors nor an encoder taught on DS1 has seen them), NSTDB the noise. DIR gets an EDF for each record, its
hypnogram, its true beats, and `people.csv`. All three are ODC-BY 1.0; DIR is for use at hand and not for passing on.

What such nights can show: what detection and noise cost, and whether a network learns timing from a waveform. What they
cannot: whether the waveform itself tells of sleep, for the shapes know nothing of the stage. Ectopic beats get the
shape of a normal one.
"""

from __future__ import annotations

import argparse
import csv
import io
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.io import read_recording
from holter2sleep.io.export import write_edf
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.wfdb import read_wfdb
from holter2sleep.io.wfdb_header import read_wfdb_header
from holter2sleep.night import EpochGrid, Hypnogram, Recording
from holter2sleep.training.mitdb import read_annotated
from holter2sleep.training.noise_stress import gain_for
from holter2sleep.training.semi_synthetic import Rows, cut_beats, laid_out
from holter2sleep.whole_files import write_bytes

log = logging.getLogger(__name__)

# Records of DS2 in sinus rhythm, hardly an ectopic beat in most: one for each man.
SHAPES = ("100", "103", "105", "113", "117", "121", "123", "212", "213", "231", "234")
NOISES = ("em", "ma", "bw")  # electrode motion, muscle, baseline: equal parts
UNSCORED = 1000  # from here on seeds are those of nights without stages
LEVEL_DB = 12.0  # moderate: detectors begin to fail between 12 and 6 dB


@dataclass(frozen=True)
class SemiSyntheticNight:
    """A waveform made from a person's beats, with what is true of it."""

    name: str
    subject: str
    recording: Recording
    hypnogram: Hypnogram


def make_nights(slpdb: Path, mitdb: Path, nstdb: Path, seed: int) -> Iterator[SemiSyntheticNight]:
    """The records of slpdb with waveforms; the same seed gives the same samples, another other shapes and noise."""
    maker = Maker(mitdb, nstdb)
    names = (slpdb / "RECORDS").read_text(encoding="utf-8").split()
    men = sorted({subject_of(name) for name in names})
    for name in names:
        recording = read_recording(slpdb / f"{name}.ecg")
        scored, _ = read_hypnogram(slpdb / f"{name}.st", EpochGrid.covering(recording.duration_s), recording.wall_clock)
        rng = np.random.default_rng([seed, names.index(name)])
        made = maker.made(recording, men.index(subject_of(name)) + seed, rng)
        yield SemiSyntheticNight(name, subject_of(name), made, scored)


def with_waveforms(recordings: Iterable[Recording], mitdb: Path, nstdb: Path, seed: int) -> Iterator[Recording]:
    """Recordings of beats with waveforms, each with the next person's shapes and with noise of its own."""
    maker = Maker(mitdb, nstdb)
    for i, recording in enumerate(recordings):
        yield maker.made(recording, i + seed, np.random.default_rng([seed, UNSCORED + i]))


def subject_of(name: str) -> str:
    """Whose a record of slpdb is: slp01a and slp01b are one man."""
    return name[:5]


class Maker:
    """Waveforms in which the beats of recordings are, with other people's shapes, and noise."""

    def __init__(self, mitdb: Path, nstdb: Path) -> None:
        self._mitdb = mitdb
        self._noise, self._noise_fs = _noise(nstdb)

    def made(self, recording: Recording, turn: int, rng: np.random.Generator) -> Recording:
        """The recording with a waveform, its beats no longer given; `turn` says whose shapes it gets."""
        if recording.given_beats is None:
            raise ValueError(f"{recording.recording_id} holds no beats")
        source = SHAPES[turn % len(SHAPES)]
        shapes, shape_rr_s, fs = _shapes(self._mitdb, source)
        if fs != self._noise_fs:
            raise ValueError(f"shapes at {fs:g} Hz and noise at {self._noise_fs:g} Hz")
        log.info("%s with the shapes of %s", recording.recording_id, source)
        beat_s = recording.given_beats.time_s
        laid = laid_out(beat_s, shapes, shape_rr_s, fs, rng)
        clean = np.zeros(round(recording.duration_s * fs), np.float32)
        clean[: len(laid)] = laid[: len(clean)]
        added = np.resize(np.roll(self._noise, -int(rng.integers(len(self._noise)))), len(clean))
        ecg = clean + gain_for(clean, beat_s, added, fs, LEVEL_DB) * added
        return recording.but(ecg=ecg.astype(np.float32), fs=fs, given_beats=None, channel="ECG")


def _shapes(mitdb: Path, name: str) -> tuple[Rows, NDArray[np.float64], float]:
    """Normal beats of a record's first lead, the interval before each, and the sampling rate."""
    record = read_annotated(mitdb / f"{name}.hea")
    return *cut_beats(record.leads[0], record.fs, record.beats.time_s[record.beats.label == "N"]), record.fs


def _noise(nstdb: Path) -> tuple[NDArray[np.float64], float]:
    """First channels of the noise recordings, each with SD 1, added; and their sampling rate."""
    parts, fs = [], 0.0
    for kind in NOISES:
        header = nstdb / f"{kind}.hea"
        channel = read_wfdb_header(header).signals[0].label
        recording = read_wfdb(header, kind, ReadOptions(channel=channel))
        samples, fs = np.nan_to_num(np.asarray(recording.ecg, np.float64)), float(recording.fs or 0)
        parts.append((samples - samples.mean()) / samples.std())
    return np.sum([part[: min(map(len, parts))] for part in parts], axis=0), fs


# --- files ------------------------------------------------------------------------------------------


def write_night(folder: Path, night: SemiSyntheticNight, beats: Path) -> None:
    """EDF, hypnogram and true beats, by name."""
    write_edf(folder / f"{night.name}.edf", night.recording)
    onset_s = night.hypnogram.grid.onset_s
    stages = [(f"{s:.0f}", "30", letter) for s, letter in zip(onset_s, night.hypnogram.stage.tolist(), strict=True)]
    write_bytes(folder / f"{night.name}.hypnogram.csv", _table(("onset", "duration", "stage"), stages))
    given = read_recording(beats).given_beats
    rows = [] if given is None else list(zip(given.time_s.round(4).tolist(), given.label.tolist(), strict=True))
    write_bytes(folder / f"{night.name}.beats.csv", _table(("time_s", "label"), rows))


def _table(header: tuple[str, ...], rows: list[tuple]) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header)
    table.writerows(rows)
    return text.getvalue().encode()


def main() -> None:
    """Write the nights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("slpdb", "mitdb", "nstdb"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    given.out.mkdir(parents=True, exist_ok=True)
    people = []
    for night in make_nights(given.slpdb, given.mitdb, given.nstdb, given.seed):
        write_night(given.out, night, given.slpdb / f"{night.name}.ecg")
        people.append((night.name, night.subject))
    write_bytes(given.out / "people.csv", _table(("recording_id", "subject_id"), people))


if __name__ == "__main__":
    main()

"""The nights a staging head learns from: scored ones, unscored ones of people without apnoea, and swings of heart rate.

All under ODC-BY 1.0 on PhysioNet but `hugcdn2014_rr` (CC BY 4.0).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.analyze import analyze_night
from holter2sleep.evaluate.classes import UNKNOWN
from holter2sleep.io import read_recording
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.night import EPOCH_S, Beats, Float, Night, Recording, Source
from holter2sleep.recipe import Recipe
from holter2sleep.sleep.staging import Evidence
from holter2sleep.sleep.staging.fusion import inputs
from holter2sleep.split import cut_night, find_nights
from holter2sleep.training.fusion import LETTERS, TrainingNight
from holter2sleep.training.semi_synthetic_nights import make_nights, with_waveforms

ACCEL_STAGES = (0, 1, 2, 3, 3, 4)  # codes of sleep-accel: wake, N1, N2, N3, N4, REM -> column
HUG_CLOCK_S = 60.0  # its intervals begin about a minute into the recording
HUG_HOLE_S = 30.0  # between stitched pieces: its length is not told, and nothing is said across it


@dataclass(frozen=True)
class HeardNight:
    """A night with beats, and its scored stages where there are any."""

    name: str
    subject: str
    evidence: Evidence
    stage: NDArray[np.int64]  # (n_epochs,), place in LETTERS, or UNKNOWN


@dataclass(frozen=True)
class SwingNight:
    """A scored night of which only the swing of the heart rate is known."""

    subject: str
    swing: Float  # (n_epochs,), NaN where unknown
    stage: NDArray[np.int64]  # (n_epochs,)


def read_scored(folder: Path, recipe: Recipe) -> list[HeardNight]:
    """The records of the MIT-BIH Polysomnographic Database; slp01a and slp01b are one person."""
    nights = []
    for name in (folder / "RECORDS").read_text().split():
        recording = read_recording(folder / f"{name}.ecg")
        evidence = evidence_of(analyze_night(recording, recipe))
        scored, _ = read_hypnogram(folder / f"{name}.st", evidence.grid, recording.wall_clock)
        nights.append(HeardNight(name, name[:5], evidence, codes_of(scored.stage)))
    return nights


def read_found(data: Path, recipe: Recipe, seed: int) -> list[HeardNight]:
    """The same records from the beats that are found in a waveform made of theirs, with other people's shapes."""
    nights = []
    for made in make_nights(data / "slpdb", data / "mitdb", data / "nstdb", seed):
        evidence = evidence_of(analyze_night(made.recording, recipe))
        nights.append(HeardNight(made.name, made.subject, evidence, codes_of(made.hypnogram.stage)))
    return nights


def codes_of(letters: NDArray[np.str_]) -> NDArray[np.int64]:
    """Place of each stage letter in LETTERS; UNKNOWN where unscored. array (n_epochs,)."""
    return np.array([LETTERS.index(letter) if letter in LETTERS else UNKNOWN for letter in letters])


def training_night(night: HeardNight) -> TrainingNight:
    """The night as a network sees it, of whose stages no teacher says anything."""
    features = np.column_stack(list(inputs(night.evidence).values())).astype(np.float32)
    return TrainingNight(night.name, night.subject, features, night.stage, silent(len(features)))


def silent(n_epochs: int) -> NDArray[np.float32]:
    """What teachers say who say nothing. array (n_epochs, 3)."""
    return np.full((n_epochs, 3), np.nan, np.float32)


def control_recordings(data: Path, recipe: Recipe) -> list[Recording]:
    """Beats of unscored nights of people without apnoea: controls of two apnoea sets, and nights of healthy Holters."""
    recordings = _apnea_sets(data, "c", "C")
    for path in sorted((data / "nsrdb").glob("*.atr")):
        whole = read_recording(path)
        recordings += [cut_night(whole, part) for part in find_nights(whole, recipe)[0]]
    return recordings


def read_controls(data: Path, recipe: Recipe) -> list[HeardNight]:
    """Those nights from the given beats."""
    return [_unscored(recording, recipe) for recording in control_recordings(data, recipe)]


def read_controls_found(data: Path, recipe: Recipe, seed: int) -> Iterator[HeardNight]:
    """The same nights from the beats found in waveforms made of them; one after the other, for each is large."""
    recordings = control_recordings(data, recipe)
    for made in with_waveforms(recordings, data / "mitdb", data / "nstdb", seed):
        yield _unscored(made, recipe)


def read_apnoeic(data: Path, recipe: Recipe) -> list[HeardNight]:
    """The other nights of the two apnoea sets, unscored."""
    return [_unscored(recording, recipe) for recording in _apnea_sets(data, "[ab]", "[DN]")]


def _apnea_sets(data: Path, apnea_ecg: str, hug: str) -> list[Recording]:
    """Nights of apnea-ecg (without the copies `..er`) and of HuGCDN2014 whose names begin with one of the letters."""
    recordings = [read_recording(path) for path in sorted((data / "apnea-ecg").glob(f"{apnea_ecg}??.qrs"))]
    return recordings + [read_hug(path) for path in sorted((data / "hugcdn2014_rr").glob(f"{hug}*.npz"))]


def _unscored(recording: Recording, recipe: Recipe) -> HeardNight:
    evidence, name = evidence_of(analyze_night(recording, recipe)), recording.recording_id
    return HeardNight(name, name.split("_")[0], evidence, np.full(evidence.grid.n, UNKNOWN))


def read_hug(path: Path) -> Recording:
    """A night of RR intervals of the HuGCDN2014 set as beats."""
    with np.load(path) as file:
        rr_s = file["rr_ms"].astype(np.float64) / 1000
    broken = np.isnan(rr_s)
    beat_s = HUG_CLOCK_S + np.cumsum(np.where(broken, HUG_HOLE_S, rr_s))
    beats = Beats.at(np.unique(beat_s[~broken]))
    source = Source(path.name, "RR intervals", "")
    return Recording(path.stem, source, float(beat_s[-1]) + 1, None, given_beats=beats, beats_classified=False)


def evidence_of(night: Night) -> Evidence:
    """What a stager is shown of a night that was analysed."""
    return Evidence(night.recording, night.grid, night.beats, night.quality, night.nn, night.lights)


def read_swings(folder: Path) -> list[SwingNight]:
    """The people of sleep-accel (features of 30 s, not always contiguous) on a grid of epochs."""
    nights = []
    for path in sorted(folder.glob("*_psg_labels.out")):
        subject = path.name.split("_")[0]
        code, swing, hours = (
            np.loadtxt(folder / f"{subject}_{kind}.out") for kind in ("psg_labels", "hr_feature", "time_feature")
        )
        at = np.round((hours - hours[0]) * 3600 / EPOCH_S).astype(np.int64)
        stage, on_grid = np.full(at[-1] + 1, UNKNOWN), np.full(at[-1] + 1, np.nan)
        stage[at], on_grid[at] = np.array(ACCEL_STAGES)[code.astype(np.int64)], swing
        nights.append(SwingNight(subject, on_grid, stage))
    return nights

"""Two views of each of a few patients: another lead, noise of the electrodes, a hole.

Departures from CLEF: a view is of one lead or of a mixture of the record's leads, since records here have two at most;
noise is filtered like the lead and its size is told in SD of the window, since windows are z-scored; and how much was
added is itself something to learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from holter2sleep.errors import UsageError
from holter2sleep.night import Float
from holter2sleep.sleep.staging.profiles import FS, filtered, z_scored
from holter2sleep.training import physiology
from holter2sleep.training.patients import PROFILE, Patient
from holter2sleep.training.qrs import NOISES, second_channel
from holter2sleep.waveform import Signal

NOISE_FS = 360.0  # Hz, of the MIT-BIH Noise Stress Test recordings
NOISE_SD = (0.1, 1.0)  # of the window's SD; 0.1 mV, CLEF's, is about 0.4
KINDS = ((), ("em",), ("ma",), ("bw",), NOISES)  # none, one of three, mixed: alike in chance
OTHER_LEAD = 0.2  # chance that the second view is of another lead than the first
HOLE = 0.2  # chance of a stretch of zeros
HOLE_SHARE = (0.1, 0.3)  # of the window
SHARE_REAL = 0.4  # of a batch, recordings; composed stretches are many, but no substitute


@dataclass(frozen=True)
class Batch:
    """N patients, two views each: the first views before the second ones."""

    windows: NDArray[np.float32]  # (2 N, 5000), z-scored
    attributes: NDArray[np.float32]  # (N, n_attributes), not standardised
    targets: NDArray[np.float32]  # (2 N, n_targets + 1), the last the SD of the added noise


def read_noises(nstdb: Path) -> dict[str, Signal]:
    """The second channel of each noise recording at 500 Hz, filtered like a lead, SD 1; the first is for testing."""
    absent = [kind for kind in NOISES if not (nstdb / f"{kind}.hea").is_file()]
    if absent:
        raise UsageError(f"{nstdb}: no {absent[0]}.hea; give the folder of the MIT-BIH Noise Stress Test database")
    made = {}
    for kind in NOISES:
        raw = filtered(second_channel(nstdb / f"{kind}.hea").astype(np.float64), NOISE_FS, PROFILE)
        noise = signal.resample_poly(raw, round(FS), round(NOISE_FS))
        made[kind] = (noise / noise.std()).astype(np.float32)
    return made


def draw_batch(patients: Sequence[Patient], n: int, noises: dict[str, Signal], rng: np.random.Generator) -> Batch:
    """Different patients, a window of each in two views."""
    chosen = [patients[i] for i in rng.choice(len(patients), n, replace=False, p=chances(patients))]
    at = [int(rng.integers(len(patient.windows))) for patient in chosen]
    leads = [two_leads(patient.windows.shape[1], rng) for patient in chosen]
    drawn = [(p, i, pair[k]) for k in (0, 1) for p, i, pair in zip(chosen, at, leads, strict=True)]
    views = [disturbed(patient.windows[i, lead].astype(np.float64), noises, rng) for patient, i, lead in drawn]
    known = np.stack([patient.targets[i, lead] for patient, i, lead in drawn])
    header = np.stack([patient.header for patient in chosen])
    added = np.array([[noise_sd] for _, noise_sd in views])
    return Batch(
        np.stack([window for window, _ in views]),
        np.concatenate([header, known[:n, : len(physiology.CORE)]], axis=1).astype(np.float32),
        np.concatenate([known, added], axis=1).astype(np.float32),
    )


def chances(patients: Sequence[Patient]) -> Float:
    """Of being drawn: by the square root of a patient's windows, recordings together no less than `SHARE_REAL`."""
    chance = np.sqrt([len(patient.windows) for patient in patients])
    real = np.array([patient.real for patient in patients])
    chance /= chance.sum()
    if real.any() and chance[real].sum() < SHARE_REAL:
        chance[real] *= SHARE_REAL / chance[real].sum()
        chance[~real] *= (1 - SHARE_REAL) / chance[~real].sum()
    return chance


def two_leads(n_leads: int, rng: np.random.Generator) -> tuple[int, int]:
    """The lead of either view: most often the same."""
    first = int(rng.integers(n_leads))
    return first, int(rng.integers(n_leads)) if rng.random() < OTHER_LEAD else first


View = tuple[NDArray[np.float32], float]  # window, SD of the added noise


def disturbed(window: Float, noises: dict[str, Signal], rng: np.random.Generator) -> View:
    """The window in noise, perhaps with a hole, z-scored again."""
    kinds = KINDS[rng.integers(len(KINDS))]
    noise_sd = rng.uniform(*NOISE_SD) if kinds else 0.0
    noise = sum((_stretch(noises[kind], len(window), rng) for kind in kinds), np.zeros(len(window)))
    window = window + noise_sd * noise / np.sqrt(max(len(kinds), 1))
    if rng.random() < HOLE:
        n = round(rng.uniform(*HOLE_SHARE) * len(window))
        first = rng.integers(len(window) - n)
        window[first : first + n] = 0
    return z_scored(window).astype(np.float32), noise_sd


def _stretch(noise: Signal, n: int, rng: np.random.Generator) -> Float:
    """A stretch of the noise of SD 1, either way up."""
    first = rng.integers(len(noise) - n)
    part = noise[first : first + n].astype(np.float64)
    return rng.choice([-1, 1]) * part / max(float(part.std()), 1e-9)

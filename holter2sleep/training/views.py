"""Two views of each of a few patients: another mixture of leads, noise of the electrodes, a hole.

Departures from CLEF: a view is of one lead or of a mixture of the record's leads, since records here have two at most;
noise is filtered like the lead and its size is told in SD of the window, since windows are z-scored; and how much was
added is itself something to learn. Half of the windows are slowed, and what is told of them follows: few patients show
few heart rates.
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
from holter2sleep.training.patients import PROFILE, TARGETS, Patient
from holter2sleep.training.qrs import NOISES, second_channel
from holter2sleep.waveform import Signal

NOISE_FS = 360.0  # Hz, of the MIT-BIH Noise Stress Test recordings
NOISE_SD = (0.1, 1.0)  # of the window's SD; 0.1 mV, CLEF's, is about 0.4
KINDS = ((), ("em",), ("ma",), ("bw",), NOISES)  # none, one of three, mixed: alike in chance
OTHER_LEAD = 0.2  # chance that the second view is of another lead than the first
MIXED_LEADS = 0.5  # chance that a lead of a record with several is a mixture of them
SLOWED = 0.5  # chance that a window is stretched
SLOWEST = 0.65  # of its speed
HOLE = 0.2  # chance of a stretch of zeros
HOLE_SHARE = (0.1, 0.3)  # of the window


# What a speed v adds to each target, in ln v: rates fall, waves widen, slopes flatten; shares stay, on average.
SLOWING = np.array(
    [{"qrs_width": -1.0, "share_s": 0, "share_v": 0, "irregularity": 0, "af": 0}.get(t, 1) for t in TARGETS]
)


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
    """Different patients, a window of each; one with many windows is drawn more often, by their square root."""
    chance = np.sqrt([len(patient.windows) for patient in patients])
    chosen = [patients[i] for i in rng.choice(len(patients), n, replace=False, p=chance / chance.sum())]
    at = [int(rng.integers(len(patient.windows))) for patient in chosen]
    speed = np.where(rng.random(n) < SLOWED, rng.uniform(SLOWEST, 1, n), 1.0)
    drawn = list(zip(chosen, at, speed.tolist(), strict=True))
    pairs = [two_views(slowed(patient.windows[i], v), noises, rng) for patient, i, v in drawn]
    known = np.stack([patient.targets[i] for patient, i, _ in drawn]) + SLOWING * np.log(speed)[:, None]
    header = np.stack([patient.header for patient in chosen])
    views = [pair[k] for k in (0, 1) for pair in pairs]
    added = np.array([[noise_sd] for _, noise_sd in views])
    return Batch(
        np.stack([window for window, _ in views]),
        np.concatenate([header, known[:, : len(physiology.NAMES)]], axis=1).astype(np.float32),
        np.concatenate([np.tile(known, (2, 1)), added], axis=1).astype(np.float32),
    )


def slowed(leads: NDArray[np.float16], speed: float) -> NDArray[np.float16]:
    """The middle of a window, stretched to its whole length: (n_leads, 5000)."""
    if speed == 1:
        return leads
    n = leads.shape[1]
    at = n / 2 + (np.arange(n) - n / 2) * speed
    return np.stack([np.interp(at, np.arange(n), lead.astype(np.float64)) for lead in leads]).astype(np.float16)


View = tuple[NDArray[np.float32], float]  # window, SD of the added noise


def two_views(leads: NDArray[np.float16], noises: dict[str, Signal], rng: np.random.Generator) -> tuple[View, View]:
    """Two disturbed copies of the same ten seconds, now and then of two leads."""
    first = second = one_lead(leads, rng)
    if rng.random() < OTHER_LEAD:
        second = one_lead(leads, rng)
    return disturbed(first, noises, rng), disturbed(second, noises, rng)


def one_lead(leads: NDArray[np.float16], rng: np.random.Generator) -> Float:
    """One of the leads, or a mixture: another angle at the same heart. array (5000,), z-scored."""
    if len(leads) > 1 and rng.random() < MIXED_LEADS:
        return z_scored(rng.normal(size=len(leads)) @ leads.astype(np.float64))
    return z_scored(leads[rng.integers(len(leads))].astype(np.float64))


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

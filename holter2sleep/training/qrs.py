"""Fit the two networks that judge QRS candidates: `python -m holter2sleep.training.qrs MITDB NSTDB`.

MITDB and NSTDB are the folders of the MIT-BIH Arrhythmia and Noise Stress Test databases (PhysioNet, ODC-BY 1.0). Only
records of DS1 are used, and of the noise recordings only the second channel: DS2 and the first channel stay unseen.
Each record is heard many times: its leads mixed, slower or faster, under noise of many colours and strengths.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from holter2sleep.heart.candidates import Candidates, find_candidates, in_bands, qrs_height, resampled
from holter2sleep.heart.refine import WEIGHTS, taller_side, usual_range
from holter2sleep.heart.second_look import second_look
from holter2sleep.heart.sequence_net import Weights, chances, logits
from holter2sleep.heart.weights import joined, write_weights
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.wfdb import read_wfdb
from holter2sleep.io.wfdb_header import read_wfdb_header
from holter2sleep.night import Float
from holter2sleep.spans import Spans, contains
from holter2sleep.training.arguments import read_arguments
from holter2sleep.training.mitdb import DS1, Annotated, read_set
from holter2sleep.training.noise_stress import gain_for
from holter2sleep.training.sequence import UNKNOWN, Course, Sequence, fit
from holter2sleep.waveform import Signal

log = logging.getLogger(__name__)

NOISES = ("em", "ma", "bw")
MATCH_S = 0.1  # a candidate within it of a reference beat is that beat
STRETCH_S = 640.0  # as the detector sees a record


@dataclass(frozen=True)
class Example:
    """Candidates of a stretch, and which are beats."""

    source: str
    candidates: Candidates
    is_beat: NDArray[np.int64]  # 1 for a beat, 0 for none, UNKNOWN in ventricular flutter

    def sequence(self, features: NDArray[np.float32]) -> Sequence:
        """What a network is taught with."""
        return Sequence(self.source, features, self.candidates.patches, self.is_beat)


def heard(record: Annotated, noises: dict[str, Signal], rng: np.random.Generator) -> list[Example]:
    """One variant of a record."""
    speed = rng.uniform(0.7, 1.35) if rng.random() < 0.5 else 1.0  # a faster heart with narrower waves, or a slower
    fs = record.fs * speed
    ecg = dulled(mixed_leads(record.leads, rng), fs, rng)
    beat_s = record.beats.time_s / speed
    if rng.random() < 0.85:
        ecg = ecg + _noise(ecg, beat_s, fs, noises, rng)
    return examples(record.name, ecg * rng.choice([-1, 1]), fs, beat_s, record.flutter / speed)


def mixed_leads(leads: Signal, rng: np.random.Generator) -> Signal:
    """One of the leads, or a lead between them: another angle at the same heart."""
    chosen: Signal = leads[rng.integers(len(leads))]
    if rng.random() < 0.5:
        weights = rng.normal(size=len(leads)) / np.array([np.std(lead) + 1e-6 for lead in leads])
        chosen = (weights @ leads).astype(np.float32)
    return chosen


def dulled(ecg: Signal, fs: float, rng: np.random.Generator) -> Signal:
    """As a recorder with a narrower band gives it, half of the time."""
    if rng.random() < 0.5:
        return ecg
    sos = signal.butter(2, rng.uniform(22, 60), "lowpass", fs=fs, output="sos")
    dulled: Signal = signal.sosfiltfilt(sos, ecg).astype(np.float32)
    return dulled


def _noise(ecg: Signal, beat_s: Float, fs: float, noises: dict[str, Signal], rng: np.random.Generator) -> Signal:
    """Noise at a ratio drawn by chance, all the time or now and then."""
    noise = sum((coloured(noises[kind], len(ecg), fs, rng) for kind in _kinds(rng)), np.zeros(len(ecg), np.float32))
    noise = noise * gain_for(ecg, beat_s, noise, fs, rng.uniform(-6, 22))
    if rng.random() < 0.5:
        on = (np.arange(len(ecg)) / fs // rng.uniform(10, 240)) % 2 == 0
        noise = noise * on
    return noise.astype(np.float32)


def _kinds(rng: np.random.Generator) -> list[str]:
    """Electrode motion is the worst of the three, and the most heard."""
    kinds = ["em", "em", "ma", "ma", "bw"]
    return [str(kind) for kind in rng.choice(kinds, 1 + rng.integers(2), replace=False)]


def coloured(noise: Signal, n: int, fs: float, rng: np.random.Generator) -> Signal:
    """A stretch of the noise, slower or faster, with its colour shifted to deep or to high."""
    part = np.roll(noise, rng.integers(len(noise)))
    pace = rng.uniform(0.6, 1.6)
    part = np.interp(np.arange(n) * pace % len(part), np.arange(len(part)), part)
    corner, tilt = rng.uniform(3, 20), rng.uniform(-0.7, 3.0)
    high = signal.sosfilt(signal.butter(1, corner, "highpass", fs=fs, output="sos"), part)
    mixed = part + tilt * high
    coloured: Signal = (rng.choice([-1, 1]) * mixed / (mixed.std() + 1e-9) * rng.uniform(0.3, 1)).astype(np.float32)
    return coloured


def silence(noises: dict[str, Signal], rng: np.random.Generator, fs: float = 360.0) -> list[Example]:
    """Noise without a heart: nothing in it is a beat."""
    n = round(STRETCH_S * fs)
    parts = [coloured(noises[kind], n, fs, rng) for kind in _kinds(rng)]
    hiss = rng.normal(size=n).astype(np.float32) * rng.uniform(0, 1)
    return examples("noise", sum(parts, hiss), fs, np.array([-9.0, -8.0]), np.empty((0, 2)))


def examples(source: str, ecg: Signal, fs: float, beat_s: Float, flutter: Spans) -> list[Example]:
    """Stretches as the detector sees them."""
    size = round(STRETCH_S * fs)
    return [
        _example(source, ecg[first : first + size], fs, beat_s - first / fs, flutter - first / fs)
        for first in range(0, len(ecg) - size // 4, size)
    ]


def _example(source: str, ecg: Signal, fs: float, beat_s: Float, flutter: Spans) -> Example:
    work = resampled(ecg, fs)
    work *= np.float32(taller_side(work) / usual_range(work))
    energy, shape = in_bands(work)
    candidates = find_candidates(work, qrs_height(energy), shape)
    time_s = candidates.time_s
    is_beat = np.zeros(len(time_s), np.int64)
    if len(time_s) > 1:
        right = np.clip(np.searchsorted(time_s, beat_s), 1, len(time_s) - 1)
        near = np.where(time_s[right] - beat_s < beat_s - time_s[right - 1], right, right - 1)
        is_beat[near[np.abs(time_s[near] - beat_s) <= MATCH_S]] = 1
    is_beat[contains(flutter + np.array([-1.0, 1.0]), time_s)] = UNKNOWN
    return Example(source, candidates, is_beat)


def train(mitdb: Path, nstdb: Path, variants: int, steps: int, seed: int) -> dict[str, NDArray[np.float32]]:
    """Weights of both networks."""
    rng = np.random.default_rng(seed)
    noises = {kind: second_channel(nstdb / f"{kind}.hea") for kind in NOISES}
    made: list[Example] = []
    for record in read_set(mitdb, DS1):
        for _ in range(variants):
            made += heard(record, noises, rng)
        log.info("%s: %d stretches", record.name, len(made))
    for _ in range(2 * variants):
        made += silence(noises, rng)
    first = fit([example.sequence(example.candidates.features) for example in made], Course(2, steps, seed))
    log.info("second look")
    second = fit([example.sequence(_looked_again(first, example)) for example in made], Course(2, steps, seed + 1))
    return joined(first=first, second=second)


def _looked_again(first: Weights, example: Example) -> NDArray[np.float32]:
    candidates = example.candidates
    return second_look(candidates, chances(logits(first, candidates.features, candidates.patches))[:, 1])


def second_channel(header: Path) -> Signal:
    """The second of the two channels of a noise recording: the first stays for testing."""
    label = read_wfdb_header(header).signals[1].label
    return np.nan_to_num(np.asarray(read_wfdb(header, header.stem, ReadOptions(channel=label)).ecg))


def main() -> None:
    """Write the weights where the detector finds them, or to `--out`."""
    options = read_arguments(__doc__, WEIGHTS, variants=40, steps=6000)
    weights = train(options.mitdb, options.nstdb, options.variants, options.steps, options.seed)
    write_weights(options.out, weights)


if __name__ == "__main__":
    main()

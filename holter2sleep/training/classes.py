"""Fit the networks that tell beat classes: `python -m holter2sleep.training.classes MITDB NSTDB`.

MITDB and NSTDB are the folders of the MIT-BIH Arrhythmia and Noise Stress Test databases (PhysioNet, ODC-BY 1.0). Only
records of DS1 are used. Each is heard many times: its leads mixed, a little slower or faster, now and then in noise.
The chances are calibrated on DS1 too, by networks that have not heard the record they judge; so is how far off the
number of S and V beats of a person may be.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from holter2sleep.heart.beat_features import beat_features
from holter2sleep.heart.class_net import CLASSES, WEIGHTS, calibrated, raw_logits
from holter2sleep.heart.shape import beat_shapes
from holter2sleep.heart.summits import on_dominant_deflection
from holter2sleep.heart.weights import Arrays, joined, write_weights
from holter2sleep.night import Beats, Float, Recording, Source, Text
from holter2sleep.phenotypes.ectopy import doubt_of
from holter2sleep.recipe import load_recipe
from holter2sleep.spans import as_spans
from holter2sleep.training.arguments import read_arguments
from holter2sleep.training.mitdb import DS1, Annotated, read_set
from holter2sleep.training.noise_stress import gain_for
from holter2sleep.training.qrs import NOISES, coloured, dulled, mixed_leads, second_channel
from holter2sleep.training.sequence import UNKNOWN, Course, Sequence, fit
from holter2sleep.waveform import Signal, Waveform

log = logging.getLogger(__name__)

FOLDS = 5
APART_S = 0.15  # beats that the search for the summit has brought closer are one


def heard(record: Annotated, noises: dict[str, Signal], rng: np.random.Generator) -> Sequence:
    """One variant of a record."""
    speed = rng.uniform(0.8, 1.25) if rng.random() < 0.7 else 1.0
    fs, beat_s = record.fs * speed, record.beats.time_s / speed
    ecg = dulled(mixed_leads(record.leads, rng), fs, rng)
    if rng.random() < 0.5:
        noise = coloured(noises[str(rng.choice(NOISES))], len(ecg), fs, rng)
        ecg = ecg + noise * gain_for(ecg, beat_s, noise, fs, rng.uniform(8, 25))
    return sequence_of(record.name, (ecg * rng.choice([-1, 1])).astype(np.float32), fs, beat_s, record.beats.label)


def sequence_of(name: str, ecg: Signal, fs: float, beat_s: Float, label: Text) -> Sequence:
    """The beats of a lead as `classify_beats` sees them."""
    rules = load_recipe()
    lead = Waveform.of(ecg)
    recording = Recording(name, Source(name, "WFDB", ""), len(ecg) / fs, fs, ecg=lead)
    time_s, _ = on_dominant_deflection(lead, fs, beat_s, rules.beats.search_s)
    order = np.argsort(time_s, kind="stable")
    order = order[np.r_[True, np.diff(time_s[order]) > APART_S]]
    beats = Beats.at(time_s[order])
    shape = beat_shapes(recording, beats.time_s, rules.shape)
    if shape is None:
        raise ValueError("no beats")
    features = beat_features(beats, shape, as_spans([(0.0, recording.duration_s)]))
    target = np.array([CLASSES.find(one) if one in CLASSES else UNKNOWN for one in label[order]])
    return Sequence(name, features, shape.apart, target)


def train(mitdb: Path, nstdb: Path, variants: int, steps: int, nets: int, seed: int) -> Arrays:
    """Weights of a few networks whose chances are averaged, and how to calibrate them."""
    rng = np.random.default_rng(seed)
    noises = {kind: second_channel(nstdb / f"{kind}.hea") for kind in NOISES}
    sequences, plain = [], []
    for record in read_set(mitdb, DS1):
        plain.append(sequence_of(record.name, record.leads[0], record.fs, record.beats.time_s, record.beats.label))
        sequences += [plain[-1], *(heard(record, noises, rng) for _ in range(variants))]
        log.info("%s: %d variants", record.name, len(sequences))
    course = Course(len(CLASSES), steps, seed, dropout=0.2, decay=1e-3, rarity=0.5)
    logits, targets = _unheard(sequences, plain, course)
    calibration = fit_calibration(np.concatenate(logits), np.concatenate(targets))
    calibration["spread"] = fit_spread(logits, targets, calibration)
    fitted = {f"net{i}": fit(sequences, Course(**{**vars(course), "seed": seed + i})) for i in range(nets)}
    return joined(**fitted, calibration=calibration)


def _unheard(sequences: list[Sequence], plain: list[Sequence], course: Course) -> tuple[list[NDArray], list[NDArray]]:
    """Logits of each record by a network that has not heard it, and its classes."""
    logits, target = [], []
    for fold in range(FOLDS):
        out = {sequence.source for sequence in plain[fold::FOLDS]}
        weights = fit([s for s in sequences if s.source not in out], course)
        for sequence in plain[fold::FOLDS]:
            logits.append(raw_logits([weights], sequence.features, sequence.patches))
            target.append(sequence.target)
    _report(np.concatenate(logits), np.concatenate(target))
    return logits, target


def _report(logits: NDArray, target: NDArray) -> None:
    """Sensitivity and positive predictivity of each class on records not heard."""
    found = logits.argmax(axis=1)
    for i, name in enumerate(CLASSES):
        hits = ((found == i) & (target == i)).sum()
        sensitivity, predictivity = hits / max((target == i).sum(), 1), hits / max((found == i).sum(), 1)
        log.info("DS1, not heard: %s Se %.1f %% +P %.1f %%", name, 100 * sensitivity, 100 * predictivity)


def fit_calibration(logits: NDArray, target: NDArray) -> dict[str, NDArray[np.float32]]:
    """Scale of the logits and a constant for each class, by maximum likelihood (vector scaling, Guo 2017)."""
    known = target != UNKNOWN
    x, y = torch.from_numpy(logits[known].astype(np.float64)), torch.from_numpy(target[known])
    scale = torch.ones(1, dtype=torch.float64, requires_grad=True)
    shift = torch.zeros(len(CLASSES), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([scale, shift], max_iter=200)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(x * scale + shift, y)
        loss.backward()
        return loss

    optimizer.step(closure)
    made = {"scale": scale.detach().numpy(), "shift": shift.detach().numpy()}
    log.info("scale %s, shift %s", *(np.round(array, 2) for array in made.values()))
    chance = calibrated(logits[known], made)
    log.info("mean chance of the true class %.3f", chance[np.arange(len(chance)), target[known]].mean())
    return made


def fit_spread(logits: list[NDArray], targets: list[NDArray], calibration: Arrays) -> NDArray[np.float32]:
    """How far off the number of each class is in the worst record, in roots of its summed doubt. array (4,)."""
    off = [_off(calibrated(own, calibration), own.argmax(axis=1), y) for own, y in zip(logits, targets, strict=True)]
    return np.max(off, axis=0).astype(np.float32)


def _off(chance: NDArray, choice: NDArray[np.intp], target: NDArray) -> list[float]:
    """The same of each class in one record; no doubt counts as one beat's evens."""
    doubts = [doubt_of(choice == i, chance[:, i]) for i in range(len(CLASSES))]
    missed = [abs(int((choice == i).sum()) - int((target == i).sum())) for i in range(len(CLASSES))]
    return [n / max(float(np.sqrt(doubt.sum())), 0.5) for n, doubt in zip(missed, doubts, strict=True)]


def main() -> None:
    """Write the weights where the classifier finds them, or to `--out`."""
    options = read_arguments(__doc__, WEIGHTS, variants=15, steps=500, nets=3)
    weights = train(options.mitdb, options.nstdb, options.variants, options.steps, options.nets, options.seed)
    write_weights(options.out, weights)


if __name__ == "__main__":
    main()

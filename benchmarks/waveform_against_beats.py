"""Stages from a waveform beside stages from its true beats, on nights made of the two.

    python -m benchmarks.waveform_against_beats DATA --work DIR [--encoder FILE]

DATA is the folder of the development recordings (slpdb, mitdb, nstdb; apnea-ecg, hugcdn2014_rr, nsrdb and
sleep_accel_features where the networks are not in DIR yet). The nights are those of
`holter2sleep/training/semi_synthetic_nights.py`: beats and stages of the men of slpdb, shapes of MIT-BIH DS2, noise of
nstdb.

(a) The shipped way: the networks of `training/staging.py`, taught on given beats, on beats found and on what the
shipped encoder makes of the waveform, each man staged by those that have seen nothing of his: from the given beats,
from the beats found, from beats and waveform; and networks of the same seeds that were taught on beats alone. DIR may
be the `--work` of `python -m holter2sleep.training.staging`, and DIR/beats_alone that of one with `--beats-alone`.
(b) A head as `train head` makes it, men left out three at a time: taught on the beats found, and on beats and an
encoder's embedding; with random weights as a floor, and with FILE. Then shown both, the beats alone, or the waveform
alone.

Kappa is pooled over all men, 95 % intervals are from drawing men. DIR keeps what was fitted.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from holter2sleep.evaluate.classes import CLASSES, UNKNOWN, merged
from holter2sleep.evaluate.ec57 import compare_beats
from holter2sleep.evaluate.stages import counts_of, kappa
from holter2sleep.night import Beats, Float
from holter2sleep.sleep.staging.encoder import CONFIGS, Net1D
from holter2sleep.sleep.staging.encoder_weights import load_encoder
from holter2sleep.sleep.staging.fusion import calibrated
from holter2sleep.sleep.staging.profiles import PROFILES
from holter2sleep.sleep.staging.shipped import NAMES as SHIPPED
from holter2sleep.training.fusion import TrainingNight
from holter2sleep.training.head import HeadCourse, HeadLecture, chances_of
from holter2sleep.training.head_nights import RECIPE
from holter2sleep.training.staging import (
    Material,
    calibrated_ways,
    left_out,
    networks_without,
    read_material,
    subjects_of,
    with_opinion,
)
from holter2sleep.training.staging_figures import clock_left_out, truth_of
from holter2sleep.training.staging_nights import HeardNight, read_found, read_scored, training_night
from holter2sleep.training.staging_waves import embedded
from holter2sleep.training.temperature import calibrated_left_out, fit_temperature

NETS, SEED = 5, 0  # of the shipped way, as in the card of the fusion head
COURSE = HeadCourse(epochs=10, steps=40, nets=2, patience=10, seed=0)
AT_A_TIME = 3  # men left out
DRAWS = 2000
TAUGHT_ON_BEATS = "taught on beats"

Answers = list[Float]  # chances of W, N1, N2, N3, R, one array a night


@dataclass(frozen=True)
class Made:
    """A night with a waveform: as it was heard, and the beats that are truly in it."""

    heard: HeardNight
    true_beats: Beats


# --- the nights -------------------------------------------------------------------------------------


def hear(data: Path, given: Sequence[HeardNight]) -> list[Made]:
    """The semi-synthetic nights, their beats found as `analyze` finds them."""
    truth = {night.name: night.evidence.beats for night in given}
    return [Made(heard, truth[heard.name]) for heard in read_found(data, RECIPE, SEED)]


def detection(nights: Sequence[Made]) -> tuple[float, float]:
    """Sensitivity and positive predictivity of the beats found, gross, %; those in unusable time count too."""
    matrices = [
        compare_beats(made.true_beats, made.heard.evidence.beats, duration_s=made.heard.evidence.grid.duration_s)
        for made in nights
    ]
    found, missed, extra = (
        sum(m.count(a, b) for m in matrices) for a, b in (("NSVFQ", "NSVFQ"), ("NSVFQ", "OX"), ("OX", "NSVFQ"))
    )
    return 100 * found / (found + missed), 100 * found / (found + extra)


# --- figures ----------------------------------------------------------------------------------------


def counts(nights: Sequence[TrainingNight], answers: Answers, n_classes: int) -> NDArray[np.int64]:
    """Counts of each man. array (n_men, n_classes, n_classes)."""
    men = sorted({night.subject for night in nights})
    total = np.zeros((len(men), n_classes, n_classes), np.int64)
    for night, answer in zip(nights, answers, strict=True):
        truth = truth_of(night, n_classes)
        known = truth != UNKNOWN
        found = merged(answer[known], n_classes).argmax(axis=1)
        total[men.index(night.subject)] += counts_of(truth[known], found, n_classes)
    return total


def interval(values: Sequence[float]) -> str:
    """95 % of the drawn values."""
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{low:+.3f} to {high:+.3f}"


def compared(nights: Sequence[TrainingNight], ways: Mapping[str, Answers], clock: Answers) -> None:
    """Print kappa of each way, and how far it is from the first."""
    first = next(iter(ways))
    print(f"\n| classes | clock | {' | '.join(ways)} | {' | '.join(f'{way} less {first}' for way in [*ways][1:])} |")
    print("|---" * (2 * len(ways) + 1) + "|")
    for n in CLASSES:
        by_way = {way: counts(nights, answers, n) for way, answers in ways.items()}
        drawn = np.random.default_rng(SEED).integers(len(by_way[first]), size=(DRAWS, len(by_way[first])))
        shown = [f"{kappa(one.sum(axis=0)):.3f}" for one in by_way.values()]
        for way in [*ways][1:]:
            more = [_kappa(by_way[way][index]) - _kappa(by_way[first][index]) for index in drawn]
            shown.append(f"{_kappa(by_way[way]) - _kappa(by_way[first]):+.3f} ({interval(more)})")
        print(f"| {n} | {_kappa(counts(nights, clock, n)):.3f} | {' | '.join(shown)} |", flush=True)


def _kappa(by_man: NDArray[np.int64]) -> float:
    return kappa(by_man.sum(axis=0)) or 0.0


# --- (a) the shipped way ----------------------------------------------------------------------------


def shipped(material: Material, work: Path) -> dict[str, Answers]:
    """Answers by networks that have not seen the man, by what they are shown of the nights."""
    own = left_out(material, NETS, SEED, work)
    return calibrated_ways(material.ways, with_opinion(material, own))


def waveform_alone(material: Material, work: Path) -> Answers:
    """Answers by the same networks where they hear no beat, and nobody's second opinion."""
    deaf = [replace(night, features=np.full_like(night.features, np.nan)) for night in material.found]
    networks = {man: networks_without(material, man, NETS, SEED, work) for man in subjects_of(material)}
    return calibrated_left_out(deaf, [chances_of(networks[night.subject], night) for night in deaf])


def with_and_without(data: Path, work: Path, clock: Answers) -> None:
    """Print what the shipped networks are worth by what they are shown, and beside networks taught on beats alone."""
    material = read_material(data, SEED, SHIPPED[0], work)
    (work / "beats_alone").mkdir(exist_ok=True)
    ours, theirs = shipped(material, work), shipped(material.beats_alone, work / "beats_alone")
    given, found, both = (ours[way] for way in ("beats_given", "beats_found", "waveform"))
    alone = {"waveform alone": waveform_alone(material, work)}
    compared(material.found, {"given beats": given, "beats found": found, "beats and waveform": both, **alone}, clock)
    print("\nfrom the given beats")
    compared(material.given, {TAUGHT_ON_BEATS: theirs["beats_given"], "taught with the waveform": given}, clock)
    print("\nfrom the waveform")
    taught = {"taught with it, shown beats": found, "taught with it, shown both": both}
    compared(material.found, {TAUGHT_ON_BEATS: theirs["beats_found"], **taught}, clock)


# --- (b) a head with an encoder ---------------------------------------------------------------------


def folds(men: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """Men to test on and men to stop by, each to test on once."""
    order = np.random.default_rng(SEED).permutation(men).tolist()
    tested = [order[i : i + AT_A_TIME] for i in range(0, len(order), AT_A_TIME)]
    return [(test, tested[(i + 1) % len(tested)][:2]) for i, test in enumerate(tested)]


def heads_left_out(nights: Sequence[TrainingNight], work: Path, name: str) -> dict[str, Answers]:
    """Answers by heads that have not seen the man: shown everything, the beats alone, the waveform alone."""
    ways = {
        "beats and waveform": lambda night: night,
        "beats alone": lambda night: replace(night, embedding=None),
        "waveform alone": lambda night: replace(night, features=np.full_like(night.features, np.nan)),
    }
    found: dict[str, dict[str, Float]] = {way: {} for way in ways}
    for i, (test, stop) in enumerate(folds(sorted({night.subject for night in nights}))):
        parts = {"test": [], "stop": [], "fit": []}
        for night in nights:
            parts["test" if night.subject in test else "stop" if night.subject in stop else "fit"].append(night)
        lecture, checkpoint = HeadLecture(parts["fit"], parts["stop"], COURSE, name), work / f"{name}_{i}.pt"
        if checkpoint.exists():
            lecture.resume(checkpoint)
        networks = lecture.run(checkpoint, lambda _words: None)
        stopping = [chances_of(networks, night) for night in parts["stop"]]
        temperature = fit_temperature(stopping, [night.stage for night in parts["stop"]])
        for way, shown in ways.items():
            for night in parts["test"]:
                chance = calibrated(chances_of(networks, shown(night)), temperature)
                found[way][night.name] = chance.astype(np.float64)
    return {way: [answers[night.name] for night in nights] for way, answers in found.items()}


def encoders(trained: Path | None) -> dict[str, Net1D]:
    """Random weights, and those of the user."""
    torch.manual_seed(SEED)
    found = {"random": Net1D(CONFIGS["clef-small"]).eval()}
    return found if trained is None else {**found, "trained": load_encoder(trained)}


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, help="CLEF-small weights, such as `train encoder` writes")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    asked.work.mkdir(parents=True, exist_ok=True)
    given = read_scored(asked.data / "slpdb", RECIPE)
    made = hear(asked.data, given)
    plain = [training_night(one.heard) for one in made]
    clock = clock_left_out(plain)
    usable = np.concatenate([one.heard.evidence.quality.usable for one in made]).mean()
    print(f"{100 * usable:.1f} % of the epochs usable")
    print("beats found: sensitivity {:.2f} %, positive predictivity {:.2f} %".format(*detection(made)))
    print("\n(a) the shipped way", flush=True)
    with_and_without(asked.data, asked.work, clock)
    alone = heads_left_out(plain, asked.work, "beats")["beats alone"]
    for name, encoder in encoders(asked.encoder).items():
        print(f"\n(b) heads with the encoder {name}", flush=True)
        nights = embedded([one.heard for one in made], encoder, PROFILES["clef"], asked.work / f"{name}.npz")
        compared(plain, {TAUGHT_ON_BEATS: alone, **heads_left_out(nights, asked.work, name)}, clock)


if __name__ == "__main__":
    main()

"""How much of the fusion head's figures is the draw of a waveform, and how much the time grid of a beat file.

    python -m benchmarks.staging_draws DATA --work DIR [--seed S]

DATA is the folder of the development recordings, DIR the `--work` of a run of `python -m holter2sleep.training.staging`
with that seed. Each man of slpdb is staged by those networks there that have seen nothing of his: from his given beats,
moved at random; and from beats found in waveforms of other seeds (other noise, other people's shapes), without and with
what the shipped encoder makes of them. Kappa is pooled over all men, in two to five classes; the temperature is fitted
on the other men, with the nights of each row.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.waveform_against_beats import counts
from holter2sleep.evaluate.classes import CLASSES
from holter2sleep.evaluate.stages import kappa
from holter2sleep.sleep.staging.encoder_weights import find_encoder_file
from holter2sleep.sleep.staging.second_opinion import SecondOpinion
from holter2sleep.sleep.staging.shipped import NAMES as SHIPPED
from holter2sleep.training.fusion import TrainingNight
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
from holter2sleep.training.staging_nights import HeardNight, read_found, read_scored, training_night
from holter2sleep.training.staging_waves import embedded

NETS = 5  # as in the card of the fusion head
MOVED_MS = (0.0, 0.3, 1.0, 3.0)  # SD
WAVEFORM_SEEDS = (0, *range(10, 15))


def moved(night: HeardNight, sd_s: float, rng: np.random.Generator) -> HeardNight:
    """The night with each beat moved at random; none passes another."""
    beats = night.evidence.beats
    time_s = np.maximum.accumulate(beats.time_s + rng.normal(0, sd_s, len(beats)))
    return replace(night, evidence=replace(night.evidence, beats=beats.but(time_s=time_s)))


def kappas(
    material: Material, nights: Sequence[HeardNight], seen: list[TrainingNight], seed: int, work: Path
) -> Mapping[str, str]:
    """Kappa of given beats and of the nights, as networks see them, in two to five classes."""
    opinion = SecondOpinion()
    given = len(material.given)
    shown = replace(
        material,
        found=seen,
        opinions=[*material.opinions[:given], *(opinion.of(night.evidence) for night in nights)],
    )
    chances = with_opinion(shown, left_out(shown, NETS, seed, work))
    answers = calibrated_ways(shown.ways, chances)
    return {
        way: " ".join(f"{kappa(counts(own, answers[way], n).sum(axis=0)) or 0.0:.3f}" for n in CLASSES)
        for way, own in shown.ways.items()
    }


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0, help="of the networks in DIR")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    torch.set_num_threads(1)
    material = read_material(asked.data, asked.seed, SHIPPED[0], asked.work)
    for man in subjects_of(material):  # a fold that is missing is fitted now, to these nights and not to those below
        networks_without(material, man, NETS, asked.seed, asked.work)
    given = read_scored(asked.data / "slpdb", RECIPE)
    print("| given beats moved by, SD | kappa |\n|---|---|")
    for sd_ms in MOVED_MS:
        rng = np.random.default_rng(asked.seed)
        nights = [moved(night, sd_ms / 1000, rng) for night in given]
        found = kappas(material, nights, [training_night(night) for night in nights], asked.seed, asked.work)
        print(f"| {sd_ms:g} ms | {found['beats_found']} |", flush=True)
    print("\n| seed of the waveforms | given beats | beats found | beats and waveform |\n|---|---|---|---|")
    encoder = find_encoder_file(SHIPPED[0])[1:]
    for seed in WAVEFORM_SEEDS:
        nights = read_found(asked.data, RECIPE, seed)
        seen = embedded(nights, *encoder, asked.work / f"waves_of_seed_{seed}.npz")
        found = kappas(material, nights, seen, asked.seed, asked.work)
        print("|", seed, "|", " | ".join(found[way] for way in found), "|", flush=True)


if __name__ == "__main__":
    main()

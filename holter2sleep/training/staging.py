"""Fit the fusion head: `python -m holter2sleep.training.staging DATA`.

DATA holds `slpdb` (11 men, scored), `mitdb` and `nstdb` (beat shapes and noise), the nights without apnoea of
`apnea-ecg`, `hugcdn2014_rr` and `nsrdb` (unscored: teachers say what they think of them) and `sleep_accel_features`
(23 people, scored, from which one teacher is made). Each scored night is learned from in two ways, from its audited
beats and from those that our detectors find in waveforms made of them (three: in one alone, the draw of its noise would
be learned too): what detection does to a feature is learned with it. The unscored nights of which teachers speak are
shown in both ways too (one waveform each). Of a waveform the networks are also shown what an encoder makes of it, now
and then without the beats, now and then without it (`--beats-alone` leaves it out altogether).
Figures are of the first waveform of each night. Each man of slpdb is staged by networks that have seen none of
his: from the given beats, from those found, and from those with the waveform. What the answers are worth is written as
figures, with the temperature fitted on the other men's. The networks that are written have seen all of them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from holter2sleep.errors import UsageError
from holter2sleep.heart.weights import joined, read_weights, write_weights
from holter2sleep.night import Float
from holter2sleep.recipe import Recipe, load_recipe
from holter2sleep.sleep.staging.base import Proba
from holter2sleep.sleep.staging.encoder_weights import find_encoder_file
from holter2sleep.sleep.staging.fusion import Networks, both_views, inputs, networks_content, stage_chances
from holter2sleep.sleep.staging.fusion_net import Rows
from holter2sleep.sleep.staging.installed import hash_of
from holter2sleep.sleep.staging.second_opinion import SecondOpinion, agreed
from holter2sleep.sleep.staging.shipped import NAMES
from holter2sleep.training.fusion import Arrays, Course, TrainingNight, fit
from holter2sleep.training.staging_figures import agreement_with, beside, clock_left_out, figures_of, more_than
from holter2sleep.training.staging_nights import (
    HeardNight,
    read_apnoeic,
    read_controls,
    read_controls_found,
    read_found,
    read_scored,
    read_swings,
    training_night,
)
from holter2sleep.training.staging_teachers import fit_swing_teacher, pooled, swing_teacher
from holter2sleep.training.staging_waves import embedded, seen_again
from holter2sleep.training.temperature import calibrated_left_out, fit_temperature
from holter2sleep.whole_files import write_bytes

if TYPE_CHECKING:
    from holter2sleep.sleep.staging.encoder import Net1D
    from holter2sleep.sleep.staging.profiles import Profile

log = logging.getLogger(__name__)

WEIGHTS = Path(__file__).parents[1] / "sleep" / "staging" / "weights"
STEPS, SWING_NETS = 400, 3
MAKINGS = 3  # waveforms of each scored night
WAVE_DROPOUT = 0.7  # of ten men 512 numbers an epoch are too many to learn
Answers = dict[str, list[Proba]]  # of the scored nights, by what of them was shown
CONTROL_STEP = 3  # every third control is held back once, to see how far from SleepECG the head goes there


@dataclass(frozen=True)
class Material:
    """All nights the head is fitted on."""

    given: list[TrainingNight]  # scored, from audited beats
    found: list[TrainingNight]  # the same nights, from the beats found in waveforms made of them, maybe encoded
    found_again: list[TrainingNight]  # likewise in other waveforms, to learn from alone
    opinions: list[Proba]  # of the given, then of the found, by SleepECG
    taught: list[TrainingNight]  # unscored, from given beats
    taught_found: list[TrainingNight]  # the same nights, in a waveform made of each
    taught_opinions: list[Proba]  # of those nights, by SleepECG
    unscored: list[Rows]  # features of nights of which nothing is told: they show how far features range
    names: tuple[str, ...]  # of the features
    swing_subjects: tuple[str, ...]

    @property
    def scored(self) -> list[TrainingNight]:
        """All that are scored; pieces are drawn from them, from the given as often as from the found."""
        found = [*self.found, *self.found_again]
        return [*self.given * (len(found) // len(self.given)), *found]

    @cached_property
    def ways(self) -> dict[str, list[TrainingNight]]:
        """The scored nights as they are staged for the figures, by what of them is shown."""
        found = {"beats_found": unseen(self.found)}
        seen = all(night.embedding is not None for night in self.found)
        return {"beats_given": self.given, **found, **({"waveform": self.found} if seen else {})}

    @property
    def beats_alone(self) -> Material:
        """The same nights without what an encoder makes of their waveforms."""
        found, again, taught = (unseen(nights) for nights in (self.found, self.found_again, self.taught_found))
        return replace(self, found=found, found_again=again, taught_found=taught)

    def without_taught(self, left_out: Sequence[TrainingNight]) -> Material:
        """The same without some of the nights that teachers speak of, however these are shown."""
        names = {night.name for night in left_out}
        taught, found = ([n for n in nights if n.name not in names] for nights in (self.taught, self.taught_found))
        return replace(self, taught=taught, taught_found=found)

    def opinion_on(self, way: str) -> list[Proba]:
        """SleepECG's chances of those nights; it reads beats alone."""
        n = len(self.given)
        return self.opinions[:n] if way == "beats_given" else self.opinions[n:]


def unseen(nights: Sequence[TrainingNight]) -> list[TrainingNight]:
    """The nights as one who hears the beats alone knows them."""
    return [replace(night, embedding=None) for night in nights]


def read_material(data: Path, seed: int, encoder: str | None, work: Path) -> Material:
    """Scored nights, and unscored ones with what two teachers think of them; embeddings are kept in `work`.

    Parameters
    ----------
    encoder
        Of the waveforms: a name, or a file; None leaves the nights with beats alone.

    Raises
    ------
    UsageError
        `work` holds folds of another seed, encoder or course, or of nights that looked otherwise.
    """
    found_encoder = None if encoder is None else find_encoder_file(encoder)
    taught_with, network = (hash_of(found_encoder[0], "sha256"), found_encoder[1:]) if found_encoder else (None, None)
    recipe = load_recipe("overnight", ("staging.stager=clock",))
    given = read_scored(data / "slpdb", recipe)
    found, *again = (read_found(data, recipe, seed + i) for i in range(MAKINGS))
    looks = digest([training_night(night) for night in chain(given, found, *again)])
    how = {"steps": STEPS, "wave_dropout": WAVE_DROPOUT}
    check_course(work, {"seed": seed, "encoder": taught_with, "nights": looks, **how})
    mesa = SecondOpinion()
    taught, opinions, swing_subjects = read_taught(data, recipe, seed, mesa)
    first, *more = (as_seen(nights, network, work / f"waves_{i}.npz") for i, nights in enumerate([found, *again]))
    return Material(
        [training_night(night) for night in given],
        first,
        list(chain(*more)),
        [mesa.of(night.evidence) for night in (*given, *found)],
        taught,
        seen_again(taught, read_controls_found(data, recipe, seed), network, work / "waves_controls.npz"),
        opinions,
        [training_night(night).features for night in read_apnoeic(data, recipe)],
        tuple(inputs(given[0].evidence)),
        swing_subjects,
    )


def read_taught(
    data: Path, recipe: Recipe, seed: int, mesa: SecondOpinion
) -> tuple[list[TrainingNight], list[Proba], tuple[str, ...]]:
    """Controls with what two teachers say of them, what SleepECG alone says, and of whom the other teacher is made."""
    controls, swings = read_controls(data, recipe), read_swings(data / "sleep_accel_features")
    log.info("%d controls, %d nights of swings", len(controls), len(swings))
    swing = [fit_swing_teacher(swings, seed + i) for i in range(SWING_NETS)]
    opinions = [mesa.of(night.evidence) for night in controls]
    both = [pooled(m, swing_teacher(swing, n.evidence)) for m, n in zip(opinions, controls, strict=True)]
    taught = [replace(training_night(n), taught=t.astype(np.float32)) for n, t in zip(controls, both, strict=True)]
    return taught, opinions, tuple(night.subject for night in swings)


def check_course(work: Path, course: dict[str, Any]) -> None:
    """Note in the folder what its folds are made with.

    Raises
    ------
    UsageError
        It holds folds that were made with something else: they would be taken for those of this course.
    """
    path = work / "made_with.json"
    if not path.exists():
        write_bytes(path, json.dumps(course).encode())
    kept = json.loads(path.read_text(encoding="utf-8"))
    if kept != course:
        raise UsageError(
            f"{work}: holds folds made with {kept}, asked for is {course}; give a folder of its own (--work)"
        )


def digest(nights: Sequence[TrainingNight]) -> str:
    """What tells nights apart that networks see otherwise, as after a change of a feature."""
    return hashlib.sha256(b"".join(night.features.tobytes() for night in nights)).hexdigest()


def as_seen(nights: list[HeardNight], encoder: tuple[Net1D, Profile] | None, kept: Path) -> list[TrainingNight]:
    """The nights as networks see them, with what an encoder makes of their waveforms, if one is given."""
    return [training_night(night) for night in nights] if encoder is None else embedded(nights, *encoder, kept)


def fit_networks(material: Material, nets: int, seed: int, without: str | None = None) -> list[Arrays]:
    """A few networks that differ by their seed, and have not seen one subject."""
    scored = [night for night in material.scored if night.subject != without]
    taught = [*material.taught, *material.taught_found]
    courses = [Course(STEPS, seed + i, wave_dropout=WAVE_DROPOUT) for i in range(nets)]
    return [fit(scored, taught, course, material.unscored) for course in courses]


def controls_left_out(material: Material, nets: int, seed: int, work: Path) -> list[Proba]:
    """Chances of every third control by networks that were not taught on it, and SleepECG's second opinion."""
    path = work / "controls.npz"
    held = material.taught[::CONTROL_STEP]
    if not path.exists():
        networks = fit_networks(material.without_taught(held), nets, seed)
        write_weights(path, {night.name: stage_chances(networks, night.features) for night in held})
    with np.load(path) as file:
        own = [file[night.name] for night in held]
    return [agreed(a, b) for a, b in zip(own, material.taught_opinions[::CONTROL_STEP], strict=True)]


def left_out(material: Material, nets: int, seed: int, work: Path) -> Answers:
    """Chances of each scored night, by way, by networks that have not seen its subject."""
    networks = {who: networks_without(material, who, nets, seed, work) for who in subjects_of(material)}
    return {way: [staged(networks[night.subject], night) for night in nights] for way, nights in material.ways.items()}


def staged(networks: Sequence[Arrays], night: TrainingNight) -> Proba:
    """The networks' chances, as the stager takes them. array (n_epochs, 5)."""
    wave = None if night.embedding is None else night.embedding.astype(np.float32)
    return both_views(networks, night.features, wave)


def with_opinion(material: Material, own: Answers) -> Answers:
    """Those chances, weighed against SleepECG's."""
    return {
        way: [agreed(a, b) for a, b in zip(chances, material.opinion_on(way), strict=True)]
        for way, chances in own.items()
    }


def subjects_of(material: Material) -> list[str]:
    """The people of the scored nights."""
    return sorted({night.subject for night in material.scored})


def kept_without(subject: str, work: Path) -> Path:
    """Where networks are kept that have not seen a subject."""
    return work / f"without_{subject}.npz"


def networks_without(material: Material, subject: str, nets: int, seed: int, work: Path) -> list[Arrays]:
    """Networks that have not seen a subject; kept in `work` from run to run."""
    path = kept_without(subject, work)
    if not path.exists():
        fitted = fit_networks(material, nets, seed, without=subject)
        write_weights(path, joined(**{f"net{i}": network for i, network in enumerate(fitted)}))
        log.info("%s left out", subject)
    return [dict(network) for network in read_weights(path).values()]


def figures_left_out(material: Material, own: Answers, chances: Answers) -> dict[str, Any]:
    """What the head is worth by what it is shown, and without the second opinion, and that alone."""
    ways, clock = material.ways, clock_left_out(material.given)
    answers, alone = calibrated_ways(ways, chances), calibrated_ways(ways, own)
    figures = {way: figures_of(nights, answers[way], clock) for way, nights in ways.items()}
    of_networks = figures_of(material.given, alone["beats_given"], clock)
    figures = {
        **figures.pop("beats_given"),
        **figures,
        "without_second_opinion": {name: found["kappa"] for name, found in of_networks.items()},
        "second_opinion_alone": beside(material.given, chances["beats_given"], material.opinion_on("beats_given")),
    }
    if "waveform" in ways:
        figures["waveform_more"] = more_than(material.found, answers["waveform"], answers["beats_found"])
    return figures


def calibrated_ways(ways: dict[str, list[TrainingNight]], chances: Answers) -> dict[str, list[Float]]:
    """Chances of each way, with one temperature for all of them, that of the other subjects' nights."""
    every = [night for nights in ways.values() for night in nights]
    answers = iter(calibrated_left_out(every, [chance for way in ways for chance in chances[way]]))
    return {way: [next(answers) for _ in nights] for way, nights in ways.items()}


def shipped_temperature(material: Material, chances: Answers) -> float:
    """The temperature of the left-out answers of all subjects."""
    ways = material.ways
    return fit_temperature([c for way in ways for c in chances[way]], [n.stage for way in ways for n in ways[way]])


def split_of(material: Material, nets: int, seed: int, encoder: str | None) -> dict[str, Any]:
    """Who was in which part."""
    return {
        "seed": seed,
        "networks": nets,
        "encoder": None if encoder is None else Path(encoder).name,
        "scored": {night.name: night.subject for night in material.given},
        "folds": "each subject of the scored left out once, with all records, given and found",
        "taught": [night.name for night in material.taught],
        "swing": list(material.swing_subjects),
    }


def main() -> None:
    """Write weights, split and figures where the stager finds them, or to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--work", type=Path, required=True, help="folder for the answers of finished folds")
    parser.add_argument("--encoder", default=NAMES[0], help="of the waveforms: a name, or a file")
    parser.add_argument("--beats-alone", action="store_true", help="teach no branch for the waveform")
    parser.add_argument("--nets", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    encoder = None if options.beats_alone else options.encoder
    material = read_material(options.data, options.seed, encoder, options.work)
    own = left_out(material, options.nets, options.seed, options.work)
    chances = with_opinion(material, own)
    figures = figures_left_out(material, own, chances)
    controls = controls_left_out(material, options.nets, options.seed, options.work)
    figures["controls"] = agreement_with(material.taught_opinions[::CONTROL_STEP], controls)
    networks = fit_networks(material, options.nets, options.seed)
    content = networks_content(Networks(tuple(networks), material.names, shipped_temperature(material, chances)))
    (options.out / "fusion.npz").write_bytes(content)
    split = split_of(material, options.nets, options.seed, encoder)
    for name, table in (("split", split), ("figures", figures)):
        (options.out / f"fusion_{name}.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""One run of pre-training: recordings in; encoder, card, split and history out."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save

from holter2sleep.counted import counted
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.io.beatfiles import read_beats
from holter2sleep.io.inputs import find_inputs
from holter2sleep.recipe import load_recipe
from holter2sleep.sleep.staging.encoder import Net1D
from holter2sleep.sleep.staging.encoder_weights import load_encoder
from holter2sleep.training.checkpoint import check_device, check_may_begin
from holter2sleep.training.clef_loss import LEAST_DISSIMILARITY, TEMPERATURE
from holter2sleep.training.composed import Donor, donor_of, read_rhythm
from holter2sleep.training.encoder import NETWORK, EncoderCourse, Lecture, Lessons
from holter2sleep.training.patients import Heard, Patient, composed_patients, hear, patient_of, simulated_patients
from holter2sleep.training.subject_split import FIT, TEST, SubjectSplit, read_split, split_by_chance
from holter2sleep.training.views import read_noises
from holter2sleep.whole_files import write_bytes

log = logging.getLogger(__name__)

CHECKPOINT, ENCODER, CARD, SPLIT, HISTORY = (
    "checkpoint.pt",
    "encoder.safetensors",
    "card.toml",
    "split.csv",
    "history.csv",
)
TEST_SHARE = 0.2

Told = Callable[[str], None]


@dataclass(frozen=True)
class MadeUp:
    """What is learned from beside recordings."""

    n_simulated: int = 0  # synthetic stretches of ten minutes
    rhythms: Sequence[Path] = ()  # annotated beats, for composed stretches
    n_composed: int = 0  # stretches of two minutes


def train_encoder(
    data: Sequence[Path],
    noise: Path,
    out: Path,
    course: EncoderCourse,
    split: Path | None = None,
    made_up: MadeUp = MadeUp(),
    resume: bool = False,
    start: Path | None = None,
    told: Told = log.info,
) -> Path:
    """Path of the trained encoder; beside it lie its card, the split, the history and the checkpoint.

    Parameters
    ----------
    data
        Recordings, folders of them, or patterns.
    noise
        Folder of the MIT-BIH Noise Stress Test database (em, ma, bw).
    split
        File that says which recordings are learned from; None draws one fifth of the recordings for testing.
    made_up
        Synthetic and composed stretches that are learned from too.
    start
        Weights of an encoder to begin with; None draws them.
    told
        Hears of progress.

    Raises
    ------
    UsageError
        A checkpoint is there and not to be resumed, or fits neither course nor recordings; a split that is wrong.
    """
    check_device(course.device)
    checkpoint = out / CHECKPOINT
    check_may_begin(checkpoint, resume)
    lessons, chosen = read_lessons(data, noise, split, made_up, course.seed, told)
    lecture = Lecture(lessons, course)
    if start is not None:
        lecture.pupil.encoder.load_state_dict(load_encoder(start, NETWORK).state_dict())
    if checkpoint.exists():
        lecture.resume(checkpoint)
        told(f"resumed after epoch {lecture.epoch}")
    out.mkdir(parents=True, exist_ok=True)
    (out / SPLIT).write_text(chosen.text, encoding="utf-8", newline="\n")
    lecture.run(checkpoint, lambda epoch, figures: told(f"epoch {epoch} of {course.epochs}: {_listed(figures)}"))
    write_encoder(out / ENCODER, lecture.pupil.encoder)
    (out / HISTORY).write_text(_history(lecture.history), encoding="utf-8", newline="\n")
    (out / CARD).write_text(card_text(lecture, lessons, made_up), encoding="utf-8", newline="\n")
    return out / ENCODER


def read_lessons(
    data: Sequence[Path], noise: Path, split: Path | None, made_up: MadeUp, seed: int, told: Told
) -> tuple[Lessons, SubjectSplit]:
    """The patients of both parts, and the split."""
    noises = read_noises(noise)
    paths = _by_name(find_inputs(data))
    chosen = split_by_chance(paths, TEST_SHARE, seed) if split is None else read_split(split)
    unknown = sorted(set(paths) - set(chosen.part))
    if unknown:
        raise UsageError(f"{split}: says nothing of {', '.join(unknown[:3])} ({counted(len(unknown), 'recording')})")
    parts: dict[str, list[Patient]] = {FIT: [], TEST: []}
    donors = []
    for part, patients in parts.items():
        for path, heard in _heard([paths[name] for name in chosen.names(part) if name in paths], told):
            if (patient := patient_of(heard)) is not None:
                patients.append(patient)
            if part == FIT and made_up.rhythms and (donor := read_donor(path, heard)) is not None:
                donors.append(donor)
    synthetic = list(simulated_patients(made_up.n_simulated, seed))
    composed = list(_composed(made_up, donors, seed, told))
    told(
        f"{counted(len(parts[FIT]), 'recording')}, {len(synthetic)} synthetic and {len(composed)} composed stretches "
        f"to learn from, {counted(len(parts[TEST]), 'recording')} to test on"
    )
    return Lessons([*parts[FIT], *synthetic, *composed], parts[TEST], noises), chosen


def _by_name(paths: Sequence[Path]) -> dict[str, Path]:
    """Recordings by the name that a split knows them by."""
    named = {path.stem: path for path in paths}
    twice = [path for path in paths if named[path.stem] != path]
    if twice:
        raise UsageError(f"{twice[0]} and {named[twice[0].stem]} have the same name; a split tells recordings by name")
    return named


def _heard(paths: Sequence[Path], told: Told) -> Iterator[tuple[Path, Heard]]:
    """Those of the recordings that can be read and have a waveform."""
    recipe = load_recipe()
    for path in paths:
        told(f"reading {path.stem}")
        try:
            heard = hear(path, recipe)
        except RecordingError as error:
            log.warning("left out: %s", error)
            continue
        if heard is not None:
            yield path, heard


def read_donor(path: Path, heard: Heard) -> Donor | None:
    """Beat shapes of a recording: by the annotations beside it, else by the classes that the pipeline gives."""
    annotations = path.with_suffix(".atr")
    beats = read_beats(annotations, heard.leads[0].fs) if annotations.exists() else heard.beats
    return donor_of(heard.leads, beats)


def _composed(made_up: MadeUp, donors: Sequence[Donor], seed: int, told: Told) -> Iterator[Patient]:
    """Stretches with the rhythms of some and the shapes of others; none where no rhythms are given."""
    if not made_up.rhythms:
        return
    if not any(len(donor.ventricular) for donor in donors):
        raise UsageError("--rhythms: no recording that is learned from shows V beats, whose shapes are to be used")
    told(f"composing {made_up.n_composed} stretches of {len(made_up.rhythms)} rhythms and {len(donors)} donors")
    yield from composed_patients([read_rhythm(path) for path in made_up.rhythms], donors, made_up.n_composed, seed)


def write_encoder(path: Path, encoder: Net1D) -> None:
    """The weights in half precision, in one go."""
    state = {name: tensor.cpu().contiguous() for name, tensor in encoder.state_dict().items()}
    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    write_bytes(path, save(half, {"network": NETWORK}))


def card_text(lecture: Lecture, lessons: Lessons, made_up: MadeUp) -> str:
    """What the encoder was made from, how, and its figures on subjects it did not learn from. TOML."""
    course = lecture.course
    facts = {
        "network": NETWORK,
        "profile": "clef",
        "variant": (
            "weighted contrastive and alignment loss of CLEF with the missing-metadata mask; in place of SCORE2 the "
            "squared distance of standardised age, sex and measured physiology; plus a linear head that tells the "
            "physiology"
        ),
        "temperature": TEMPERATURE,
        "least_dissimilarity": LEAST_DISSIMILARITY,
        "n_recordings_fit": sum(patient.real for patient in lessons.fit),
        "n_synthetic_fit": made_up.n_simulated,
        "n_composed_fit": made_up.n_composed if made_up.rhythms else 0,
        "n_rhythms": len(made_up.rhythms),
        "n_recordings_test": len(lessons.test),
        "epochs": course.epochs,
        "steps_per_epoch": course.steps,
        "patients_per_batch": course.patients,
        "seed": course.seed,
        "top_rate": course.top_rate,
        "bfloat16": course.bfloat16,
        "torch": torch.__version__,
    }
    parts = ["\n".join(toml_line(*fact) for fact in facts.items())]
    for title, figures in (("last_epoch", lecture.history[-1]), ("test", lecture.test())):
        parts.append(
            "\n".join([f"[{title}]", *(toml_line(*fact) for fact in figures.items() if not math.isnan(fact[1]))])
        )
    return "\n\n".join(parts) + "\n"


def toml_line(key: str, value: object) -> str:
    """One line of a TOML file."""
    return f"{key} = {json.dumps(round(value, 4) if isinstance(value, float) else value, ensure_ascii=False)}"


def _listed(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in figures.items())


def _history(rows: Sequence[dict[str, float]]) -> str:
    lines = [",".join(["epoch", *rows[0]])]
    lines += [",".join([str(i), *(f"{value:.5f}" for value in row.values())]) for i, row in enumerate(rows, start=1)]
    return "\n".join(lines) + "\n"

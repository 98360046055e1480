"""One run of pre-training: recordings in; encoder, card, split and history out."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch
from safetensors.torch import save

from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.io.inputs import find_inputs
from holter2sleep.recipe import load_recipe
from holter2sleep.sleep.staging.encoder import Net1D
from holter2sleep.sleep.staging.encoder_weights import load_encoder
from holter2sleep.training.checkpoint import check_device, check_may_begin
from holter2sleep.training.clef_loss import LEAST_DISSIMILARITY, TEMPERATURE
from holter2sleep.training.encoder import NETWORK, EncoderCourse, Lecture, Lessons
from holter2sleep.training.patients import Patient, read_patient, simulated_patients
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


def train_encoder(
    data: Sequence[Path],
    noise: Path,
    out: Path,
    course: EncoderCourse,
    split: Path | None = None,
    n_simulated: int = 0,
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
    n_simulated
        Synthetic stretches of ten minutes that are learned from too.
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
    lessons, chosen = read_lessons(data, noise, split, n_simulated, course.seed, told)
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
    (out / CARD).write_text(card_text(lecture, lessons, n_simulated), encoding="utf-8", newline="\n")
    return out / ENCODER


def read_lessons(
    data: Sequence[Path], noise: Path, split: Path | None, n_simulated: int, seed: int, told: Told
) -> tuple[Lessons, SubjectSplit]:
    """The patients of both parts, and the split."""
    noises = read_noises(noise)
    paths = _by_name(find_inputs(data))
    chosen = split_by_chance(paths, TEST_SHARE, seed) if split is None else read_split(split)
    unknown = sorted(set(paths) - set(chosen.part))
    if unknown:
        raise UsageError(f"{split}: says nothing of {', '.join(unknown[:3])} ({len(unknown)} recordings)")
    parts = {
        part: list(_patients([paths[name] for name in chosen.names(part) if name in paths], told))
        for part in (FIT, TEST)
    }
    synthetic = list(simulated_patients(n_simulated, seed))
    told(f"{len(parts[FIT])} recordings and {n_simulated} synthetic ones to learn from, {len(parts[TEST])} to test on")
    return Lessons([*parts[FIT], *synthetic], parts[TEST], noises), chosen


def _by_name(paths: Sequence[Path]) -> dict[str, Path]:
    """Recordings by the name that a split knows them by."""
    named = {path.stem: path for path in paths}
    twice = [path for path in paths if named[path.stem] != path]
    if twice:
        raise UsageError(f"{twice[0]} and {named[twice[0].stem]} have the same name; a split tells recordings by name")
    return named


def _patients(paths: Sequence[Path], told: Told) -> Iterable[Patient]:
    """Those of the recordings that can be read and hold windows."""
    recipe = load_recipe()
    for path in paths:
        told(f"reading {path.stem}")
        try:
            patient = read_patient(path, recipe)
        except RecordingError as error:
            log.warning("left out: %s", error)
            continue
        if patient is not None:
            yield patient


def write_encoder(path: Path, encoder: Net1D) -> None:
    """The weights in half precision, in one go."""
    state = {name: tensor.cpu().contiguous() for name, tensor in encoder.state_dict().items()}
    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    write_bytes(path, save(half, {"network": NETWORK}))


def card_text(lecture: Lecture, lessons: Lessons, n_simulated: int) -> str:
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
        "n_recordings_fit": len(lessons.fit) - n_simulated,
        "n_synthetic_fit": n_simulated,
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

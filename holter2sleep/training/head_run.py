"""One run of `train head`: a labelled cohort in; networks, card, split, figures and history out."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from holter2sleep.batch.manifest import Row
from holter2sleep.counted import counted
from holter2sleep.errors import UsageError
from holter2sleep.evaluate.classes import CLASSES, UNKNOWN
from holter2sleep.night import SCHEMES, Float
from holter2sleep.sleep.staging.cards import CardEncoder
from holter2sleep.sleep.staging.encoder_weights import find_encoder_file
from holter2sleep.sleep.staging.fusion import Networks, calibrated, networks_content
from holter2sleep.sleep.staging.head_card import CARD, HEAD
from holter2sleep.sleep.staging.installed import hash_of
from holter2sleep.sleep.staging.threads import one_thread
from holter2sleep.training.checkpoint import check_device, check_may_begin
from holter2sleep.training.cohort_nights import find_cohort
from holter2sleep.training.fusion import LETTERS, Arrays, TrainingNight
from holter2sleep.training.head import HeadCourse, HeadLecture, chances_of
from holter2sleep.training.head_card import SHOWN_CLASSES, Made, card_text
from holter2sleep.training.head_nights import LabelledNight, Told, UsedEncoder, read_nights
from holter2sleep.training.staging_figures import clock_of, figures_of, truth_of
from holter2sleep.training.subject_split import FIT, TEST, VALIDATION, SubjectSplit, read_split, split_subjects
from holter2sleep.training.temperature import fit_temperature
from holter2sleep.whole_files import whole, write_files

log = logging.getLogger(__name__)

CHECKPOINT, SPLIT, HISTORY, FIGURES, CACHE = "checkpoint.pt", "split.csv", "history.csv", "figures.json", "cache"
SHARES = {TEST: 0.2, VALIDATION: 0.15}
PARTS = (FIT, VALIDATION, TEST)

Parts = dict[str, list[LabelledNight]]


@dataclass(frozen=True)
class HeadSources:
    """What a head is taught on."""

    cohorts: Sequence[Path]  # folders and manifests
    subjects: Path | None = None  # CSV with recording_id, subject_id
    split: Path | None = None  # CSV with recording_id, subject, part
    encoder: str | None = None  # name of installed weights, or a file


def train_head(
    sources: HeadSources, out: Path, course: HeadCourse, resume: bool = False, told: Told = log.info
) -> Path:
    """Folder of the taught head: `head.npz` and `card.toml`, which `--stager` takes; beside them what they came from.

    Raises
    ------
    UsageError
        Too few subjects, no hypnogram or one class only; a split that is wrong; a checkpoint that is not to be resumed,
        or was made otherwise.
    WeightsError
        The encoder is missing or is none.
    """
    check_device(course.device)
    check_may_begin(out / CHECKPOINT, resume)
    rows, without = _rows(sources)
    if without:
        told(f"{counted(len(without), 'recording')} without hypnogram left out: {', '.join(without[:5])}")
    _check_subjects(row.subject_id for row in rows)
    out.mkdir(parents=True, exist_ok=True)
    with one_thread():
        encoder = None if sources.encoder is None else read_encoder(sources.encoder, out)
        nights, faults = read_nights(rows, out / CACHE, encoder, told)
        _check_subjects(night.night.subject for night in nights)
        split = _split(nights, sources.split, course.seed)
        parts = {part: [night for night in nights if split.part[night.night.name] == part] for part in PARTS}
        _check_parts(parts)
        lecture = HeadLecture(_shown(parts[FIT]), _shown(parts[VALIDATION]), course, _key(nights, split))
        if resume and (out / CHECKPOINT).exists():
            lecture.resume(out / CHECKPOINT)
        arrays = lecture.run(out / CHECKPOINT, told)
        networks = Networks(arrays, nights[0].names, _temperature(arrays, _shown(parts[VALIDATION])))
        made = _made(out, sources, parts, networks, encoder, len(faults) + len(without))
    head = networks_content(networks)
    figures = {**made.figures, "branches": made.branches, "left_out": faults}
    texts = {
        SPLIT: split.text,
        HISTORY: _history(lecture.history),
        FIGURES: json.dumps(figures, indent=1) + "\n",
        CARD: card_text(made, hashlib.sha256(head).hexdigest()),
    }
    write_files({out / HEAD: [head], **{out / name: [text.encode("utf-8")] for name, text in texts.items()}})
    return out


# --- what there is to learn from --------------------------------------------------------------------


def _rows(sources: HeadSources) -> tuple[list[Row], list[str]]:
    """The labelled recordings, with the person that the split names where there is one."""
    rows, without = find_cohort(sources.cohorts, sources.subjects)
    if sources.split is None:
        return rows, without
    split = read_split(sources.split, PARTS)
    unknown = [row.recording_id for row in rows if row.recording_id not in split.part]
    if unknown:
        raise UsageError(
            f"{sources.split}: says nothing of {', '.join(unknown[:3])} ({counted(len(unknown), 'recording')})"
        )
    return [replace(row, subject_id=split.subject[row.recording_id]) for row in rows], without


def _check_subjects(who: Iterable[str | None]) -> None:
    n = len(set(who))
    if n < len(PARTS):
        raise UsageError(
            f"{counted(n, 'subject')} with a hypnogram; a head needs at least {len(PARTS)}: to learn from, to say "
            f"when to stop, and to test on. Without a test nobody knows what it is worth"
        )


def _split(nights: Sequence[LabelledNight], path: Path | None, seed: int) -> SubjectSplit:
    if path is not None:
        return read_split(path, PARTS)
    return split_subjects({night.night.name: night.night.subject for night in nights}, SHARES, seed)


def _check_parts(parts: Parts) -> None:
    """Refuse parts in which there is nothing to learn, or to judge."""
    for part, nights in parts.items():
        if not any((night.stage != UNKNOWN).any() for night in _shown(nights)):
            raise UsageError(f"The part {part!r} of the split holds no scored epoch that a head would stage")
    fit = _shown(parts[FIT])
    if max(len(_classes(fit, n)) for n in CLASSES) < 2:
        letters = ", ".join(sorted({LETTERS[code] for night in fit for code in set(night.stage.tolist()) - {UNKNOWN}}))
        raise UsageError(f"The subjects to learn from are all scored {letters}: there is nothing to tell apart")


def _classes(nights: Sequence[TrainingNight], n_classes: int) -> set[int]:
    return {code for night in nights for code in truth_of(night, n_classes).tolist()} - {UNKNOWN}


def _shown(nights: Sequence[LabelledNight]) -> list[TrainingNight]:
    """Nights whose stages count only where a head would answer."""
    return [replace(one.night, stage=np.where(one.answered, one.night.stage, UNKNOWN)) for one in nights]


def _key(nights: Sequence[LabelledNight], split: SubjectSplit) -> str:
    """What a checkpoint was made from: nights, whose they are, and their parts."""
    lines = sorted(f"{one.sha256} {one.night.subject} {split.part[one.night.name]}" for one in nights)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def read_encoder(name_or_file: str, out: Path) -> UsedEncoder:
    """An encoder by the name of installed weights, or by its file, of which a copy goes into the head's folder.

    Raises
    ------
    UsageError
        Neither a file nor a name.
    WeightsError
        It is not installed, or is no encoder.
    """
    path, network, profile = find_encoder_file(name_or_file)
    installable = None if Path(name_or_file).is_file() else name_or_file
    file = None if installable else f"encoder{path.suffix}"
    if file is not None and path.resolve() != (out / file).resolve():
        with whole(out / file) as part:
            shutil.copyfile(path, part)
    facts = CardEncoder(network.config.name, profile.name, hash_of(path, "sha256"), installable, file)
    return UsedEncoder(facts, network, profile)


# --- what was learned -------------------------------------------------------------------------------


def _temperature(arrays: Sequence[Arrays], validation: Sequence[TrainingNight]) -> float:
    return fit_temperature([chances_of(arrays, night) for night in validation], [night.stage for night in validation])


def _made(
    out: Path,
    sources: HeadSources,
    parts: Parts,
    networks: Networks,
    encoder: UsedEncoder | None,
    n_left_out: int,
) -> Made:
    """What the card tells; all figures are of the test subjects."""
    fit, test, scheme = _shown(parts[FIT]), _shown(parts[TEST]), scheme_of(_shown(parts[FIT]))
    clock = [clock_of(fit, len(night.stage)) for night in test]
    numbers = [n for n in CLASSES if n <= max(2, len(SCHEMES[scheme]))]
    figures = figures_of(test, _answers(networks, test), clock, numbers)
    n_scored = sum(int((one.night.stage != UNKNOWN).sum()) for one in parts[TEST])
    n_answered = sum(int((night.stage != UNKNOWN).sum()) for night in test)
    return Made(
        out.resolve().name,
        tuple(dict.fromkeys(cohort.resolve().name for cohort in sources.cohorts)),
        parts,
        scheme,
        len(networks.arrays),
        None if encoder is None else encoder.facts,
        figures,
        n_answered / n_scored,
        _branches(networks, test, clock),
        n_left_out,
    )


def scheme_of(nights: Sequence[TrainingNight]) -> str:
    """The finest scheme whose stages the nights tell apart."""
    letters = {LETTERS[code] for night in nights for code in set(night.stage.tolist()) - {UNKNOWN}}
    if letters & {"N1", "N2"}:
        return "AASM5"
    return "CARDIO4" if letters & {"L", "N3"} else "CARDIO3"


def _answers(networks: Networks, nights: Sequence[TrainingNight]) -> list[Float]:
    return [calibrated(chances_of(networks.arrays, night), networks.temperature).astype(np.float64) for night in nights]


def _branches(networks: Networks, test: Sequence[TrainingNight], clock: Sequence[Float]) -> dict[str, float | None]:
    """Kappa of the nights with a waveform, by what the networks are shown of them; nothing without an encoder."""
    seen = [(night, floor) for night, floor in zip(test, clock, strict=True) if night.embedding is not None]
    nights, floors = [night for night, _ in seen], [floor for _, floor in seen]
    shown = {
        "beats and waveform": nights,
        "beats alone": [replace(night, embedding=None) for night in nights],
        "waveform alone": [replace(night, features=np.full_like(night.features, np.nan)) for night in nights],
    }
    name = f"{SHOWN_CLASSES}_classes"
    found = {
        what: figures_of(nights, _answers(networks, some), floors, (SHOWN_CLASSES,)) for what, some in shown.items()
    }
    return {what: figures[name]["kappa"] for what, figures in found.items() if name in figures}


def _history(rows: Sequence[dict[str, float]]) -> str:
    lines = [",".join(rows[0])] + [",".join(f"{value:.6g}" for value in row.values()) for row in rows]
    return "\n".join(lines) + "\n"

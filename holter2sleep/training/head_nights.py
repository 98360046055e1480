"""What a head is shown of each labelled night, kept on disk so that it is computed once.

A night goes through the one path as `analyze` takes it, without anybody looking at its hypnogram; features and
embedding are those that the head is shown when it is used (`sleep/staging/fusion.py`, `head_encoder.py`).
"""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from holter2sleep import __version__
from holter2sleep.analyze import Given, analyze_night
from holter2sleep.batch.address import files_of
from holter2sleep.batch.manifest import Row
from holter2sleep.batch.status import duration_text
from holter2sleep.errors import Holter2SleepError, RecordingError
from holter2sleep.evaluate.classes import UNKNOWN
from holter2sleep.io import read_recording
from holter2sleep.io.files import sha256_of
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.night import Bool, Night
from holter2sleep.provenance import models_sha256
from holter2sleep.recipe import load_recipe
from holter2sleep.request import Request
from holter2sleep.sleep.staging.cards import CardEncoder
from holter2sleep.sleep.staging.fusion import inputs
from holter2sleep.sleep.staging.head import answerable
from holter2sleep.sleep.staging.head_encoder import waveform_inputs
from holter2sleep.sleep.staging.profiles import Profile
from holter2sleep.told import told_lights
from holter2sleep.training.fusion import TrainingNight
from holter2sleep.training.staging_nights import codes_of, evidence_of, silent
from holter2sleep.whole_files import write_bytes

if TYPE_CHECKING:
    from holter2sleep.sleep.staging.encoder import Net1D

Told = Callable[[str], None]
# `clock` costs nothing, and what a night is staged as reaches no feature.
RECIPE = load_recipe("overnight", ("staging.stager=clock",))


@dataclass(frozen=True)
class UsedEncoder:
    """An encoder at hand, as a card names it."""

    facts: CardEncoder
    network: Net1D
    profile: Profile


@dataclass(frozen=True)
class LabelledNight:
    """A night as the networks see it, with what its file says of the person."""

    night: TrainingNight
    names: tuple[str, ...]  # of the features
    usable: Bool  # (n_epochs,): the others are unscored whoever stages them
    age_years: float | None
    sex: str | None
    sha256: str  # of all that it was made from

    @property
    def answered(self) -> Bool:
        """Epochs that a head stages. array (n_epochs,)."""
        return self.usable & answerable(self.night.features, self.night.embedding)


def read_nights(
    rows: Sequence[Row], cache: Path, encoder: UsedEncoder | None, told: Told
) -> tuple[list[LabelledNight], dict[str, str]]:
    """The nights that can be learned from, and by name why others cannot; `told` hears of progress."""
    cache.mkdir(parents=True, exist_ok=True)
    nights, faults, begun, n_made = list[LabelledNight](), dict[str, str](), time.monotonic(), 0
    for i, row in enumerate(rows, start=1):
        try:
            kept = cache / f"{_address(row, encoder)}.npz"
            became = "kept from before" if kept.exists() else "read"
            if became == "read":
                n_made += 1
                write_bytes(kept, _content(_labelled(row, kept.stem, encoder)))
            nights.append(_read(kept, row))
        except Holter2SleepError as error:
            faults[row.recording_id] = str(error)
            became = f"left out: {error}"
        told(f"night {i} of {len(rows)}{_left(begun, n_made, len(rows) - i)}: {row.recording_id} {became}")
    return nights, faults


def _left(begun: float, n_made: int, n_left: int) -> str:
    if n_made == 0 or n_left == 0:
        return ""
    return f", about {duration_text((time.monotonic() - begun) / n_made * n_left)} left"


def _address(row: Row, encoder: UsedEncoder | None) -> str:
    """Hash of all that decides what a head is shown of a night.

    Raises
    ------
    RecordingError
        A file cannot be read.
    """
    files = [*files_of(row.path), *(path for path in (row.hypnogram, row.beats) if path is not None)]
    try:
        content = sha256_of(file for file in files if file.exists())
    except OSError as error:
        raise RecordingError(f"{row.path.name}: cannot be read ({error.strerror})") from None
    facts = {
        "content": content,
        "told": [row.channel, row.lights_off, row.lights_on, row.age, row.sex],
        "method": [RECIPE.sha256, models_sha256(RECIPE.staging.stager), __version__],
        "encoder": None if encoder is None else [encoder.facts.sha256, encoder.facts.profile],
    }
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _labelled(row: Row, sha256: str, encoder: UsedEncoder | None) -> LabelledNight:
    """The night as it is used, with the codes of its scored stages.

    Raises
    ------
    Holter2SleepError
        The recording or the hypnogram cannot be read, holds too little signal, or no scored epoch.
    """
    night = _analysed(row)
    recording, evidence = night.recording, evidence_of(night)
    if row.hypnogram is None:
        raise ValueError(f"{row.recording_id} has no hypnogram")
    scored, _ = read_hypnogram(row.hypnogram, night.grid, recording.wall_clock)
    stage = codes_of(scored.stage)
    if (stage == UNKNOWN).all():
        raise RecordingError(f"{row.hypnogram.name}: no scored epoch within {recording.source.file}")
    columns = inputs(evidence)
    features = np.column_stack(list(columns.values())).astype(np.float32)
    seen = encoder is not None and recording.ecg is not None
    wave = waveform_inputs(evidence, encoder.network, encoder.profile).astype(np.float16) if encoder and seen else None
    who = row.subject_id or row.recording_id
    subject = recording.subject
    shown = TrainingNight(row.recording_id, who, features, stage, silent(len(stage)), wave)
    return LabelledNight(shown, tuple(columns), night.quality.usable, subject.age_years, subject.sex, sha256)


def _analysed(row: Row) -> Night:
    """A night as `analyze` makes it of what the row says, hypnogram left aside."""
    asked = replace(row, hypnogram=None).request(Request(row.folder, RECIPE))
    recording = asked.told(read_recording(row.path, recording_id=row.recording_id, **asked.reading))
    lights, _ = told_lights(row.path, recording, asked.lights_off, asked.lights_on)
    return analyze_night(recording, RECIPE, Given(lights))


# --- on disk ---------------------------------------------------------------------------------------


def _content(labelled: LabelledNight) -> bytes:
    """As `_read` reads it."""
    night = labelled.night
    arrays: dict[str, NDArray] = {
        "features": night.features,
        "names": np.array(labelled.names),
        "stage": night.stage.astype(np.int8),
        "usable": labelled.usable,
        "age": np.array([np.nan if labelled.age_years is None else labelled.age_years]),
        "sex": np.array([labelled.sex or ""]),
        **({} if night.embedding is None else {"embedding": night.embedding}),
    }
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()


def _read(kept: Path, row: Row) -> LabelledNight:
    """A kept night.

    Raises
    ------
    RecordingError
        The file is damaged.
    """
    try:
        with np.load(io.BytesIO(kept.read_bytes())) as file:
            found = {name: file[name] for name in file.files}
        stage, age, sex = found["stage"].astype(np.int64), float(found["age"][0]), str(found["sex"][0])
        names, embedding = tuple(found["names"].tolist()), found.get("embedding")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RecordingError(f"{kept}: damaged ({error}); delete it, and it is made again") from None
    who = row.subject_id or row.recording_id
    night = TrainingNight(row.recording_id, who, found["features"], stage, silent(len(stage)), embedding)
    return LabelledNight(night, names, found["usable"], None if np.isnan(age) else age, sex or None, kept.stem)

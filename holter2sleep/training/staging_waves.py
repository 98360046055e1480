"""What an encoder makes of nights with a waveform, as a head is shown it, kept on disk so that it is computed once."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from holter2sleep.sleep.staging.head_encoder import waveform_inputs
from holter2sleep.sleep.staging.profiles import Profile
from holter2sleep.training.fusion import TrainingNight
from holter2sleep.training.staging_nights import HeardNight, training_night
from holter2sleep.whole_files import write_bytes

if TYPE_CHECKING:
    from holter2sleep.sleep.staging.encoder import Net1D

log = logging.getLogger(__name__)


def embedded(nights: Sequence[HeardNight], encoder: Net1D, profile: Profile, kept: Path) -> list[TrainingNight]:
    """The nights with what the encoder makes of each; those that `kept` has already are not encoded again.

    Parameters
    ----------
    nights
        With waveforms.
    kept
        File of the embeddings by night, half precision; one for each encoder and each making of the nights.
    """
    if not kept.exists():
        _keep(kept, {night.name: _wave(night, encoder, profile) for night in nights})
    with np.load(kept) as file:
        return [replace(training_night(night), embedding=file[night.name]) for night in nights]


def seen_again(
    nights: Sequence[TrainingNight],
    heard: Iterable[HeardNight],
    encoder: tuple[Net1D, Profile] | None,
    kept: Path,
) -> list[TrainingNight]:
    """The nights as they look in a waveform made of them, what is known of their stages left as it is.

    Parameters
    ----------
    heard
        The same nights with those waveforms; they are gone through where `kept` is not there yet, and only then.
    encoder
        None: of the waveforms the networks are shown the beats alone.
    kept
        File of what networks are shown of each night; one for each encoder and each making.
    """
    if not kept.exists():
        arrays: dict[str, NDArray] = {}
        for night in heard:
            arrays[f"{night.name}.features"] = training_night(night).features
            if encoder is not None:
                arrays[f"{night.name}.embedding"] = _wave(night, *encoder)
        _keep(kept, arrays)
    with np.load(kept) as file:
        return [
            replace(night, features=file[f"{night.name}.features"], embedding=file.get(f"{night.name}.embedding"))
            for night in nights
        ]


def _keep(path: Path, arrays: Mapping[str, NDArray]) -> None:
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    write_bytes(path, out.getvalue())


def _wave(night: HeardNight, encoder: Net1D, profile: Profile) -> NDArray[np.float16]:
    log.info("%s encoded", night.name)
    return waveform_inputs(night.evidence, encoder, profile).astype(np.float16)

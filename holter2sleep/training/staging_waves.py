"""What an encoder makes of nights with a waveform, as a head is shown it, kept on disk so that it is computed once."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

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
        out = io.BytesIO()
        np.savez(out, allow_pickle=False, **{night.name: _wave(night, encoder, profile) for night in nights})
        write_bytes(kept, out.getvalue())
    with np.load(kept) as file:
        return [replace(training_night(night), embedding=file[night.name]) for night in nights]


def _wave(night: HeardNight, encoder: Net1D, profile: Profile) -> np.ndarray:
    log.info("%s encoded", night.name)
    return waveform_inputs(night.evidence, encoder, profile).astype(np.float16)

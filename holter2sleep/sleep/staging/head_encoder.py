"""The encoder of a head: found by the hash in its card, run over the night, set against the night."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from holter2sleep.errors import WeightsError
from holter2sleep.sleep.staging.base import Evidence
from holter2sleep.sleep.staging.cards import CARDS, Card, CardEncoder
from holter2sleep.sleep.staging.fusion_net import Rows
from holter2sleep.sleep.staging.installed import unaltered
from holter2sleep.sleep.staging.physiology import against_night
from holter2sleep.sleep.staging.profiles import PROFILES, Profile
from holter2sleep.sleep.staging.shipped import NAMES, encoder_file

if TYPE_CHECKING:
    from holter2sleep.sleep.staging.encoder import Net1D

WITHOUT_WAVEFORM = "stages: from the beats alone, for the recording holds no waveform for the encoder {network}"
QUIET_S = 5.0  # of embedding before and between words of progress: CLEF-small is done with 8 h before the first


def seen_of(evidence: Evidence, card: Card, folder: Path = CARDS) -> tuple[Rows | None, tuple[str, ...]]:
    """What networks are shown of the waveform, with a note where there is none.

    Parameters
    ----------
    card
        Of the networks; one without encoder is of those that know no waveform.
    folder
        Of the card.

    Raises
    ------
    WeightsError
        The encoder is missing, or another than that of the card.
    """
    wanted = card.encoder
    if wanted is None:
        return None, ()
    if evidence.recording.ecg is None:
        return None, (WITHOUT_WAVEFORM.format(network=wanted.network),)
    encoder, profile = find_encoder(wanted, folder, card.name)
    return waveform_inputs(evidence, encoder, profile), ()


def find_encoder(wanted: CardEncoder, folder: Path, head: str) -> tuple[Net1D, Profile]:
    """The very encoder that a head was taught with, and the windows it wants to see.

    Raises
    ------
    WeightsError
        It is not installed, not beside the card, or another file than that of the card.
    """
    from holter2sleep.sleep.staging.encoder_weights import load_encoder  # torch: only where there is an encoder to run

    path, whose = encoder_path(wanted, folder, head), f"Stager {head!r}: its encoder"
    unaltered(path, wanted.sha256, whose, "taught with was", _advice(wanted, folder))
    return load_encoder(path, wanted.network), PROFILES[wanted.profile]


def encoder_path(wanted: CardEncoder, folder: Path, head: str) -> Path:
    """Where the encoder lies: in the package, in the weights folder, or beside the card."""
    if wanted.installable is not None:
        try:
            return encoder_file(wanted.installable)
        except WeightsError as error:
            raise WeightsError(f"Stager {head!r} needs the encoder {wanted.installable}: {error}") from None
    return folder / (wanted.file or "")


def _advice(wanted: CardEncoder, folder: Path) -> str:
    if wanted.installable in NAMES:
        return "use the version of holter2sleep it was taught with, or train the head again"
    if wanted.installable is not None:
        return f"install the release it was taught with (`holter2sleep models install {wanted.installable}`)"
    return f"copy the file of that hash to {folder / (wanted.file or '')}, or train the head again"


def waveform_inputs(evidence: Evidence, encoder: Net1D, profile: Profile) -> Rows:
    """What the networks are shown of the waveform. array (n_epochs, 2 * n_features) float32, rows of NaN where unknown.

    Each number is set against the same night, as the physiology is: the shape of the beats tells people and electrodes
    apart better than stages.
    """
    from holter2sleep.sleep.staging.embeddings import epoch_embeddings

    told = _Estimate(evidence.told)
    embedding = epoch_embeddings(evidence.recording, evidence.quality, encoder, profile, told=told)
    dark = evidence.lights.dark(evidence.grid)
    return np.column_stack([against_night(column, dark) for column in embedding.T.astype(np.float64)]).astype("f4")


class _Estimate:
    """Words about how far an encoder is, for those who wait long."""

    def __init__(self, told: Callable[[str], None]) -> None:
        self._told = told
        self._begun = self._last = time.monotonic()

    def __call__(self, done: int, of: int) -> None:
        now = time.monotonic()
        if now - self._last < QUIET_S:
            return
        self._last = now
        left_s = (now - self._begun) * (of - done) / done
        self._told(f"waveform {100 * done / of:.0f} % encoded, about {left_s:.0f} s left")

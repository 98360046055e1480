"""Sleep stages by a head that `holter2sleep train head` taught: a folder with networks, their card, maybe an encoder.

What the beats tell, and the waveform through the encoder the card names, go through the networks of `fusion_net.py`.
An epoch, or a recording, without waveform is staged from its beats alone.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from holter2sleep.errors import WeightsError
from holter2sleep.night import MERGED, SCHEMES, Bool
from holter2sleep.sleep.staging.base import Evidence, Proba
from holter2sleep.sleep.staging.cards import Card, read_weights
from holter2sleep.sleep.staging.fusion import Networks, calibrated, inputs, read_networks, stage_chances
from holter2sleep.sleep.staging.fusion_net import Rows
from holter2sleep.sleep.staging.head_card import HEAD, read_head_card
from holter2sleep.sleep.staging.head_encoder import find_encoder, seen_of


class Head:
    """The networks of a folder, whose chances are averaged, calibrated, and merged to the stages that were taught."""

    def __init__(self, folder: Path) -> None:
        self.card = read_head_card(folder)
        self._folder = folder
        self._networks = _read_networks(self.card, folder)
        self._into = merging(self.card.scheme)

    def stage(self, evidence: Evidence) -> tuple[Proba, tuple[str, ...]]:
        """Probabilities in the card's scheme; NaN where neither beats nor waveform tell of an epoch."""
        columns = inputs(evidence)
        embedding, notes = seen_of(evidence, self.card, self._folder)
        chances = stage_chances(self._networks.arrays, self._networks.shown(columns), embedding)
        answer = (calibrated(chances, self._networks.temperature) @ self._into).astype(np.float32)
        known = answerable(self._networks.shown(columns), embedding)
        return np.where(known[:, None], answer, np.float32(np.nan)), notes


def check_head(folder: Path) -> None:
    """Refuse a head whose networks, or the encoder its card names, are missing or others than the card's.

    Raises
    ------
    WeightsError
        As it would be when a night is staged.
    """
    card = Head(folder).card
    if card.encoder is not None:
        find_encoder(card.encoder, folder, card.name)


def answerable(features: Rows, embedding: Rows | None) -> Bool:
    """Whether beats or waveform tell of an epoch. array (n_epochs,), bool."""
    heard = np.asarray(np.isfinite(features).any(axis=1))
    return heard if embedding is None else np.logical_or(heard, np.isfinite(embedding).all(axis=1))


def merging(scheme: str) -> Rows:
    """Which stage of a scheme each of W, N1, N2, N3, R counts as. array (5, n_classes) of 0 and 1."""
    letters = [MERGED[scheme].get(letter, letter) for letter in SCHEMES["AASM5"]]
    return (np.array(letters)[:, None] == list(SCHEMES[scheme])).astype(np.float32)


def _read_networks(card: Card, folder: Path) -> Networks:
    try:
        return read_networks(read_weights(card, folder))
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{folder / HEAD}: cannot be read as networks of a head ({error})") from None

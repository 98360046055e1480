"""Sleep stages by the fusion head: what the beats tell, and the waveform where it is known, read as one night."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from holter2sleep.heart.weights import Arrays
from holter2sleep.night import EPOCH_S
from holter2sleep.sleep.staging.base import Evidence, Proba
from holter2sleep.sleep.staging.cards import Card
from holter2sleep.sleep.staging.fusion_net import Rows, logits
from holter2sleep.sleep.staging.physiology import physiology
from holter2sleep.sleep.staging.rate_series import Columns
from holter2sleep.sleep.staging.second_opinion import SecondOpinion, agreed, assumptions

CALIBRATION, INPUTS = "calibration", "inputs"  # what a weight file holds besides networks
HOURS, LEVEL = "hours", "level_middle"
HOURS_LIMITS = (-1.0, 9.0)  # since lights-off: further away nothing was learnt


class Fusion:
    """A few networks whose chances are averaged, weighed against SleepECG's, and calibrated."""

    def __init__(self, card: Card, weights: bytes) -> None:
        self.card = card
        networks = read_networks(weights)
        self._temperature = float(networks.pop(CALIBRATION)["temperature"][0])
        self._names = tuple(networks.pop(INPUTS)["names"].tolist())
        self._networks = list(networks.values())
        self._second = SecondOpinion()

    def stage(self, evidence: Evidence) -> tuple[Proba, tuple[str, ...]]:
        """Probabilities of W, N1, N2, N3, R; NaN where no interval of the minutes around an epoch is believed."""
        columns = inputs(evidence)
        features = np.column_stack([columns[name] for name in self._names]).astype(np.float32)
        own = stage_chances(self._networks, features)
        answer = calibrated(agreed(own, self._second.of(evidence)), self._temperature)
        return np.where(np.isfinite(columns[LEVEL])[:, None], answer, np.float32(np.nan)), assumptions(evidence)


def inputs(evidence: Evidence) -> Columns:
    """What the networks may be shown of each epoch, by name. arrays (n_epochs,).

    NaN where unknown; all of them where the minutes around an epoch hold no believed interval, for the time of night
    alone is no answer.
    """
    lights = evidence.lights
    beats = physiology(evidence.beats, evidence.quality.usable_spans, evidence.grid, lights)
    hours = (evidence.grid.onset_s + EPOCH_S / 2 - lights.off_s) / 3600
    columns = {**beats, HOURS: np.clip(hours, *HOURS_LIMITS)}
    heard = np.isfinite(columns[LEVEL])
    return {name: np.where(heard, column, np.nan) for name, column in columns.items()}


def stage_chances(networks: Sequence[Arrays], features: Rows, embedding: Rows | None = None) -> Proba:
    """Mean of the networks' chances, not yet calibrated. array (n_epochs, 5)."""
    return np.mean([_softmax(logits(network, features, embedding)) for network in networks], axis=0)


def calibrated(chances: Proba, temperature: float) -> Proba:
    """Chances whose logarithms are divided by the temperature (Guo 2017). array (n_epochs, 5), rows sum to 1."""
    return _softmax(np.log(chances + np.float32(1e-6)) / np.float32(temperature))


def _softmax(odds: Rows) -> Proba:
    chances = np.exp(odds - odds.max(axis=1, keepdims=True))
    return (chances / chances.sum(axis=1, keepdims=True)).astype(np.float32)


def read_networks(content: bytes) -> dict[str, Arrays]:
    """Arrays by network and name, as `heart.weights.joined` named them."""
    networks: dict[str, dict[str, NDArray[np.float32]]] = {}
    with np.load(io.BytesIO(content)) as file:
        for name in file.files:
            network, _, array = name.partition(".")
            networks.setdefault(network, {})[array] = file[name]
    return dict(networks)

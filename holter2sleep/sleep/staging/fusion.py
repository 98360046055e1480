"""Sleep stages by the fusion head: what the beats tell, and the waveform where it is known, read as one night."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.heart.weights import Arrays, joined
from holter2sleep.night import EPOCH_S
from holter2sleep.sleep.staging.base import Evidence, Proba
from holter2sleep.sleep.staging.cards import Card
from holter2sleep.sleep.staging.fusion_net import Rows, logits
from holter2sleep.sleep.staging.head_encoder import seen_of
from holter2sleep.sleep.staging.physiology import physiology
from holter2sleep.sleep.staging.rate_series import Columns
from holter2sleep.sleep.staging.second_opinion import SecondOpinion, agreed, assumptions

CALIBRATION, INPUTS = "calibration", "inputs"  # what a weight file holds besides networks
HOURS, LEVEL = "hours", "level_middle"
HOURS_LIMITS = (-1.0, 9.0)  # since lights-off: further away nothing was learnt


class Fusion:
    """A few networks whose chances are averaged, weighed against SleepECG's, and calibrated.

    They know the waveform too; they are shown it where the card names an encoder.
    """

    def __init__(self, card: Card, weights: bytes) -> None:
        self.card = card
        self._networks = read_networks(weights)
        self._second = SecondOpinion()

    def stage(self, evidence: Evidence) -> tuple[Proba, tuple[str, ...]]:
        """Probabilities of W, N1, N2, N3, R; NaN where no interval of the minutes around an epoch is believed."""
        columns = inputs(evidence)
        embedding, notes = seen_of(evidence, self.card)
        own = both_views(self._networks.arrays, self._networks.shown(columns), embedding)
        answer = calibrated(agreed(own, self._second.of(evidence)), self._networks.temperature)
        # The waveform alone is too little for an answer: kappa of three classes 0.12, beside the beats 0.46.
        heard = np.isfinite(columns[LEVEL])[:, None]
        return np.where(heard, answer, np.float32(np.nan)), (*notes, *assumptions(evidence))


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


def both_views(networks: Sequence[Arrays], features: Rows, embedding: Rows | None) -> Proba:
    """Mean of their chances by the beats alone and with the waveform; where there is none, by the beats.

    What the embedding says of sleep was learned from few people: in the whole of an answer it costs kappa, in half of
    one half as much (`benchmarks/README.md`). array (n_epochs, 5).
    """
    alone = stage_chances(networks, features)
    return alone if embedding is None else np.mean([alone, stage_chances(networks, features, embedding)], axis=0)


def calibrated(chances: Proba, temperature: float) -> Proba:
    """Chances whose logarithms are divided by the temperature (Guo 2017). array (n_epochs, 5), rows sum to 1."""
    return _softmax(np.log(chances + np.float32(1e-6)) / np.float32(temperature))


def _softmax(odds: Rows) -> Proba:
    chances = np.exp(odds - odds.max(axis=1, keepdims=True))
    return (chances / chances.sum(axis=1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True)
class Networks:
    """Networks whose chances are averaged, the names of what they are shown, and the temperature of their answer."""

    arrays: tuple[Arrays, ...]
    names: tuple[str, ...]
    temperature: float

    def shown(self, columns: Columns) -> Rows:
        """Of all that is known of the epochs, what these networks look at. array (n_epochs, n_features)."""
        return np.column_stack([columns[name] for name in self.names]).astype(np.float32)


def read_networks(content: bytes) -> Networks:
    """As `training/staging.py` and `training/head.py` write them."""
    found: dict[str, dict[str, NDArray[np.float32]]] = {}
    with np.load(io.BytesIO(content)) as file:
        for name in file.files:
            network, _, array = name.partition(".")
            found.setdefault(network, {})[array] = file[name]
    temperature = float(found.pop(CALIBRATION)["temperature"][0])
    names = tuple(found.pop(INPUTS)["names"].tolist())
    return Networks(tuple(found.values()), names, temperature)


def networks_content(networks: Networks) -> bytes:
    """As `read_networks` reads them; the same networks, the same bytes."""
    arrays: dict[str, NDArray] = dict(
        joined(
            **{f"net{i}": network for i, network in enumerate(networks.arrays)},
            **{CALIBRATION: {"temperature": np.array([networks.temperature], np.float32)}},
        )
    )
    arrays[f"{INPUTS}.names"] = np.array(networks.names)
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()

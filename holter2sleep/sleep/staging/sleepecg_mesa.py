"""The SleepECG classifier W / NREM / REM trained on MESA, run in numpy from the weights of the installed package."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

import h5py
import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import Bool, Float
from holter2sleep.sleep.staging.base import Evidence, Proba
from holter2sleep.sleep.staging.cards import Card
from holter2sleep.sleep.staging.sleepecg_features import MISSING, Context, beat_features, has_interval, in_context

# Output order of the network: undefined, NREM, REM, wake. Ours: W, NREM, R; the undefined class is dropped.
OURS = (3, 1, 2)
NORM_EPSILON = 1e-3

Rows = NDArray[np.float32]
Network = Mapping[str, Rows]  # as in the HDF5 file, "layer/vars/i" without the folder


def logits(network: Network, features: Rows) -> Rows:
    """Batch norm, dense layer, two bidirectional GRUs, dense layer. array (n_epochs, 4).

    A row that is wholly missing is masked: it keeps the state and yields zeros.
    """
    known = (features != MISSING).any(axis=1)
    gamma, beta, mean, variance = (network[f"batch_normalization/vars/{i}"] for i in range(4))
    rows = gamma * (features[known] - mean) / np.sqrt(variance + np.float32(NORM_EPSILON)) + beta
    rows = np.maximum(_dense(network, "dense", rows), 0)
    for layer in ("bidirectional", "bidirectional_1"):
        ahead = _gru(network, f"{layer}/forward_layer", rows)
        back = _gru(network, f"{layer}/backward_layer", rows[::-1])[::-1]
        rows = np.hstack([ahead, back])
    hidden = np.zeros((len(features), rows.shape[1]), np.float32)
    hidden[known] = rows
    return _dense(network, "dense_1", hidden)


def _dense(network: Network, layer: str, rows: Rows) -> Rows:
    return rows @ network[f"{layer}/vars/0"] + network[f"{layer}/vars/1"]


def _gru(network: Network, layer: str, rows: Rows) -> Rows:
    """States of one GRU along the rows; gates update, reset, candidate. array (n_rows, n_units)."""
    kernel, recurrent, (bias_in, bias_state) = (network[f"{layer}/cell/vars/{i}"] for i in range(3))
    n = len(recurrent)
    inputs = rows @ kernel + bias_in
    states = np.zeros((len(rows), n), np.float32)
    state = np.zeros(n, np.float32)
    for i, of_input in enumerate(inputs):
        of_state = state @ recurrent + bias_state
        gates = (1 + np.tanh((of_input[: 2 * n] + of_state[: 2 * n]) / 2)) / 2  # logistic, without its overflow
        candidate = np.tanh(of_input[2 * n :] + gates[n:] * of_state[2 * n :])
        state = gates[:n] * state + (1 - gates[:n]) * candidate
        states[i] = state
    return states


class SleepEcgMesa:
    """SleepECG's `wrn-gru-mesa`.

    All usable beats go in, whatever their class: the network was trained on the output of a detector, without beat
    classes, and intervals outside 0.3-2 s are dropped by its own rule.
    """

    def __init__(self, card: Card, weights: bytes) -> None:
        self.card = card
        self._network = load_network(weights)

    def stage(self, evidence: Evidence) -> tuple[Proba, tuple[str, ...]]:
        """Probabilities of W, NREM, R; NaN after the last beat and where minutes hold no interval."""
        start, subject = evidence.grid_start, evidence.recording.subject
        context = Context(start.time() if start else None, subject.age_years, subject.sex)
        return chances_of(self._network, evidence, [context]), _missing_notes(context)


def chances_of(
    network: Network, evidence: Evidence, contexts: Sequence[Context], believed: Bool | None = None
) -> Proba:
    """Probabilities of W, NREM, R on the grid; NaN after the last beat and where minutes hold no interval.

    Of several contexts the mean of the answers. `believed` tells of each interval between usable beats whether it is to
    be read; None: all of them.
    """
    beat_s = evidence.beats.time_s[evidence.beats.usable] - evidence.grid.offset_s
    features = beat_features(beat_s, believed)
    answers = [predict(network, in_context(features, context)) for context in contexts]
    answer: Proba = np.stack(answers).mean(axis=0, dtype=np.float32)[: evidence.grid.n]
    proba = np.full((evidence.grid.n, len(OURS)), np.nan, np.float32)
    proba[: len(answer)] = np.where(has_interval(beat_s, len(answer), believed)[:, None], answer, np.float32(np.nan))
    return proba


def predict(network: Network, features: Float) -> Proba:
    """Probabilities of W, NREM, R for each row of features. array (n_epochs, 3) float32."""
    odds = logits(network, features.astype(np.float32))[:, OURS]
    # A softmax over the wanted logits is the full softmax without the undefined class, renormalised.
    chances = np.exp(odds - odds.max(axis=1, keepdims=True))
    proba: Proba = chances / chances.sum(axis=1, keepdims=True)
    return proba


def load_network(weights: bytes) -> Network:
    """The network, from the content of the classifier's zip file."""
    network: dict[str, Rows] = {}
    with zipfile.ZipFile(io.BytesIO(weights)) as outer:
        inner = zipfile.ZipFile(io.BytesIO(outer.read("classifier.keras")))
    with inner, h5py.File(io.BytesIO(inner.read("model.weights.h5"))) as file:
        layers = file["layers"]
        layers.visititems(
            lambda name, item: network.update({name: item[:]}) if isinstance(item, h5py.Dataset) else None
        )
    return network


def _missing_notes(context: Context) -> tuple[str, ...]:
    given = {"start": context.start, "age": context.age_years, "sex": context.sex}
    missing = [name for name, value in given.items() if value is None]
    if not missing:
        return ()
    return (f"sleepecg-mesa without {', '.join(missing)}: it was trained with all three, the effect is not known",)

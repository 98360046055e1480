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
    """Batch norm, dense layer, two bidirectional GRUs, dense layer. array (n_contexts, n_epochs, 4).

    A row that is wholly missing, in all contexts, is masked: it keeps the state and yields zeros.
    """
    known = (features != MISSING).any(axis=(0, 2))
    gamma, beta, mean, variance = (network[f"batch_normalization/vars/{i}"] for i in range(4))
    rows = gamma * (features[:, known] - mean) / np.sqrt(variance + np.float32(NORM_EPSILON)) + beta
    rows = np.maximum(_dense(network, "dense", rows), 0)
    for layer in ("bidirectional", "bidirectional_1"):
        rows = _there_and_back(network, layer, rows)
    hidden = np.zeros((*features.shape[:2], rows.shape[2]), np.float32)
    hidden[:, known] = rows
    return _dense(network, "dense_1", hidden)


def _dense(network: Network, layer: str, rows: Rows) -> Rows:
    return rows @ network[f"{layer}/vars/0"] + network[f"{layer}/vars/1"]


def _there_and_back(network: Network, layer: str, rows: Rows) -> Rows:
    """States of a GRU along the rows and of one against them. array (n_contexts, n_rows, 2 n_units).

    Both go at once, as one GRU of twice the units, of which neither half sees the other's state.
    """
    ways = {f"{layer}/forward_layer/cell": rows, f"{layer}/backward_layer/cell": rows[:, ::-1]}
    n = len(network[f"{layer}/forward_layer/cell/vars/1"])
    inputs = np.empty((rows.shape[1], len(rows), 3, 2, n), np.float32)
    recurrent, bias = np.zeros((2, n, 3, 2, n), np.float32), np.empty((3, 2, n), np.float32)
    for way, (cell, turned) in enumerate(ways.items()):
        kernel, own, (bias_in, bias_state) = (network[f"{cell}/vars/{i}"] for i in range(3))
        inputs[..., way, :] = (turned @ kernel + bias_in).swapaxes(0, 1).reshape(-1, len(rows), 3, n)
        recurrent[way, :, :, way], bias[:, way] = own.reshape(n, 3, n), bias_state.reshape(3, n)
    states = _gru(inputs.reshape(-1, len(rows), 3, 2 * n), recurrent.reshape(2 * n, -1), bias.reshape(3, 2 * n))
    return np.concatenate([states[..., :n], states[::-1, :, n:]], axis=2).swapaxes(0, 1)


def _gru(inputs: Rows, recurrent: Rows, bias: Rows) -> Rows:
    """States of a GRU along inputs to update, reset and candidate. array (n_rows, n_contexts, n_units)."""
    states = np.empty((*inputs.shape[:2], len(recurrent)), np.float32)
    state = np.zeros(states.shape[1:], np.float32)
    for of_input, kept in zip(inputs, states, strict=True):
        of_state = (state @ recurrent).reshape(of_input.shape) + bias
        gates = (1 + np.tanh((of_input[:, :2] + of_state[:, :2]) / 2)) / 2  # logistic, without its overflow
        candidate = np.tanh(of_input[:, 2] + gates[:, 1] * of_state[:, 2])
        state = candidate + gates[:, 0] * (state - candidate)
        kept[:] = state
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

    Of several contexts, in which the same facts are known, the mean of the answers. `believed` tells of each interval
    between usable beats whether it is to be read; None: all of them.
    """
    beat_s = evidence.beats.time_s[evidence.beats.usable] - evidence.grid.offset_s
    features = beat_features(beat_s, believed)
    answers = predict(network, np.stack([in_context(features, context) for context in contexts]))
    answer: Proba = answers.mean(axis=0, dtype=np.float32)[: evidence.grid.n]
    proba = np.full((evidence.grid.n, len(OURS)), np.nan, np.float32)
    proba[: len(answer)] = np.where(has_interval(beat_s, len(answer), believed)[:, None], answer, np.float32(np.nan))
    return proba


def predict(network: Network, features: Float) -> Proba:
    """Probabilities of W, NREM, R for features (n_contexts, n_epochs, 36). array (n_contexts, n_epochs, 3) float32."""
    odds = logits(network, features.astype(np.float32))[..., OURS]
    # A softmax over the wanted logits is the full softmax without the undefined class, renormalised.
    chances = np.exp(odds - odds.max(axis=-1, keepdims=True))
    proba: Proba = chances / chances.sum(axis=-1, keepdims=True)
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

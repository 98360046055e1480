"""The SleepECG classifier W / NREM / REM trained on MESA, run in torch from the weights of the installed package."""

from __future__ import annotations

import io
import zipfile

import h5py
import numpy as np
import torch
from torch import Tensor, nn

from holter2sleep.night import SCHEMES, Float
from holter2sleep.sleep.staging.base import Evidence, Proba
from holter2sleep.sleep.staging.cards import Card
from holter2sleep.sleep.staging.sleepecg_features import (
    MISSING,
    N_FEATURES,
    Context,
    has_interval,
    sleepecg_features,
)
from holter2sleep.sleep.staging.threads import inference

N_HIDDEN, N_UNITS = 64, 8
# Output order of the network: undefined, NREM, REM, wake. Ours: W, NREM, R; the undefined class is dropped.
OURS = (3, 1, 2)


class SleepEcgNetwork(nn.Module):
    """Batch norm, dense layer, two bidirectional GRUs, dense layer: features (E, 36) to logits (E, 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(N_FEATURES, eps=1e-3)
        self.dense = nn.Linear(N_FEATURES, N_HIDDEN)
        self.gru_1 = nn.GRU(N_HIDDEN, N_UNITS, bidirectional=True)
        self.gru_2 = nn.GRU(2 * N_UNITS, N_UNITS, bidirectional=True)
        self.head = nn.Linear(2 * N_UNITS, len(OURS) + 1)

    def forward(self, x_ED: Tensor) -> Tensor:
        """Logits of one night. A row that is wholly missing is masked: it keeps the state and yields zeros."""
        known = (x_ED != MISSING).any(dim=1)
        h_ED = x_ED.new_zeros(len(x_ED), 2 * N_UNITS)
        if known.any():
            z_ED = torch.relu(self.dense(self.norm(x_ED[known])))
            h_ED[known] = self.gru_2(self.gru_1(z_ED)[0])[0]
        logits_EC: Tensor = self.head(h_ED)
        return logits_EC


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
        beat_s = evidence.beats.time_s[evidence.beats.usable] - evidence.grid.offset_s
        start, subject = evidence.grid_start, evidence.recording.subject
        context = Context(start.time() if start else None, subject.age_years, subject.sex)
        answer = predict(self._network, sleepecg_features(beat_s, context))[: evidence.grid.n]
        proba = np.full((evidence.grid.n, len(SCHEMES[self.card.scheme])), np.nan, np.float32)
        proba[: len(answer)] = np.where(has_interval(beat_s, len(answer))[:, None], answer, np.float32(np.nan))
        return proba, _missing_notes(context)


def predict(network: SleepEcgNetwork, features: Float) -> Proba:
    """Probabilities of W, NREM, R for each row of features. array (n_epochs, 3) float32."""
    if len(features) == 0:
        return np.empty((0, len(OURS)), np.float32)
    with inference():
        logits_EC = network(torch.from_numpy(features.astype(np.float32)))
        # A softmax over the wanted logits is the full softmax without the undefined class, renormalised.
        proba: Proba = torch.softmax(logits_EC[:, OURS], dim=1).numpy()
    return proba


def load_network(weights: bytes) -> SleepEcgNetwork:
    """The network in evaluation mode, from the content of the classifier's zip file."""
    with zipfile.ZipFile(io.BytesIO(weights)) as outer:
        inner = zipfile.ZipFile(io.BytesIO(outer.read("classifier.keras")))
    with inner, h5py.File(io.BytesIO(inner.read("model.weights.h5"))) as file:
        layers = file["layers"]
        state = {
            **dict(
                zip(("norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"), _norm(layers), strict=True)
            ),
            **_linear("dense", layers["dense/vars"]),
            **_gru("gru_1", layers["bidirectional"]),
            **_gru("gru_2", layers["bidirectional_1"]),
            **_linear("head", layers["dense_1/vars"]),
        }
    network = SleepEcgNetwork()
    network.load_state_dict({**network.state_dict(), **state})
    return network.eval()


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def _norm(layers: h5py.Group) -> list[Tensor]:
    return [_tensor(layers[f"batch_normalization/vars/{i}"][:]) for i in range(4)]


def _linear(name: str, variables: h5py.Group) -> dict[str, Tensor]:
    return {f"{name}.weight": _tensor(variables["0"][:].T), f"{name}.bias": _tensor(variables["1"][:])}


def _gru(name: str, layer: h5py.Group) -> dict[str, Tensor]:
    """Weights of both directions: Keras stacks the gates as update, reset, candidate; torch has reset first."""
    state = {}
    for folder, suffix in (("forward_layer", "l0"), ("backward_layer", "l0_reverse")):
        variables = layer[f"{folder}/cell/vars"]
        kernel, recurrent, (bias_in, bias_state) = (variables[key][:] for key in "012")
        parts = {"weight_ih": kernel, "weight_hh": recurrent, "bias_ih": bias_in, "bias_hh": bias_state}
        for part, array in parts.items():
            update, reset, candidate = np.split(array.T, 3)
            state[f"{name}.{part}_{suffix}"] = _tensor(np.concatenate([reset, update, candidate]))
    return state


def _missing_notes(context: Context) -> tuple[str, ...]:
    given = {"start": context.start, "age": context.age_years, "sex": context.sex}
    missing = [name for name, value in given.items() if value is None]
    if not missing:
        return ()
    return (f"sleepecg-mesa without {', '.join(missing)}: it was trained with all three, the effect is not known",)

"""Fit the network of `heart/sequence_net.py` to labelled sequences."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from holter2sleep.heart.sequence_net import DILATIONS, TAPS

log = logging.getLogger(__name__)

LENGTH, BATCH = 256, 64  # of a training piece, pieces in a batch
RATE = 4e-3
UNKNOWN = -1  # target of what teaches nothing


@dataclass(frozen=True)
class Sequence:
    """Candidates, or beats, in order of time."""

    source: str  # record it was made from: each has the same say
    features: NDArray[np.float32]  # (n, n_features)
    patches: NDArray[np.float32]  # (n, n_samples)
    target: NDArray[np.int64]  # (n,), class, or UNKNOWN


@dataclass(frozen=True)
class Course:
    """How a network is taught."""

    n_classes: int
    steps: int
    seed: int
    dropout: float = 0.0
    decay: float = 1e-4
    rarity: float = 0.0  # a class counts by its frequency to the minus this power
    hidden: int = 48


class Net(torch.nn.Module):
    """The network of `heart/sequence_net.py`."""

    def __init__(self, n_features: int, n_samples: int, course: Course, code: int = 16, channels: int = 24) -> None:
        super().__init__()
        self.dropout = torch.nn.Dropout(course.dropout)
        self.dense1 = torch.nn.Linear(n_features + n_samples, course.hidden)
        self.dense2 = torch.nn.Linear(course.hidden, code)
        widths = [code + n_features] + [channels] * len(DILATIONS)
        self.convs = torch.nn.ModuleList(
            torch.nn.Conv1d(width, channels, TAPS, padding=TAPS // 2 * dilation, dilation=dilation)
            for width, dilation in zip(widths, DILATIONS, strict=False)
        )
        self.out = torch.nn.Linear(channels + code, course.n_classes)

    def forward(self, known: torch.Tensor, patches: torch.Tensor) -> torch.Tensor:
        """Logits (B, n, n_classes) of features (B, n, n_features) and patches (B, n, n_samples)."""
        code = torch.relu(self.dense1(self.dropout(torch.cat([known, patches], -1))))
        code = torch.relu(self.dense2(code))
        context = torch.cat([code, known], -1).transpose(1, 2)
        for i, conv in enumerate(self.convs):
            step = torch.relu(conv(context))
            context = step if i == 0 else context + step
        out: torch.Tensor = self.out(torch.cat([self.dropout(context.transpose(1, 2)), code], -1))
        return out


def fit(sequences: list[Sequence], course: Course) -> dict[str, NDArray[np.float32]]:
    """The network's weights, as `sequence_net.logits` reads them."""
    torch.manual_seed(course.seed)
    rng = np.random.default_rng(course.seed)
    everything = np.concatenate([sequence.features for sequence in sequences])
    mean, sd = everything.mean(axis=0), everything.std(axis=0) + np.float32(1e-6)
    net = Net(len(mean), sequences[0].patches.shape[1], course)
    optimizer = torch.optim.AdamW(net.parameters(), RATE, weight_decay=course.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=course.steps)
    loss_of = torch.nn.CrossEntropyLoss(_class_weights(sequences, course), ignore_index=UNKNOWN)
    by_source = _by_source(sequences)
    losses, began = [], time.monotonic()
    for step in range(course.steps):
        features, patches, target = _batch(by_source, rng)
        known = (features - torch.from_numpy(mean)) / torch.from_numpy(sd)
        loss = loss_of(net(known, patches).transpose(1, 2), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 500 == 499:
            log.info("step %d: loss %.4f, %.0f s", step + 1, np.mean(losses[-500:]), time.monotonic() - began)
    return {"mean": mean, "sd": sd, **_as_arrays(net)}


def _class_weights(sequences: list[Sequence], course: Course) -> torch.Tensor:
    """Rare classes count more, up to 15 times; the mean weight of what is there is one."""
    target = np.concatenate([sequence.target for sequence in sequences])
    count = np.maximum(np.bincount(target[target != UNKNOWN], minlength=course.n_classes), 1)
    weight = np.minimum((count.max() / count) ** course.rarity, 15.0)
    return torch.from_numpy(weight.astype(np.float32))


def _by_source(sequences: list[Sequence]) -> list[list[Sequence]]:
    """The sequences long enough for a piece, by where they come from."""
    long = [sequence for sequence in sequences if len(sequence.target) > LENGTH]
    return [[s for s in long if s.source == source] for source in sorted({s.source for s in long})]


def _batch(by_source: list[list[Sequence]], rng: np.random.Generator) -> list[torch.Tensor]:
    """Features, patches and targets of pieces drawn by chance."""
    rows = []
    for _ in range(BATCH):
        own = by_source[rng.integers(len(by_source))]
        sequence = own[rng.integers(len(own))]
        first = rng.integers(len(sequence.target) - LENGTH)
        part = slice(first, first + LENGTH)
        rows.append((sequence.features[part], sequence.patches[part], sequence.target[part]))
    return [torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)]


def _as_arrays(net: Net) -> dict[str, NDArray[np.float32]]:
    """Weights by name, turned to (in, out) for dense layers and to (taps, in, out) for convolutions."""
    return {name: weight.numpy().T for name, weight in net.state_dict().items()}

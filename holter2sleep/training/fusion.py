"""Fit the network of `sleep/staging/fusion_net.py` to scored nights, and to teachers' answers on unscored ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from holter2sleep.evaluate.classes import UNKNOWN
from holter2sleep.sleep.staging.fusion_net import DILATIONS, TAPS, Rows, standardised

LENGTH = 320  # epochs of a training piece
N_SCORED, N_TAUGHT = 8, 4  # pieces in a batch
RATE, DECAY = 3e-3, 1e-2
N_STAGES = 5
# Stages of the network that are one class for the teachers: W, NREM, R.
TEACHERS_CLASSES = (slice(0, 1), slice(1, 4), slice(4, 5))

Arrays = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class TrainingNight:
    """A night as the network sees it, with what is known of its stages."""

    name: str
    subject: str
    features: NDArray[np.float32]  # (n_epochs, n_features), NaN where unknown
    stage: NDArray[np.int64]  # (n_epochs,), W N1 N2 N3 R, or UNKNOWN
    taught: NDArray[np.float32]  # (n_epochs, 3), chances of W, NREM, R by teachers; NaN where they are silent
    embedding: NDArray[np.float32] | None = None  # (n_epochs, n_dimensions), rows of NaN where unknown


@dataclass(frozen=True)
class Course:
    """How a network is taught."""

    steps: int
    seed: int
    taught_weight: float = 0.3  # of the teachers' answers, beside 1 of the scored stages
    code: int = 24
    dropout: float = 0.3
    branch_dropout: float = 0.3  # how often a piece is shown without one of the branches, where it has both


class FusionNet(torch.nn.Module):
    """The network of `fusion_net.py`."""

    def __init__(self, n_features: int, n_dimensions: int, course: Course) -> None:
        super().__init__()
        code = course.code
        self.dropout = torch.nn.Dropout(course.dropout)
        self.dropout_channels = torch.nn.Dropout1d(course.dropout)
        self.beats = torch.nn.Linear(n_features, code)
        if n_dimensions:
            self.wave = torch.nn.Linear(n_dimensions, code)
            self.gate = torch.nn.Linear(2 * code, code)
        self.convs = torch.nn.ModuleList(
            torch.nn.Conv1d(code, code, TAPS, padding=TAPS // 2 * dilation, dilation=dilation) for dilation in DILATIONS
        )
        self.out = torch.nn.Linear(code, N_STAGES)

    def forward(self, known: torch.Tensor, heard: torch.Tensor, embedding: torch.Tensor | None) -> torch.Tensor:
        """Logits (B, E, 5) of standardised features, whether any is known, and an embedding (NaN where missing)."""
        code = torch.relu(self.beats(self.dropout(known)))
        if embedding is not None:
            code = self._fused(code, heard, embedding)
        code = code.transpose(1, 2)
        for conv in self.convs:
            code = code + torch.relu(conv(self.dropout_channels(code)))
        odds: torch.Tensor = self.out(self.dropout(code.transpose(1, 2)))
        return odds

    def _fused(self, beats: torch.Tensor, heard: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """The two codes weighed by the gate; where only one branch knows the epoch, that one."""
        seen = torch.isfinite(embedding).all(-1, keepdim=True)
        wave = torch.relu(self.wave(self.dropout(torch.where(seen, embedding, 0.0))))
        gate = torch.sigmoid(self.gate(torch.cat([beats, wave], -1)))
        gate = torch.where(seen, torch.where(heard[..., None], gate, 1.0), 0.0)
        return (1 - gate) * beats + gate * wave


@dataclass(frozen=True)
class _Batch:
    features: NDArray[np.float32]  # (B, E, D), NaN where unknown
    stage: NDArray[np.int64]  # (B, E)
    taught: NDArray[np.float32]  # (B, E, 3)
    embedding: NDArray[np.float32] | None


def fit(
    scored: Sequence[TrainingNight], taught: Sequence[TrainingNight], course: Course, unscored: Sequence[Rows] = ()
) -> Arrays:
    """The network's weights, as `fusion_net.logits` reads them.

    The features of `unscored` nights only tell how far features range.
    """
    torch.manual_seed(course.seed)
    rng = np.random.default_rng(course.seed)
    weights = scale_of([*(night.features for night in (*scored, *taught)), *unscored])
    n_dimensions = next((night.embedding.shape[1] for night in scored if night.embedding is not None), 0)
    net = FusionNet(scored[0].features.shape[1], n_dimensions, course)
    optimizer = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=course.steps)
    for _ in range(course.steps):
        pieces = [piece(scored, rng) for _ in range(N_SCORED)]
        pieces += [piece(taught, rng) for _ in range(N_TAUGHT if taught else 0)]
        loss = _loss(net, _batch(pieces, n_dimensions, course, rng), weights, course)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return {**weights, **{name: array.numpy().T for name, array in net.state_dict().items()}}


def scale_of(features: Sequence[Rows]) -> Arrays:
    """Mean and standard deviation of each feature over all epochs."""
    rows = np.concatenate(features)
    return {"mean": np.nanmean(rows, axis=0), "sd": np.nanstd(rows, axis=0) + np.float32(1e-6)}


def piece(nights: Sequence[TrainingNight], rng: np.random.Generator) -> TrainingNight:
    """A stretch of a night drawn by chance; it may reach beyond its ends, where nothing is known."""
    night = nights[int(rng.integers(len(nights)))]
    n = len(night.stage)
    first = rng.integers(-(LENGTH // 3), max(n - 2 * LENGTH // 3, 1))
    index = np.arange(first, first + LENGTH)
    inside = (index >= 0) & (index < n)
    index = np.clip(index, 0, n - 1)
    blank = ~inside[:, None]
    wave = None if night.embedding is None else np.where(blank, np.float32(np.nan), night.embedding[index])
    return TrainingNight(
        night.name,
        night.subject,
        np.where(blank, np.float32(np.nan), night.features[index]),
        np.where(inside, night.stage[index], UNKNOWN),
        np.where(blank, np.float32(np.nan), night.taught[index]),
        wave,
    )


def _batch(pieces: list[TrainingNight], n_dimensions: int, course: Course, rng: np.random.Generator) -> _Batch:
    """Pieces side by side; now and then one of two branches is taken away."""
    features, waves = [], []
    for one in pieces:
        nothing = np.full((LENGTH, n_dimensions), np.nan, np.float32)
        wave = nothing if one.embedding is None else one.embedding
        fate = rng.random() if one.embedding is not None else 1.0
        features.append(np.full_like(one.features, np.nan) if fate < course.branch_dropout / 2 else one.features)
        waves.append(nothing if course.branch_dropout / 2 <= fate < course.branch_dropout else wave)
    stage, taught = np.stack([one.stage for one in pieces]), np.stack([one.taught for one in pieces])
    return _Batch(np.stack(features), stage, taught, np.stack(waves) if n_dimensions else None)


def _loss(net: FusionNet, batch: _Batch, weights: Arrays, course: Course) -> torch.Tensor:
    """Cross-entropy of the scored stages, and of the teachers' chances on the other nights."""
    heard = torch.from_numpy(np.isfinite(batch.features).any(-1))
    known = torch.from_numpy(standardised(weights, batch.features))
    wave = None if batch.embedding is None else torch.from_numpy(batch.embedding)
    odds = torch.log_softmax(net(known, heard, wave), -1)
    stage, taught = torch.from_numpy(batch.stage[:N_SCORED]), torch.from_numpy(batch.taught[N_SCORED:])
    loss = torch.nn.functional.nll_loss(odds[:N_SCORED].transpose(1, 2), stage, ignore_index=UNKNOWN)
    told = torch.isfinite(taught[..., 0])
    if told.any():
        merged = torch.stack([odds[N_SCORED:][..., part].logsumexp(-1) for part in TEACHERS_CLASSES], -1)
        loss = loss - course.taught_weight * (taught[told] * merged[told]).sum(-1).mean()
    return loss

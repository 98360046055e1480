"""Fit the network of `sleep/staging/fusion_net.py` to scored nights, and to teachers' answers on unscored ones.

A scored epoch may be coarser than the network's five stages: L is N1 or N2, NREM any of N1, N2 and N3. What is learned
from it is the chance of the whole: the sum over the stages that it may be (marginal likelihood).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from holter2sleep.evaluate.classes import UNKNOWN
from holter2sleep.night import SCHEMES
from holter2sleep.sleep.staging.fusion_net import DILATIONS, TAPS, Rows, standardised

LENGTH = 320  # epochs of a training piece
N_SCORED, N_TAUGHT = 8, 4  # pieces in a batch
RATE, DECAY = 3e-3, 1e-2
LETTERS = (*SCHEMES["AASM5"], "L", "NREM")  # what a scored epoch may say, by code; all else is UNKNOWN
N_STAGES = 5
# Which of the five stages each code may be. array (n_codes, 5)
MEANT = np.array([*np.eye(N_STAGES), [0, 1, 1, 0, 0], [0, 1, 1, 1, 0]])
# Stages of the network that are one class for the teachers: W, NREM, R.
TEACHERS_CLASSES = (slice(0, 1), slice(1, 4), slice(4, 5))

Arrays = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class TrainingNight:
    """A night as the network sees it, with what is known of its stages."""

    name: str
    subject: str
    features: NDArray[np.float32]  # (n_epochs, n_features), NaN where unknown
    stage: NDArray[np.int64]  # (n_epochs,), place in LETTERS, or UNKNOWN
    taught: NDArray[np.float32]  # (n_epochs, 3), chances of W, NREM, R by teachers; NaN where they are silent
    embedding: NDArray[np.floating] | None = None  # (n_epochs, n_dimensions), rows of NaN where unknown


@dataclass(frozen=True)
class Course:
    """How a network is taught."""

    steps: int
    seed: int
    taught_weight: float = 0.3  # of the teachers' answers, beside 1 of the scored stages
    code: int = 24
    dropout: float = 0.3
    wave_dropout: float = 0.3  # of the embedding's numbers, which are many
    branch_dropout: float = 0.3  # how often a piece is shown without one of the branches, where it has both
    device: str = "cpu"


class FusionNet(torch.nn.Module):
    """The network of `fusion_net.py`."""

    def __init__(self, n_features: int, n_dimensions: int, course: Course) -> None:
        super().__init__()
        code = course.code
        self.dropout = torch.nn.Dropout(course.dropout)
        self.dropout_channels = torch.nn.Dropout1d(course.dropout)
        self.beats = torch.nn.Linear(n_features, code)
        if n_dimensions:
            self.dropout_wave = torch.nn.Dropout(course.wave_dropout)
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
        seen = torch.isfinite(embedding).all(-1)
        wave = torch.zeros_like(beats)
        # no work for pieces without a waveform, which are most
        wave[seen] = torch.relu(self.wave(self.dropout_wave(embedding[seen])))
        gate = torch.sigmoid(self.gate(torch.cat([beats, wave], -1)))
        gate = torch.where(seen[..., None], torch.where(heard[..., None], gate, 1.0), 0.0)
        return (1 - gate) * beats + gate * wave


@dataclass(frozen=True)
class _Batch:
    features: NDArray[np.float32]  # (B, E, D), NaN where unknown
    stage: NDArray[np.int64]  # (B, E), codes
    taught: NDArray[np.float32]  # (B, E, 3)
    embedding: NDArray[np.float32] | None


class Pupil:
    """A network while it is taught; `steps` of the course may come in several goes."""

    def __init__(
        self,
        scored: Sequence[TrainingNight],
        taught: Sequence[TrainingNight],
        course: Course,
        unscored: Sequence[Rows] = (),
    ) -> None:
        self._scored, self._taught, self._course = scored, taught, course
        self._scale = scale_of([*(night.features for night in (*scored, *taught)), *unscored])
        self._n_dimensions = next((night.embedding.shape[1] for night in scored if night.embedding is not None), 0)
        self.net = FusionNet(scored[0].features.shape[1], self._n_dimensions, course).to(course.device)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), RATE, weight_decay=DECAY)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, RATE, total_steps=course.steps)

    @property
    def arrays(self) -> Arrays:
        """The network's weights, as `fusion_net.logits` reads them."""
        state = self.net.state_dict()
        return {**self._scale, **{name: tensor.detach().cpu().numpy().copy().T for name, tensor in state.items()}}

    def learn(self, steps: int, rng: np.random.Generator) -> float:
        """Take so many steps; the mean of their losses. What is dropped out hangs on torch's own generator."""
        losses = []
        for _ in range(steps):
            pieces = [piece(self._scored, rng) for _ in range(N_SCORED)]
            pieces += [piece(self._taught, rng) for _ in range(N_TAUGHT if self._taught else 0)]
            loss = _loss(self.net, _batch(pieces, self._n_dimensions, self._course, rng), self._scale, self._course)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            losses.append(loss.item())
        return float(np.mean(losses))


def fit(
    scored: Sequence[TrainingNight], taught: Sequence[TrainingNight], course: Course, unscored: Sequence[Rows] = ()
) -> Arrays:
    """Weights of a network that has gone through the whole course, as `fusion_net.logits` reads them.

    The features of `unscored` nights only tell how far features range.
    """
    torch.manual_seed(course.seed)
    pupil = Pupil(scored, taught, course, unscored)
    pupil.learn(course.steps, np.random.default_rng(course.seed))
    return pupil.arrays


def scale_of(features: Sequence[Rows]) -> Arrays:
    """Mean and standard deviation of each feature over all epochs; 0 and 1 of one that is nowhere known."""
    rows = np.concatenate(features)
    known = np.isfinite(rows).any(axis=0)
    rows = np.where(known, rows, np.float32(0))
    return {"mean": np.nanmean(rows, axis=0), "sd": np.where(known, np.nanstd(rows, axis=0) + np.float32(1e-6), 1)}


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


def _loss(net: FusionNet, batch: _Batch, scale: Arrays, course: Course) -> torch.Tensor:
    """Cross-entropy of the scored stages, and of the teachers' chances on the other nights."""
    heard, known, stage, taught = (
        torch.from_numpy(array).to(course.device)
        for array in (
            np.isfinite(batch.features).any(-1),
            standardised(scale, batch.features),
            batch.stage[:N_SCORED],
            batch.taught[N_SCORED:],
        )
    )
    wave = None if batch.embedding is None else torch.from_numpy(batch.embedding).to(course.device)
    odds = torch.log_softmax(net(known, heard, wave), -1)
    merged = [odds[..., list(np.flatnonzero(row))].logsumexp(-1, keepdim=True) for row in MEANT[N_STAGES:]]
    by_code = torch.cat([odds, *merged], -1)[:N_SCORED]
    loss = odds.sum() * 0  # what is left where no piece holds a scored epoch: a mean over nothing is NaN
    if (stage != UNKNOWN).any():
        loss = torch.nn.functional.nll_loss(by_code.transpose(1, 2), stage, ignore_index=UNKNOWN)
    told = torch.isfinite(taught[..., 0])
    if told.any():
        theirs = torch.stack([odds[N_SCORED:][..., part].logsumexp(-1) for part in TEACHERS_CLASSES], -1)
        loss = loss - course.taught_weight * (taught[told] * theirs[told]).sum(-1).mean()
    return loss

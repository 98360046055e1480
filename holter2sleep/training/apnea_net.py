"""Fit the network of `autonomic/apnea_net.py` to nights with labelled epochs."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from holter2sleep.autonomic.apnea_net import (
    EPOCH_DILATIONS,
    SECOND_DILATIONS,
    STRIDE,
    TAPS,
    TAPS_FIRST,
    TAPS_SECOND,
)
from holter2sleep.autonomic.apnea_series import CHANNELS, PER_EPOCH, Series

log = logging.getLogger(__name__)

UNKNOWN = -1.0  # target of what teaches nothing
_ROW = {name: i for i, name in enumerate(CHANNELS)}
_NOISY = 4  # channels that carry a wave, and not only a size
_PERSONAL = ("swing", "level", "swing_size", "breathing_size")  # tell one person from another


@dataclass(frozen=True)
class Labelled:
    """A night as the network sees it, with its labels."""

    source: str  # data set: each has the same say, and its own custom of labelling
    series: Series
    target: NDArray[np.float32]  # (n_epochs,), 1 where an apnoea or hypopnoea was scored


@dataclass(frozen=True)
class Course:
    """How a network is taught."""

    steps: int = 600
    seed: int = 0
    batch: int = 12  # pieces
    length: int = 160  # epochs in a piece
    rate: float = 4e-3
    decay: float = 1e-3
    dropout: float = 0.15
    smoothing: float = 0.05  # of labels: scorers disagree
    stretch: float = 0.25  # SD of the log of the time scale: cycles of one person are longer than another's
    scale: float = 0.3  # SD of the log of the size of swings
    hidden_size: float = 0.5  # share of pieces that do not show how large the swings of this person are


class Net(torch.nn.Module):
    """The network of `autonomic/apnea_net.py`, with a constant for each data set that only training knows."""

    def __init__(self, course: Course, n_sources: int, narrow: int = 16, wide: int = 28) -> None:
        super().__init__()
        conv = torch.nn.Conv1d
        self.first = conv(len(CHANNELS), narrow, TAPS_FIRST, padding=TAPS_FIRST // 2)
        self.second = conv(narrow, wide, TAPS_SECOND, stride=STRIDE, padding=(TAPS_SECOND - STRIDE) // 2)
        self.seconds = torch.nn.ModuleList(
            conv(wide, wide, TAPS, padding=TAPS // 2 * dilation, dilation=dilation) for dilation in SECOND_DILATIONS
        )
        self.epoch = conv(2 * wide, wide, 1)
        self.epochs = torch.nn.ModuleList(
            conv(wide, wide, TAPS, padding=TAPS // 2 * dilation, dilation=dilation) for dilation in EPOCH_DILATIONS
        )
        self.out = conv(2 * wide, 1, 1)
        self.custom = torch.nn.Parameter(torch.zeros(n_sources))
        self.dropout = torch.nn.Dropout1d(course.dropout)

    def forward(self, series: torch.Tensor) -> torch.Tensor:
        """Log odds (B, n_epochs) of series (B, n_channels, n_seconds)."""
        hidden = torch.relu(self.second(torch.relu(self.first(series))))
        for layer in self.seconds:
            hidden = hidden + self.dropout(torch.relu(layer(hidden)))
        by_epoch = hidden.unflatten(2, (-1, PER_EPOCH // STRIDE))
        pooled = torch.cat([by_epoch.mean(-1), by_epoch.amax(-1)], 1)
        own = context = torch.relu(self.epoch(self.dropout(pooled)))
        for layer in self.epochs:
            context = context + self.dropout(torch.relu(layer(context)))
        out: torch.Tensor = self.out(self.dropout(torch.cat([context, own], 1)))[:, 0]
        return out


def fit(nights: Sequence[Labelled], course: Course) -> dict[str, NDArray[np.float32]]:
    """The network's weights, as `apnea_net.logits` reads them."""
    torch.manual_seed(course.seed)
    rng = np.random.default_rng(course.seed)
    sources = sorted({night.source for night in nights})
    chance = _say(nights, sources)
    net = Net(course, len(sources))
    optimizer = torch.optim.AdamW(net.parameters(), course.rate, weight_decay=course.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, course.rate, total_steps=course.steps)
    losses, began = [], time.monotonic()
    for _ in range(course.steps):
        chosen = [nights[i] for i in rng.choice(len(nights), course.batch, p=chance)]
        series, target = _batch(chosen, course, rng)
        custom = net.custom[[sources.index(night.source) for night in chosen]]
        loss = _loss(net(series) + 10 * (custom - net.custom.mean())[:, None], target, course.smoothing)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    log.info("loss %.4f, %.0f s", np.mean(losses[-100:]), time.monotonic() - began)
    return {name: weight.numpy().T for name, weight in net.state_dict().items() if name != "custom"}


def _say(nights: Sequence[Labelled], sources: Sequence[str]) -> NDArray[np.float64]:
    """Chance that a piece is drawn from each night: as its length, every data set alike."""
    length = np.array([float(len(night.target)) for night in nights])
    for source in sources:
        own = np.array([night.source == source for night in nights])
        length[own] /= length[own].sum()
    return length / length.sum()


def _loss(logits: torch.Tensor, target: torch.Tensor, smoothing: float) -> torch.Tensor:
    known = target != UNKNOWN
    soft = target[known] * (1 - 2 * smoothing) + smoothing
    return torch.nn.functional.binary_cross_entropy_with_logits(logits[known], soft)


def _batch(nights: Sequence[Labelled], course: Course, rng: np.random.Generator) -> list[torch.Tensor]:
    pieces = [piece(night, course, rng) for night in nights]
    return [torch.from_numpy(np.stack(column).astype(np.float32)) for column in zip(*pieces, strict=True)]


def piece(night: Labelled, course: Course, rng: np.random.Generator) -> tuple[Series, NDArray[np.float32]]:
    """A stretch of a night, a little slower or faster, its swings larger or smaller, with noise and holes."""
    slower = np.exp(np.clip(rng.normal(0, course.stretch), -0.4, 0.4))
    needed = course.length * slower  # epochs
    first = rng.uniform(-0.25 * needed, max(len(night.target) - 0.75 * needed, 0.0))
    series = _at(night.series, PER_EPOCH * first + slower * np.arange(course.length * PER_EPOCH))
    epoch = np.floor(first + slower * (np.arange(course.length) + 0.5)).astype(int)
    inside = (epoch >= 0) & (epoch < len(night.target))
    target = np.where(inside, night.target[np.clip(epoch, 0, len(night.target) - 1)], UNKNOWN)
    return _disturbed(series, course, rng), target


def _at(series: Series, place: NDArray[np.float64]) -> Series:
    """The series at places between its samples; zeros beyond its ends."""
    before = np.floor(place).astype(int)
    share = (place - before).astype(np.float32)
    last = series.shape[1] - 2
    at = np.clip(before, 0, last)
    return (series[:, at] * (1 - share) + series[:, at + 1] * share) * ((before >= 0) & (before <= last))


def _disturbed(series: Series, course: Course, rng: np.random.Generator) -> Series:
    known = series[_ROW["known"]]
    larger = rng.normal(0, course.scale)
    series[_ROW["swing"]] *= np.exp(larger)
    series[_ROW["swing_size"]] += larger * known
    series[_ROW["level"]] += rng.normal(0, 0.3) * known
    for name, sd in {"breathing_size": course.scale, "swing_size_night": 0.2, "breathing_size_night": 0.2}.items():
        series[_ROW[name]] += rng.normal(0, sd) * known
    series[:_NOISY] += rng.normal(0, 0.07, (_NOISY, series.shape[1])) * known
    if rng.random() < course.hidden_size:
        series[[_ROW[name] for name in _PERSONAL]] = 0
    for start in rng.integers(series.shape[1], size=rng.poisson(1.5)):
        series[:, start : start + rng.integers(5, 40)] = 0
    return series

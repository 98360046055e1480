"""Pre-training of an encoder: contrast guided by physiology, and the physiology itself as something to tell.

Two losses, added: that of CLEF (`training/clef_loss.py`, with the mask for missing attributes), and the smooth absolute
error of a linear head that reads rate, irregularity, ectopy, QRS width, AF, breathing and added noise off the
embedding, where they are known. The course is fixed beforehand; no test subject has a say in when it ends.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from numpy.typing import NDArray
from torch import Tensor, nn

from holter2sleep.errors import UsageError
from holter2sleep.sleep.staging.encoder import CONFIGS, Net1D
from holter2sleep.training.checkpoint import read_checkpoint, save_checkpoint
from holter2sleep.training.clef_loss import clef_loss
from holter2sleep.training.patients import TARGETS, Patient
from holter2sleep.training.views import Batch, draw_batch
from holter2sleep.waveform import Signal

log = logging.getLogger(__name__)

NETWORK = "clef-small"
HEAD_TARGETS = (*TARGETS, "added_noise")
RATE = 2e-3  # CLEF's 1e-4 over 100 epochs of 161,000 patients moves little in a few thousand steps
DECAY = 5e-4  # CLEF's
WARM_SHARE = 0.1  # of the course, in which the rate rises
LARGEST_GRADIENT = 1.0
TEST_BATCHES = 8
TOLD_WEIGHT = 3.0  # of what the head tells, beside the contrast, which alone taught little
# Classes of beats and AF: few of the things to tell, and the hardest to see in a window.
HEAVY, HEAVY_WEIGHT = ("share_s", "share_v", "any_s", "any_v", "af"), 3.0
HEAD_WEIGHTS = torch.tensor([HEAVY_WEIGHT if name in HEAVY else 1.0 for name in HEAD_TARGETS])
NOISE_SCALE = np.array([0.5, 0.3], np.float32)  # about the mean and SD of `views.NOISE_SD`, none in one window of five

Told = Callable[[int, dict[str, float]], None]  # number of an epoch that has ended, its figures


@dataclass(frozen=True)
class EncoderCourse:
    """How an encoder is taught; a checkpoint goes on only under the same course."""

    epochs: int
    steps: int  # of an epoch
    patients: int  # of a batch
    seed: int
    bfloat16: bool = False
    device: str = "cpu"
    top_rate: float = RATE

    def rate(self, step: int) -> float:
        """Learning rate: up in a straight line, down by a cosine."""
        total = self.epochs * self.steps
        warm = max(1, round(WARM_SHARE * total))
        if step < warm:
            return self.top_rate * (step + 1) / warm
        return self.top_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


@dataclass(frozen=True)
class Scale:
    """Mean and SD over the windows learned from, NaN left out; a column nobody knows has mean 0 and SD 1."""

    mean: NDArray[np.float32]
    sd: NDArray[np.float32]

    @classmethod
    def of(cls, rows: NDArray) -> Scale:
        """Of rows (n, n_columns)."""
        known = ~np.isnan(rows)
        n = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, rows, 0).sum(axis=0) / n
        sd = np.sqrt(np.where(known, (rows - mean) ** 2, 0).sum(axis=0) / n)
        return cls(mean.astype(np.float32), np.where(sd > 0, sd, 1).astype(np.float32))

    def __call__(self, rows: NDArray[np.float32]) -> Tensor:
        """Standardised rows."""
        return torch.from_numpy((rows - self.mean) / self.sd)


class Pupil(nn.Module):
    """The encoder and the head that is thrown away afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Net1D(CONFIGS[NETWORK])
        self.head = nn.Linear(self.encoder.config.n_features, len(HEAD_TARGETS))

    def forward(self, x_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings (B, D) and standardised targets (B, n_targets)."""
        z_BD = self.encoder(x_BT).float()
        return z_BD, self.head(z_BD)


@dataclass(frozen=True)
class Lessons:
    """What is learned from, and what is only tested on."""

    fit: Sequence[Patient]
    test: Sequence[Patient]
    noises: dict[str, Signal]

    def scales(self) -> tuple[Scale, Scale]:
        """Of attributes and of targets; that of the added noise is known beforehand."""
        attributes = Scale.of(np.concatenate([patient.attributes for patient in self.fit]))
        targets = Scale.of(np.concatenate([patient.targets.reshape(-1, len(TARGETS)) for patient in self.fit]))
        return attributes, Scale(np.append(targets.mean, NOISE_SCALE[0]), np.append(targets.sd, NOISE_SCALE[1]))


class Lecture:
    """A course under way: what a checkpoint holds, and the step to the next epoch."""

    def __init__(self, lessons: Lessons, course: EncoderCourse) -> None:
        if len(lessons.fit) < course.patients:
            raise UsageError(
                f"{len(lessons.fit)} patients to learn from, of whom a batch takes {course.patients} different ones; "
                f"give more recordings, more simulated ones, or a smaller --patients"
            )
        torch.manual_seed(course.seed)
        self._lessons, self.course = lessons, course
        self._of_attributes, self._of_targets = lessons.scales()
        self.pupil = Pupil().to(course.device)
        self._optimizer = torch.optim.AdamW(self.pupil.parameters(), RATE, weight_decay=DECAY)
        self.epoch = 0
        self.history: list[dict[str, float]] = []

    def run(self, checkpoint: Path, told: Told) -> None:
        """All epochs that are left, each followed by a checkpoint."""
        while self.epoch < self.course.epochs:
            figures = self._one_epoch()
            self.epoch += 1
            self.history.append(figures)
            self._save(checkpoint)
            told(self.epoch, figures)

    def _one_epoch(self) -> dict[str, float]:
        """Its draws hang on the seed and its number alone, so that a resumed course sees what an unbroken one does."""
        rng = np.random.default_rng([self.course.seed, self.epoch])
        losses = []
        for step in range(self.course.steps):
            for group in self._optimizer.param_groups:
                group["lr"] = self.course.rate(self.epoch * self.course.steps + step)
            contrast, told = self._losses(self._draw(self._lessons.fit, rng))
            self._optimizer.zero_grad()
            (contrast + TOLD_WEIGHT * told).backward()
            nn.utils.clip_grad_norm_(self.pupil.parameters(), LARGEST_GRADIENT)
            self._optimizer.step()
            losses.append((contrast.item(), told.item()))
        contrast_mean, told_mean = np.mean(losses, axis=0).tolist()
        return {"contrast": contrast_mean, "physiology": told_mean}

    def _draw(self, patients: Sequence[Patient], rng: np.random.Generator) -> Batch:
        return draw_batch(patients, min(self.course.patients, len(patients)), self._lessons.noises, rng)

    def _losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of contrast, and of what the head tells."""
        device = self.course.device
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=self.course.bfloat16):
            z_VD = self.pupil.encoder(torch.from_numpy(batch.windows).to(device))
        z_VD = z_VD.float()
        contrast = clef_loss(z_VD, self._of_attributes(batch.attributes).to(device))
        told = told_loss(self.pupil.head(z_VD), self._of_targets(batch.targets).to(device), HEAD_WEIGHTS.to(device))
        return contrast, told

    def test(self) -> dict[str, float]:
        """Losses on subjects that were not learned from, and the correlation of each thing the head tells."""
        rng = np.random.default_rng([self.course.seed, self.course.epochs])
        if len(self._lessons.test) < 2:
            return {}
        batches = [self._draw(self._lessons.test, rng) for _ in range(TEST_BATCHES)]
        with torch.inference_mode():
            losses = [[loss.item() for loss in self._losses(batch)] for batch in batches]
            told = [self.pupil(torch.from_numpy(b.windows).to(self.course.device))[1].cpu().numpy() for b in batches]
        contrast, physiology = np.mean(losses, axis=0).tolist()
        truth = np.concatenate([batch.targets for batch in batches])
        named = zip(HEAD_TARGETS, np.concatenate(told).T, truth.T, strict=True)
        return {"contrast": contrast, "physiology": physiology, **{f"r_{n}": correlation(a, b) for n, a, b in named}}

    def _save(self, checkpoint: Path) -> None:
        save_checkpoint(
            checkpoint,
            {
                "course": asdict(self.course),
                "patients": [patient.recording_id for patient in self._lessons.fit],
                "epoch": self.epoch,
                "history": self.history,
                "pupil": self.pupil.state_dict(),
                "optimizer": self._optimizer.state_dict(),
            },
        )

    def resume(self, checkpoint: Path) -> None:
        """Go on where a checkpoint of the same course and patients stopped; its end may be another one.

        Raises
        ------
        UsageError
            The checkpoint cannot be read, or is of another course or other patients.
        """
        course = {key: value for key, value in asdict(self.course).items() if key != "epochs"}
        found = read_checkpoint(checkpoint, course, self.course.device)
        if found["patients"] != [patient.recording_id for patient in self._lessons.fit]:
            raise UsageError(f"{checkpoint}: was made from other recordings; give the same, or another --out")
        self.pupil.load_state_dict(found["pupil"])
        self._optimizer.load_state_dict(found["optimizer"])
        self.epoch, self.history = found["epoch"], found["history"]


def told_loss(told_BK: Tensor, target_BK: Tensor, weights: Tensor) -> Tensor:
    """Smooth absolute error over what is known, by weight; 0 where nothing is."""
    known = (~target_BK.isnan()) * weights
    error = F.smooth_l1_loss(told_BK, torch.nan_to_num(target_BK), reduction="none")
    return (error * known).sum() / known.sum().clamp_min(1)


def correlation(told: NDArray, truth: NDArray) -> float:
    """Pearson's, over what is known; NaN where that does not vary."""
    known = ~np.isnan(truth)
    if known.sum() < 3 or np.ptp(truth[known]) == 0 or np.ptp(told[known]) == 0:
        return math.nan
    return float(np.corrcoef(told[known], truth[known])[0, 1])

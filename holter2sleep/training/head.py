"""Teach the networks of a head: early stopping on subjects of their own, a checkpoint after each epoch.

What an epoch draws hangs on the seed and its number alone, so that a course that was stopped and resumed sees what an
unbroken one does. Test subjects have no say in anything here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from holter2sleep.errors import UsageError
from holter2sleep.evaluate.classes import UNKNOWN
from holter2sleep.sleep.staging.fusion import stage_chances
from holter2sleep.training.checkpoint import read_checkpoint, save_checkpoint
from holter2sleep.training.fusion import Arrays, Course, Pupil, TrainingNight
from holter2sleep.training.temperature import unlikelihood

Told = Callable[[str], None]


@dataclass(frozen=True)
class HeadCourse:
    """How the networks of a head are taught; a checkpoint goes on only under the same course."""

    epochs: int
    steps: int  # of an epoch
    nets: int
    patience: int  # epochs without a better validation, after which a network's course ends
    seed: int
    device: str = "cpu"

    def of(self, net: int) -> Course:
        """Of one network."""
        return Course(self.epochs * self.steps, self.seed + net, device=self.device)


class HeadLecture:
    """A course under way: the networks that are done, the one that is taught, and what a checkpoint holds.

    Parameters
    ----------
    fit, validation
        Nights to learn from, and nights whose likelihood says when to stop.
    key
        What the nights were made from; a checkpoint of others is refused.
    """

    def __init__(
        self, fit: Sequence[TrainingNight], validation: Sequence[TrainingNight], course: HeadCourse, key: str
    ) -> None:
        self._fit, self._validation, self._course, self._key = fit, validation, course, key
        self.done: list[Arrays] = []
        self.history: list[dict[str, float]] = []
        self._begin()

    def _begin(self) -> None:
        """A fresh network, the next one's."""
        torch.manual_seed(self._course.seed + len(self.done))
        self._pupil = Pupil(self._fit, [], self._course.of(len(self.done)))
        self._epoch, self._best, self._best_loss, self._best_epoch = 0, _settled(self._pupil.arrays), math.inf, 0

    def run(self, checkpoint: Path, told: Told) -> tuple[Arrays, ...]:
        """The networks, once all epochs that are left are over; a checkpoint follows each."""
        while len(self.done) < self._course.nets:
            row = self._one_epoch()
            self.history.append(row)
            words = f"loss {row['fit']:.4f}, validation {row['validation']:.4f}"
            told(f"network {len(self.done) + 1} of {self._course.nets}, epoch {self._epoch}: {words}")
            if self._is_over():
                self.done.append(self._best)
                self._begin()
            self._save(checkpoint)
        return tuple(self.done)

    def _is_over(self) -> bool:
        return self._epoch == self._course.epochs or self._epoch - self._best_epoch >= self._course.patience

    def _one_epoch(self) -> dict[str, float]:
        rng = np.random.default_rng([self._course.seed, len(self.done), self._epoch])
        torch.manual_seed(int(rng.integers(2**31)))
        fit = self._pupil.learn(self._course.steps, rng)
        self._epoch += 1
        validation = validation_loss([self._pupil.arrays], self._validation)
        if validation < self._best_loss:
            self._best, self._best_loss, self._best_epoch = _settled(self._pupil.arrays), validation, self._epoch
        return {"network": len(self.done) + 1, "epoch": self._epoch, "fit": fit, "validation": validation}

    # --- checkpoint --------------------------------------------------------------------------------

    def _save(self, checkpoint: Path) -> None:
        content = {
            "course": asdict(self._course),
            "key": self._key,
            "history": self.history,
            "done": [_tensors(arrays) for arrays in self.done],
            "epoch": self._epoch,
            "best": _tensors(self._best),
            "best_loss": self._best_loss,
            "best_epoch": self._best_epoch,
            "net": self._pupil.net.state_dict(),
            "optimizer": self._pupil.optimizer.state_dict(),
            "schedule": self._pupil.schedule.state_dict(),
        }
        save_checkpoint(checkpoint, content)

    def resume(self, checkpoint: Path) -> None:
        """Go on where a checkpoint of the same course and nights stopped.

        Raises
        ------
        UsageError
            The checkpoint cannot be read, or is of another course or other nights.
        """
        found = read_checkpoint(checkpoint, asdict(self._course), "cpu")
        if found["key"] != self._key:
            raise UsageError(f"{checkpoint}: was made from other nights; give the same, or another --out")
        self.done, self.history = [_arrays(one) for one in found["done"]], found["history"]
        self._begin()
        self._pupil.net.load_state_dict(found["net"])
        self._pupil.optimizer.load_state_dict(found["optimizer"])
        self._pupil.schedule.load_state_dict(found["schedule"])
        self._epoch, self._best = found["epoch"], _arrays(found["best"])
        self._best_loss, self._best_epoch = found["best_loss"], found["best_epoch"]


def validation_loss(networks: Sequence[Arrays], nights: Sequence[TrainingNight]) -> float:
    """Mean negative logarithm of the chance of what was scored, before any calibration."""
    chances = np.concatenate([chances_of(networks, night) for night in nights])
    stage = np.concatenate([night.stage for night in nights])
    return unlikelihood(chances[stage != UNKNOWN], stage[stage != UNKNOWN])


def chances_of(networks: Sequence[Mapping[str, NDArray[np.float32]]], night: TrainingNight) -> np.ndarray:
    """What the networks say of a night, not yet calibrated. array (n_epochs, 5)."""
    wave = None if night.embedding is None else night.embedding.astype(np.float32)
    return stage_chances(networks, night.features, wave)


def _tensors(arrays: Arrays) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}


def _settled(arrays: Arrays) -> Arrays:
    """The same numbers in the order of memory that a checkpoint gives back: same weights, same bytes."""
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _arrays(tensors: dict[str, torch.Tensor]) -> Arrays:
    return {name: tensor.numpy() for name, tensor in tensors.items()}

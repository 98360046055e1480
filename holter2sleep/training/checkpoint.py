"""Courses that may be stopped at any time: their checkpoints, and the device they run on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from holter2sleep.errors import UsageError
from holter2sleep.whole_files import whole


def check_may_begin(checkpoint: Path, resume: bool) -> None:
    """Refuse to lose a course that is under way.

    Raises
    ------
    UsageError
        There is a checkpoint, and nobody asked to go on from it.
    """
    if checkpoint.exists() and not resume:
        raise UsageError(f"{checkpoint} exists; go on with --resume, or choose another --out")


def save_checkpoint(checkpoint: Path, content: dict[str, Any]) -> None:
    """In one go: a run that is stopped leaves the checkpoint before."""
    with whole(checkpoint) as part:
        torch.save(content, part)


def read_checkpoint(checkpoint: Path, course: dict[str, Any], device: str) -> dict[str, Any]:
    """A checkpoint of the same course.

    Raises
    ------
    UsageError
        It cannot be read, or is of another course.
    """
    try:
        found: dict[str, Any] = torch.load(checkpoint, map_location=device, weights_only=True)
        theirs = dict(found["course"])
    except Exception as error:  # torch raises whatever it meets in a damaged file
        reason = str(error).partition("\n")[0]
        raise UsageError(f"{checkpoint}: cannot be read as a checkpoint ({reason})") from None
    other = [f"{key} {theirs.get(key)}" for key, value in course.items() if theirs.get(key) != value]
    if other:
        raise UsageError(f"{checkpoint}: was made with {', '.join(other)}; resume with the same, or another --out")
    return found


def check_device(device: str) -> None:
    """Refuse a device that torch does not have here.

    Raises
    ------
    UsageError
        Torch cannot compute there.
    """
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"--device {device}: torch cannot compute there ({reason})") from None

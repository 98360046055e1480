"""What a run was: the facts of `run.json`."""

from __future__ import annotations

import hashlib
import importlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from holter2sleep import __version__
from holter2sleep.night import NO_DATE, Night
from holter2sleep.recipe import Recipe
from holter2sleep.sleep.staging import list_cards

Facts = dict[str, Any]


class Stopwatch:
    """Seconds each step took, and word to whoever listens when a step begins."""

    def __init__(self, listener: Callable[[str], None] = lambda _name: None) -> None:
        self.steps_s: dict[str, float] = {}
        self._listener = listener

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times what happens inside."""
        self._listener(name)
        start = time.perf_counter()
        yield
        self.steps_s[name] = round(time.perf_counter() - start, 3)


def identity(source_sha256: str, recipe: Recipe, options: Facts) -> Facts:
    """What decides the content of a night's tables: equal identity, equal bytes."""
    return {
        "input_sha256": source_sha256,
        "recipe_sha256": recipe.sha256,
        "version": __version__,
        "options": options,
    }


def facts_of(night: Night, recipe: Recipe, who: Facts, seed: int, watch: Stopwatch) -> Facts:
    """The content of `run.json`, in the order of the contract."""
    recording = night.recording
    return {
        "recording_id": recording.recording_id,
        "input": {
            "file": recording.source.file,
            "sha256": recording.source.sha256,
            "format": recording.source.format,
        },
        "channel": recording.channel,
        "fs": recording.fs,
        "start": recording.start.isoformat() if recording.start else None,
        "date_known": recording.start is not None and recording.start.date() != NO_DATE,
        "duration_s": recording.duration_s,
        "gaps": recording.gaps.tolist(),
        "polarity": recording.polarity,
        "unit": {"file": recording.source.unit, "scale_to_mv": recording.source.scale_to_mv},
        "subject": {"age": recording.subject.age_years, "sex": recording.subject.sex},
        "lights": {"off_s": night.lights.off_s, "on_s": night.lights.on_s, "source": night.lights.source},
        "hypnogram": {"scheme": night.hypnogram.scheme, "scorer": night.hypnogram.scorer},
        "version": __version__,
        "recipe": {"name": recipe.name, "sha256": recipe.sha256, "resolved": recipe.resolved()},
        "models": _models(night),
        "identity": who,
        "seed": seed,
        "warnings": list(night.warnings),
        "steps_s": watch.steps_s,
        "peak_memory_mb": _peak_memory_mb(),
    }


def _models(night: Night) -> list[Facts]:
    """The stager, with the hash of its weights; none when the stages came from a file."""
    cards = {card.name: card for card in list_cards()}
    card = cards.get(night.hypnogram.scorer)
    if card is None:
        return []
    return [{"role": "stager", "name": card.name, "sha256": card.weights.sha256 if card.weights else None}]


def sha256_of_file(path: Path) -> str:
    """Hash of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _peak_memory_mb() -> float | None:
    """Peak of this process; None on Windows, which does not tell."""
    if sys.platform == "win32":
        return None
    resource = importlib.import_module("resource")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(float(peak) / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)

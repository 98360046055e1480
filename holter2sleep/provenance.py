"""What a run was: the facts of `run.json`."""

from __future__ import annotations

import hashlib
import importlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from holter2sleep import __version__
from holter2sleep.clock import date_known, night_of
from holter2sleep.io.files import sha256_of
from holter2sleep.models import FILES
from holter2sleep.night import Night, Recording
from holter2sleep.recipe import Recipe
from holter2sleep.sleep.staging import Card, list_cards
from holter2sleep.sleep.staging.cards import read_card
from holter2sleep.sleep.staging.head_card import head_sha256
from holter2sleep.sleep.staging.installable import get_installable
from holter2sleep.sleep.staging.installed import installed_sha256, is_installed
from holter2sleep.sleep.staging.registry import AUTO, card_of_scorer, head_folder
from holter2sleep.split import Part

Facts = dict[str, Any]


class Stopwatch:
    """Seconds each step took, and word to whoever listens when a step begins."""

    def __init__(
        self, listener: Callable[[str], None] = lambda _name: None, steps_s: dict[str, float] | None = None
    ) -> None:
        self.steps_s = dict(steps_s or {})
        self._listener = listener
        self._step = ""

    def saying(self, words: str) -> Stopwatch:
        """A stopwatch that goes on from here, with words before the name of each step."""
        return Stopwatch(lambda name: self._listener(f"{words}{name}"), self.steps_s)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times what happens inside."""
        self._listener(name)
        self._step = name
        start = time.perf_counter()
        yield
        self.steps_s[name] = round(time.perf_counter() - start, 3)

    def tell(self, words: str) -> None:
        """How far the step is, for one that takes long."""
        self._listener(f"{self._step} ({words})")


def identity(source_sha256: str, recipe: Recipe, options: Facts) -> Facts:
    """What decides the content of a night's tables: equal identity, equal bytes."""
    return {
        "input_sha256": source_sha256,
        "recipe_sha256": recipe.sha256,
        "models_sha256": models_sha256(recipe.staging.stager),
        "version": __version__,
        "options": options,
    }


def models_sha256(stager: str) -> str:
    """Hash of all weights that may be used when this stager, or `auto`, is asked for."""
    ours = [sha256_of([path]) for path in FILES.values()]
    asked = [card for card in list_cards() if card.name == stager or (stager == AUTO and not card.on_request)]
    theirs = [f"{card.name} {_weights_of(card)}" for card in sorted(asked, key=lambda card: card.name)]
    folder = head_folder(stager)
    if folder is not None:
        theirs.append(head_sha256(folder))
    return hashlib.sha256("\n".join([*ours, *theirs]).encode()).hexdigest()


def _weights_of(card: Card) -> str:
    """Hashes of a stager's weights: its own, of its encoder, its second opinion, and what is installed for it."""
    installed = [weights for weights in map(get_installable, card.installable) if is_installed(weights)]
    encoder = [card.encoder.sha256] if card.encoder else []
    second = [read_card(card.second_opinion).sha256 or ""] if card.second_opinion else []
    return " ".join([card.sha256 or "", *encoder, *second, *map(installed_sha256, installed)])


def facts_of(night: Night, recipe: Recipe, who: Facts, seed: int, watch: Stopwatch, part: Part | None = None) -> Facts:
    """The content of `run.json`, in the order of the contract; `part` is where the night lies in a longer recording."""
    recording = night.recording
    return {
        **_facts_of_input(recording),
        "part": None if part is None else place_of(part),
        "beats": _facts_of_beats(recording),
        "gaps": (recording.gaps if recording.signal_gaps is None else recording.signal_gaps).tolist(),
        "usable": night.quality.usable_spans.tolist(),
        "polarity": recording.polarity,
        "turned": recording.turned.tolist(),
        "unit": {
            "file": recording.source.unit,
            "scale_to_mv": recording.source.scale_to_mv,
            "proposed_scale_to_mv": recording.source.proposed_scale_to_mv,
            "relative": recording.source.relative_scale,
        },
        "subject": {"age": recording.subject.age_years, "sex": recording.subject.sex},
        "lights": {"off_s": night.lights.off_s, "on_s": night.lights.on_s, "source": night.lights.source},
        "hypnogram": {"scheme": night.hypnogram.scheme, "scorer": night.hypnogram.scorer},
        "version": __version__,
        "recipe": {"name": recipe.name, "sha256": recipe.sha256, "resolved": recipe.resolved()},
        "models": _models(night, recipe),
        "identity": who,
        "seed": seed,
        "warnings": list(night.warnings),
        "steps_s": watch.steps_s,
        "peak_memory_mb": _peak_memory_mb(),
    }


def _facts_of_beats(recording: Recording) -> Facts | None:
    """The file that gave a waveform its beats, and whether it gave their classes too; None where they were detected."""
    source = recording.beats_source
    if source is None:
        return None
    facts = {"file": source.file, "sha256": source.sha256, "format": source.format}
    return {**facts, "classes": "file" if source.classified else "detected"}


def facts_of_nights(recording: Recording, recipe: Recipe, who: Facts, nights: list[Facts], watch: Stopwatch) -> Facts:
    """The content of `run.json` beside the summary of several nights; `nights` is what became of each."""
    return {
        **_facts_of_input(recording),
        "nights": nights,
        "version": __version__,
        "recipe": {"name": recipe.name, "sha256": recipe.sha256, "resolved": recipe.resolved()},
        "identity": who,
        "warnings": list(recording.warnings),
        "steps_s": watch.steps_s,
        "peak_memory_mb": _peak_memory_mb(),
    }


def _facts_of_input(recording: Recording) -> Facts:
    """What was read, and when it was recorded."""
    clock, evening = recording.wall_clock, night_of(recording.start)
    return {
        "recording_id": recording.recording_id,
        "input": {
            "file": recording.source.file,
            "sha256": recording.source.sha256,
            "format": recording.source.format,
        },
        "channel": recording.channel,
        "fs": recording.fs,
        "start": clock.iso(0.0) if clock else None,
        "time_zone": recording.zone,
        "date_known": recording.start is not None and date_known(recording.start),
        "night_of": str(evening) if evening else None,
        "duration_s": recording.duration_s,
    }


def place_of(part: Part) -> Facts:
    """Which night of a longer recording a part is, and where it lies in the whole."""
    return {"of": part.of, "night": part.night, "start_s": part.start_s, "end_s": part.end_s}


def _models(night: Night, recipe: Recipe) -> list[Facts]:
    """What was fitted and used, with the hash of its weights; no stager when the stages came from a file."""
    has_waveform, given = night.recording.ecg is not None, night.recording.beats_source
    heart = [
        ("detector", has_waveform, FILES["qrs"]),
        ("classes", has_waveform and not (given and given.classified), FILES["classes"]),
        ("fibrillation", True, FILES["af"]),
        ("respiratory events", True, FILES["apnea"]),
    ]
    used: list[Facts] = [
        {"role": role, "name": path.name, "sha256": sha256_of([path])} for role, is_used, path in heart if is_used
    ]
    card = card_of_scorer(night.hypnogram.scorer, recipe.staging.stager)
    return used if card is None else [*used, *_models_of_stager(card, has_waveform)]


def _models_of_stager(card: Card, has_waveform: bool) -> Iterator[Facts]:
    """The stager, and what it asks besides; the card of a head goes along, for nobody else has it."""
    stager = {"role": "stager", "name": card.name, "sha256": card.weights.sha256 if card.weights else None}
    cards = {card.name: card for card in list_cards()}
    yield stager if card.name in cards else {**stager, "card": card.summary()}
    if card.encoder is not None and has_waveform:
        yield {"role": "encoder", "name": card.encoder.network, "sha256": card.encoder.sha256}
    second = cards.get(card.second_opinion or "")
    if second is not None and second.weights is not None:
        yield {"role": "second opinion", "name": second.name, "sha256": second.weights.sha256}


def _peak_memory_mb() -> float | None:
    """Peak of this process; None on Windows, which does not tell."""
    if sys.platform == "win32":
        return None
    resource = importlib.import_module("resource")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(float(peak) / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)

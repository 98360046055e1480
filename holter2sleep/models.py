"""The models that a night is analysed by, and their cards; of those of beats, rhythm and breathing the files too."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from holter2sleep.autonomic.apnea import WEIGHTS as RESPIRATORY_WEIGHTS
from holter2sleep.cards import ModelCard, ShippedCard, card_in
from holter2sleep.heart.class_net import WEIGHTS as CLASS_WEIGHTS
from holter2sleep.heart.fibrillation import WEIGHTS as AF_WEIGHTS
from holter2sleep.heart.refine import WEIGHTS as DETECTOR_WEIGHTS
from holter2sleep.sleep.staging.cards import read_card
from holter2sleep.sleep.staging.installed import unaltered
from holter2sleep.sleep.staging.registry import STAGERS
from holter2sleep.sleep.staging.shipped import list_shipped

FILES: dict[str, Path] = {
    "qrs": DETECTOR_WEIGHTS,
    "classes": CLASS_WEIGHTS,
    "af": AF_WEIGHTS,
    "apnea": RESPIRATORY_WEIGHTS,
}


@cache
def read_model_card(name: str) -> ShippedCard:
    """The card of a model by its name in `FILES`.

    Raises
    ------
    WeightsError
        The card cannot be used.
    """
    path = FILES[name].with_suffix(".toml")
    return card_in(ShippedCard, path.read_bytes(), f"card {path}", {"name": name})


def list_model_cards() -> tuple[ShippedCard, ...]:
    """All of them, in the order in which a night meets them."""
    return tuple(map(read_model_card, FILES))


def card_of(model: Mapping[str, Any]) -> ModelCard | None:
    """Card of a model as `run.json` names it; None where this version has none.

    Whoever shows it looks first whether the run used the weights of the card.
    """
    name, ours = model["name"], {path.name: name for name, path in FILES.items()}
    if name in ours:
        return read_model_card(ours[name])
    if model["role"] == "encoder":  # named by its network there, which others have too
        return next((encoder for encoder in list_shipped() if encoder.sha256 == model["sha256"]), None)
    return read_card(name) if name in STAGERS else None


def checked_model(name: str) -> Path:
    """Path of a model's weights, once their content is known to be what the card tells of.

    Raises
    ------
    WeightsError
        Gone, or changed.
    """
    wanted = read_model_card(name).weights
    whose, advice = f"Model {name!r}:", "reinstall holter2sleep"
    return unaltered(FILES[name].with_name(wanted.file), wanted.sha256, whose, "its card says", advice)

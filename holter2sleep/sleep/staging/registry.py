"""The stagers by name, or by the folder of a head."""

from __future__ import annotations

import importlib
import math
from pathlib import Path

from holter2sleep.errors import UsageError, did_you_mean
from holter2sleep.sleep.staging.base import Stager
from holter2sleep.sleep.staging.cards import Card, read_card, read_weights
from holter2sleep.sleep.staging.head_card import read_head_card

AUTO = "auto"
# Name -> module and class. Imported only when the stager is used.
STAGERS: dict[str, tuple[str, str]] = {
    "fusion": ("holter2sleep.sleep.staging.fusion", "Fusion"),
    "fusion-waveform": ("holter2sleep.sleep.staging.fusion", "Fusion"),
    "sleepecg-mesa": ("holter2sleep.sleep.staging.sleepecg_mesa", "SleepEcgMesa"),
    "clock": ("holter2sleep.sleep.staging.clock", "Clock"),
    "heuristic": ("holter2sleep.sleep.staging.heuristic", "Heuristic"),
    "cardiosomnography": ("holter2sleep.sleep.staging.cardiosomnography", "Cardiosomnography"),
    "cardiosomnography-causal": ("holter2sleep.sleep.staging.cardiosomnography", "Cardiosomnography"),
}
OF_FOLDER = ("holter2sleep.sleep.staging.head", "Head")  # likewise


def list_cards() -> tuple[Card, ...]:
    """Cards of all stagers in the order `auto` tries them.

    First one whose card gives a reason to be, then best external figure first; those without one come last.
    """
    cards = [read_card(name) for name in STAGERS]
    return tuple(sorted(cards, key=_rank, reverse=True))


def _rank(card: Card) -> tuple[bool, float]:
    external = -math.inf if card.external_kappa is None else card.external_kappa
    return card.first_choice is not None, external


def head_folder(stager: str) -> Path | None:
    """The folder of a head that stands for a stager; None where it is a name."""
    is_name = stager in ("", AUTO, *STAGERS)
    return Path(stager) if not is_name and Path(stager).is_dir() else None


def card_of_scorer(scorer: str, stager: str) -> Card | None:
    """Card of whoever scored a night for which this stager, or `auto`, was asked; None where nobody of ours did."""
    card = next((card for card in list_cards() if card.name == scorer), None)
    folder = head_folder(stager)
    if card is not None or folder is None:
        return card
    own = read_head_card(folder)
    return own if own.name == scorer else None


def get_stager(name: str) -> Stager:
    """The named stager, or the head in a folder, its weights loaded and checked.

    Raises
    ------
    UsageError
        No stager has that name, and no folder.
    WeightsError
        Its weights are missing or not the registered ones.
    """
    folder = head_folder(name)
    if folder is not None:
        return _made(OF_FOLDER, folder)
    if name not in STAGERS:
        advice = did_you_mean(name, STAGERS, "none is called so.")
        known = f"{AUTO}, {', '.join(STAGERS)}, or the folder of a head (`holter2sleep train head`)"
        raise UsageError(f"Unknown stager {name!r}; {advice} Known: {known}")
    card = read_card(name)
    return _made(STAGERS[name], *((card, read_weights(card)) if card.weights else (card,)))


def _made(what: tuple[str, str], *parts: object) -> Stager:
    module, kind = what
    stager: Stager = getattr(importlib.import_module(module), kind)(*parts)
    return stager

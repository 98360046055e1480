"""The stagers by name."""

from __future__ import annotations

import difflib
import importlib
import math

from holter2sleep.errors import UsageError
from holter2sleep.sleep.staging.base import Stager
from holter2sleep.sleep.staging.cards import Card, read_card, read_weights

# Name -> module and class. Imported only when the stager is used.
STAGERS: dict[str, tuple[str, str]] = {
    "fusion": ("holter2sleep.sleep.staging.fusion", "Fusion"),
    "sleepecg-mesa": ("holter2sleep.sleep.staging.sleepecg_mesa", "SleepEcgMesa"),
    "clock": ("holter2sleep.sleep.staging.clock", "Clock"),
    "heuristic": ("holter2sleep.sleep.staging.heuristic", "Heuristic"),
    "cardiosomnography": ("holter2sleep.sleep.staging.cardiosomnography", "Cardiosomnography"),
    "cardiosomnography-causal": ("holter2sleep.sleep.staging.cardiosomnography", "Cardiosomnography"),
}


def list_cards() -> tuple[Card, ...]:
    """Cards of all stagers in the order `auto` tries them.

    First one whose card gives a reason to be, then best external figure first; those without one come last.
    """
    cards = [read_card(name) for name in STAGERS]
    return tuple(sorted(cards, key=_rank, reverse=True))


def _rank(card: Card) -> tuple[bool, float]:
    external = -math.inf if card.external_kappa is None else card.external_kappa
    return card.first_choice is not None, external


def get_stager(name: str) -> Stager:
    """The named stager, its weights loaded and checked.

    Raises
    ------
    UsageError
        No stager has that name.
    WeightsError
        Its weights are missing or not the registered ones.
    """
    if name not in STAGERS:
        close = difflib.get_close_matches(name, STAGERS, n=1)
        advice = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(f"Unknown stager {name!r}; {advice}Known: auto, {', '.join(STAGERS)}")
    card = read_card(name)
    parts = (card, read_weights(card)) if card.weights else (card,)
    module, kind = STAGERS[name]
    stager: Stager = getattr(importlib.import_module(module), kind)(*parts)
    return stager

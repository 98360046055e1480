"""The card of a stager: what it is, what it was made from, how far it can be trusted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from holter2sleep.cards import ModelCard, Weights, card_in
from holter2sleep.errors import WeightsError

CARDS = Path(__file__).parent / "cards"
ProfileName = Literal["clef", "ecgfounder"]  # in `profiles.PROFILES`: how an encoder wants to see the waveform


@dataclass(frozen=True)
class CardEncoder:
    """The encoder of the waveform that a head was taught with: none other will do."""

    network: str  # name in `encoder.CONFIGS`
    profile: ProfileName
    sha256: str  # of its file
    installable: str | None = None  # its name, of those shipped or to install; None: it lies beside the card
    file: str | None = None  # its name beside the card


@dataclass(frozen=True, kw_only=True)
class Card(ModelCard):
    """What a user must know of a stager before trusting it.

    `external_*` is agreement on subjects from a cohort that took no part in the training, `internal_*` on
    held-out subjects of the same cohort; the two are never mixed. Kappa is Cohen's, pooled over epochs.
    """

    scheme: Literal["AASM5", "CARDIO4", "CARDIO3"]  # keys of night.SCHEMES
    needs_waveform: bool
    external_kappa: float | None = None
    external_cohort: str | None = None
    internal_kappa: float | None = None
    internal_cohort: str | None = None
    first_choice: str | None = None  # why `auto` takes it before stagers with an external figure
    encoder: CardEncoder | None = None  # of a head that looks at the waveform too
    second_opinion: str | None = None  # the stager whose weights it reads besides its own
    installable: tuple[str, ...] = ()  # weights a user installs, one of which is enough
    on_request: bool = False  # never taken by "auto"

    @property
    def headline(self) -> str:
        """The external figure in words, for notes and reports."""
        if self.external_kappa is None and self.internal_kappa is not None:
            return f"no external validation; internal kappa {self.internal_kappa:g} ({self.internal_cohort})"
        if self.external_kappa is None:
            return "no external validation"
        return f"external kappa {self.external_kappa:g} ({self.external_cohort})"


@cache
def read_card(name: str) -> Card:
    """Card of the named stager, from its TOML file beside the code."""
    return card_in(Card, (CARDS / f"{name}.toml").read_bytes(), f"card {name}", {"name": name})


def read_weights(card: Card, beside: Path | None = None) -> bytes:
    """Content of the card's weight file, found without importing its package and checked by its hash.

    Parameters
    ----------
    beside
        Folder of the card, where the weights lie beside it; that of the registered cards when not given.

    Raises
    ------
    WeightsError
        Package or file missing, or its SHA-256 is not the registered one.
    """
    weights = card.weights
    if weights is None:
        raise ValueError(f"stager {card.name!r} has no weight file")
    folder = _folder_of(card.name, weights.package) if weights.package else beside or CARDS
    path = folder / weights.file
    where, advice = _place(weights, beside)
    if not path.is_file():
        raise WeightsError(f"Stager {card.name!r}: {where} has no {weights.file!r}; {advice}, or choose another stager")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != weights.sha256:
        raise WeightsError(
            f"Stager {card.name!r}: {path.name} has SHA-256 {found}, registered is {weights.sha256}; "
            f"these are other weights than the validated ones: {advice}"
        )
    return content


def _folder_of(name: str, package: str) -> Path:
    """Where a package is installed."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise WeightsError(
            f"Stager {name!r}: its weights come with the package {package!r}, which is not "
            f"installed; pip install {package}, or choose another stager"
        )
    return Path(spec.origin).parent


def _place(weights: Weights, beside: Path | None) -> tuple[str, str]:
    """Where the weights belong, and what to do where they are not, in words."""
    if weights.package:
        return f"the installed {weights.package!r}", f"reinstall {weights.package}"
    if beside is not None:
        return "its folder", "take the folder as `train head` wrote it"
    return "its card's folder", "put it there, or name its package in [weights] of the card"

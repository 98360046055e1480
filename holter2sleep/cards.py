"""The card of a model: what it is, what it was made from, how far it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from holter2sleep.choices import filled, parsed_toml
from holter2sleep.errors import RecipeError, WeightsError

AnyCard = TypeVar("AnyCard", bound="ModelCard")


@dataclass(frozen=True)
class Weights:
    """A weight file that lies beside the card, or comes inside an installed package, with the hash it must have."""

    file: str  # name beside the card, or path within the package
    sha256: str
    package: str | None = None  # None: beside the card


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What a user must know of any model before trusting it."""

    name: str
    title: str
    trained_on: str
    n_subjects: int  # in the training data; 0 where nothing was fitted
    licence: str
    source: str
    figures: tuple[str, ...] = ()  # how well it works: figure, interval, data, who had heard them, measured by what
    limits: tuple[str, ...]
    weights: Weights | None = None

    @property
    def headline(self) -> str:
        """The figure that stands for the model where there is room for one."""
        return self.figures[0] if self.figures else "no figure"

    @property
    def sha256(self) -> str | None:
        """Hash of the weights it tells of; None where it has none of its own."""
        return self.weights.sha256 if self.weights else None

    def summary(self) -> dict[str, Any]:
        """What a report says of it."""
        return {
            "title": self.title,
            "trained_on": self.trained_on,
            "agreement": self.headline,
            "limits": list(self.limits),
        }


@dataclass(frozen=True, kw_only=True)
class ShippedCard(ModelCard):
    """Of a model whose weights come with the package, beside the card: figures and hash are never left out."""

    figures: tuple[str, ...] = field()
    weights: Weights = field()


def card_in(kind: type[AnyCard], content: bytes, where: str, known: Mapping[str, Any] | None = None) -> AnyCard:
    """The card in the bytes of a TOML file.

    Parameters
    ----------
    where
        What the messages begin with.
    known
        Fields that the file need not hold.

    Raises
    ------
    WeightsError
        No TOML; a key is unknown, missing, or of the wrong kind.
    """
    try:
        card: AnyCard = filled(kind, {**(known or {}), **parsed_toml(content, where)}, where)
    except RecipeError as error:
        raise WeightsError(str(error)) from None
    return card

"""The weights a user can install: where they come from, under which licence, and how they are known."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from holter2sleep.errors import UsageError, did_you_mean

REGISTRY = Path(__file__).with_name("installable.toml")


@dataclass(frozen=True)
class Licence:
    """What a user must accept before the weights are fetched."""

    key: str
    name: str
    text: str


@dataclass(frozen=True)
class Installable:
    """A weight file by its name in the registry `installable.toml`."""

    name: str
    title: str
    file: str  # as its source spells it
    source: str
    licence: Licence
    size_mb: float  # about
    network: str  # what the file must turn out to hold
    n_parameters: int
    url: str | None = None  # None: no lasting address is known
    md5: str | None = None  # of a third party
    sha256: str | None = None
    also: tuple[str, ...] = ()  # other spellings of the file
    profile: str | None = None  # of an encoder: name in `profiles.PROFILES`
    n_features: int | None = None  # of an encoder's embedding

    @property
    def spellings(self) -> tuple[str, ...]:
        """Names the file may have."""
        return (self.file, *self.also)


@cache
def list_installable() -> tuple[Installable, ...]:
    """All of them, in the order of the registry."""
    table = tomllib.loads(REGISTRY.read_text(encoding="utf-8"))
    licences = {key: Licence(key, facts["name"], facts["text"].strip()) for key, facts in table["licence"].items()}
    return tuple(
        Installable(name, **{**facts, "licence": licences[facts["licence"]], "also": tuple(facts.get("also", ()))})
        for name, facts in table["weights"].items()
    )


def get_installable(name: str) -> Installable:
    """The weights of that name.

    Raises
    ------
    UsageError
        There are none.
    """
    known = {weights.name: weights for weights in list_installable()}
    if name not in known:
        advice = did_you_mean(name, known, "no such weights.")
        raise UsageError(f"{name!r} cannot be installed: {advice} Known: {', '.join(known)}")
    return known[name]

"""Encoders that come with the package: what each was made from, how good it is, and its file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from holter2sleep.cards import ShippedCard, card_in
from holter2sleep.sleep.staging.installable import get_installable
from holter2sleep.sleep.staging.installed import unaltered, verified

NAMES = ("h2s-encoder-small",)
FOLDER = Path(__file__).with_name("weights")


@dataclass(frozen=True, kw_only=True)
class ShippedEncoder(ShippedCard):
    """What a user must know of an encoder before trusting it."""

    network: str  # name in `encoder.CONFIGS`
    profile: str  # name in `profiles.PROFILES`
    n_features: int


@cache
def list_shipped() -> tuple[ShippedEncoder, ...]:
    """All of them, from their cards."""
    contents = {name: (FOLDER / f"{name}.toml").read_bytes() for name in NAMES}
    return tuple(card_in(ShippedEncoder, content, f"card {name}", {"name": name}) for name, content in contents.items())


def checked(encoder: ShippedEncoder) -> Path:
    """Path of its file, once the content is known to be what the card tells of.

    Raises
    ------
    WeightsError
        Gone, or changed.
    """
    whose, advice = f"Encoder {encoder.name!r}:", "reinstall holter2sleep"
    return unaltered(FOLDER / encoder.weights.file, encoder.weights.sha256, whose, "its card says", advice)


def encoder_file(name: str) -> Path:
    """The checked file of an encoder that is shipped, or installed.

    Raises
    ------
    UsageError
        No encoder has that name.
    WeightsError
        Not installed, gone, or changed.
    """
    shipped = {encoder.name: encoder for encoder in list_shipped()}
    return checked(shipped[name]) if name in shipped else verified(get_installable(name))

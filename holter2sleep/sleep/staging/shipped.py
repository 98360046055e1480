"""The encoder that comes with the package: its card, its file, and that the file is the one the card tells of."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from holter2sleep.errors import UsageError, WeightsError

if TYPE_CHECKING:
    from holter2sleep.sleep.staging.encoder import Net1D
    from holter2sleep.sleep.staging.profiles import Profile

FOLDER = Path(__file__).with_name("weights")


@dataclass(frozen=True)
class ShippedEncoder:
    """What a user must know of weights of our own before trusting them."""

    name: str
    title: str
    network: str  # name in `encoder.CONFIGS`
    profile: str  # name in `profiles.PROFILES`
    n_features: int
    n_parameters: int
    sha256: str
    licence: str
    trained_on: str
    how: str
    unlike_clef: tuple[str, ...]
    figures: tuple[str, ...]  # on subjects that were not seen in pre-training
    limits: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Where its weights lie."""
        return FOLDER / f"{self.name}.safetensors"


@cache
def list_shipped() -> tuple[ShippedEncoder, ...]:
    """All of them, by name, from their cards."""
    return tuple(_read_card(path) for path in sorted(FOLDER.glob("*.toml")))


def _read_card(path: Path) -> ShippedEncoder:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return ShippedEncoder(path.stem, **{k: tuple(v) if isinstance(v, list) else v for k, v in table.items()})


def verified_shipped(encoder: ShippedEncoder) -> Path:
    """Path of the weights, once they are known to be those of the card.

    Raises
    ------
    WeightsError
        Gone, or others.
    """
    if not encoder.path.is_file():
        raise WeightsError(f"Encoder {encoder.name!r}: {encoder.path} is gone; reinstall holter2sleep")
    found = hashlib.sha256(encoder.path.read_bytes()).hexdigest()
    if found != encoder.sha256:
        raise WeightsError(
            f"Encoder {encoder.name!r}: {encoder.path.name} has SHA-256 {found}, its card says {encoder.sha256}; "
            f"reinstall holter2sleep"
        )
    return encoder.path


def shipped_encoder(name: str) -> tuple[Net1D, Profile]:
    """An encoder of ours in evaluation mode, and the windows it wants to see.

    Raises
    ------
    UsageError
        None of ours has that name.
    WeightsError
        Its file is gone, or not the one its card tells of.
    """
    from holter2sleep.sleep.staging.encoder_weights import load_encoder
    from holter2sleep.sleep.staging.profiles import PROFILES

    known = {encoder.name: encoder for encoder in list_shipped()}
    if name not in known:
        raise UsageError(f"No encoder {name!r} comes with holter2sleep; there is: {', '.join(known)}")
    return load_encoder(verified_shipped(known[name]), known[name].network), PROFILES[known[name].profile]

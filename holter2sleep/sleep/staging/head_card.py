"""The card in the folder of a head that `holter2sleep train head` taught, and the hash by which the head is known."""

from __future__ import annotations

import hashlib
from pathlib import Path

from holter2sleep.cards import card_in
from holter2sleep.errors import WeightsError
from holter2sleep.sleep.staging.cards import Card

HEAD, CARD = "head.npz", "card.toml"


def read_head_card(folder: Path) -> Card:
    """The card of a folder.

    Raises
    ------
    WeightsError
        No folder of a head, or a card that cannot be used.
    """
    path, content = folder / CARD, _part(folder, CARD)
    where = f"{path}: cannot be used as the card of a head"
    card = card_in(Card, content, where)
    if card.weights is None:
        raise WeightsError(f"{where}: it needs [weights]")
    return card


def head_sha256(folder: Path) -> str:
    """Hash of all that decides a head's answers and what is said of them: card and networks.

    The encoder is held to the hash in the card.

    Raises
    ------
    WeightsError
        One of the two cannot be read.
    """
    content = [_part(folder, name) for name in (CARD, HEAD)]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in content)).hexdigest()


def _part(folder: Path, name: str) -> bytes:
    """What a file of a head's folder holds."""
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise WeightsError(
            f"{folder}: no head of `holter2sleep train head` ({name}: {error.strerror}); give its --out folder"
        ) from None

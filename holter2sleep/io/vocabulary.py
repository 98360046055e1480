"""Words that tell nothing of a person, read from `vocabulary.toml`."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

_VOCABULARY = Path(__file__).with_name("vocabulary.toml")


def is_known_annotation(text: str) -> bool:
    """Whether an annotation is of the vocabulary, capitals and punctuation aside.

    Examples
    --------
    >>> is_known_annotation("Lights-Off"), is_known_annotation("Mrs Smith coughs")
    (True, False)
    """
    return _plain(text) in _known("annotations")


def is_known_label(label: str) -> bool:
    """Whether a channel label is made of words of the vocabulary, numbers and single letters.

    Examples
    --------
    >>> is_known_label("EEG C3-A2"), is_known_label("ECG Smith")
    (True, False)
    """
    words = re.findall(r"[^\W\d_]+", label.casefold())
    is_id = re.search(r"\d{4}", label) is not None  # or a birth date
    return bool(words) and not is_id and all(len(word) == 1 or word in _known("labels") for word in words)


def is_known_sensor(text: str) -> bool:
    """Whether a transducer or a filter is told in words of the vocabulary and short numbers.

    Examples
    --------
    >>> is_known_sensor("Ag-AgCl electrodes"), is_known_sensor("HP:0.5Hz LP:100Hz"), is_known_sensor("SN 4711 Smith")
    (True, True, False)
    """
    words = re.findall(r"[^\W\d_]+", text.casefold())
    is_id = re.search(r"\d{4}", text) is not None  # or a serial number
    known = _known("sensors") | _known("labels") | _known("units")
    return not is_id and all(len(word) == 1 or word in known for word in words)


def is_known_unit(unit: str) -> bool:
    """Whether a unit is of the vocabulary, or blank.

    Examples
    --------
    >>> is_known_unit("uV"), is_known_unit("l/min"), is_known_unit("Smith")
    (True, True, False)
    """
    return not unit.strip() or unit.strip().casefold() in _known("units")


def _plain(text: str) -> str:
    """Lower case, words apart by one blank; the question mark is a word of the stages."""
    return " ".join(re.findall(r"\w+|\?", text.casefold()))


@cache
def _known(kind: str) -> frozenset[str]:
    return frozenset(tomllib.loads(_VOCABULARY.read_text(encoding="utf-8"))[kind])

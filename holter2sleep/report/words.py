"""The words of a report in one language: a catalogue of texts by key, read from TOML, with English behind it.

Texts of the code and of the narrative have keys. Labels of the dictionary go by the phenotype's name; words of a
layout, of a strip's reason and of what a number counts go by their English, so that a changed text never keeps an old
translation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from holter2sleep.assets import asset
from holter2sleep.choices import read_toml, shipped_or_own
from holter2sleep.errors import RecipeError
from holter2sleep.phenotypes.dictionary import Entry, handled_name, handlings_of, load_dictionary

ENGLISH = "en"
NUMBER = re.compile(r"\d+(?:\.\d+)?")
AGREEING = re.compile(r"\{(?P<name>\w+)\|(?P<one>[^{}|]+)\|(?P<many>[^{}|]+)\}")  # a count with its noun
THOUSANDS = re.compile(r"(?<=\d)(?=(?:\d{3})+$)")  # where marks stand in the digits before the point


@dataclass(frozen=True, eq=False)
class Words:
    """The texts of one language by flat key, such as `head.recording`."""

    language: str
    texts: dict[str, str]
    english: dict[str, str]

    def __call__(self, key: str, **facts: object) -> str:
        """The text of a key, English where the language lacks it, filled from the facts.

        `{name}` is a fact, `{name|singular|plural}` a count with its noun.

        Examples
        --------
        >>> load_words("de")("cohort.n_nights", n="1"), load_words("de")("cohort.n_nights", n="1.200")
        ('1 Nacht', '1.200 Nächte')
        """
        text = self.texts.get(key, self.english[key])
        return AGREEING.sub(lambda found: _agreeing(found, facts), text).format(**facts) if facts else text

    def number(self, printed: str) -> str:
        """A printed number, or several, with the marks of the language for decimals and thousands.

        Examples
        --------
        >>> load_words("de").number("61.7 (1234.5)"), load_words("en").number("29479")
        ('61,7 (1.234,5)', '29,479')
        """
        return NUMBER.sub(lambda found: self._marked(*found[0].partition(".")), printed)

    def _marked(self, whole: str, point: str, decimals: str) -> str:
        grouped = THOUSANDS.sub(self("number.thousands_mark"), whole)
        return f"{grouped}{self('number.decimal_mark') if point else ''}{decimals}"

    def whole(self, number: int) -> str:
        """A whole number with the mark of the thousands.

        Examples
        --------
        >>> load_words("de").whole(29479)
        '29.479'
        """
        return self.number(str(number))

    def layout(self, text: str) -> str:
        """A text of a layout; as the layout has it where it was not translated."""
        return self.texts.get(f"layout.{text}", text)

    def counts(self, text: str, n: int | None) -> str:
        """What the `n` of a phenotype counts, in the form that agrees with it.

        Examples
        --------
        >>> load_words("de").counts("complete cycles", 1), load_words("de").counts("complete cycles", 2)
        ('vollständiger Zyklus', 'vollständige Zyklen')
        """
        return self(f"one.{text}") if n == 1 else self.texts.get(f"counts.{text}", text)

    def source(self, key: str, text: str) -> str:
        """Where a threshold or definition comes from."""
        return self.texts.get(f"source.{key}", text)

    def label(self, entry: Entry) -> str:
        """The label of a phenotype."""
        for handling in handlings_of(entry.domain.removesuffix("_raw").removesuffix("_corrected")):
            plain = entry.name.removesuffix(handled_name("", handling))
            if plain != entry.name and plain in load_dictionary():
                return f"{self.label(load_dictionary()[plain])}, {self(f'handling.{handling}')}"
        return self.texts.get(f"label.{entry.name}", entry.label)

    def reason(self, reason: str) -> str:
        """Why a strip is shown: translated with its numbers left out, which then come back in their order.

        Examples
        --------
        >>> load_words("de").reason("longest pause 2.6 s")
        'längste Pause 2,6 s'
        """
        numbers = iter(NUMBER.findall(reason))
        text = self.texts.get(f"reason.{NUMBER.sub('#', reason)}", NUMBER.sub("#", reason))
        return self.number(re.sub("#", lambda _: next(numbers), text))

    def stratum(self, stratum: str) -> str:
        """The part of the night as added to a label; nothing for the night."""
        return self(f"stratum.{stratum}") if f"stratum.{stratum}" in self.english else stratum

    def row(self, stratum: str) -> str:
        """The part of the night as the head of a row."""
        return self(f"row.{stratum}") if f"row.{stratum}" in self.english else self.stratum(stratum)

    def stage(self, letter: str) -> str:
        """A stage as it stands in figures and legends."""
        return self(f"stage.{letter}") if f"stage.{letter}" in self.english else letter


def _agreeing(found: re.Match[str], facts: dict[str, object]) -> str:
    return f"{{{found['name']}}} {found['one'] if str(facts[found['name']]) == '1' else found['many']}"


@cache
def load_words(language: str = ENGLISH) -> Words:
    """The words of a shipped language, or of a catalogue file.

    Parameters
    ----------
    language
        `en`, `de`, or the path of a TOML file made after `reports/text/en.toml`.

    Raises
    ------
    RecipeError
        No such language or file; a file that is no catalogue; a key that English lacks.
    """
    english = _flat(read_toml(asset("reports/text", f"{ENGLISH}.toml"), "English"))
    if language == ENGLISH:
        return Words(ENGLISH, english, english)
    path = shipped_or_own(language, "reports/text", "Language")
    texts = _flat(read_toml(path, f"Language {path}"))
    by_english = ("layout.", "counts.", "reason.", "label.", "source.")
    unknown = sorted(key for key in texts if key not in english and not key.startswith(by_english))
    if unknown:
        raise RecipeError(f"Language {path}: key {unknown[0]!r} is unknown; the keys are those of reports/text/en.toml")
    return Words(path.stem, texts, english)


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Texts by dotted key.

    Examples
    --------
    >>> _flat({"head": {"file": "File"}})
    {'head.file': 'File'}
    """
    texts: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            texts |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, str):
            texts[f"{prefix}{key}"] = value
        else:
            raise RecipeError(f"Language: {prefix}{key}: expected text in quotes, found {value!r}")
    return texts

"""Templates of sentences: words with places for measured values, choices and pointers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from holter2sleep.errors import RecipeError

PLACE = re.compile(r"\{(?P<name>[^{}|]+)(?P<forms>(?:\|[^{}|]*)*)\}")
# A number that stands alone: N1, T2 and the digits of a file's name are letters of a word.
NUMBER = re.compile(r"(?<![\w.,])-?\d+(?:[.,]\d+)*(?![\w])")
WORDS_PLACES = ("coverage", "see", "stages", "label", "reason")


@dataclass(frozen=True)
class Place:
    """A place of a template: what stands there, and in which form."""

    name: str
    forms: tuple[str, ...]

    @property
    def is_choice(self) -> bool:
        """Whether it is a value of recipe, layout or thresholds."""
        return "." in self.name

    @property
    def is_phenotype(self) -> bool:
        """Whether it is a measured value."""
        return not self.is_choice and self.name not in WORDS_PLACES


def places(template: str) -> list[Place]:
    """The places of a template, in order.

    Examples
    --------
    >>> places("{n_pauses|pause|pauses} in {coverage}")
    [Place(name='n_pauses', forms=('pause', 'pauses')), Place(name='coverage', forms=())]
    """
    return [_place(found) for found in PLACE.finditer(template)]


def _place(found: re.Match[str]) -> Place:
    return Place(found["name"], tuple(found["forms"].split("|")[1:]))


def fill(template: str, said: Callable[[Place], str]) -> str:
    """The template with every place filled."""
    return PLACE.sub(lambda found: said(_place(found)), template)


def numbers_in(text: str) -> list[str]:
    """The numbers of a text that stand alone, as printed.

    Examples
    --------
    >>> numbers_in("N3 12.5 min (95 %: -3 to 20)")
    ['12.5', '95', '-3', '20']
    """
    return NUMBER.findall(text)


def check_template(template: str, uses: Collection[str], choices: Collection[str], where: str) -> None:
    """Refuse a template that speaks of what its rule does not use, or that holds a number of its own.

    Raises
    ------
    RecipeError
        An unknown place or form, or a number.
    """
    bare = PLACE.sub("", template)
    if numbers_in(bare) or "{" in bare or "}" in bare:
        raise RecipeError(
            f"{where}: {bare!r} holds a number or a brace; numbers come from tables, recipe or thresholds"
        )
    for place in places(template):
        if place.is_phenotype and place.name not in uses:
            raise RecipeError(f"{where}: speaks of {place.name!r}, which the rule does not use")
        if place.is_choice and place.name not in choices:
            raise RecipeError(f"{where}: {place.name!r} is no key of recipe, limits or threshold")
        fits = place.forms in ((), ("bare",), ("interval",), ("span",)) or len(place.forms) == 2
        if not fits or (place.forms and not place.is_phenotype):
            raise RecipeError(
                f"{where}: {place.name!r} has the form {'|'.join(place.forms)!r}; known: bare, interval, span, one|many"
            )

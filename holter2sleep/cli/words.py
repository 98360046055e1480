"""Words of the command line that may be written in several ways: a unit, a sex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rich_click as click

_SEXES = {"male": "M", "man": "M", "female": "F", "woman": "F"}


class Words(click.Choice[str]):
    """A choice whose words are first read by a function that knows other ways to write them."""

    def __init__(self, choices: tuple[str, ...], read: Callable[[str], str]) -> None:
        super().__init__(choices)
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """One of the choices.

        Raises
        ------
        click.BadParameter
            No way to write any of them.
        """
        return super().convert(self._read(value.strip()), param, ctx)


def _sex(text: str) -> str:
    return _SEXES.get(text.casefold(), text.upper())


def _unit(text: str) -> str:
    from holter2sleep.io.units import unit_named

    unit = unit_named(text)
    if unit == "mV" and text.startswith("M") and text[1:2] in "Vv":  # no heart makes megavolts
        click.echo(f"--unit {text}: read as mV", err=True)
    return unit or text


SEX = Words(("F", "M"), _sex)
UNIT = Words(("V", "mV", "uV", "nV"), _unit)

"""A number given on the command line."""

from __future__ import annotations

import math
from typing import Any

import rich_click as click


class Number(click.FloatRange):
    """A number within limits, which `nan` is not although it lies beyond none of them."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number.

        Raises
        ------
        click.BadParameter
            It is none, or beyond the limits.
        """
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is no number", param, ctx)
        return number

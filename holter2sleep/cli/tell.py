"""An error in one line on stderr."""

from __future__ import annotations

import re

import rich_click as click

LONGEST = 3000  # characters: a refusal lists channels by name


def tell(message: str) -> None:
    """Say what went wrong; what a file holds may be long, and hold line ends."""
    from holter2sleep.io.files import shortened

    line = re.sub(r"[\r\n]+", " ", message)
    click.echo(f"Error: {shortened(line, LONGEST)}", err=True)

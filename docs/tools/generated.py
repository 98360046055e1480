"""What stands in a page in place of a line `<!-- generated: name argument ... -->`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

from docs.tools import figures, reference, repository
from docs.tools.commands import command_reference

PARTS: dict[str, Callable[..., str]] = {
    "commands": command_reference,
    "dictionary": reference.dictionary,
    "strata": reference.strata,
    "columns": reference.columns,
    "cards": reference.cards,
    "model-cards": reference.model_cards,
    "installable": reference.installable,
    "rules": reference.rules,
    "staging": figures.staging,
    "staging-classes": figures.staging_classes,
    "staging-peers": figures.staging_peers,
    "clock": figures.clock,
    "apnoea": figures.apnoea,
    "fibrillation": figures.fibrillation,
    "page": lambda path, deeper="0": repository.page(path, int(deeper)),
    "section": repository.section,
}
_PLACE = re.compile(r"^<!-- generated: (.+?) -->$", re.MULTILINE)


def filled(text: str) -> str:
    """A page with its generated parts in their places.

    Raises
    ------
    ValueError
        No part has that name.
    """
    return _PLACE.sub(lambda place: _part(*shlex.split(place[1])), text)


def _part(name: str, *arguments: str) -> str:
    if name not in PARTS:
        raise ValueError(f"no generated part {name!r}; there are {', '.join(PARTS)}")
    return PARTS[name](*arguments)

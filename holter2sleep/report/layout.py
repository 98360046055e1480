"""A layout: which sections a report has, in which order, with which phenotypes. Read from TOML."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holter2sleep.assets import asset
from holter2sleep.errors import RecipeError
from holter2sleep.phenotypes.dictionary import load_dictionary

STRATUM_WORDS = {
    "night": "",
    "sleep": "asleep",
    "wake": "awake",
    "nrem": "NREM",
    "n1": "N1",
    "n2": "N2",
    "n3": "N3",
    "light": "N1+N2",
    "rem": "REM",
}


@dataclass(frozen=True)
class Limits:
    """Below these the page says so; shares in percent."""

    banner_analysable_h: float
    banner_analysable_percent: float
    low_confidence: float


@dataclass(frozen=True)
class Section:
    """One section: the function that draws it, its words, and what it shows."""

    draw: str
    title: str
    caption: str
    new_page: bool = False
    phenotypes: tuple[str, ...] = ()  # `name` or `name:stratum`
    heads: tuple[str, ...] = ()  # short headings of a table's columns, one for each phenotype
    text: tuple[str, ...] = ()  # sentences printed as they are
    strata: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """A whole report."""

    title: str
    limits: Limits
    section: tuple[Section, ...]


def read_layout(path: Path | None, drawn: Collection[str], tracks: Collection[str]) -> Layout:
    """The layout in a file, or the shipped `reports/patient.toml`.

    Raises
    ------
    RecipeError
        Unreadable file, unknown key, section, track, stratum or phenotype; the message suggests the nearest.
    """
    path = path or asset("reports", "patient.toml")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"Layout {path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"Layout {path}: not valid TOML ({error})") from None
    where = f"Layout {path.name}"
    sections = tuple(_filled(Section, entry, f"{where}, section") for entry in table.pop("section", []))
    limits = _filled(Limits, table.pop("limits", {}), f"{where}, limits")
    layout: Layout = _filled(Layout, {**table, "limits": limits, "section": sections}, where)
    for section in sections:
        _check_known([section.draw], drawn, f"{where}: draw")
        _check_known(section.tracks, tracks, f"{where}: track")
        _check_known(section.strata, STRATUM_WORDS, f"{where}: stratum")
        names, strata = zip(*map(split_name, section.phenotypes), strict=True) if section.phenotypes else ((), ())
        _check_known(names, load_dictionary(), f"{where}: phenotype")
        _check_known(strata, STRATUM_WORDS, f"{where}: stratum")
        if section.heads and len(section.heads) != len(section.phenotypes):
            counts = f"{len(section.heads)} heads for {len(section.phenotypes)} phenotypes"
            raise RecipeError(f"{where}: {section.draw}: {counts}")
    return layout


def split_name(shown: str) -> tuple[str, str]:
    """Phenotype and stratum of `name` or `name:stratum`.

    Examples
    --------
    >>> split_name("rmssd:nrem"), split_name("tst")
    (('rmssd', 'nrem'), ('tst', 'night'))
    """
    name, _, stratum = shown.partition(":")
    return name, stratum or "night"


def _filled(kind: Any, table: dict[str, Any], where: str) -> Any:
    fields = {field.name: field for field in dataclasses.fields(kind)}
    _check_known(table, fields, f"{where}: key")
    missing = [name for name, field in fields.items() if name not in table and field.default is dataclasses.MISSING]
    if missing:
        raise RecipeError(f"{where}: missing {', '.join(missing)}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in table.items()})


def _check_known(names: Collection[str], known: Collection[str], where: str) -> None:
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            advice = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
            raise RecipeError(f"{where} {name!r} is unknown; {advice}")

"""What is known of a public archive: labels, rates, clocks and traps of its files, read from TOML.

A profile is data, one file each in `pipelines/profiles/`; every note in it names its source, and says so when
nobody here has verified it.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holter2sleep.assets import asset
from holter2sleep.errors import RecipeError

FOLDER = "pipelines/profiles"
POLARITIES = ("upright", "inverted", "either")


@dataclass(frozen=True)
class Note:
    """Something known about an archive, and from where; `unverified` is general knowledge nobody here has checked."""

    says: str
    source: str
    unverified: bool


@dataclass(frozen=True)
class Profile:
    """What files of one archive are like; None or empty is not known."""

    name: str
    title: str
    labels: tuple[str, ...]  # of the ECG, best first
    rates_hz: tuple[float, ...]  # expected; empty: any
    polarity: str  # of the ECG: upright, inverted, either
    notes: tuple[Note, ...]
    unit: str | None = None  # in which the archive writes its ECG
    dates_shifted: bool | None = None
    file_pattern: str | None = None  # of the file's stem; groups `subject`, `visit`
    hypnogram_code: str | None = None  # of integer stages, as --hypnogram files of the archive have them
    beats_clock: str | None = None  # trap in the clock of the archive's beat files

    def named(self, stem: str) -> dict[str, str]:
        """Subject and visit by a file's stem; empty when the name is not one of the archive's.

        Examples
        --------
        >>> load_profile("shhs").named("shhs1-200001")
        {'visit': '1', 'subject': '200001'}
        """
        found = re.fullmatch(self.file_pattern, stem) if self.file_pattern else None
        return {key: value for key, value in found.groupdict().items() if value} if found else {}


def profile_names() -> tuple[str, ...]:
    """Names of the shipped profiles."""
    return tuple(sorted(path.stem for path in asset(FOLDER, "shhs.toml").parent.glob("*.toml")))


def load_profile(name: str) -> Profile:
    """A profile by its name, in capitals or not.

    Raises
    ------
    RecipeError
        No such profile (with a suggestion), or a profile file that breaks its schema.

    Examples
    --------
    >>> load_profile("mesa").labels
    ('EKG',)
    """
    known = profile_names()
    wanted = name.strip().casefold()
    if not wanted:
        raise RecipeError(f"--profile {name!r}: names no profile. There is: {', '.join(known)}")
    if wanted not in known:
        close = difflib.get_close_matches(wanted, known, n=1)
        advice = f"did you mean {close[0]!r}? " if close else ""
        raise RecipeError(f"Profile {name!r}: no such profile; {advice}There is: {', '.join(known)}")
    return read_profile(asset(FOLDER, f"{wanted}.toml"))


def read_profile(path: Path) -> Profile:
    """A profile from its file, checked key by key.

    Raises
    ------
    RecipeError
        Broken TOML, an unknown or missing key, or a value of the wrong kind.
    """
    where = f"Profile {path.stem!r}"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{where}: cannot be read ({error})") from None
    notes = table.pop("note", [])
    if not isinstance(notes, list):
        raise RecipeError(f"{where}: expected [[note]] entries, found {notes!r}")
    told = tuple(_filled(Note, {"unverified": False, **note}, f"{where}: note {i + 1}") for i, note in enumerate(notes))
    profile: Profile = _filled(Profile, {"name": path.stem, **table, "notes": told}, where)
    if profile.polarity not in POLARITIES:
        raise RecipeError(f"{where}: polarity {profile.polarity!r}; known: {', '.join(POLARITIES)}")
    _check_pattern(profile.file_pattern, where)
    return profile


def _check_pattern(pattern: str | None, where: str) -> None:
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise RecipeError(f"{where}: file_pattern is no regular expression ({error})") from None


def _filled(kind: Any, table: dict[str, Any], where: str) -> Any:
    hints = typing.get_type_hints(kind)
    for key in table:
        if key not in hints:
            close = difflib.get_close_matches(key, hints, n=1)
            raise RecipeError(f"{where}: unknown key {key!r}; {f'did you mean {close[0]!r}?' if close else 'see shhs'}")
    required = {field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING}
    if missing := sorted(required - set(table)):
        raise RecipeError(f"{where}: missing {', '.join(missing)}")
    return kind(**{key: _value(hints[key], value, f"{where}: {key}") for key, value in table.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    """The value as its field wants it: lists become tuples, whole numbers become floats where those are meant."""
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise RecipeError(f"{where}: expected a list, found {value!r}")
        return tuple(_value(typing.get_args(hint)[0], item, where) for item in value)
    kinds = [kind for kind in typing.get_args(hint) if kind is not types.NoneType] or [hint]
    if kinds == [float] and type(value) is int:
        return float(value)
    if type(value) not in kinds:
        raise RecipeError(f"{where}: expected {kinds[0].__name__}, found {value!r}")
    return value

"""TOML files of choices into frozen dataclasses: read, and checked key by key.

Recipes, plans, layouts, profiles and rules come through here, so that a slip is told alike everywhere: the file, the
key, what was found, and what would work.
"""

from __future__ import annotations

import dataclasses
import stat
import tomllib
import types
import typing
from collections.abc import Collection
from pathlib import Path
from typing import Any

from holter2sleep.assets import asset
from holter2sleep.errors import RecipeError, did_you_mean

Table = dict[str, Any]

LARGEST_BYTES = 1 << 20
_LARGEST_NUMBER = 1e300  # no infinity, no whole number that is none as a float
_WANTED: dict[Any, tuple[tuple[type, ...], str]] = {
    float: ((int, float), "a number without quotes, such as 4.0"),
    int: ((int,), "a whole number without quotes"),
    str: ((str,), "text in quotes"),
    bool: ((bool,), "true or false"),
}


def shipped_or_own(name_or_file: str, folder: str, where: str) -> Path:
    """Path of a file of one's own, which ends in .toml, or of the shipped one of that name.

    Raises
    ------
    RecipeError
        None is shipped by that name; the message lists those that are.
    """
    if name_or_file.endswith(".toml"):
        return Path(name_or_file)
    try:
        return asset(folder, f"{name_or_file}.toml")
    except FileNotFoundError as error:
        raise RecipeError(f"{where} {name_or_file!r}: {error}. Give one of these names, or a .toml file") from None


def read_toml(path: Path, where: str) -> Table:
    """The keys of a file.

    Raises
    ------
    RecipeError
        It is missing, no file, too large, not UTF-8, or no TOML.
    """
    return parsed_toml(content_of(path, where), where)


def content_of(path: Path, where: str) -> bytes:
    """The bytes of a file; errors as `read_toml`."""
    try:
        status = path.stat()
        if not (stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST_BYTES):
            raise RecipeError(f"{where}: not a file of up to {LARGEST_BYTES >> 20} MB, as files of choices are")
        return path.read_bytes()
    except OSError as error:
        raise RecipeError(f"{where}: cannot be read ({error.strerror})") from None


def parsed_toml(content: bytes, where: str) -> Table:
    """The keys in the bytes of a file; errors as `read_toml`."""
    try:
        return tomllib.loads(content.decode("utf-8-sig"))  # with the mark that editors of Windows set
    except UnicodeDecodeError as error:
        raise RecipeError(f"{where}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except (ValueError, RecursionError) as error:  # no TOML, numbers of thousands of digits, lists within lists
        raise RecipeError(f"{where}: not valid TOML ({error})") from None


def filled(kind: Any, table: Any, where: str, advice: str = "") -> Any:
    """A dataclass from a table; what has no default must be there, and nothing that is no field.

    Parameters
    ----------
    where
        What the messages begin with: the file, and the place in it.
    advice
        What they end with, where something is missing.

    Raises
    ------
    RecipeError
        Not a table; an unknown or missing key; a value of the wrong kind.

    Examples
    --------
    >>> @dataclasses.dataclass(frozen=True)
    ... class Lead:
    ...     name: str
    ...     fs_hz: float = 256.0
    >>> filled(Lead, {"name": "II", "fs_hz": 250}, "Lead")
    Lead(name='II', fs_hz=250.0)
    """
    if not isinstance(table, dict):
        raise RecipeError(f"{where}: expected a section, found {_shown(table)}")
    hints = typing.get_type_hints(kind)
    needed = [each.name for each in dataclasses.fields(kind) if _has_no_default(each)]
    check_keys(table, hints, needed, where, advice)
    return kind(**{key: _value(hints[key], value, f"{where}: {key}", advice) for key, value in table.items()})


def _has_no_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def check_keys(
    found: Collection[str], known: Collection[str], needed: Collection[str], where: str, advice: str
) -> None:
    """Whether the keys of a table are those that are known, with those that are needed.

    Raises
    ------
    RecipeError
        One is unknown or missing.
    """
    for key in found:
        if key not in known:
            raise RecipeError(f"{where}: unknown key {key!r}; {did_you_mean(key, known)}")
    if missing := [key for key in needed if key not in found]:
        raise RecipeError(f"{where}: missing {', '.join(missing)}{advice}")


def check_known(names: Collection[str], known: Collection[str], where: str) -> None:
    """Refuse the first name that is not known, with the nearest that is.

    Raises
    ------
    RecipeError
        A name is unknown.
    """
    for name in names:
        if name not in known:
            raise RecipeError(f"{where} {name!r} is unknown; {did_you_mean(name, known)}")


def _value(hint: Any, value: Any, where: str, advice: str) -> Any:
    """A TOML value as its field wants it."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return filled(hint, value, where, advice)
    if origin is types.UnionType:  # `float | None`: TOML has no null, the key is left out
        return _value(inner[0], value, where, advice)
    if origin is tuple:
        return _values(inner[0], value, where, advice)
    if origin is dict:
        if not isinstance(value, dict):
            raise RecipeError(f"{where}: expected a section, found {_shown(value)}")
        return {key: _value(inner[1], each, f"{where}.{key}", advice) for key, each in value.items()}
    if origin is typing.Literal and value not in inner:
        close = did_you_mean(str(value), inner, otherwise="")
        raise RecipeError(f"{where}: {_shown(value)} is none of {', '.join(inner)}{close and f'; {close}'}")
    return value if origin or hint is Any else _simple(hint, value, where)


def _values(kind: Any, value: Any, where: str, advice: str) -> tuple[Any, ...]:
    """A list; its tables are called by their number, and by their name where they have one."""
    if not isinstance(value, list):
        raise RecipeError(f"{where}: expected a list, found {_shown(value)}")
    names = [f" {item['name']!r}" if isinstance(item, dict) and "name" in item else "" for item in value]
    places = [f"{where} {i}{name}" for i, name in enumerate(names, 1)]
    return tuple(_value(kind, item, place, advice) for item, place in zip(value, places, strict=True))


def _simple(kind: type, value: Any, where: str) -> Any:
    accepted, wanted = _WANTED[kind]
    if type(value) not in accepted or (kind is float and not abs(value) < _LARGEST_NUMBER):
        raise RecipeError(f"{where}: expected {wanted}, found {_shown(value)}")
    return kind(value)


def _shown(value: object) -> str:
    return repr(value)[:80]

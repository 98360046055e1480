"""TOML files of choices: those that are shipped by their name, one's own by path."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from holter2sleep.assets import asset
from holter2sleep.errors import RecipeError

_LARGEST_BYTES = 1 << 20


def read_rules_file(name_or_file: str, option: str, shipped: str) -> tuple[Path, dict[str, Any]]:
    """Path and content of a file.

    Raises
    ------
    RecipeError
        No such file or name, or no TOML.
    """
    path = _path(name_or_file, option, shipped)
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise RecipeError(f"{path}: larger than {_LARGEST_BYTES >> 20} MB; rules are a short TOML file")
        return path, tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:  # TOML or UTF-8 that is none
        raise RecipeError(f"{path}: not valid TOML ({error})") from None


def _path(name_or_file: str, option: str, shipped: str) -> Path:
    path = Path(name_or_file)
    if path.suffix == ".toml":
        return path
    try:
        return asset("pipelines", f"{name_or_file}.toml")
    except FileNotFoundError as error:
        raise RecipeError(f"{option} {name_or_file!r}: {error}. Give {shipped!r}, or a .toml file") from None


def check_keys(where: str, found: Collection[str], known: Collection[str], needed: Collection[str]) -> None:
    """Whether the keys of a table are those that are known, with those that are needed.

    Raises
    ------
    RecipeError
        One is unknown or missing.
    """
    for key in found:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            advice = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
            raise RecipeError(f"{where}: unknown key {key!r}; {advice}")
    missing = [key for key in needed if key not in found]
    if missing:
        raise RecipeError(f"{where}: missing {', '.join(missing)}")

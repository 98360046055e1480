"""A plan from its TOML file, checked key by key."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import tomllib
import typing
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holter2sleep.assets import asset
from holter2sleep.cohort.association.plan import Model, Plan, faults_of
from holter2sleep.errors import RecipeError, UsageError

EXAMPLE = "association.toml"
_LARGEST_BYTES = 1 << 20


@dataclass(frozen=True)
class PlanFile:
    """A plan, and the very bytes it was read from."""

    path: Path
    plan: Plan
    content: bytes

    @property
    def sha256(self) -> str:
        """Hash of the file."""
        return hashlib.sha256(self.content).hexdigest()


def read_plan(path: Path) -> PlanFile:
    """A plan from its file.

    Raises
    ------
    UsageError
        No such file.
    RecipeError
        Not UTF-8, not TOML; an unknown or missing key, a value of the wrong kind, or a model that contradicts itself.
    """
    if not path.is_file():
        raise UsageError(f"--plan {path}: no such file; {asset('pipelines', EXAMPLE)} is one to begin with")
    if path.stat().st_size > _LARGEST_BYTES:
        raise RecipeError(f"Plan {path}: larger than {_LARGEST_BYTES >> 20} MB; plans are short")
    content = path.read_bytes()
    try:
        table = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise RecipeError(f"Plan {path}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"Plan {path}: not valid TOML ({error})") from None
    plan: Plan = _filled(Plan, {"cohort": {}, **table}, f"Plan {path.name}")
    _check(plan, f"Plan {path.name}")
    return PlanFile(path, plan, content)


def _check(plan: Plan, where: str) -> None:
    if not plan.model:
        raise RecipeError(f"{where}: no [[model]]; a plan has one or more")
    twice = [name for name, times in Counter(model.name for model in plan.model).items() if times > 1]
    if twice:
        raise RecipeError(f"{where}: two models are called {twice[0]!r}; rename one")
    for model in plan.model:
        if not model.name.strip():
            raise RecipeError(f"{where}: a model has an empty name")
        if faults := list(faults_of(model)):
            raise RecipeError(f"{where}, model {model.name!r}: {'; '.join(faults)}")


def close_to(word: str, known: Iterable[str]) -> str:
    """Advice for a word that is not known.

    Examples
    --------
    >>> close_to("covariate", ("covariates", "cluster"))
    "did you mean 'covariates'?"
    """
    names = list(known)
    close = difflib.get_close_matches(word, names, n=3)
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    return f"known: {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}"


def _filled(kind: Any, table: dict[str, Any], where: str) -> Any:
    """A dataclass filled from a table; nothing else may be there, and what has no default must be."""
    hints = typing.get_type_hints(kind)
    for key in table:
        if key not in hints:
            raise RecipeError(f"{where}: unknown key {key!r}; {close_to(key, hints)}")
    needed = [field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING]
    if missing := [name for name in needed if name not in table]:
        raise RecipeError(f"{where}: missing {', '.join(missing)}; {asset('pipelines', EXAMPLE)} has an example")
    return kind(**{key: _value(hints[key], value, f"{where}: {key}") for key, value in table.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise RecipeError(f"{where}: expected a section, found {_shown(value)}")
        return _filled(hint, value, _called(hint, value, where))
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise RecipeError(f"{where}: expected a list, found {_shown(value)}")
        return tuple(_value(typing.get_args(hint)[0], item, f"{where}, entry {i}") for i, item in enumerate(value, 1))
    if not isinstance(value, str):
        raise RecipeError(f"{where}: expected text in quotes, found {_shown(value)}")
    choices = typing.get_args(hint)
    if choices and value not in choices:
        raise RecipeError(f"{where}: {_shown(value)} is none of {', '.join(choices)}; {close_to(value, choices)}")
    return value


def _called(kind: Any, table: dict[str, Any], where: str) -> str:
    """Where a section stands; a model by its name."""
    return f"{where} {table['name']!r}" if kind is Model and isinstance(table.get("name"), str) else where


def _shown(value: object) -> str:
    return repr(value)[:80]

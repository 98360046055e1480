"""What an audit compares and from which difference on it speaks, read from TOML."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from holter2sleep.cohort.rule_files import check_keys, read_rules_file
from holter2sleep.errors import RecipeError

SHIPPED = "audit"
_COUNTS = ("least_subjects", "draws", "permutations")
KINDS = ("missing", "abstention", "signal", "flow", "agreement", "calibration")


@dataclass(frozen=True)
class AuditRules:
    """The choices of an audit; margins by kind of measure, lower ends of bands by attribute."""

    least_subjects: int
    largest_q: float
    low_confidence: float
    draws: int
    permutations: int
    margins: dict[str, float]
    bands: dict[str, tuple[float, ...]]


def read_audit_rules(name_or_file: str = SHIPPED) -> AuditRules:
    """The rules of a file, or of the shipped one by its name.

    Raises
    ------
    RecipeError
        File missing, TOML broken, an unknown or missing key, or a value of the wrong kind.
    """
    path, table = read_rules_file(name_or_file, "--rules", SHIPPED)
    names = [field.name for field in fields(AuditRules)]  # five numbers, then the sections
    check_keys(str(path), table, names, names)
    for key in ("margins", "bands"):
        if not isinstance(table[key], dict):
            raise RecipeError(f"{path}: {key} = {table[key]!r}; expected a section")
    check_keys(f"{path}: margins", table["margins"], KINDS, KINDS)
    number = {name: _number(f"{path}: {name}", table[name], whole=name in _COUNTS) for name in names[:5]}
    return AuditRules(
        least_subjects=int(number["least_subjects"]),
        largest_q=number["largest_q"],
        low_confidence=number["low_confidence"],
        draws=int(number["draws"]),
        permutations=int(number["permutations"]),
        margins={key: _number(f"{path}: margins.{key}", value) for key, value in table["margins"].items()},
        bands={key: _edges(f"{path}: bands.{key}", value) for key, value in table["bands"].items()},
    )


def _number(where: str, value: Any, whole: bool = False) -> float:
    """A number above 0; a whole one from 2 on."""
    good = isinstance(value, int if whole else int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or value < (2 if whole else 0):
        raise RecipeError(f"{where} = {value!r}; expected a {'whole number from 2 on' if whole else 'number above 0'}")
    return float(value)


def _edges(where: str, value: Any) -> tuple[float, ...]:
    if not isinstance(value, list) or not value:
        raise RecipeError(f"{where} = {value!r}; expected a list of numbers")
    edges = tuple(_number(where, edge) for edge in value)
    if list(edges) != sorted(set(edges)):
        raise RecipeError(f"{where} = {value!r}; expected numbers that grow")
    return edges

"""What an audit compares and from which difference on it speaks, read from TOML."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from holter2sleep.choices import check_keys, filled, read_toml, shipped_or_own
from holter2sleep.errors import RecipeError

SHIPPED = "audit"
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
    path = shipped_or_own(name_or_file, "pipelines", "--rules")
    rules: AuditRules = filled(AuditRules, read_toml(path, str(path)), str(path))
    check_keys(rules.margins, KINDS, KINDS, f"{path}: margins", "")
    numbers = {**dataclasses.asdict(rules), **{f"margins.{kind}": margin for kind, margin in rules.margins.items()}}
    for key, value in numbers.items():
        if isinstance(value, int) and value < 2:
            raise RecipeError(f"{path}: {key} = {value}; expected a whole number from 2 on")
        if isinstance(value, float) and value < 0:
            raise RecipeError(f"{path}: {key} = {value:g}; expected a number from 0 on")
    for key, edges in rules.bands.items():
        if not edges or list(edges) != sorted(set(edges)):
            raise RecipeError(f"{path}: bands.{key} = {list(edges)}; expected a list of numbers that grow")
    return rules

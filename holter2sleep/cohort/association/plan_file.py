"""A plan from its TOML file, checked key by key."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holter2sleep.assets import asset
from holter2sleep.choices import content_of, filled, parsed_toml
from holter2sleep.cohort.association.plan import Plan, faults_of
from holter2sleep.cohort.exclusions import SHIPPED
from holter2sleep.errors import RecipeError, UsageError

EXAMPLE = "association.toml"


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
        what = "a folder, not a plan" if path.is_dir() else "no such file"
        raise UsageError(f"--plan {path}: {what}; {asset('pipelines', EXAMPLE)} is one to begin with")
    content = content_of(path, f"Plan {path}")
    table = parsed_toml(content, f"Plan {path}")
    _check_exclusions(table, f"Plan {path.name}")
    advice = f"; {asset('pipelines', EXAMPLE)} has an example"
    plan: Plan = filled(Plan, {"cohort": {}, **table}, f"Plan {path.name}", advice)
    _check(plan, f"Plan {path.name}")
    return PlanFile(path, plan, content)


def _check_exclusions(table: dict[str, Any], where: str) -> None:
    """Rules of the cohort are no rules of a plan: refuse their name or file with the way to apply them."""
    cohort = table.get("cohort")
    told = cohort.get("exclusions") if isinstance(cohort, dict) else None
    for name in told if isinstance(told, list) else [told]:
        if isinstance(name, str) and (name == SHIPPED or name.endswith(".toml")):
            raise RecipeError(
                f"{where}: cohort: exclusions = {name!r}: the rules of that file are applied before the plan, by "
                f"`holter2sleep cohort DIR --exclude {name}`; here stands a list of rules of the plan's own, such as "
                f'["af_burden__night > 50"], or []'
            )


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

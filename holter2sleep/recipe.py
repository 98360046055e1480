"""A recipe: every choice of an analysis, read from TOML, checked key by key.

The rooms own the meaning of their keys (a frozen dataclass without defaults beside the function that
uses it); this module only fills them. The one set of values is `pipelines/overnight.toml`; other recipes
say `extends = "overnight"` and hold only their differences.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holter2sleep.autonomic.apnea import RespiratoryRules
from holter2sleep.autonomic.breathing_rate import BreathingRules
from holter2sleep.autonomic.correction import CorrectionRules
from holter2sleep.autonomic.coupling import CouplingRules
from holter2sleep.autonomic.cvhr import CvhrRules
from holter2sleep.autonomic.entropy import EntropyRules
from holter2sleep.autonomic.nn import NnRules
from holter2sleep.autonomic.surges import SurgeRules
from holter2sleep.autonomic.windows import HrvRules
from holter2sleep.choices import Table, filled, read_toml, shipped_or_own
from holter2sleep.errors import RecipeError
from holter2sleep.heart.classify import ClassRules
from holter2sleep.heart.detect import BeatRules
from holter2sleep.heart.faults import FaultRules
from holter2sleep.heart.morphology import MorphologyRules
from holter2sleep.heart.morphology_average import AverageRules
from holter2sleep.heart.polarity import PolarityRules
from holter2sleep.heart.quality import QualityRules
from holter2sleep.heart.rhythm import RhythmRules
from holter2sleep.heart.shape import ShapeRules
from holter2sleep.phenotypes.strips import StripRules
from holter2sleep.sleep.architecture import SleepRules
from holter2sleep.sleep.periods import NightRules
from holter2sleep.sleep.staging import StagingRules

_LONGEST_SETTING = 1000  # characters
SHARES = ("_share", "_correlation", "_similarity", "_sqi")  # endings of keys that cannot exceed 1


@dataclass(frozen=True)
class Recipe:
    """All choices of an analysis, one section a room."""

    name: str
    faults: FaultRules
    beats: BeatRules
    polarity: PolarityRules
    shape: ShapeRules
    quality: QualityRules
    classes: ClassRules
    rhythm: RhythmRules
    averages: AverageRules
    morphology: MorphologyRules
    nights: NightRules
    nn: NnRules
    correction: CorrectionRules
    hrv: HrvRules
    entropy: EntropyRules
    cvhr: CvhrRules
    respiratory: RespiratoryRules
    surges: SurgeRules
    coupling: CouplingRules
    breathing: BreathingRules
    staging: StagingRules
    sleep: SleepRules
    strips: StripRules

    def resolved(self) -> Table:
        """Every key with its value, as written to `run.json`; of a stager's folder the name alone, wherever it lies."""
        table: Table = json.loads(json.dumps(dataclasses.asdict(self)))
        table["staging"]["stager"] = Path(self.staging.stager).name
        return table

    @property
    def sha256(self) -> str:
        """Hash of the resolved values; equal recipes have equal hashes whatever their files looked like."""
        values = {key: value for key, value in self.resolved().items() if key != "name"}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def load_recipe(name_or_file: str = "overnight", settings: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe by name or file, with `section.key=value` settings on top.

    Raises
    ------
    RecipeError
        File missing, TOML broken, unknown key (with a suggestion), or a value of the wrong type.

    Examples
    --------
    >>> load_recipe("overnight", ("rhythm.pause_s=2.5",)).rhythm.pause_s
    2.5
    """
    table = _read(name_or_file)
    for setting in settings:
        table = _merged(table, _setting(setting))
    name = Path(name_or_file).stem
    return _filled({"name": name, **table}, f"recipe {name!r}")


def recipe_of(resolved: Table) -> Recipe:
    """The recipe that a run wrote down as `resolved`.

    Raises
    ------
    RecipeError
        Made by a version whose recipes had other keys.
    """
    return _filled(resolved, "the recipe in run.json")


def _read(name_or_file: str, seen: tuple[str, ...] = ()) -> Table:
    path = shipped_or_own(name_or_file, "pipelines", "Recipe")
    if str(path) in seen:
        raise RecipeError(f"Recipe {path}: 'extends' runs in a circle: {' -> '.join((*seen, str(path)))}")
    table = read_toml(path, f"Recipe {path}")
    parent = table.pop("extends", None)
    if parent is None:
        return table
    if not isinstance(parent, str):
        raise RecipeError(
            f"Recipe {path}: extends = {parent!r}; expected the name of a recipe, or a .toml file beside it"
        )
    beside = path.parent / parent
    return _merged(_read(str(beside) if parent.endswith(".toml") else parent, (*seen, str(path))), table)


def _setting(text: str) -> Table:
    """`section.key=value` as a table; the value is read as TOML, or as a bare word."""
    key, equals, value = text.partition("=")
    names = [name.strip() for name in key.split(".")]
    # a second line would be read as TOML of its own
    if not (equals and len(names) > 1 and all(names)) or len(text.splitlines()) > 1 or len(text) > _LONGEST_SETTING:
        raise RecipeError(f"--set {text[:80]!r}: expected section.key=value, such as rhythm.pause_s=2.5")
    try:
        table: Any = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table = value.strip()
    except RecursionError:
        raise RecipeError(f"--set {text[:80]!r}: lists within lists; expected one value") from None
    for name in reversed(names):
        table = {name: table}
    return typing.cast(Table, table)


def _merged(base: Table, change: Table) -> Table:
    both = dict(base)
    for key, value in change.items():
        old = both.get(key)
        both[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


def _filled(table: Table, where: str) -> Recipe:
    recipe: Recipe = filled(Recipe, table, where, '; start the file with extends = "overnight"')
    _check_numbers(dataclasses.asdict(recipe), where)
    return recipe


def _check_numbers(table: Table, where: str) -> None:
    for key, value in table.items():
        place = f"{where}: {key}"
        if isinstance(value, dict):
            _check_numbers(value, place)
        for number in value if isinstance(value, tuple) else (value,):
            if type(number) in (int, float):
                _check_range(number, place)


def _check_range(value: float, where: str) -> None:
    """Every number of a recipe is a length, a count, a rate or a share: above 0, a share at most 1."""
    if not value > 0:
        raise RecipeError(f"{where}: expected a number above 0, found {value!r}")
    if where.endswith(SHARES) and value > 1:
        raise RecipeError(f"{where}: expected a share between 0 and 1, found {value!r}")

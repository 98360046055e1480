"""The rules of the narrative: read from `reports/narrative.toml`, and checked before any of them speaks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from holter2sleep.assets import asset
from holter2sleep.choices import check_known, filled, read_toml
from holter2sleep.errors import RecipeError
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.recipe import load_recipe
from holter2sleep.report.conditions import Condition, parse_condition
from holter2sleep.report.layout import PARTS, PERSON_PARTS, STRATA, Limits, split_name
from holter2sleep.report.methods import flat_choices
from holter2sleep.report.night_figure import TRACKS
from holter2sleep.report.templates import check_template
from holter2sleep.report.words import Words

BEATS = {"V": "n_veb", "S": "n_sveb"}  # column of the epochs that counts them
RULE_ID = re.compile(r"R-(?P<topic>[A-Z0-9]+)-\d+")
PRIORITIES = (1, 2, 3)


@dataclass(frozen=True)
class Rule:
    """One sentence, and when it may be said; the keys are told at the head of `reports/narrative.toml`."""

    id: str
    part: str
    says: str
    source: str
    priority: int
    when: str = ""
    uses: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    strip: str = ""
    track: str = ""
    episodes: tuple[str, ...] = ()
    beats: str = ""
    estimated: bool = False

    @property
    def topic(self) -> str:
        """What it speaks of: rules of one topic exclude one another."""
        return self.id.split("-")[1]

    @property
    def condition(self) -> Condition | None:
        """The parsed condition; None where being measured is enough."""
        return parse_condition(self.when) if self.when else None

    @property
    def choices(self) -> tuple[str, ...]:
        """Values of recipe, layout and thresholds that decide."""
        return tuple(name for name in (self.condition.names if self.condition else ()) if "." in name)


@dataclass(frozen=True)
class Rulebook:
    """All rules in the order in which they speak, with the thresholds and sources they name."""

    most_on_page_one: int
    thresholds: dict[str, float]  # by `threshold.key`
    sources: dict[str, str]
    rules: tuple[Rule, ...]


@cache
def load_rulebook(words: Words, path: Path | None = None) -> Rulebook:
    """The rules of a file, or the shipped ones, whose sentences exist in a language.

    Raises
    ------
    RecipeError
        Not TOML; an unknown key, phenotype, choice, source or sentence; a condition that cannot be parsed; a rule that
        speaks of what it does not use; rules of a topic that could speak together where something is not measured.
    """
    path = path or asset("reports", "narrative.toml")
    where = f"Rules {path.name}"
    table = read_toml(path, where)
    check_known(table, ("page_one", "threshold", "source", "rule"), f"{where}: key")
    rules = tuple(filled(Rule, {"id": name, **keys}, f"{where}, {name}") for name, keys in table["rule"].items())
    thresholds = {f"threshold.{name}": float(value) for name, value in table["threshold"].items()}
    book = Rulebook(table["page_one"]["most"], thresholds, table["source"], rules)
    for rule in rules:
        _check_rule(rule, book, words, f"{where}, {rule.id}")
    for topic, of_topic in groupby(rules, key=lambda rule: rule.topic):
        _check_topic(list(of_topic), [rule for rule in rules if rule.topic == topic], f"{where}, topic {topic}")
    return book


def _check_rule(rule: Rule, book: Rulebook, words: Words, where: str) -> None:
    if not RULE_ID.fullmatch(rule.id):
        raise RecipeError(f"{where}: a rule is called R-TOPIC-n, such as R-AF-1")
    if bool(rule.uses) == bool(rule.lacks):
        raise RecipeError(f"{where}: give uses or lacks, and not both")
    check_known([rule.part], (*PARTS, *PERSON_PARTS), f"{where}: part")
    check_known([rule.source], book.sources, f"{where}: source")
    check_known([str(rule.priority)], [str(priority) for priority in PRIORITIES], f"{where}: priority")
    check_known([rule.track] if rule.track else [], TRACKS, f"{where}: track")
    check_known([rule.beats] if rule.beats else [], BEATS, f"{where}: beats")
    check_known([rule.says], words.english, f"{where}: says")
    for name, stratum in map(split_name, (*rule.uses, *rule.lacks)):
        check_known([name], load_dictionary(), f"{where}: phenotype")
        check_known([stratum], STRATA, f"{where}: stratum")
    choices = known_choices(book)
    check_known(_names_of(rule, where), [*rule.uses, *choices], f"{where}: when")
    check_template(words(rule.says), rule.uses, choices, f"{where}: {rule.says} ({words.language})")


def _names_of(rule: Rule, where: str) -> tuple[str, ...]:
    try:
        return rule.condition.names if rule.condition else ()
    except RecipeError as error:
        raise RecipeError(f"{where}: when: {error}") from None


def known_choices(book: Rulebook) -> tuple[str, ...]:
    """Names of every value that a rule may compare with or print."""
    recipe = (name for name, _ in flat_choices(_standard_recipe()))
    return (*recipe, *(f"limits.{name}" for name in Limits.__dataclass_fields__), *book.thresholds)


@cache
def _standard_recipe() -> dict[str, Any]:
    return load_recipe().resolved()


def _check_topic(together: list[Rule], of_topic: list[Rule], where: str) -> None:
    """A topic stands in one place, and what its silent rule lacks, each of its other rules uses."""
    if len(together) < len(of_topic) or len({rule.part for rule in of_topic}) > 1:
        raise RecipeError(f"{where}: its rules stand apart; keep them together in one part")
    for silent in (rule for rule in of_topic if rule.lacks):
        for rule in of_topic:
            if rule is not silent and not set(silent.lacks) <= set(rule.uses):
                missing = ", ".join(sorted(set(silent.lacks) - set(rule.uses)))
                raise RecipeError(f"{where}: {rule.id} could speak beside {silent.id}; let it use {missing} too")

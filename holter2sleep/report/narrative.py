"""Sentences that say only what the tables hold: value, threshold, denominator, pointer; each from one rule."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import polars as pl

from holter2sleep.errors import NarrativeError
from holter2sleep.night import EPOCH_S, STAGE_STRATA
from holter2sleep.report.layout import PARTS, Layout, split_name
from holter2sleep.report.methods import recipe_sections
from holter2sleep.report.rules import BEATS, Rule, Rulebook, load_rulebook
from holter2sleep.report.tables import Cell, ReportNight
from holter2sleep.report.templates import Place, fill, numbers_in, places

INTERVAL, SPAN = ("interval",), ("span",)  # forms of a place; the span is that of several methods
INTERVAL_PERCENT = 95  # every interval of the tables
STATUS = "automatic, unconfirmed"


@dataclass(frozen=True)
class Measured:
    """A phenotype that a sentence rests on, as the table has it."""

    phenotype: str
    stratum: str
    value: float | None
    unit: str
    status: str
    n: int | None
    coverage_s: float | None
    ci_low: float | None
    ci_high: float | None


@dataclass(frozen=True)
class Sentence:
    """One finding in words, with all that it rests on."""

    rule: str
    part: str
    text: str
    priority: int
    source: str
    status: str
    values: tuple[Measured, ...]
    thresholds: dict[str, float]
    points_to: str  # letter of a strip, a track of the night figure or a table; nothing where there is none
    epochs: tuple[tuple[int, int], ...]  # first and last of each stretch in which its beats or episodes lie


def sentences(night: ReportNight, layout: Layout, parts: Collection[str] = PARTS) -> list[Sentence]:
    """Everything that may be said of a night: at most one sentence a topic, in the order of the rules.

    Raises
    ------
    NarrativeError
        A number of a sentence is not that of the tables.
    """
    book = load_rulebook(night.words)
    teller = Teller(night, layout, book)
    topics = groupby((rule for rule in book.rules if rule.part in parts), key=lambda rule: rule.topic)
    said = (next((each for rule in rules if (each := teller.sentence(rule))), None) for _, rules in topics)
    return [sentence for sentence in said if sentence]


def most_important(said: list[Sentence], most: int) -> list[Sentence]:
    """The sentences of the lowest priorities, in the order in which they stand."""
    chosen = {each.rule for each in sorted(said, key=lambda each: each.priority)[:most]}
    return [each for each in said if each.rule in chosen]


def narrative_json(night: ReportNight, layout: Layout) -> str:
    """The sentences with what each rests on, as the content of `narrative.json`."""
    said = [dataclasses.asdict(sentence) for sentence in sentences(night, layout)]
    facts = {"recording_id": night.run["recording_id"], "version": night.run["version"]}
    content = {**facts, "language": night.words.language, "status": STATUS, "sentences": said}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


class Teller:
    """What every rule asks of one night."""

    def __init__(self, night: ReportNight, layout: Layout, book: Rulebook) -> None:
        self.night, self.layout, self.book = night, layout, book
        limits = {f"limits.{name}": value for name, value in vars(layout.limits).items()}
        self.choices = {**_numbers(recipe_sections(night)), **limits, **book.thresholds}

    def cell(self, shown: str) -> Cell:
        """The cell of `name` or `name:stratum`."""
        return self.night.cell(*split_name(shown))

    def value(self, name: str) -> float | None:
        """The number behind a name of a condition; None where it was not measured, or is unknown."""
        if "." in name:
            return self.choices.get(name)
        cell = self.cell(name)
        return cell.value if cell.ok else None

    def speaks(self, rule: Rule) -> bool:
        """Whether a rule may be heard: all it uses is measured, all it compares with known, its condition true."""
        if rule.estimated and not self.night.stages_estimated:
            return False
        if rule.lacks:
            return any(not self.cell(name).ok for name in rule.lacks)
        named = (place.name for place in places(self.night.words(rule.says)) if place.is_choice)
        if any(self.choices.get(name) is None for name in named):
            return False
        measured = all(self.cell(name).ok and self.cell(name).coverage_s is not None for name in rule.uses)
        return measured and (rule.condition is None or rule.condition.holds(self.value))

    def sentence(self, rule: Rule) -> Sentence | None:
        """What a rule says; None where it is silent."""
        if not self.speaks(rule):
            return None
        template = self.night.words(rule.says)
        text = fill(template, lambda place: self.said(place, rule))
        text = text[0].upper() + text[1:]
        check_numbers(text, [number for place in places(template) for number in self.due(place, rule)], rule.id)
        named = [place.name for place in places(template) if place.is_choice]
        return Sentence(
            rule=rule.id,
            part=rule.part,
            text=text,
            priority=rule.priority,
            source=self.night.words.source(rule.source, self.book.sources[rule.source]),
            status=STATUS,
            values=tuple(_measured(self.cell(name), *split_name(name)) for name in self.spoken_of(rule)),
            thresholds={name: self.choices[name] for name in dict.fromkeys((*rule.choices, *named))},
            points_to=self.pointer(rule)[1],
            epochs=_epochs(rule, self.night),
        )

    def spoken_of(self, rule: Rule) -> tuple[str, ...]:
        """The phenotypes of a sentence; of one that says what lacks, the first that does."""
        return rule.uses or tuple(name for name in rule.lacks if not self.cell(name).ok)[:1]

    def said(self, place: Place, rule: Rule) -> str:
        """The words that stand in a place."""
        words = self.night.words
        if place.is_choice:
            return words.number(f"{self.choices[place.name]:g}")
        if place.is_phenotype:
            return _value_text(self.cell(place.name), place.forms)
        first = self.cell(self.spoken_of(rule)[0])
        by_name = {
            "coverage": lambda: words.number(f"{_hours(first):.1f} h"),
            "see": lambda: self.pointer(rule)[0],
            "stages": lambda: self.night.stages_by,
            "label": lambda: _label(first, split_name(self.spoken_of(rule)[0])[1]),
            "reason": lambda: _why(first, self.night),
        }
        return by_name[place.name]()

    def due(self, place: Place, rule: Rule) -> list[str]:
        """The numbers that must stand in a place, from the raw values of the table."""
        number = self.night.words.number
        if place.is_choice:
            return [number(f"{self.choices[place.name]:g}")]
        if place.is_phenotype:
            cell = self.night.phenotypes[split_name(place.name)]
            return [number(each) for each in _due_of_value(cell, place.forms)]
        first = self.cell(self.spoken_of(rule)[0])
        if place.name == "coverage":
            return [number(f"{_hours(first):.1f}")]
        if place.name == "reason":
            short = first.status == "insufficient_data" and first.shortfall
            return [self.night.words.whole(count) for count in short[:2]] if short else []
        return numbers_in(self.said(place, rule))  # words: a pointer, who staged, a label

    def pointer(self, rule: Rule) -> tuple[str, str]:
        """What a sentence points to in words, and its letter: a strip, else a track, else a table."""
        words = self.night.words
        letter = _strip_letter(self.night, rule.strip)
        if letter:
            return words("see.strip", letter=letter), letter
        letters = self.layout.track_letters(self.night.duration_h)
        if rule.track in letters:
            letter = letters[rule.track]
            return words("see.track", letter=letter), letter
        letter = self.layout.letter_of_table(*split_name(rule.uses[0])) if rule.uses else ""
        return (words("see.table", letter=letter), letter) if letter else ("", "")


def check_numbers(text: str, due: list[str], rule: str) -> None:
    """Hold the numbers of a text against those of the tables, one by one.

    Raises
    ------
    NarrativeError
        They differ.

    Examples
    --------
    >>> check_numbers("3 pauses of at least 2 s", ["3", "2"], "R-PAUSE-1")
    """
    found = numbers_in(text)
    if found != due:
        raise NarrativeError(
            f"{rule} says {', '.join(found) or 'no number'} where the tables hold {', '.join(due) or 'none'}: "
            f"{text!r}; the report is not written"
        )


def _numbers(table: dict[str, object], prefix: str = "") -> dict[str, float]:
    """The numbers of the recipe by dotted key."""
    found: dict[str, float] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= _numbers(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[f"{prefix}{key}"] = float(value)
    return found


def _measured(cell: Cell, name: str, stratum: str) -> Measured:
    facts = (cell.status, cell.n, cell.coverage_s, cell.ci_low, cell.ci_high)
    return Measured(name, stratum, cell.value if cell.ok else None, cell.entry.unit, *facts)


def _hours(cell: Cell) -> float:
    return (cell.coverage_s or 0.0) / 3600


def _label(cell: Cell, stratum: str) -> str:
    word = cell.words.stratum(stratum)
    return f"{cell.label}, {word}" if word else cell.label


def _value_text(cell: Cell, forms: tuple[str, ...]) -> str:
    if forms == ("bare",):
        return cell.text
    if forms in (INTERVAL, SPAN):
        low, high = (cell.words.number(cell.entry.text(end)) for end in (cell.ci_low, cell.ci_high))
        facts = {"percent": INTERVAL_PERCENT, "low": low, "high": high}
        return cell.words(f"number.{forms[0]}", **facts) if cell.interval else ""
    if forms:
        return f"{cell.text} {forms[0] if cell.value == 1 else forms[1]}"
    return cell.with_unit


def _due_of_value(cell: Cell, forms: tuple[str, ...]) -> list[str]:
    digits = cell.entry.decimals
    if forms not in (INTERVAL, SPAN):
        return [_rounded(cell.value or 0.0, digits)]
    ends = [end for end in (cell.ci_low, cell.ci_high) if end is not None]
    percent = [str(INTERVAL_PERCENT)] if forms == INTERVAL else []
    return [*percent, *(_rounded(end, digits) for end in ends)] if len(ends) == 2 else []


def _rounded(value: float, digits: int) -> str:
    """A number as printed; a small negative one that rounds to nothing has no sign."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def _why(cell: Cell, night: ReportNight) -> str:
    """Why there is no number: how much is short, or what the input lacks where that is certain."""
    if cell.status == "insufficient_data" and cell.shortfall:
        have, needed, counts = cell.shortfall
        amounts = {"have": cell.words.whole(have), "needed": cell.words.whole(needed)}
        return cell.words("status.insufficient_why", **amounts, counts=counts)
    if cell.status == "insufficient_data" and cell.entry.domain == "sleep" and night.cell("tib").ok:
        return cell.words("status.unscored_why")  # with a time in bed, the rules of sleep measures know no other reason
    if cell.status == "not_applicable" and "waveform" in cell.entry.needs and night.run["channel"] is None:
        return cell.words("status.no_waveform_why")
    unclassed = night.cell("n_veb").status == "not_applicable"
    if cell.status == "not_applicable" and "beat_classes" in cell.entry.needs and unclassed:
        return cell.words("status.no_classes_why")
    if cell.status == "not_applicable" and cell.entry.domain == "supraventricular":
        return cell.words("status.mostly_af_why")  # with classes known, the dictionary names no other reason
    return cell.words(f"status.{cell.status}")


def _strip_letter(night: ReportNight, beginning: str) -> str:
    """Letter of the strip whose reason begins so."""
    if not beginning:
        return ""
    rows = zip(night.strips["strip"], night.strips["reason"], strict=True)
    return next((letter for letter, reason in rows if reason.startswith(beginning)), "")


def _epochs(rule: Rule, night: ReportNight) -> tuple[tuple[int, int], ...]:
    """Stretches of epochs in which the episodes or beats of a rule lie."""
    if not (rule.beats or rule.episodes):  # most rules: no table is asked
        return ()
    held = np.zeros(night.epochs.height, bool)
    if rule.beats:
        held |= night.epochs[BEATS[rule.beats]].fill_null(0).to_numpy() > 0
    stratum = split_name(rule.uses[0])[1] if rule.uses else "night"
    for start_s, end_s in _episodes(rule, night, stratum).iter_rows():
        held[int(start_s // EPOCH_S) : int(np.ceil(end_s / EPOCH_S))] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[0], held.astype(np.int8), [0]])))
    return tuple((int(first), int(after) - 1) for first, after in edges.reshape(-1, 2))


def _episodes(rule: Rule, night: ReportNight, stratum: str) -> pl.DataFrame:
    """Starts and ends of a rule's episodes; of a part of the night, those that begin in its stages."""
    found = night.episodes.filter(pl.col("kind").is_in(list(rule.episodes)))
    if stratum in STAGE_STRATA:
        found = found.filter(pl.col("stage_at_onset").is_in(list(STAGE_STRATA[stratum][0])))
    return found.select("start_s", "end_s")

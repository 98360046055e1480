"""The method in words, from what the run wrote down."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from holter2sleep.cards import ModelCard
from holter2sleep.models import card_of
from holter2sleep.night import Flag
from holter2sleep.report.grid import paragraph, subheading
from holter2sleep.report.page import MARGIN_MM, SOFT, TEXT_WIDTH_MM, Block, Page, wrap
from holter2sleep.report.tables import ReportNight
from holter2sleep.report.words import Words
from holter2sleep.sleep.staging import Card

INSET_MM, INNER_SIZE = 3.0, 6.2  # of what a card says
CHOICES_PER_ROW, CHOICE_MM, CHOICE_SIZE = 4, 3.0, 5.4


def methods(night: ReportNight) -> list[Block]:
    """Recording, analysis, models, exclusions, warnings, and every choice of the recipe."""
    words = night.words
    blocks = [paragraph(text) for text in (recording_text(night), analysis_text(night), exclusions_text(night))]
    blocks += [subheading(words("methods.models")), *model_blocks(night)]
    warnings = night.run["warnings"]
    blocks += [subheading(words("methods.warnings"))]
    blocks += [paragraph(text, bullet="-") for text in warnings] or [paragraph(words("methods.none"))]
    recipe = night.run["recipe"]
    blocks += [subheading(words("methods.choices", name=recipe["name"], sha256=recipe["sha256"]))]
    return [*blocks, *_choices(list(flat_choices(recipe_sections(night))))]


def recording_text(night: ReportNight) -> str:
    """What was read."""
    run, words = night.run, night.words
    source = words("methods.input", **run["input"])
    if run["channel"] is None:
        return f"{source} {words('methods.beats_only')}"
    turned = words("methods.inverted" if run["polarity"] == -1 else "methods.as_recorded")
    fs = words.number(f"{run['fs']:g}")
    facts = {"channel": run["channel"], "fs": fs, "scaled": _scale_text(night), "turned": turned}
    return f"{source} {words('methods.lead', **facts, gaps=len(run['gaps']))}{given_text(night)}"


def _scale_text(night: ReportNight) -> str:
    """Unit of the file, and what makes millivolts of it."""
    unit, words = night.run["unit"], night.words
    name = unit["file"] or words("methods.not_stated")
    if night.has_no_scale:
        return words("methods.relative", unit=name)
    return words("methods.scaled", unit=name, scale=words.number(str(unit["scale_to_mv"])))


def given_text(night: ReportNight) -> str:
    """That the beats come from a file, and who gave their classes; nothing where they were detected."""
    beats = night.run.get("beats")  # older runs lack it
    if beats is None:
        return ""
    classes = night.words("methods.classes_given" if beats["classes"] == "file" else "methods.classes_found")
    return f" {night.words('methods.beats_given', **{**beats, 'classes': classes})}"


def analysis_text(night: ReportNight) -> str:
    """What was done with the beats, by which rules."""
    return with_facts(night.words("methods.analysis"), night)


def with_facts(text: str, night: ReportNight) -> str:
    """A text in which `{stages}` says who staged, and `{section.key}` the value in the recipe; other braces stay."""
    facts = {"stages": night.stages_by, **dict(flat_choices(recipe_sections(night)))}
    for name, value in facts.items():
        text = text.replace(f"{{{name}}}", value if name == "stages" else night.words.number(value))
    return text


def recipe_sections(night: ReportNight) -> dict[str, Any]:
    """The sections of the recipe with their values."""
    return {name: keys for name, keys in night.run["recipe"]["resolved"].items() if isinstance(keys, dict)}


def exclusions_text(night: ReportNight) -> str:
    """How many epochs were left out, and why, with shares."""
    words, n = night.words, night.epochs.height
    unusable = night.epochs.filter(~night.epochs["usable"])
    flags = unusable["quality_flags"].to_numpy()
    counts = {str(flag.name).lower(): int(((flags & flag.value) != 0).sum()) for flag in Flag}
    reasons = [
        f"{words(f'flag.{name}')} {k} ({words.number(f'{100 * k / n:.1f}')} %)" for name, k in counts.items() if k
    ]
    share = words.number(f"{100 * unusable.height / n:.1f}")
    said = words("methods.excluded", n=unusable.height, total=n, share=share)
    return said + (words("methods.reasons", reasons=", ".join(reasons)) if reasons else "") + "."


def model_blocks(night: ReportNight) -> list[Block]:
    """Each model by role, name, checksum; below it what its card says: training, figure, limits."""
    blocks = [block for model in night.run["models"] for block in _blocks_of(model, night.words)]
    return blocks or [paragraph(night.words("methods.no_model"), bullet="-")]


def _blocks_of(model: dict[str, Any], words: Words) -> list[Block]:
    card = card_of(model)
    without = "methods.installed_weights" if isinstance(card, Card) and card.installable else "methods.no_weights"
    checksum = f"SHA-256 {model['sha256']}" if model["sha256"] else words(without)
    named = paragraph(f"{model['role']}: {model['name']}, {checksum}", bullet="-")
    return [
        named,
        *(paragraph(text, bullet="-", inset_mm=INSET_MM, size=INNER_SIZE) for text in _told(card, model, words)),
    ]


def _told(card: ModelCard | None, model: dict[str, Any], words: Words) -> list[str]:
    """What its card says, with the limits; nothing of a card of other weights, nothing without one."""
    if card is not None and card.sha256 != model["sha256"]:
        return [words("methods.other_weights")]
    told = card.summary() if card else model.get("card")
    if told is None:
        return []
    facts = [f"{words(f'methods.{key}')}: {told[key]}" for key in ("trained_on", "agreement")]
    return [told["title"], *facts, *told["limits"]]


def flat_choices(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Keys and values of the recipe, in its order.

    Examples
    --------
    >>> list(flat_choices({"rhythm": {"pause_s": 2.0, "af": {"min_s": 30}}}))
    [('rhythm.pause_s', '2'), ('rhythm.af.min_s', '30')]
    """
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from flat_choices(value, f"{name}.")
        elif isinstance(value, float):
            yield name, f"{value:g}"
        else:
            yield name, " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _choices(choices: list[tuple[str, str]]) -> list[Block]:
    """Choices in columns, read down; one block a row, so that a long recipe flows over pages."""
    width_mm = TEXT_WIDTH_MM / CHOICES_PER_ROW
    texts = [f"{name} = {value}" for name, value in choices]
    lines = [line for text in texts for line in wrap(text, width_mm - 2, CHOICE_SIZE)]
    n_rows = -(-len(lines) // CHOICES_PER_ROW)
    return [Block(CHOICE_MM, partial(_write_choices, texts=lines[i::n_rows], width_mm=width_mm)) for i in range(n_rows)]


def _write_choices(page: Page, top_mm: float, texts: list[str], width_mm: float) -> None:
    for i, text in enumerate(texts):
        page.text(MARGIN_MM + width_mm * i, top_mm + 2.2, text, size=CHOICE_SIZE, colour=SOFT)

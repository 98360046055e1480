"""The method in words, from what the run wrote down."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from holter2sleep.night import Flag
from holter2sleep.report.grid import paragraph, subheading
from holter2sleep.report.page import MARGIN_MM, SOFT, TEXT_WIDTH_MM, Block, Page, wrap
from holter2sleep.report.tables import ReportNight
from holter2sleep.sleep.staging import list_cards

CHOICES_PER_ROW, CHOICE_MM = 4, 3.1


def methods(night: ReportNight) -> list[Block]:
    """Recording, analysis, models, exclusions, warnings, and every choice of the recipe."""
    blocks = [paragraph(text) for text in (recording_text(night), analysis_text(night), exclusions_text(night))]
    blocks += [subheading("Models"), *(paragraph(text, bullet="-") for text in model_texts(night))]
    warnings = night.run["warnings"]
    blocks += [subheading("Warnings of the run")]
    blocks += [paragraph(text, bullet="-") for text in warnings] or [paragraph("None.")]
    recipe = night.run["recipe"]
    blocks += [subheading(f"Choices: recipe {recipe['name']}, {recipe['sha256']}")]
    return [*blocks, *_choices(list(flat_choices(recipe_sections(night))))]


def recording_text(night: ReportNight) -> str:
    """What was read."""
    run = night.run
    source = f"Input {run['input']['file']} ({run['input']['format']}), SHA-256 {run['input']['sha256']}."
    if run["channel"] is None:
        return f"{source} Beats without waveform: what needs a waveform is not applicable."
    unit = run["unit"]
    scaled = f"unit {unit['file'] or 'not stated'}, factor to mV {unit['scale_to_mv']}"
    if unit.get("relative"):  # results of earlier versions do not say
        scaled = f"unit {unit['file'] or 'not stated'}, no scale: amplitudes are in relative units"
    turned = "inverted and drawn upright" if run["polarity"] == -1 else "polarity as recorded"
    gaps = f"gaps in the file: {len(run['gaps'])}"
    return f"{source} Lead {run['channel']} at {run['fs']:g} Hz, {scaled}, {turned}; {gaps}.{given_text(night)}"


def given_text(night: ReportNight) -> str:
    """That the beats come from a file, and who gave their classes; nothing where they were detected."""
    beats = night.run.get("beats")  # older runs lack it
    if beats is None:
        return ""
    classes = "So were their classes" if beats["classes"] == "file" else "Their classes were found from the waveform"
    return (
        f" Beats were given, not detected: {beats['file']} ({beats['format']}), SHA-256 {beats['sha256']}. {classes}; "
        "quality is judged by the waveform."
    )


def analysis_text(night: ReportNight) -> str:
    """What was done with the beats, by which rules."""
    return with_facts(
        "Beats are called N, S, V or F after the AAMI classes (ANSI/AAMI EC57) by networks trained on MIT-BIH DS1; Q "
        "comes only with a beat file. Noise is where the quality index (the better of the agreement of two beat "
        "detectors and the likeness of the beats to the typical one, times how sure the detector is) stays below "
        "{quality.minimum_sqi}. Heart-rate variability follows the Task Force of the ESC and NASPE (1996): intervals "
        "between successive normal beats, none across a removed beat, a gap or AF pattern; the tables also hold each "
        "measure before ectopic beats were handled (_raw) and with them corrected (_corrected, Lipponen 2019). Sleep "
        "measures follow the AASM manual; stages {stages}. A rate is per analysable time. A number that rests on too "
        "little is not printed; the table says what is missing.",
        night,
    )


def with_facts(text: str, night: ReportNight) -> str:
    """A text in which `{stages}` says who staged, and `{section.key}` the value in the recipe; other braces stay."""
    facts = {"stages": night.stages_by, **dict(flat_choices(recipe_sections(night)))}
    for name, value in facts.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def recipe_sections(night: ReportNight) -> dict[str, Any]:
    """The sections of the recipe with their values."""
    return {name: keys for name, keys in night.run["recipe"]["resolved"].items() if isinstance(keys, dict)}


def exclusions_text(night: ReportNight) -> str:
    """How many epochs were left out, and why, with shares."""
    n = night.epochs.height
    unusable = night.epochs.filter(~night.epochs["usable"])
    flags = unusable["quality_flags"].to_numpy()
    counts = {flag.name: int(((flags & flag.value) != 0).sum()) for flag in Flag}
    reasons = [f"{str(name).lower().replace('_', ' ')} {k} ({100 * k / n:.1f} %)" for name, k in counts.items() if k]
    share = f"Excluded: {unusable.height} of {n} epochs ({100 * unusable.height / n:.1f} %)"
    return f"{share}; reasons, several of which may hold at once: {', '.join(reasons)}." if reasons else f"{share}."


def model_texts(night: ReportNight) -> list[str]:
    """Each model by role, name, checksum and what its card says of its training, its figure and its limits."""
    cards = {card.name: card for card in list_cards()}
    texts = []
    for model in night.run["models"]:
        card = cards.get(model["name"])
        without = "weights as the notes say" if card and card.installable else "no weight file"
        checksum = f"SHA-256 {model['sha256']}" if model["sha256"] else without
        told = card.summary() if card else model.get("card")
        said = f" {told['title']}. Trained on: {told['trained_on']}. Agreement: {told['agreement']}." if told else ""
        texts.append(f"{model['role']}: {model['name']}, {checksum}.{said}")
        texts += told["limits"] if told else []
    return texts or ["No model with weights was used."]


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
    lines = [line for text in texts for line in wrap(text, width_mm - 2, 5.8)]
    n_rows = -(-len(lines) // CHOICES_PER_ROW)
    return [Block(CHOICE_MM, partial(_write_choices, texts=lines[i::n_rows], width_mm=width_mm)) for i in range(n_rows)]


def _write_choices(page: Page, top_mm: float, texts: list[str], width_mm: float) -> None:
    for i, text in enumerate(texts):
        page.text(MARGIN_MM + width_mm * i, top_mm + 2.2, text, size=5.8, colour=SOFT)

"""Parts of pages that are made from what the program reads: dictionary, cards, rules, tables."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from docs.tools.markdown import code, listed, plain, table
from docs.tools.repository import ROOT
from holter2sleep.cards import ModelCard
from holter2sleep.models import list_model_cards
from holter2sleep.phenotypes.dictionary import STRATA_SETS, Entry, entries_of, handled_name, handlings_of
from holter2sleep.phenotypes.dictionary import load_dictionary as entries
from holter2sleep.sleep.staging.cards import Card
from holter2sleep.sleep.staging.installable import list_installable
from holter2sleep.sleep.staging.registry import list_cards
from holter2sleep.sleep.staging.shipped import list_shipped

# --- dictionary ------------------------------------------------------------------------------------


def dictionary() -> str:
    """A table for each domain; other handlings of ectopic beats are told once, not entry by entry."""
    handled = {handled_name(entry.domain, how) for entry in entries().values() for how in handlings_of(entry.domain)}
    domains = [name for name in dict.fromkeys(entry.domain for entry in entries().values()) if name not in handled]
    return "\n\n".join(_domain(name) for name in domains)


def _domain(name: str) -> str:
    rows = [[code(entry.name), plain(entry.unit), _meaning(entry), plain(_strata(entry))] for entry in _of(name)]
    others = ", ".join(code(f"<name>_{how}") for how in handlings_of(name))
    told = [f"Each of these is told as {others} too."] if others else []
    return "\n\n".join([f"## {name}", *told, table(["name", "unit", "meaning", "told of"], rows)])


def _of(domain: str) -> list[Entry]:
    return list(entries_of(domain).values())


def _meaning(entry: Entry) -> str:
    nsrr = f" NSRR: {code(entry.nsrr)}." if entry.nsrr else ""
    return f"**{plain(entry.label)}.** {plain(entry.definition)} *{plain(entry.reference)}*{nsrr}"


def _strata(entry: Entry) -> str:
    return {"night": "night", "stages": "night, stages"}.get(entry.strata, "all parts")


def strata() -> str:
    """The parts of a night."""
    return ", ".join(code(name) for name in STRATA_SETS["all"])


# --- stagers ---------------------------------------------------------------------------------------


def cards() -> str:
    """The card of each stager, in the order in which `auto` tries them."""
    return "\n\n".join(_card(card) for card in list_cards())


def model_cards() -> str:
    """The cards of the other models that come with the package."""
    return "\n\n".join(_page_of(card, []) for card in (*list_model_cards(), *list_shipped()))


def _card(card: Card) -> str:
    of_stagers = [
        ("classes", code(card.scheme)),
        ("looks at", _looks_at(card)),
        ("why first", plain(card.first_choice or "")),
        ("chosen by auto", "no, on request only" if card.on_request else "yes"),
        ("second opinion", code(card.second_opinion) if card.second_opinion else ""),
    ]
    return _page_of(card, of_stagers)


def _page_of(card: ModelCard, own: list[tuple[str, str]]) -> str:
    """Of any model, with facts that only its kind has."""
    facts = [
        *own,
        ("taught on", plain(card.trained_on)),
        ("subjects taught on", str(card.n_subjects)),
        ("agreement", plain(card.headline)),
        ("weights", plain(_weights(card))),
        ("licence", plain(card.licence)),
        ("source", plain(card.source)),
    ]
    known = table(["", plain(card.title)], [[name, value] for name, value in facts if value])
    others = [figure for figure in card.figures if figure != card.headline]
    figures = f"Figures:\n\n{listed(others)}" if others else ""
    return "\n\n".join(
        part for part in (f"### {card.name}", known, figures, f"Limits:\n\n{listed(card.limits)}") if part
    )


def _looks_at(card: Card) -> str:
    if card.needs_waveform:
        return "the waveform"
    if card.encoder is None:
        return "beats alone"
    return f"beats, and where there is a waveform what the encoder {code(card.encoder.installable or '')} makes of it"


def _weights(card: ModelCard) -> str:
    if card.weights:
        place = f"of the package {card.weights.package}" if card.weights.package else "beside the card"
        return f"{card.weights.file} {place}, SHA-256 {card.weights.sha256}"
    installable = card.installable if isinstance(card, Card) else ()
    return f"installed by the user: {', '.join(installable)}" if installable else ""


def installable() -> str:
    """Weights that a user may install."""
    rows = [
        [code(each.name), plain(each.title), f"{each.size_mb:g}", plain(each.source), plain(each.licence.name)]
        for each in list_installable()
    ]
    return table(["name", "what", "MB", "source", "licence"], rows)


# --- report ----------------------------------------------------------------------------------------


def rules() -> str:
    """The rules of the narrative: what may be said, when, in which words."""
    read = _toml("reports/narrative.toml")
    words = _toml("reports/text/en.toml")
    parts = [f"### {part}\n\n{_rule_table(members, read, words)}" for part, members in _by_part(read["rule"])]
    return "\n\n".join(parts)


def _by_part(rule: dict[str, dict[str, Any]]) -> Iterator[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    for part, members in groupby(rule.items(), lambda item: item[1]["part"]):
        yield part, list(members)


def _rule_table(members: list[tuple[str, dict[str, Any]]], read: dict[str, Any], words: dict[str, Any]) -> str:
    rows = [
        [code(name), plain(_at(words, rule["says"])), _condition(rule), plain(read["source"][rule["source"]])]
        for name, rule in members
    ]
    return table(["rule", "sentence", "when", "source of its threshold"], rows)


def _condition(rule: dict[str, Any]) -> str:
    if "lacks" in rule:
        return f"not measured: {', '.join(map(code, rule['lacks']))}"
    return code(rule["when"]) if "when" in rule else f"measured: {', '.join(map(code, rule['uses']))}"


def _toml(path: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / path).read_text(encoding="utf-8"))


def _at(tree: Any, path: str) -> Any:
    """A value of nested tables by its dotted name."""
    for key in path.split("."):
        tree = tree[key]
    return tree


# --- tables of a night -----------------------------------------------------------------------------


def columns() -> str:
    """The columns of each table of a night, with their types."""
    from holter2sleep.phenotypes.averages import AVERAGE_SCHEMA
    from holter2sleep.phenotypes.cross import CROSS_SCHEMA
    from holter2sleep.phenotypes.epochs import BEAT_SCHEMA, EPISODE_SCHEMA, EPOCH_SCHEMA
    from holter2sleep.phenotypes.files import AS_CSV, STRIP_SCHEMA
    from holter2sleep.phenotypes.table import PHENOTYPE_SCHEMA

    schemas = {
        "phenotypes": PHENOTYPE_SCHEMA,
        "cardio_sleep": CROSS_SCHEMA,
        "epochs": EPOCH_SCHEMA,
        "beats": BEAT_SCHEMA,
        "episodes": EPISODE_SCHEMA,
        "strips": STRIP_SCHEMA,
        "averages": AVERAGE_SCHEMA,
    }
    return "\n\n".join(
        f"### {name}.parquet{f', {name}.csv' if name in AS_CSV else ''}\n\n{_columns_of(schema)}"
        for name, schema in schemas.items()
    )


def _columns_of(schema: Mapping[str, object]) -> str:
    return ", ".join(f"{code(name)} {plain(str(kind))}" for name, kind in schema.items())

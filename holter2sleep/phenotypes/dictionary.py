"""The phenotype dictionary: one entry for every number that leaves the program.

`dictionary.toml` drives the table's schema, `holter2sleep phenotypes`, the report's labels and the docs.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import io
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holter2sleep.night import HANDLINGS, STAGE_STRATA

UNITS = frozenset({"ms", "ms2", "s", "min", "h", "bpm", "Hz", "nu", "%", "count", "count/h", "ratio", "mV", "1"})
DIMENSIONS = frozenset({"structural", "intensity", "functional", "comparative"})  # after ECGomics
# What a night must have before the number means anything; absent -> not_applicable. A stratum's name asks for a
# staging scheme that tells it apart.
NEEDS = frozenset({"waveform", "millivolt", "beats", "beat_classes", "stages", *STAGE_STRATA})
# Sets of strata by the word before the underscore: `hour` stands for hour_01, hour_02 and so on.
STRATA_SETS: dict[str, tuple[str, ...]] = {
    "night": ("night",),
    "stages": ("night", *STAGE_STRATA),
    "all": ("night", *STAGE_STRATA, "hour", "cycle", "third", "event", "day", "bed"),
}

# What a domain with `handlings = true` says of the entries it yields for each handling of ectopic beats
HANDLED = {
    "raw": (
        "before ectopy handling",
        "Before ectopy handling: of all RR intervals between successive usable beats of any class outside AF.",
    ),
    "corrected": (
        "ectopy corrected",
        "Of the RR intervals outside AF; ectopic, missed and extra beats corrected (Lipponen 2019), not removed.",
    ),
}


@dataclass(frozen=True)
class Entry:
    """One phenotype: its meaning never changes under the same name."""

    name: str
    domain: str
    label: str
    dimension: str
    unit: str
    decimals: int  # digits behind the point on paper
    definition: str
    reference: str
    plausible: tuple[float, float]  # a data check, not a normal range
    strata: str  # key of STRATA_SETS
    needs: tuple[str, ...]
    counts: str  # what `n` counts
    minimum_n: int
    minimum_coverage_s: float
    transform: str  # for models: none, log, logit, rank
    nsrr: str  # harmonised id, empty where there is none

    def text(self, value: float | None) -> str:
        """The value as printed on paper, without unit; a dash when there is none."""
        return "-" if value is None else f"{value:z.{self.decimals}f}"  # z: no -0.0


@functools.cache
def load_dictionary() -> dict[str, Entry]:
    """All entries in reading order, by name.

    Raises
    ------
    ValueError
        An entry with an unknown unit, dimension, need or set of strata.
    """
    entries: dict[str, Entry] = {}
    for domain, section in _sections().items():
        shared = {key: value for key, value in section.items() if not isinstance(value, dict) and key != "handlings"}
        plain = {
            name: _entry(name, domain, {**shared, **own}) for name, own in section.items() if isinstance(own, dict)
        }
        entries |= plain
        for handling in handlings_of(domain):
            entries |= {entry.name: entry for entry in (_handled(entry, handling) for entry in plain.values())}
    return entries


@functools.cache
def _sections() -> dict[str, dict[str, Any]]:
    return tomllib.loads((Path(__file__).parent / "dictionary.toml").read_text(encoding="utf-8"))


def handlings_of(domain: str) -> tuple[str, ...]:
    """Other ways of handling ectopic beats in which a domain's phenotypes are told too (`handlings = true`)."""
    return HANDLINGS if _sections().get(domain, {}).get("handlings") else ()


def handled_name(name: str, handling: str) -> str:
    """Name of a phenotype, or of a domain, under another handling of ectopic beats."""
    return f"{name}_{handling}"


def _handled(entry: Entry, handling: str) -> Entry:
    """The entry of the same measure of another series of intervals."""
    label, sentence = HANDLED[handling]
    return dataclasses.replace(
        entry,
        name=handled_name(entry.name, handling),
        domain=handled_name(entry.domain, handling),
        label=f"{entry.label}, {label}",
        definition=f"{entry.definition} {sentence}",
        nsrr="",
    )


def _entry(name: str, domain: str, facts: dict[str, object]) -> Entry:
    fields = {field.name for field in dataclasses.fields(Entry)}
    if set(facts) | {"name", "domain"} != fields:
        raise ValueError(f"dictionary entry {name!r}: keys {sorted(set(facts) ^ (fields - {'name', 'domain'}))}")
    plausible, needs = facts.pop("plausible"), facts.pop("needs")
    entry = Entry(name=name, domain=domain, plausible=tuple(plausible), needs=tuple(needs), **facts)  # type: ignore[arg-type]
    wrong = {entry.unit} - UNITS | {entry.dimension} - DIMENSIONS | set(entry.needs) - NEEDS
    wrong |= {entry.strata} - set(STRATA_SETS)
    if wrong:
        raise ValueError(f"dictionary entry {name!r}: unknown {sorted(wrong)}")
    return entry


@functools.cache
def entries_of(domain: str) -> dict[str, Entry]:
    """Entries of one domain, by name."""
    return {name: entry for name, entry in load_dictionary().items() if entry.domain == domain}


def as_rows() -> list[dict[str, object]]:
    """The dictionary as plain rows, for JSON and CSV."""
    return [dataclasses.asdict(entry) for entry in load_dictionary().values()]


def as_json() -> str:
    """The dictionary as a JSON list."""
    return json.dumps(as_rows(), indent=2, ensure_ascii=False)


def as_csv() -> str:
    """The dictionary as CSV, one row an entry; lists joined by blanks."""
    rows = [{k: " ".join(map(str, v)) if isinstance(v, tuple) else v for k, v in row.items()} for row in as_rows()]
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def as_markdown() -> str:
    """The dictionary as a page: a table for each domain."""
    lines = ["# Phenotypes", ""]
    for domain in dict.fromkeys(entry.domain for entry in load_dictionary().values()):
        lines += [
            f"## {domain}",
            "",
            "| name | label | unit | strata | definition | reference |",
            "|---|---|---|---|---|---|",
        ]
        for entry in entries_of(domain).values():
            cells = (f"`{entry.name}`", entry.label, entry.unit, entry.strata, entry.definition, entry.reference)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def as_text(width: int = 100) -> str:
    """The dictionary for a terminal: name, unit, label; one line each."""
    lines = []
    for domain in dict.fromkeys(entry.domain for entry in load_dictionary().values()):
        lines.append(domain)
        for entry in entries_of(domain).values():
            lines.append(f"  {entry.name:24} {entry.unit:8} {entry.label}"[:width])
    return "\n".join(lines)

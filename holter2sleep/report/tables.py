"""A finished night as the report reads it: its tables, and each phenotype as a printable cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import polars as pl

from holter2sleep.clock import Clock
from holter2sleep.edits import Edit
from holter2sleep.night import SCHEMES
from holter2sleep.phenotypes.cross import cross_table
from holter2sleep.phenotypes.dictionary import Entry, load_dictionary
from holter2sleep.phenotypes.files import History, NightTables
from holter2sleep.report.words import Words, load_words
from holter2sleep.waveform import Waveform

NO_HISTORY = History()
CLOCK_HOURS = "_clock_h"  # how the names of times of day end
RECOMPUTED = "†"  # behind a number that edits have changed


@dataclass(frozen=True)
class Cell:
    """One phenotype in one stratum. The value is printed only when its status is ok."""

    entry: Entry
    value: float | None
    status: str
    n: int | None
    coverage_s: float | None
    ci_low: float | None
    ci_high: float | None
    words: Words
    recomputed: bool = False  # another number, or none, than before a person edited the night

    @property
    def label(self) -> str:
        """The phenotype's label."""
        return self.words.label(self.entry)

    @property
    def ok(self) -> bool:
        """Whether there is a number to print."""
        return self.status == "ok" and self.value is not None

    @property
    def text(self) -> str:
        """The number rounded by the dictionary, or the reason why there is none."""
        return self._marked(self._printed(self.value) if self.ok else self.words(f"status.{self.status}"))

    @property
    def short(self) -> str:
        """The number, or a mark short enough for a narrow column."""
        return self.text if self.ok else self._marked(self.words(f"status.{self.status}_short"))

    @property
    def with_unit(self) -> str:
        """The number with its unit; a time of day as a clock shows it."""
        if self.ok and self.value is not None and self.entry.name.endswith(CLOCK_HOURS):
            return self._marked(clock_of_hours(self.value))
        return f"{self.text} {unit_text(self.entry)}".rstrip() if self.ok else self.text

    def _marked(self, text: str) -> str:
        return f"{text}{RECOMPUTED}" if self.recomputed else text

    @property
    def interval(self) -> str:
        """The interval that the table holds, or nothing."""
        if not self.ok or self.ci_low is None or self.ci_high is None:
            return ""
        return self.words("number.to", low=self._printed(self.ci_low), high=self._printed(self.ci_high))

    @property
    def shortfall(self) -> tuple[int, int, str] | None:
        """How many there are of how many needed, and of what; None where neither items nor minutes are short."""
        n, coverage_s = self.n or 0, self.coverage_s or 0.0
        if n < self.entry.minimum_n:
            return n, self.entry.minimum_n, self.words.counts(self.entry.counts, self.entry.minimum_n)
        if coverage_s < self.entry.minimum_coverage_s:
            needed = math.ceil(self.entry.minimum_coverage_s / 60)
            return math.floor(coverage_s / 60), needed, self.words("status.minutes")
        return None

    def _printed(self, value: float | None) -> str:
        return self.words.number(self.entry.text(value))


def unit_text(entry: Entry) -> str:
    """A unit as printed: counts and pure numbers have none."""
    return {"count": "", "1": "", "ratio": "", "count/h": "/h", "ms2": "ms²", "bpm": "/min"}.get(entry.unit, entry.unit)


def clock_of_hours(hours: float) -> str:
    """Hours from midnight as a clock shows them.

    Examples
    --------
    >>> clock_of_hours(-1.5), clock_of_hours(0.25)
    ('22:30', '00:15')
    """
    minutes = round(60 * hours) % (24 * 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@dataclass(frozen=True)
class ReportNight:
    """What a night folder holds, ready to print."""

    run: dict[str, Any]
    phenotypes: dict[tuple[str, str], Cell]  # by name, stratum
    cross: pl.DataFrame  # each number in one part of the night against another
    epochs: pl.DataFrame
    beats: pl.DataFrame
    episodes: pl.DataFrame
    strips: pl.DataFrame
    averages: pl.DataFrame
    words: Words
    edits: tuple[Edit, ...] = ()  # the whole log
    waveform: Waveform | None = None  # where the recording itself is shown
    nights: tuple[ReportNight, ...] = ()  # those of one person, where they are shown together

    @property
    def is_edited(self) -> bool:
        """Whether the tables were made with edits that hold."""
        return bool((self.run.get("edits") or {}).get("n"))

    def cell(self, name: str, stratum: str = "night") -> Cell:
        """A phenotype; one that the table lacks is not applicable."""
        found = self.phenotypes.get((name, stratum))
        return found or Cell(load_dictionary()[name], None, "not_applicable", None, None, None, None, self.words)

    @property
    def duration_h(self) -> float:
        """Elapsed hours, gaps included."""
        return float(self.run["duration_s"]) / 3600

    @property
    def clock(self) -> Clock | None:
        """The recording's wall clock; None where its start is unknown."""
        start = self.run["start"]
        return None if start is None else Clock.of_iso(start, self.run.get("time_zone"))

    def time_name(self, seconds: float) -> str:
        """The clock at a time of the recording, or how long after its start that is."""
        if self.clock is not None:
            return f"{self.clock.at(seconds):%H:%M:%S}"
        minutes, rest = divmod(round(seconds), 60)
        return f"+{minutes // 60}:{minutes % 60:02d}:{rest:02d}"

    @property
    def classes(self) -> tuple[str, ...]:
        """Stage letters that the scheme can say."""
        return SCHEMES[self.run["hypnogram"]["scheme"]]

    @property
    def has_no_scale(self) -> bool:
        """Whether nobody says what a millivolt is."""
        return bool(self.run["unit"].get("relative"))  # results of earlier versions do not say

    @property
    def stages_by(self) -> str:
        """Who says the stages: a model that estimates them, or a scored file."""
        known = "head.stages_estimated" if self.stages_estimated else "head.stages_from"
        return self.words(known, scorer=self.run["hypnogram"]["scorer"])

    @property
    def stages_estimated(self) -> bool:
        """Whether a model estimates the stages."""
        return any(model["role"] == "stager" for model in self.run["models"])

    @property
    def hour_strata(self) -> list[str]:
        """`hour_01`, `hour_02`, ... as far as the table goes."""
        found = {stratum for _, stratum in self.phenotypes if stratum.startswith("hour_")}
        return sorted(found, key=lambda stratum: int(stratum.removeprefix("hour_")))


def report_night(tables: NightTables, words: Words | None = None, history: History = NO_HISTORY) -> ReportNight:
    """The night behind the tables of its folder, to be told in a language; English unless said."""
    words = words or load_words()
    return ReportNight(
        run=tables.run,
        phenotypes=_cells(tables.phenotypes, words, history.machine_phenotypes),
        cross=cross_table(tables.phenotypes),
        epochs=tables.epochs,
        beats=tables.beats,
        episodes=tables.episodes,
        strips=tables.strips,
        averages=tables.averages,
        words=words,
        edits=history.edits,
    )


def _cells(table: pl.DataFrame, words: Words, machine: pl.DataFrame | None) -> dict[tuple[str, str], Cell]:
    """Cells by name and stratum; a phenotype that the dictionary does not know cannot be labelled, and is left out."""
    entries, before = load_dictionary(), _values(table if machine is None else machine)
    facts = ("value", "status", "n", "coverage_s", "ci_low", "ci_high")
    cells = {}
    for row in table.select("phenotype", "stratum", *facts).iter_rows(named=True):
        name, key = row["phenotype"], (row["phenotype"], row["stratum"])
        if name in entries:
            changed = before.get(key) != (row["value"], row["status"])
            cells[key] = Cell(entries[name], **{k: row[k] for k in facts}, words=words, recomputed=changed)
    return cells


def _values(table: pl.DataFrame) -> dict[tuple[str, str], tuple[float | None, str]]:
    """Value and status by name and stratum."""
    rows = table.select("phenotype", "stratum", "value", "status").iter_rows()
    return {(name, stratum): (value, status) for name, stratum, value, status in rows}

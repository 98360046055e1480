"""A layout: which sections a report has, in which order, with which phenotypes. Read from TOML."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from holter2sleep.assets import asset
from holter2sleep.choices import check_known, filled, read_toml
from holter2sleep.errors import RecipeError
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.report.words import ENGLISH

# Parts of the night that a layout may show.
STRATA = (
    "night", "sleep", "wake", "nrem", "n1", "n2", "n3", "light", "rem", "third_first", "third_last", "event_after",
    "event_free", "bed", "day",
)  # fmt: skip

# Tracks that are shown of recordings so long that each day is a row.
DAY_TRACKS = ("heart_rate", "hypnogram", "rhythm", "ectopy", "quality")

# Parts of the narrative: of the report, in the order in which it is read, and of the page for the recorded person.
PARTS = ("quality", "rhythm", "sleep", "breathing", "autonomic")
PERSON_PARTS = ("person_recorded", "person_quality", "person_numbers")


@dataclass(frozen=True)
class Limits:
    """Where the page says so, or shows it otherwise; shares in percent."""

    banner_analysable_h: float
    banner_analysable_percent: float
    low_confidence: float
    days_above_h: float  # a longer recording has a row for each day


@dataclass(frozen=True)
class Section:
    """One section: the function that draws it, its words, and what it shows."""

    draw: str
    title: str
    caption: str
    days_caption: str = ""  # in place of it where a long recording has a row for each day
    new_page: bool = False
    size: float = 1.0  # of the figures in SIZED: their height, in parts of their own
    phenotypes: tuple[str, ...] = ()  # `name` or `name:stratum`
    heads: tuple[str, ...] = ()  # short headings of a table's columns, one for each phenotype
    text: tuple[str, ...] = ()  # sentences printed as they are
    strata: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()  # of the narrative, as PARTS or PERSON_PARTS


# Keys without which a section has nothing to show.
NEEDED: dict[str, tuple[str, ...]] = {
    "quality": ("phenotypes", "heads"),
    "key_numbers": ("phenotypes",),
    "night_figure": ("tracks",),
    "hourly": ("phenotypes", "heads"),
    "phenotype_table": ("phenotypes",),
    "stage_table": ("strata", "phenotypes", "heads"),
    "averaged_beats": ("strata", "phenotypes", "heads"),
    "contrasts": ("strata", "phenotypes"),
    "limits": ("text",),
    "nights_table": ("phenotypes", "heads"),
    "nights_figure": ("tracks",),
    "findings": ("parts",),
    "plain_text": ("text",),
    "plain_sentences": ("parts",),
}
SIZED, SIZES = ("night_figure", "rr_pictures"), (0.6, 1.5)  # smaller cannot be read, larger leaves the page
STRATUM_A_ROW = ("hourly", "stage_table", "averaged_beats", "contrasts")  # their phenotypes are bare names
LETTERED = ("phenotype_table", *STRATUM_A_ROW)  # tables that sentences point to


@dataclass(frozen=True)
class Layout:
    """A whole report."""

    title: str
    limits: Limits
    section: tuple[Section, ...]
    language: str = ENGLISH  # a shipped language, or a catalogue file

    def shows_days(self, duration_h: float) -> bool:
        """Whether a recording is so long that it is shown day by day."""
        return duration_h > self.limits.days_above_h

    def tracks(self, duration_h: float) -> tuple[str, ...]:
        """The tracks of the figure of a recording."""
        tracks = next((section.tracks for section in self.section if section.tracks), ())
        return tuple(track for track in tracks if track in DAY_TRACKS) if self.shows_days(duration_h) else tracks

    def track_letters(self, duration_h: float) -> dict[str, str]:
        """The letter of each track of the figure of a recording."""
        return {track: chr(ord("a") + i) for i, track in enumerate(self.tracks(duration_h))}

    def table_letter(self, section: Section) -> str:
        """`T1`, `T2`, ... for the tables in their order; nothing for other sections."""
        tables = [each for each in self.section if each.draw in LETTERED]
        return f"T{tables.index(section) + 1}" if section in tables else ""

    def letter_of_table(self, phenotype: str, stratum: str) -> str:
        """The letter of the first table that shows a phenotype in a part of the night; nothing where none does."""
        shown = (self.table_letter(each) for each in self.section if _shows(each, phenotype, stratum))
        return next((letter for letter in shown if letter), "")


def _shows(section: Section, phenotype: str, stratum: str) -> bool:
    if section.draw in STRATUM_A_ROW:
        return phenotype in section.phenotypes and stratum in (section.strata or ("night",))
    return (phenotype, stratum) in map(split_name, section.phenotypes)


def read_layout(
    path: Path | None, drawn: Collection[str], tracks: Collection[str], shipped: str = "patient.toml"
) -> Layout:
    """The layout in a file, or the shipped `reports/patient.toml` or another beside it.

    Raises
    ------
    RecipeError
        Unreadable file; unknown key, section, track, stratum or phenotype (the message suggests the nearest);
        a value of the wrong kind; a section without what it shows.
    """
    path = path or asset("reports", shipped)
    where = f"Layout {path.name}"
    layout: Layout = filled(Layout, read_toml(path, where), where)
    for section in layout.section:
        _check_section(section, f"{where}, section {section.draw!r}", drawn, tracks)
    return layout


def _check_section(section: Section, where: str, drawn: Collection[str], tracks: Collection[str]) -> None:
    check_known([section.draw], drawn, f"{where}: draw")
    for key in NEEDED.get(section.draw, ()):
        if not getattr(section, key):
            raise RecipeError(f"{where}: {key} is missing or empty; give a list, as reports/patient.toml does")
    if section.size != 1 and not (section.draw in SIZED and SIZES[0] <= section.size <= SIZES[1]):
        what = f"{SIZES[0]:g} to {SIZES[1]:g}, of {' or '.join(SIZED)} alone; strips have their true scale"
        raise RecipeError(f"{where}: size = {section.size:g}; give {what}")
    shown = [split_name(name) for name in section.phenotypes]
    check_known(section.tracks, tracks, f"{where}: track")
    check_known(section.strata, STRATA, f"{where}: stratum")
    check_known(section.parts, (*PARTS, *PERSON_PARTS), f"{where}: part")
    check_known([name for name, _ in shown], load_dictionary(), f"{where}: phenotype")
    check_known([stratum for _, stratum in shown], STRATA, f"{where}: stratum")
    if section.draw == "contrasts" and len(section.strata) != 2:
        raise RecipeError(f"{where}: strata holds {len(section.strata)}; give two, the second is compared with")
    for name in section.phenotypes:
        if section.draw in STRATUM_A_ROW and ":" in name:
            raise RecipeError(
                f"{where}: phenotype {name!r} names a stratum, but each row is one; write {name[: name.index(':')]!r}"
            )
    if section.heads and len(section.heads) != len(shown):
        counts = f"{len(section.heads)} heads for {len(shown)} phenotypes"
        raise RecipeError(f"{where}: {counts}; give one head for each phenotype")


def split_name(shown: str) -> tuple[str, str]:
    """Phenotype and stratum of `name` or `name:stratum`.

    Examples
    --------
    >>> split_name("rmssd:nrem"), split_name("tst")
    (('rmssd', 'nrem'), ('tst', 'night'))
    """
    name, _, stratum = shown.partition(":")
    return name, stratum or "night"

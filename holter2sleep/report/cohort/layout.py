"""The layout of a cohort's PDF: which sections, of which phenotypes and groups. Read from TOML."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from holter2sleep.assets import asset
from holter2sleep.choices import check_known, filled, read_toml
from holter2sleep.errors import RecipeError
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.wide import column
from holter2sleep.report.cohort.stages import MINUTES
from holter2sleep.report.layout import STRATA, Section, split_name
from holter2sleep.report.words import ENGLISH

SHIPPED = "cohort.toml"


@dataclass(frozen=True)
class CohortLimits:
    """What is shown of small groups and odd nights."""

    smallest_group: int  # persons; 0 shows every group
    most_groups: int  # of one column
    far_out_iqr: float  # beyond the quartiles, in interquartile ranges
    most_outliers: int  # of a phenotype
    most_nights_of_epochs: int
    most_hits: int  # exposures in the forest of a model
    age_bands: tuple[float, ...]  # years, lower ends of all bands but the first


@dataclass(frozen=True)
class CohortSection(Section):
    """A section of the cohort's PDF."""

    by: tuple[str, ...] = ()  # columns that part persons into groups


# Keys without which a section has nothing to show.
NEEDED: dict[str, tuple[str, ...]] = {
    "distributions": ("phenotypes",),
    "outliers": ("phenotypes",),
    "heat_map": ("phenotypes", "strata"),
    "reliability": ("phenotypes",),
    "limits": ("text",),
}


@dataclass(frozen=True)
class CohortLayout:
    """The whole PDF."""

    title: str
    limits: CohortLimits
    section: tuple[CohortSection, ...]
    language: str = ENGLISH

    @property
    def shown(self) -> list[tuple[str, str]]:
        """Phenotype and stratum of every number the sections show, each once."""
        shown = [key for section in self.section for key in keys_of(section)]
        return list(dict.fromkeys(shown))

    @property
    def columns(self) -> list[str]:
        """The same as columns of the wide tables."""
        return [column(*key) for key in self.shown]

    @property
    def by(self) -> list[str]:
        """The columns that part persons into groups, each once."""
        return list(dict.fromkeys(name for section in self.section for name in section.by))


def keys_of(section: CohortSection) -> list[tuple[str, str]]:
    """Phenotypes and strata of a section; where strata are columns, the whole night is what they are held against."""
    if section.draw == "stages":
        return [(name, "night") for name in MINUTES]
    if section.strata:
        return [(name, stratum) for name in section.phenotypes for stratum in ("night", *section.strata)]
    return [split_name(name) for name in section.phenotypes]


def read_cohort_layout(path: Path | None, drawn: Collection[str]) -> CohortLayout:
    """The layout in a file, or the shipped `reports/cohort.toml`.

    Raises
    ------
    RecipeError
        Unreadable file; unknown key, section, stratum or phenotype; a value of the wrong kind; bands out of order; a
        section without what it shows.
    """
    path = path or asset("reports", SHIPPED)
    where = f"Layout {path.name}"
    layout: CohortLayout = filled(CohortLayout, read_toml(path, where), where)
    limits = layout.limits
    if not limits.age_bands or list(limits.age_bands) != sorted(set(limits.age_bands)):
        raise RecipeError(f"{where}, limits: age_bands = {list(limits.age_bands)}; give rising ages, such as [40, 60]")
    for section in layout.section:
        _check(section, f"{where}, section {section.draw!r}", drawn)
    return layout


def _check(section: CohortSection, where: str, drawn: Collection[str]) -> None:
    check_known([section.draw], drawn, f"{where}: draw")
    for key in NEEDED.get(section.draw, ()):
        if not getattr(section, key):
            raise RecipeError(f"{where}: {key} is missing or empty; give a list, as reports/{SHIPPED} does")
    check_known([name for name, _ in keys_of(section)], load_dictionary(), f"{where}: phenotype")
    check_known([stratum for _, stratum in keys_of(section)], STRATA, f"{where}: stratum")

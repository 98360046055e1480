"""Which groups a night belongs to: age, sex, apnoea, fibrillation, quality, and what a table of the user says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep.errors import UsageError
from holter2sleep.evaluate.people import read_people
from holter2sleep.phenotypes.files import read_table

MIN_SUBJECTS = 5  # below it a figure says more of the few people than of their group
MOST_GROUPS = 12  # of one heading; a column with more holds measurements, not groups


@dataclass(frozen=True)
class Bands:
    """A measurement as groups: heading, unit, and the lower edges of all groups but the first."""

    heading: str
    unit: str
    edges: tuple[float, ...]

    def of(self, value: float) -> str:
        """The group of a value.

        Examples
        --------
        >>> Bands("AHI", "/h", (5.0, 15.0)).of(5.0)
        '5 to below 15 /h'
        """
        at = sum(value >= edge for edge in self.edges)
        unit = f" {self.unit}".rstrip()
        if at == 0:
            return f"below {self.edges[0]:g}{unit}"
        if at == len(self.edges):
            return f"{self.edges[-1]:g} and more{unit}"
        return f"{self.edges[at - 1]:g} to below {self.edges[at]:g}{unit}"


def band_order(group: str) -> tuple[int, float, str]:
    """Sorts bands by their edges, and words behind them by the alphabet.

    Examples
    --------
    >>> sorted(["60 and more years", "below 40 years", "40 to below 60 years", "F"], key=band_order)
    ['below 40 years', '40 to below 60 years', '60 and more years', 'F']
    """
    first = group.removeprefix("below ").split()[0]
    number = first.replace(".", "", 1).isdigit()
    return (0, float(first) - group.startswith("below "), group) if number else (1, 0.0, group)


AHI_EDGES = (5.0, 15.0, 30.0)  # AASM Task Force 1999 (Sleep 22:667)
# By column of a table of groups, or phenotype of a night. Edges but those of the AHI are a choice: they halve
# adult life, tell any AF from none (0.1 % is the shortest episode of 30 s in a night of 8 h), and few lost minutes.
BANDS = {
    "age": Bands("age", "years", (40.0, 60.0)),
    "ahi": Bands("AHI", "/h", AHI_EDGES),
    "ahi_ecg": Bands("AHI by ECG", "/h", AHI_EDGES),
    "af_burden": Bands("AF burden", "%", (0.1,)),
    "analysable_share": Bands("analysable", "%", (90.0,)),
}
_PHENOTYPES = ("ahi_ecg", "af_burden", "analysable_share")


def groups_found(night_dir: Path, run: Mapping[str, Any]) -> dict[str, str]:
    """Groups of a night by what its folder says; what is unknown is in none."""
    subject = run.get("subject") or {}
    told = {"age": subject.get("age")} | _phenotypes(night_dir / "phenotypes.parquet")
    groups = {BANDS[name].heading: BANDS[name].of(value) for name, value in told.items() if value is not None}
    return groups | ({"sex": subject["sex"]} if subject.get("sex") else {})


def _phenotypes(path: Path) -> dict[str, float | None]:
    if not path.is_file():
        return {}
    of_night = read_table(path).filter(
        (pl.col("stratum") == "night") & pl.col("phenotype").is_in(_PHENOTYPES) & (pl.col("status") == "ok")
    )
    return dict(of_night.select("phenotype", "value").iter_rows())


def groups_told(recording_ids: Sequence[str], table: Path) -> list[dict[str, str]]:
    """Groups of each recording by a CSV with `recording_id` and a column for each heading; an empty cell is in none.

    `age`, `ahi`, `af_burden` and `analysable_share` are numbers and become bands; any other text is a group.

    Raises
    ------
    UsageError
        The table lacks a column or a recording, holds a word for a number, or a column of measurements.
    """
    people = read_people(table, recording_ids, "a heading")
    headings = [name for name in people.columns if name not in ("recording_id", "subject_id")]
    for name in headings:
        if name not in BANDS and people[name].n_unique() > MOST_GROUPS:
            raise UsageError(
                f"{table}: column {name} has {people[name].n_unique()} different values; groups are at most "
                f"{MOST_GROUPS}: put measurements into bands first"
            )
    rows = {row["recording_id"]: row for row in people.iter_rows(named=True)}
    return [
        dict(_group(table, name, rows[recording_id][name]) for name in headings if rows[recording_id][name])
        for recording_id in recording_ids
    ]


def _group(table: Path, name: str, text: str) -> tuple[str, str]:
    """Heading and group of one cell."""
    if name not in BANDS:
        return name, text
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{table}: {name} {text!r} is no number")
    return BANDS[name].heading, BANDS[name].of(value)

"""What the folder of a cohort holds, as its PDF reads it: only the columns that are shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep.errors import RecordingError
from holter2sleep.io.files import check_folder, sha256_of
from holter2sleep.phenotypes.cohort_folder import COHORT, SEAL, WHERE, is_sealed, without_cohort
from holter2sleep.phenotypes.dictionary import Entry, load_dictionary
from holter2sleep.phenotypes.wide import NAME, column
from holter2sleep.report.cohort.layout import CohortLayout
from holter2sleep.report.tables import unit_text
from holter2sleep.report.words import Words

STUDY = "associations"  # folder of the study, beside those of the nights
NO_NUMBER = "-"
STATUSES = ("ok", "insufficient_data", "not_applicable", "implausible", "absent")
Schema = dict[str, pl.DataType | type[pl.DataType]]

FLOW = ("entered", "unreadable", "nights_finished", "made_by", "exclusions", "steps", "nights", "subjects")
# What of the tables is shown; they hold more.
QUALITY: Schema = {
    "phenotype": pl.String,
    "stratum": pl.String,
    "domain": pl.String,
    **{f"n_{status}": pl.Int64 for status in STATUSES},
}
QUALITY_NIGHTS: Schema = {
    "recording_id": pl.String,
    "analysable_time": pl.Float64,
    "analysable_share": pl.Float64,
    "sqi_mean": pl.Float64,
    "ok_share": pl.Float64,
    "n_implausible": pl.Int64,
    "n_problems": pl.Int64,
    "n_warnings": pl.Int64,
    "other_version": pl.Boolean,
    "other_recipe": pl.Boolean,
    "other_scorer": pl.Boolean,
    "same_input_as": pl.String,
}
RELIABILITY: Schema = {
    "phenotype": pl.String,
    "stratum": pl.String,
    "n_subjects": pl.Int64,
    "n_nights": pl.Int64,
    **dict.fromkeys(("icc", "icc_low", "icc_high", "within_sd", "nights_needed"), pl.Float64),
    **dict.fromkeys(("first_night_effect", "first_night_low", "first_night_high"), pl.Float64),
}
AUDIT: Schema = {
    **dict.fromkeys(("attribute", "group", "measure", "kind"), pl.String),
    "n_subjects": pl.Int64,
    **dict.fromkeys(("value", "rest", "difference", "difference_low", "difference_high", "q", "margin"), pl.Float64),
    "flagged": pl.Boolean,
    "status": pl.String,
}


@dataclass(frozen=True)
class Study:
    """An association study of the cohort."""

    associations: pl.DataFrame
    title: str
    nights_sha256: str  # of the table it was made from
    methods: str


@dataclass(frozen=True, eq=False)
class Cohort:
    """The tables of a cohort, ready to draw; a night is a row of `nights`, a person one of `persons`."""

    directory: Path
    flow: dict[str, Any]
    nights: pl.DataFrame  # facts, groups and numbers shown
    persons: pl.DataFrame  # groups, and means over the nights of the numbers shown
    implausible: pl.DataFrame  # recording_id, column, value
    quality: pl.DataFrame
    quality_nights: pl.DataFrame
    reliability: pl.DataFrame
    audit: pl.DataFrame | None
    study: Study | None
    hashes: dict[str, str]  # of files, by name
    words: Words

    def label(self, name: str, stratum: str) -> str:
        """A phenotype in a part of the night, with its unit."""
        entry = load_dictionary()[name]
        told = [self.words.label(entry), self.words.stratum(stratum), unit_text(entry)]
        return ", ".join(word for word in told if word)

    def printed(self, entry: Entry, value: float | None) -> str:
        """A value as the dictionary rounds it."""
        return self.number(value, entry.decimals)

    def number(self, value: float | None, decimals: int, sign: bool = False) -> str:
        """A value with so many decimals; a dash where there is none."""
        if value is None:
            return NO_NUMBER
        rounded = round(value, decimals) + 0.0  # no minus before a zero
        printed = self.words.number(f"{rounded:{'+' if sign and rounded else ''}.{decimals}f}")
        return printed.replace("-", "\N{MINUS SIGN}")

    def spanned(self, value: str, low: str, high: str) -> str:
        """A printed value with the ends of its interval in brackets; alone where it has none."""
        return value if NO_NUMBER in (low, high) else f"{value} ({self.words('number.to', low=low, high=high)})"

    def plausible(self, entry: Entry) -> str:
        """The plausible range of a phenotype."""
        low, high = (self.words.number(f"{end:g}") for end in entry.plausible)
        return self.words("number.to", low=low, high=high)


def read_cohort(directory: Path, layout: CohortLayout, words: Words) -> Cohort:
    """The tables of `directory/cohort`, and of `directory/associations` where there is one.

    Raises
    ------
    UsageError
        No such folder.
    RecordingError
        No finished cohort, or a table that is none of one.
    """
    check_folder(directory, WHERE)
    folder = directory / COHORT
    if not is_sealed(folder):
        raise RecordingError(without_cohort(directory, SEAL))
    try:
        return _read(directory, folder, layout, words)
    except (OSError, ValueError, KeyError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        found = next(iter(str(error).splitlines()), type(error).__name__)
        said = f"{directory}: a table of its cohort or study is missing or broken ({found})"
        raise RecordingError(f"{said}; run holter2sleep cohort, and associate where there is a study, again") from None


def _read(directory: Path, folder: Path, layout: CohortLayout, words: Words) -> Cohort:
    facts: Schema = {"recording_id": pl.String, "subject": pl.String}
    audit = folder / "audit.csv"
    nights = _wide(folder / "nights.parquet", facts, layout)
    # it has a row for the nights that were left out, too
    quality_nights = _csv(folder / "quality_nights.csv", QUALITY_NIGHTS).join(nights, on="recording_id", how="semi")
    return Cohort(
        directory=directory,
        flow=flow_of_file(folder / SEAL),
        nights=nights,
        persons=_wide(folder / "subjects.parquet", {"subject": pl.String}, layout),
        implausible=_implausible(folder / "phenotypes.parquet", layout.columns),
        quality=_csv(folder / "quality.csv", QUALITY),
        quality_nights=quality_nights,
        reliability=_csv(folder / "reliability.csv", RELIABILITY),
        audit=_csv(audit, AUDIT) if audit.is_file() else None,
        study=_study(directory / STUDY),
        hashes={name: sha256_of([folder / name]) for name in (SEAL, "nights.parquet", "quality.csv")},
        words=words,
    )


def flow_of_file(path: Path) -> dict[str, Any]:
    """The content of `flow.json`.

    Raises
    ------
    ValueError
        It is none, or lacks a key.
    """
    flow = json.loads(path.read_text(encoding="utf-8"))
    lacking = [key for key in FLOW if not isinstance(flow, dict) or key not in flow]
    if lacking:
        raise ValueError(f"{path.name} lacks {lacking[0]!r}")
    return dict(flow)


def _csv(path: Path, schema: Schema) -> pl.DataFrame:
    return pl.read_csv(path, columns=list(schema), schema_overrides=schema).select(*schema)


def _wide(path: Path, facts: Schema, layout: CohortLayout) -> pl.DataFrame:
    """Facts, groups as words but for the age, and numbers; a number that no night has is null."""
    table = pl.scan_parquet(path)
    found = table.collect_schema()
    groups = [pl.col(name).cast(pl.String) for name in layout.by if name in found and name != "age"]
    numbers = [
        (pl.col(name) if name in found else pl.lit(None)).cast(pl.Float64).alias(name)
        for name in dict.fromkeys(("age", *layout.columns))
    ]
    return table.select(*(pl.col(name).cast(kind) for name, kind in facts.items()), *groups, *numbers).collect()


def _implausible(path: Path, columns: list[str]) -> pl.DataFrame:
    """Values that are shown but for lying outside their plausible range: the wide tables leave them out."""
    return (
        pl.scan_parquet(path)
        .filter(pl.col("status") == "implausible")
        .select("recording_id", "value", column=NAME)
        .filter(pl.col("column").is_in(columns))
        .collect(engine="streaming")
    )


def _study(folder: Path) -> Study | None:
    if not (folder / "study.json").is_file():
        return None
    facts = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    return Study(
        pl.read_parquet(folder / "associations.parquet"),
        facts["title"],
        facts["cohort"]["sha256"],
        (folder / "methods.md").read_text(encoding="utf-8"),
    )


def values_of(table: pl.DataFrame, name: str, stratum: str) -> pl.Series:
    """The numbers there are of a phenotype in a part of the night."""
    return table[column(name, stratum)].drop_nulls()

"""A cohort as a BIDS derivative: who took part, and the beats, episodes, stages and numbers of each night.

No date leaves: times are seconds from the first sample, sessions are numbers or visits, ages from 89 on are one group.

References
----------
Brain Imaging Data Structure 1.10: derivatives, participants file, task events.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep import __version__
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.export.bids import bids_json, bids_label, bids_tables, bids_tsv
from holter2sleep.export.finished import FinishedNight, read_finished
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.files import fill_folder
from holter2sleep.privacy import OLDEST_YEARS

VERSION = "1.10.0"
_IGNORED = ("*_hypnogram.tsv", "*_hypnogram.json", "*_phenotypes.tsv", "*_phenotypes.json")  # no names of the standard


def check_new(folder: Path) -> None:
    """Whether a folder is free to be filled.

    Raises
    ------
    UsageError
        Something is there.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UsageError(f"--bids {folder}: is there already; give a new folder")


def write_bids(folder: Path, name: str, nights: pl.DataFrame, runs: pl.DataFrame) -> dict[str, str]:
    """Write the derivative, complete or not at all; why nights are not in it, by the name of their folder.

    Parameters
    ----------
    name
        Of the data set.
    nights, runs
        Wide table and runs of the nights, in the same order.

    Raises
    ------
    UsageError
        Two subjects or sessions that BIDS cannot tell apart.
    OutputError
        The disk is full, or cannot be written.
    """
    stems = stems_of(nights)
    broken: dict[str, str] = {}

    def write(new: Path) -> None:
        for path, content in {**_root_files(name), **_participants(stems)}.items():
            (new / path).write_bytes(content)
        for night, stem in zip(runs["folder"], stems["stem"], strict=True):
            try:
                _write_night(new, stem, read_finished(Path(night)))
            except RecordingError as error:
                broken[Path(night).name] = str(error)

    fill_folder(folder, write)
    return broken


def stems_of(nights: pl.DataFrame) -> pl.DataFrame:
    """The beginning of each night's file names, with what is told of its subject.

    A subject without an id of the manifest is named by its first recording. Sessions are the visits where these tell
    all nights of a subject apart, else the numbers of the nights, else their order.

    Raises
    ------
    UsageError
        Two subjects have one label.
    """
    first = pl.col("recording").first().over("subject")
    known = pl.when(pl.col("subject").str.contains(r"^[0-9a-f]{64}$")).then(first).otherwise("subject")
    told = nights.select(
        "subject",
        "age",
        "sex",
        name=known,
        visit="visit" if "visit" in nights.columns else pl.lit(None),
        order=_order(),
    )
    labels = [bids_label(name) for name in told["name"]]
    visits = ["".join(filter(str.isalnum, str(visit))) if visit is not None else "" for visit in told["visit"]]
    table = told.with_columns(label=pl.Series(labels, dtype=pl.String), visit=pl.Series(visits, dtype=pl.String))
    clash = table.filter(pl.col("subject").n_unique().over(pl.col("label").str.to_lowercase()) > 1)
    if len(clash):
        raise UsageError(f"BIDS would call two subjects sub-{clash['label'][0]}; rename one in the manifest")
    told_apart = (pl.col("visit") != "").all().over("label") & (
        pl.col("visit").n_unique().over("label") == pl.len().over("label")
    )
    session = pl.when(told_apart).then("visit").otherwise(pl.col("order").cast(pl.String).str.zfill(2))
    return table.with_columns(stem=pl.format("sub-{}_ses-{}_task-sleep", "label", session))


def _order() -> pl.Expr:
    """The night's number, where it is known of all nights of the subject; else the place in the table."""
    number = pl.col("night_number")
    place = pl.int_range(1, pl.len() + 1).over("subject")
    return pl.when(number.is_not_null().all().over("subject")).then(number).otherwise(place)


def _write_night(new: Path, stem: str, night: FinishedNight) -> None:
    subject, session, _ = stem.split("_")
    folder = new / subject / session / "beh"
    folder.mkdir(parents=True)
    files = bids_tables(night, stem) | {
        f"{stem}_phenotypes.tsv": bids_tsv(night.tables.phenotypes.drop("recording_id"))
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _root_files(name: str) -> dict[str, bytes]:
    description = {
        "Name": name,
        "BIDSVersion": VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "holter2sleep", "Version": __version__}],
    }
    readme = "Beats, episodes, stages and numbers that holter2sleep found in single-lead ECGs. Research use only: no\n"
    return {
        "dataset_description.json": bids_json(description),
        "README": (readme + "diagnosis; every automatic statement is unconfirmed.\n").encode(),
        ".bidsignore": ("\n".join(_IGNORED) + "\n").encode(),
        "task-sleep_phenotypes.json": bids_json(_PHENOTYPE_COLUMNS | {"phenotype": _phenotypes()}),
    }


_PHENOTYPE_COLUMNS: dict[str, Any] = {
    "stratum": {"Description": "part of the night: night, a kind of stage, an hour, a third, or around events"},
    "value": {"Description": "n/a unless the status is ok or implausible"},
    "unit": {"Description": "unit of the value"},
    "status": {
        "Description": "why there is a value, or none",
        "Levels": {
            "ok": "measured",
            "insufficient_data": "too little signal",
            "not_applicable": "the recording or the stages cannot say it",
            "implausible": "measured, outside the plausible range of the dictionary",
        },
    },
    "n": {"Description": "what was counted for it: beats, epochs, ..."},
    "coverage_s": {"Description": "analysable time behind it", "Units": "s"},
    "ci_low": {"Description": "lower end of the interval, where one is defined"},
    "ci_high": {"Description": "upper end of the interval, where one is defined"},
}


def _phenotypes() -> dict[str, Any]:
    words = {entry.name: f"{entry.label} ({entry.unit}). {entry.definition}" for entry in load_dictionary().values()}
    return {"Description": "what was measured", "Levels": words}


def _participants(stems: pl.DataFrame) -> dict[str, bytes]:
    """One row for each subject; age and sex are those of the first night that tells them."""
    age = pl.col("age").drop_nulls().first()
    old = pl.when(age >= OLDEST_YEARS).then(pl.lit(f"{OLDEST_YEARS}+")).otherwise(age.round(1).cast(pl.String))
    table = stems.group_by("label", maintain_order=True).agg(
        age=old, sex=pl.col("sex").drop_nulls().first(), n_sessions=pl.len()
    )
    columns = {
        "age": {"Description": f"age at the first night, {OLDEST_YEARS}+ from {OLDEST_YEARS} on", "Units": "year"},
        "sex": {"Description": "sex", "Levels": {"F": "female", "M": "male"}},
        "n_sessions": {"Description": "nights in this data set"},
    }
    rows = table.select(pl.format("sub-{}", "label").alias("participant_id"), pl.exclude("label"))
    return {"participants.tsv": bids_tsv(rows), "participants.json": bids_json(columns)}

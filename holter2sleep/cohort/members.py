"""Which nights of a folder are a cohort's: those of the manifest that `batch` was given last, without the failed."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep.errors import RecordingError
from holter2sleep.phenotypes.files import read_table

MANIFEST = Path("batch", "manifest.parquet")  # what batch keeps of a manifest: ids, and the columns that travel along
FAILURES = "failures.csv"
FAILURE_COLUMNS = ("recording_id", "step", "error", "message")
OF_MANIFEST = "manifest"  # step of a row that could not be used


@dataclass(frozen=True)
class Members:
    """The nights of a cohort.

    `flow` counts recordings: those that entered, what became of them, and folders that are no night of theirs.
    """

    folders: tuple[Path, ...]
    columns: pl.DataFrame | None = None  # by `recording_id`, None where there was no manifest
    flow: dict[str, Any] = field(default_factory=dict)

    @property
    def subjects(self) -> dict[str, str]:
        """The subject of each recording that the manifest names."""
        if self.columns is None or "subject_id" not in self.columns.columns:
            return {}
        known = self.columns.filter(pl.col("subject_id").is_not_null())
        return dict(zip(known["recording_id"], known["subject_id"], strict=True))


def members_of(directory: Path, runs: Mapping[Path, dict[str, Any] | None]) -> Members:
    """The nights among the folders, given with what their `run.json` says; without a manifest, all of them."""
    folders = tuple(runs)
    if not (directory / MANIFEST).is_file():
        return Members(folders, None, {"entered": len(folders), "nights": len(folders)})
    columns = read_table(directory / MANIFEST)
    entered = set(columns["recording_id"])
    n_bad, errors = _errors(directory)
    whole = {folder: recording_of(run or {}, folder.name) for folder, run in runs.items()}
    ours = {folder: name for folder, name in whole.items() if name in entered}
    # an older night may still stand where the analysis by another recipe or version has failed
    kept = tuple(folder for folder, name in ours.items() if not {name, folder.name} & errors.keys())
    failed = Counter(error for name, error in errors.items() if name in entered)
    finished = {ours[folder] for folder in kept}
    flow = {
        "entered": len(entered) + n_bad,
        "bad_rows": n_bad,
        "finished": len(finished),
        "failed": sum(failed.values()),
        "failed_by_error": dict(sorted(failed.items())),
        "not_analysed": len(entered - finished - errors.keys()),
        "nights": len(kept),
        "folders_not_in_manifest": len(folders) - len(ours),
        "folders_of_failed_recordings": len(ours) - len(kept),
        "nights_failed_within_recordings": len(errors.keys() - entered),
    }
    return Members(kept, columns, flow)


def recording_of(run: dict[str, Any], name: str) -> str:
    """The recording that a night was cut from, or its own id."""
    part = run.get("part")
    return str(part["of"]) if part else str(run.get("recording_id", name))


def _errors(directory: Path) -> tuple[int, dict[str, str]]:
    """Rows of the manifest that could not be used, and what nights failed with; nothing without a `failures.csv`.

    Raises
    ------
    RecordingError
        The file is none that batch wrote.
    """
    path = directory / FAILURES
    if not path.is_file():
        return 0, {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        steps = [row["step"] for row in rows]
    except (UnicodeDecodeError, KeyError, csv.Error):
        raise RecordingError(f"{path}: no failures.csv of batch in UTF-8; run batch again, which writes it") from None
    errors = {row["recording_id"]: row["error"] for row in rows if row["step"] != OF_MANIFEST}
    return steps.count(OF_MANIFEST), errors

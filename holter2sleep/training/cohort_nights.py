"""The labelled recordings of a cohort: each with its scored hypnogram, and whose it is.

A cohort is a folder of recordings with hypnograms of the same stem, or a manifest as `holter2sleep batch` reads it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from holter2sleep.batch.manifest import Row, read_manifest
from holter2sleep.counted import counted
from holter2sleep.errors import UsageError
from holter2sleep.evaluate.people import subjects_of
from holter2sleep.io.files import is_file, is_folder
from holter2sleep.io.hypnogram_names import OF_BEATS, SUFFIXES, hypnogram_of, names_in, without
from holter2sleep.io.hypnograms import holds_stages
from holter2sleep.io.inputs import find_inputs

TABLES = (".csv", ".tsv", ".parquet")


def find_cohort(cohorts: Sequence[Path], subjects: Path | None = None) -> tuple[list[Row], list[str]]:
    """The recordings that have a hypnogram, and the names of those that have none.

    Parameters
    ----------
    cohorts
        Folders and manifests. In a folder, and in those within it, a recording's hypnogram has the same stem and one
        of `SUFFIXES`, or is the annotations of the EDF+ file itself; one beside the recording goes before one that
        lies elsewhere in the cohort.
    subjects
        CSV with recording_id and subject_id; without it a manifest's, else each recording is a person.

    Raises
    ------
    UsageError
        A path that is neither, a manifest with bad rows, two recordings of one name, or no hypnogram anywhere.
    """
    rows = [row for cohort in cohorts for row in _rows(cohort)]
    names = [row.recording_id for row in rows]
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise UsageError(f"Two recordings are called {twice!r}; name them in a manifest with recording_id")
    labelled = [row for row in rows if row.hypnogram is not None]
    if not labelled:
        raise UsageError(
            f"{', '.join(map(str, cohorts))}: {counted(len(rows), 'recording')} and no hypnogram; it has the stem of "
            f"its recording and {', '.join(SUFFIXES[:8])}, or stands in the column hypnogram of a manifest"
        )
    people = subjects_of([row.recording_id for row in labelled], subjects)
    if subjects is None:
        people = [row.subject_id or row.recording_id for row in labelled]
    known = [dataclasses.replace(row, subject_id=who) for row, who in zip(labelled, people, strict=True)]
    return known, [row.recording_id for row in rows if row.hypnogram is None]


def _rows(cohort: Path) -> list[Row]:
    if is_folder(cohort):
        return list(_in_folder(cohort))
    if not is_file(cohort) or cohort.suffix.lower() not in TABLES:
        raise UsageError(f"{cohort}: neither a folder nor a manifest ({', '.join(TABLES)})")
    manifest = read_manifest(cohort)
    if manifest.bad:
        raise UsageError(f"{cohort}: {'; '.join(str(bad) for bad in manifest.bad[:5])}")
    return list(manifest.rows)


# --- a folder --------------------------------------------------------------------------------------


def _in_folder(folder: Path) -> Iterator[Row]:
    index, paths = names_in(folder), find_inputs([folder])
    stems = {path.stem for path in paths}
    for path in paths:
        if not any(without(end, path.stem) in stems for end in OF_BEATS):  # beats of a recording that is there itself
            hypnogram = hypnogram_of(path, index) or (path if holds_stages(path) else None)
            yield Row(0, folder, path.stem, path, hypnogram=hypnogram)

"""The labelled recordings of a cohort: each with its scored hypnogram, and whose it is.

A cohort is a folder of recordings with hypnograms of the same stem, or a manifest as `holter2sleep batch` reads it.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from holter2sleep.batch.manifest import Row, read_manifest
from holter2sleep.errors import UsageError
from holter2sleep.evaluate.people import subjects_of
from holter2sleep.io.files import is_file, is_folder
from holter2sleep.io.hypnograms import holds_stages
from holter2sleep.io.inputs import find_inputs

# What follows the stem in names of hypnograms: ours, of NSRR, of PhysioNet, of yasa and others; case does not matter.
SUFFIXES = (
    *(".hypnogram.csv", "-hypnogram.csv", "_hypnogram.csv", ".hypnogram.tsv", "_hypnogram.tsv", "-hypnogram.edf"),
    *("-nsrr.xml", "-profusion.xml", ".xml", ".st", ".hypnogram.txt", "-hypnogram.txt", "_hypnogram.txt"),
    *("_stage.txt", "_stages.txt", "_stages.csv", "-stages.csv", ".stages.csv", ".hyp"),
)
OF_BEATS = ("-rpoint", ".beats")  # ends of the stems of beat files, which hypnograms do not have
TABLES = (".csv", ".tsv", ".parquet")

Index = dict[str, list[Path]]


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
            f"{', '.join(map(str, cohorts))}: {len(rows)} recordings and no hypnogram; it has the stem of its "
            f"recording and {', '.join(SUFFIXES[:8])}, or stands in the column hypnogram of a manifest"
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
    index, paths = _names_in(folder), find_inputs([folder])
    stems = {path.stem for path in paths}
    for path in paths:
        if not any(_without(end, path.stem) in stems for end in OF_BEATS):  # beats of a recording that is there itself
            yield Row(0, folder, path.stem, path, hypnogram=_hypnogram_of(path, index))


def _without(end: str, stem: str) -> str | None:
    """The stem without its end; None where it ends otherwise."""
    return stem.removesuffix(end) if stem.endswith(end) else None


def _names_in(folder: Path) -> Index:
    """All files of a folder and of those within it, by name in small letters."""
    index: Index = {}
    for here, _, names in os.walk(folder):
        for name in sorted(names):
            index.setdefault(name.casefold(), []).append(Path(here) / name)
    return index


def _hypnogram_of(path: Path, index: Index) -> Path | None:
    """The hypnogram of a recording; None where there is none, or several elsewhere of which one cannot be told."""
    stems = (path.stem, *(_without(end, path.stem) for end in OF_BEATS))
    for stem, suffix in itertools.product([stem for stem in stems if stem], SUFFIXES):
        found = [file for file in index.get(f"{stem}{suffix}".casefold(), []) if file != path]
        beside = [file for file in found if file.parent == path.parent]
        if beside or len(found) == 1:
            return (beside or found)[0]
    return path if holds_stages(path) else None

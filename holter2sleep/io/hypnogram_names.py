"""How files of scored stages are called beside the recordings they belong to."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

# What follows the stem in names of hypnograms: ours, of NSRR, of PhysioNet, of yasa and others; case does not matter.
SUFFIXES = (
    *(".hypnogram.csv", "-hypnogram.csv", "_hypnogram.csv", ".hypnogram.tsv", "_hypnogram.tsv", "-hypnogram.edf"),
    *("-nsrr.xml", "-profusion.xml", ".xml", ".st", ".hypnogram.txt", "-hypnogram.txt", "_hypnogram.txt"),
    *("_stage.txt", "_stages.txt", "_stages.csv", "-stages.csv", ".stages.csv", ".hyp"),
)
# Ends of the stems of beat files, of NSRR and ours; recordings and hypnograms have none
OF_BEATS = ("-rpoint", ".beats")

Index = dict[str, list[Path]]


def names_in(folder: Path) -> Index:
    """All files of a folder and of those within it, by name in small letters."""
    index: Index = {}
    for here, _, names in os.walk(folder):
        for name in sorted(names):
            index.setdefault(name.casefold(), []).append(Path(here) / name)
    return index


def hypnogram_of(path: Path, index: Index) -> Path | None:
    """The hypnogram of a recording; None where there is none, or several elsewhere of which one cannot be told."""
    stems = (path.stem, *(without(end, path.stem) for end in OF_BEATS))
    for stem, suffix in itertools.product([stem for stem in stems if stem], SUFFIXES):
        found = [file for file in index.get(f"{stem}{suffix}".casefold(), []) if file != path]
        beside = [file for file in found if file.parent == path.parent]
        if beside or len(found) == 1:
            return (beside or found)[0]
    return None


def without(end: str, stem: str) -> str | None:
    """The stem without its end; None where it ends otherwise."""
    return stem.removesuffix(end) if stem.endswith(end) else None

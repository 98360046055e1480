"""The folder of a cohort's tables, beside the folders of its nights: what it is called, and whether it is finished."""

from __future__ import annotations

from pathlib import Path

COHORT = "cohort"
SEAL = "flow.json"  # the last of its files to be written
WHERE = "give the folder that batch or analyze wrote nights into"


def is_sealed(folder: Path) -> bool:
    """Whether all tables of the folder are those of one finished run."""
    return (folder / SEAL).is_file()


def without_cohort(directory: Path, lacking: str) -> str:
    """What to say of a folder in whose `cohort/` a file is missing: what there is, and what would work."""
    if (directory / lacking).is_file():
        return f"{directory}: the tables of a cohort themselves; give the folder that it lies in"
    works = (
        f"`holter2sleep cohort {directory}` makes it of the nights there"
        if any(directory.glob("*/run.json"))
        else f"no night lies there either; {WHERE}"
    )
    return f"{directory}: no finished cohort in it ({COHORT}/{lacking} is missing); {works}"

"""Who entered a cohort and what became of them: the numbers of a flow chart (STROBE 2007, item 13)."""

from __future__ import annotations

from typing import Any

import polars as pl

from holter2sleep.cohort.members import Members
from holter2sleep.cohort.sources import Source


def flow_of(source: Source, kept: pl.DataFrame, recipe: str | None, steps: list[dict[str, Any]]) -> dict[str, Any]:
    """The content of `flow.json`.

    The first keys count recordings, as `Members.flow`. `nights` is the number of rows of the tables. `subjects` counts
    people: entered, those without a night that could be read, and those kept; without a manifest a subject is a
    recording's content, and those that failed are not known.

    Parameters
    ----------
    kept
        Rows of the wide table that stay.
    recipe, steps
        Name of the exclusions asked for, None for none, and what each step took and left.
    """
    return {
        **source.members.flow,
        "unreadable": len(source.broken),
        "nights_finished": source.nights.height,
        "made_by": {name: _counts(source.nights[name]) for name in ("version", "recipe_sha256", "scorer")},
        "exclusions": recipe,
        "steps": steps,
        "excluded": source.nights.height - kept.height,
        "excluded_by_step": {step["step"]: step["nights_excluded"] for step in steps},
        "nights": kept.height,
        "subjects": _subjects(source.members, source.nights, kept),
    }


def _counts(made_by: pl.Series) -> dict[str, int]:
    """How many nights each version, recipe or stager made."""
    return dict(made_by.value_counts(sort=True, name="n").sort("n", made_by.name, descending=[True, False]).iter_rows())


def _subjects(members: Members, nights: pl.DataFrame, kept: pl.DataFrame) -> dict[str, int | None]:
    finished, left = nights["subject"].n_unique(), kept["subject"].n_unique()
    entered = finished if members.columns is None else _entered(members, nights)
    return {
        "entered": entered,
        "without_a_night": entered - finished,
        "excluded": finished - left,
        "kept": left,
    }


def _entered(members: Members, nights: pl.DataFrame) -> int:
    """People of the manifest; a recording without a `subject_id` is one of its own."""
    subjects = members.subjects
    recordings = set([] if members.columns is None else members.columns["recording_id"])
    known = dict(nights.select("recording", "subject").iter_rows())
    return len({subjects.get(name) or known.get(name) or name for name in recordings})

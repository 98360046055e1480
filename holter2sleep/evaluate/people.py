"""Tables of the user that say something of each recording."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from holter2sleep.errors import UsageError


def read_people(table: Path, recording_ids: Sequence[str], needed: str) -> pl.DataFrame:
    """A CSV with `recording_id` and one column more at least; every value a text, null where empty.

    Raises
    ------
    UsageError
        It is no CSV, lacks a column or a recording, or has one twice.
    """
    try:
        people = pl.read_csv(table, infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        found = next(iter(str(error).splitlines()), type(error).__name__)
        raise UsageError(f"{table}: no CSV ({found}); needed: recording_id, {needed}") from None
    wanted = {"recording_id", needed} if needed == "subject_id" else {"recording_id"}
    if not wanted <= set(people.columns) or len(people.columns) < 2:
        raise UsageError(f"{table}: columns {', '.join(people.columns)}; needed: recording_id, {needed}")
    known = people["recording_id"].to_list()
    missing = [name for name in recording_ids if name not in known]
    if missing:
        raise UsageError(f"{table}: no row for {', '.join(missing)}")
    twice = [name for name in recording_ids if known.count(name) > 1]
    if twice:
        raise UsageError(f"{table}: more than one row for {', '.join(twice)}")
    return people


def subjects_of(recording_ids: Sequence[str], table: Path | None) -> list[str]:
    """Person of each recording, from a CSV with `recording_id, subject_id`; without it each is a person.

    Raises
    ------
    UsageError
        The table lacks a column or a recording, or does not say whose one is.
    """
    if table is None:
        return list(recording_ids)
    people = read_people(table, recording_ids, "subject_id")
    known = dict(people.select("recording_id", "subject_id").iter_rows())
    unknown = [name for name in recording_ids if not known[name]]
    if unknown:
        raise UsageError(f"{table}: no subject_id for {', '.join(unknown)}")
    return [known[name] for name in recording_ids]

"""Columns under the harmonised terms of the National Sleep Research Resource, where the dictionary has one.

A term is never made up: what has none keeps its name, which the missing prefix `nsrr_` marks, as in NSRR's own tables.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.wide import parted

NAME_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "column": pl.String,
    "nsrr": pl.String,  # null: the dictionary knows no term
    "phenotype": pl.String,
    "stratum": pl.String,
    "unit": pl.String,
    "label": pl.String,
}


def nsrr_name(column: str) -> str | None:
    """The term of a column; only numbers of the whole night have one.

    Examples
    --------
    >>> nsrr_name("tst__night"), nsrr_name("tst__hour_01"), nsrr_name("rmssd__night"), nsrr_name("age")
    ('nsrr_ttldursp_f1', None, None, None)
    """
    found = parted(column)
    if found is None or found[1] != "night":
        return None
    return load_dictionary()[found[0]].nsrr or None


def nsrr_table(nights: pl.DataFrame) -> pl.DataFrame:
    """The wide table with the terms that are known as names."""
    return nights.rename({name: term for name in nights.columns if (term := nsrr_name(name))})


def name_table(columns: Sequence[str]) -> pl.DataFrame:
    """What each column of the wide table is, and its term where it has one."""
    rows = []
    for name in columns:
        phenotype, stratum = parted(name) or (None, None)
        entry = load_dictionary()[phenotype] if phenotype else None
        rows.append(
            {
                "column": name,
                "nsrr": nsrr_name(name),
                "phenotype": phenotype,
                "stratum": stratum,
                "unit": entry.unit if entry else None,
                "label": entry.label if entry else None,
            }
        )
    return pl.DataFrame(rows, NAME_SCHEMA)

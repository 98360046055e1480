"""The wide form of the long table: one row a night, a column for each phenotype and stratum."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl
from numpy.typing import NDArray

from holter2sleep.errors import did_you_mean
from holter2sleep.night import STAGE_STRATA
from holter2sleep.phenotypes.dictionary import load_dictionary

_BETWEEN = "__"
NAME = pl.concat_str("phenotype", pl.lit(_BETWEEN), "stratum")  # of the columns, from the rows of the long table


def column(phenotype: str, stratum: str) -> str:
    """Name of a phenotype's column in a wide table.

    Examples
    --------
    >>> column("rmssd", "nrem")
    'rmssd__nrem'
    """
    return f"{phenotype}{_BETWEEN}{stratum}"


def phenotype_of(name: str) -> tuple[str, str]:
    """Phenotype and stratum of a column; the stratum is empty where a manifest brought it.

    Examples
    --------
    >>> phenotype_of("rmssd__nrem"), phenotype_of("bmi")
    (('rmssd', 'nrem'), ('bmi', ''))
    """
    phenotype, _, stratum = name.partition(_BETWEEN)
    return phenotype, stratum


def parted(name: str) -> tuple[str, str] | None:
    """Phenotype and stratum of a column of a wide table; None of one that holds no phenotype of the dictionary.

    Examples
    --------
    >>> parted("rmssd__nrem"), parted("age")
    (('rmssd', 'nrem'), None)
    """
    phenotype, stratum = phenotype_of(name)
    return (phenotype, stratum) if stratum and phenotype in load_dictionary() else None


def nearest_columns(name: str, columns: Collection[str], otherwise: str | None = None, most: int = 1) -> str:
    """Advice for a column that a wide table has not: for a phenotype without stratum that of the whole night.

    Examples
    --------
    >>> nearest_columns("rmssd", ("rmssd__n3", "rmssd__night"))
    "did you mean 'rmssd__night'?"
    """
    of_night = column(name, "night")
    return f"did you mean {of_night!r}?" if of_night in columns else did_you_mean(name, columns, otherwise, most)


def in_dictionary_order(wide: pl.DataFrame) -> pl.DataFrame:
    """The same table: the whole night first, then stages, then other strata by name; in each the dictionary's order.

    The order does not depend on which night came first.
    """
    strata = {name: i for i, name in enumerate(("night", *STAGE_STRATA))}
    places = {name: i for i, name in enumerate(load_dictionary())}

    def place(name: str) -> tuple[int, str, int]:
        found = parted(name)
        if found is None:
            return -1, "", 0
        return strata.get(found[1], len(strata)), found[1], places[found[0]]

    names: list[str] = wide.columns
    return wide.select(*sorted(names, key=place))


def wide_table(phenotypes: pl.DataFrame) -> pl.DataFrame:
    """One row a night; null unless the status is ok.

    A matrix is filled rather than the table pivoted, which takes four times as long. Of two rows of one phenotype and
    stratum of a night the last counts.
    """
    nights = phenotypes.select("recording_id").unique(maintain_order=True)
    keys = phenotypes.select("phenotype", "stratum").unique(maintain_order=True)
    known = phenotypes.filter((pl.col("status") == "ok") & pl.col("value").is_not_null())
    row = _numbered(known, nights, "recording_id")
    column_of = _numbered(known, keys, "phenotype", "stratum")
    matrix = np.full((len(keys), len(nights)), np.nan)
    matrix[column_of, row] = known["value"]
    names = keys.select(NAME).to_series()
    values = pl.DataFrame(dict(zip(names, matrix, strict=True))).fill_nan(None)
    return nights.hstack(values) if values.width else nights


def _numbered(rows: pl.DataFrame, keys: pl.DataFrame, *on: str) -> NDArray[np.uint32]:
    """Which of the keys each row has."""
    numbered = keys.with_row_index("_number")
    return rows.select(on).join(numbered, on=on, how="left", maintain_order="left")["_number"].to_numpy()

"""Groups of people in a cohort: by sex, bands of age and AHI, atrial fibrillation, or any column of the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import polars as pl

from holter2sleep.cohort.audit_rules import AuditRules
from holter2sleep.errors import UsageError
from holter2sleep.phenotypes.wide import parted

UNKNOWN = "unknown"
USUAL = ("sex", "age", "ahi", "af", "site", "device")  # those that there are, where nothing is asked for
MOST_VALUES = 8  # of numbers that are groups as they are; more are split
ESTIMATED_AHI, AF_BURDEN = "ahi_ecg__night", "af_burden__night"
_OF_A_NIGHT = ("recording_id", "recording", "subject")

GROUP_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "attribute": pl.String,
    "group": pl.String,
    "recording_id": pl.String,
}


def attributes_of(nights: pl.DataFrame, asked: Sequence[str]) -> tuple[str, ...]:
    """The attributes asked for, or the usual ones that at least one night has.

    Raises
    ------
    UsageError
        One asked for is no column and nothing that is derived from the numbers.
    """
    known = {*_DERIVED, *(name for name in nights.columns if parted(name) is None and name not in _OF_A_NIGHT)}
    for name in asked:
        if name not in known:
            raise UsageError(f"--by {name}: no such column; there is: {', '.join(sorted(known))}")
    found = dict.fromkeys(asked) or [
        name for name in USUAL if name in known and group_of(nights, name, {})["group"].ne(UNKNOWN).any()
    ]
    return tuple(found)


def groups_of(nights: pl.DataFrame, attributes: Sequence[str], rules: AuditRules) -> pl.DataFrame:
    """The group of each night in each attribute, in the order that a reader expects; `unknown` is one, and the last."""
    return pl.concat([pl.DataFrame(schema=GROUP_SCHEMA), *(group_of(nights, name, rules.bands) for name in attributes)])


def group_of(nights: pl.DataFrame, attribute: str, bands: dict[str, tuple[float, ...]]) -> pl.DataFrame:
    """The group of each night in one attribute, sorted by group."""
    value = _value(nights, attribute)
    table = pl.DataFrame(
        {"recording_id": nights["recording_id"], "group": _named(value, attribute, bands), "_order": value}
    ).with_columns(attribute=pl.lit(attribute))
    known = table.filter(pl.col("group").is_not_null()).sort("_order", maintain_order=True)
    unknown = table.filter(pl.col("group").is_null()).with_columns(group=pl.lit(UNKNOWN))
    return pl.concat([known, unknown]).select(*GROUP_SCHEMA)


def _named(value: pl.Series, attribute: str, bands: dict[str, tuple[float, ...]]) -> pl.Series:
    """Names of the groups that values lie in; null where the value is unknown."""
    if attribute == "af" and value.dtype.is_numeric():
        return pl.select(pl.when(value > 0).then(pl.lit("AF")).when(value == 0).then(pl.lit("no AF"))).to_series()
    if value.dtype.is_numeric() and (attribute in bands or value.n_unique() > MOST_VALUES):
        return _banded(value, bands.get(attribute) or _thirds(value))
    return value.cast(pl.String).str.strip_chars().replace("", None)


def source_of(nights: pl.DataFrame, attribute: str) -> str:
    """Where an attribute comes from, for the reader."""
    column = _column(nights, attribute)
    return column if column == attribute else f"{column}, found by the program"


_DERIVED = {"ahi": ESTIMATED_AHI, "af": AF_BURDEN}


def _column(nights: pl.DataFrame, attribute: str) -> str:
    """A column of the name, else the number that stands for it."""
    return attribute if attribute in nights.columns else _DERIVED.get(attribute, attribute)


def _value(nights: pl.DataFrame, attribute: str) -> pl.Series:
    column = _column(nights, attribute)
    return nights[column] if column in nights.columns else pl.Series([None] * len(nights), dtype=pl.Float64)


def _thirds(value: pl.Series) -> tuple[float, ...]:
    """Borders between thirds of the nights."""
    cuts = (value.quantile(share, "lower") for share in (1 / 3, 2 / 3))
    return tuple(sorted({float(cut) for cut in cuts if cut is not None}))


def _banded(value: pl.Series, edges: tuple[float, ...]) -> pl.Series:
    """Names of half-open bands: `under 18`, `18 to 40`, `75 and more`."""
    named = [pl.when(value < edges[0]).then(pl.lit(f"under {edges[0]:g}"))]
    named += [pl.when(value < high).then(pl.lit(f"{low:g} to {high:g}")) for low, high in pairwise(edges)]
    last = pl.when(value >= edges[-1]).then(pl.lit(f"{edges[-1]:g} and more"))
    return pl.select(pl.coalesce(*named, last)).to_series()

"""What attributes say of the numbers in an HDF5 dataset: packing, NWB's conversion, missing values, doubtful gains."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from holter2sleep.io.hdf5_leads import Lead, attributes, bare_key

# May be a factor to the unit, one over it, or the gain of an amplifier that is taken off already.
GAIN_NAMES = re.compile(
    r"(adc|amp|amplifier|digital|signal)?gain|lsb|lsbvalue|resolution|(unit)?conversion(factor)?|scal(e|ing)(factor)?"
    r"|calibration(factor)?|[num]?v(olts?)?per(bit|count|lsb|unit|adu)|adu?per[num]?v"
)
_MISSING_NAMES = ("_fillvalue", "missing_value")
_CF_NAMES = ("scale_factor", "add_offset")


@dataclass(frozen=True)
class Scale:
    """How numbers become values: `value = number * factor + offset`, and which numbers are no values."""

    factor: float = 1.0
    offset: float = 0.0
    missing: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()


def scale_of(around: Sequence[Any], lead: Lead, beside: Iterable[tuple[str, Any]]) -> Scale:
    """The scale of a lead, by the CF convention or by NWB; other factors are told and not applied.

    `around` is the dataset and the groups it lies in, `beside` the small datasets there.
    """
    own = {key.casefold(): of_column(value, lead) for key, value in attributes(around[0])}
    is_nwb = any("neurodata_type" in item.attrs or "nwb_version" in item.attrs for item in around)
    factor_name, offset_name = ("conversion", "offset") if is_nwb and "scale_factor" not in own else _CF_NAMES
    factor, offset = _finite(own.get(factor_name)) or 1.0, _finite(own.get(offset_name)) or 0.0
    missing = tuple(value for name in _MISSING_NAMES for value in _numbers(own.get(name)))
    notes = []
    if (factor, offset) != (1.0, 0.0):
        notes.append(f"packed numbers: {factor_name} {factor:g} and {offset_name} {offset:g} of the file were applied")
    if kept := tuple(value for value in dict.fromkeys(missing) if value != 0):
        notes.append(f"numbers {', '.join(f'{value:g}' for value in kept)} stand for missing samples by the file")
    if 0.0 in missing:
        notes.append("0 stands for a missing sample by the file: not applied, for a baseline is 0 too")
    facts = [*((key, value) for item in around for key, value in attributes(item)), *beside]
    known = {*_CF_NAMES, "conversion", "offset", "resolution"} if is_nwb else set(_CF_NAMES)
    if gains := _doubtful(facts, lead, known):
        told = ", ".join(f"{key} {value:g}" for key, value in gains.items())
        notes.append(f"the file has {told}: not applied, for what it means is not certain (--unit tells the unit)")
    return Scale(factor, offset, kept, tuple(notes))


def of_column(value: Any, lead: Lead) -> Any:
    """The column's own among values a column, given as a list or as a text with commas; else the value for all."""
    values = value.split(",") if isinstance(value, str) else value
    if lead.column is None or not isinstance(values, list) or len(values) != lead.n_columns or len(values) < 2:
        return value
    own = values[lead.column]
    return own.strip() if isinstance(own, str) else own


def _doubtful(facts: Iterable[tuple[str, Any]], lead: Lead, known: set[str]) -> dict[str, float]:
    """Numbers named as gains that would change something, by their names, the nearest first."""
    named = ((key, of_column(value, lead)) for key, value in facts if GAIN_NAMES.fullmatch(bare_key(key)))
    numbers = ((key, _finite(value)) for key, value in named if key.casefold() not in known)
    gains: dict[str, float] = {}
    for key, number in numbers:
        if number is not None and number not in (1.0, -1.0):
            gains.setdefault(key, number)
    return gains


def _finite(value: Any) -> float | None:
    return value if isinstance(value, float) and np.isfinite(value) else None


def _numbers(value: Any) -> list[float]:
    values = value if isinstance(value, list) else [value]
    return [number for number in map(_finite, values) if number is not None]

"""Unit of a signal to millivolt: by the user's word, else the file's, else by rule, and never without saying so."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from holter2sleep.errors import UsageError

MV_PER_UNIT = {"nv": 1e-6, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "mv": 1.0, "v": 1e3}
UNITS = {"V": 1e3, "mV": 1.0, "uV": 1e-3, "nV": 1e-6}  # what --unit takes

# Largest magnitude that an ECG channel's range has in each unit: amplifiers span 1-400 mV.
_LARGEST_V = 0.05
_LARGEST_MV = 500.0
USUAL_SHARE = 0.999  # of the samples: artefacts are more than one in a thousand seldom, R waves always
_USUAL_MV = 30.0  # R waves are 0.1 to 5 mV from what is around them: 5 mV and artefacts, or 0.1 mV in uV
_LOST_MICRO_FROM = 100.0  # no ECG channel spans so many volts: a sign before the V, the micro, was lost

_PREFIXES = {"nano": "n", "micro": "u", "milli": "m", "": ""}
_MICRO = ("âμ", "î¼", "μ", "µ")  # case folded: the sign, and its UTF-8 bytes read as latin-1
_LOST_SIGN = re.compile(r"[?.\ufffdæ]v")  # "?" of ASCII writers, "." of cautious ones, 0xE6 of code page 437
_COUNTS = re.compile(r"adu?|adc|a/d|counts?|cnts?|raw|digits?|lsb|bits?|units?|a\.?u\.?|steps?|none|n/?a|1")
_POWERS_OF_TWO = frozenset(float(2**k - below) for k in range(10, 25) for below in (0, 1))


@dataclass(frozen=True)
class Size:
    """How large the samples of a channel are, in the unit of the file.

    A single wrong sample makes the largest; the usual size hardly changes by it, or by an offset or a drift.
    """

    largest: float  # magnitude
    usual: float  # within which a share of `USUAL_SHARE` lies, from the median of the seconds around; 0: unknown


@dataclass(frozen=True)
class UnitScale:
    """Factor to mV and how it was decided.

    `decided_by`: the file's own unit (header), the user (option), the size of the values (range), or nobody (none):
    then one count is taken as 1 uV and every amplitude is relative.
    """

    to_mv: float
    unit: str  # as written in the file
    decided_by: Literal["header", "option", "range", "none"]
    warning: str | None = None

    @property
    def is_relative(self) -> bool:
        """Whether nobody says what a count is."""
        return self.decided_by == "none"


def unit_scale(unit: str, size: float | Size = 0.0, forced: str | None = None) -> UnitScale:
    """How the values of a file become mV.

    Parameters
    ----------
    unit
        As written in the file, blank where it says nothing.
    size
        Of the samples where they were looked at, else the largest magnitude the channel can hold by its header, in
        that unit; 0 where unknown. It decides for a blank or unknown unit.
    forced
        Unit the user gives in its place: V, mV, uV or nV.

    Raises
    ------
    UsageError
        A forced unit that is none of these.

    Examples
    --------
    >>> unit_scale("uV", 5000.0)
    UnitScale(to_mv=0.001, unit='uV', decided_by='header', warning=None)
    >>> unit_scale("", 3200.0).to_mv, unit_scale("counts", 2047.0).decided_by, unit_scale("mV", 5.0, "uV").to_mv
    (0.001, 'none', 0.001)
    """
    if forced is not None:
        return _forced(unit, forced)
    text = _plain(unit)
    largest = size.largest if isinstance(size, Size) else size
    if text in MV_PER_UNIT:
        return UnitScale(MV_PER_UNIT[text], unit, "header", _oddity(unit, text))
    if _LOST_SIGN.fullmatch(unit.strip().casefold()) and largest >= _LOST_MICRO_FROM:
        return UnitScale(1e-3, unit, "range", f"unit {unit.strip()!r} with a range of +-{largest:g} read as uV")
    if _LOST_SIGN.fullmatch(unit.strip().casefold()):
        return UnitScale(1e3, unit, "header", f"unit {unit.strip()!r} read as V")
    written = f"unit {_shown(unit)} is unknown" if unit.strip() else "the unit is blank"
    assumed, why = _assumed(size) if math.isfinite(largest) and largest > 0 else ("", "")
    unlike_counts = assumed in ("V", "mV")  # no converter has so few steps
    if (_COUNTS.fullmatch(text) or (not unit.strip() and largest in _POWERS_OF_TWO)) and not unlike_counts:
        told = f"{written}, the values are counts" if not unit.strip() else f"unit {_shown(unit)} is no voltage"
        return UnitScale(1e-3, unit, "none", f"{told}: one taken as 1 uV, so amplitudes are relative (--unit)")
    if not assumed:
        return UnitScale(1.0, unit, "none", f"{written}: mV assumed, so amplitudes may be relative (--unit)")
    return UnitScale(UNITS[assumed], unit, "range", f"{written}: {assumed} assumed from {why}")


def _assumed(size: float | Size) -> tuple[str, str]:
    """The unit by the size of the samples, or by the range of the channel where nobody looked at them; and by what."""
    if isinstance(size, Size) and size.usual > 0:
        why = f"the samples: {100 * USUAL_SHARE:g} % within +-{size.usual:.4g}"
        return _unit_up_to(size.usual, _USUAL_MV), why
    largest = size.largest if isinstance(size, Size) else size
    return _unit_up_to(largest, _LARGEST_MV), f"the range of +-{largest:g}"


def _unit_up_to(magnitude: float, most_mv: float) -> str:
    return "V" if magnitude < _LARGEST_V else "mV" if magnitude <= most_mv else "uV"


def unit_ratio(unit: str, other: str, forced: str | None = None) -> float:
    """How many of the other unit one of a unit is; 1 where the user says one unit for all, or a unit is unknown.

    Examples
    --------
    >>> unit_ratio("uV", "mV"), unit_ratio("mV", "counts"), unit_ratio("uV", "mV", forced="uV")
    (0.001, 1.0, 1.0)
    """
    one, of = MV_PER_UNIT.get(_plain(unit)), MV_PER_UNIT.get(_plain(other))
    return one / of if forced is None and one is not None and of is not None else 1.0


def unit_of_factor(to_mv: float) -> str | None:
    """The unit with that factor to mV, None when there is none.

    Examples
    --------
    >>> unit_of_factor(0.001), unit_of_factor(0.005)
    ('uV', None)
    """
    return next((unit for unit, factor in UNITS.items() if math.isclose(factor, to_mv, rel_tol=1e-6)), None)


def unit_named(text: str) -> str | None:
    """The unit that a text names in whatever writing, None when there is none.

    Examples
    --------
    >>> unit_named("MV"), unit_named("µV"), unit_named("microvolts"), unit_named("kV")
    ('mV', 'uV', 'uV', None)
    """
    return {name.casefold(): name for name in UNITS}.get(_plain(text))


def _forced(unit: str, forced: str) -> UnitScale:
    named = unit_named(forced)
    if named is None:
        raise UsageError(f"--unit {forced!r}: expected one of {', '.join(UNITS)}")
    note = f"unit {forced} as given, in place of {_shown(unit)} in the file" if unit.strip() else None
    return UnitScale(UNITS[named], unit, "option", None if _plain(unit) == _plain(forced) else note)


def _plain(unit: str) -> str:
    """The unit as a key of `MV_PER_UNIT` where it is one in other writing: `[mV]`, `microvolt`, `uV/bit`, `u V`."""
    text = unit.strip().casefold()
    for written in _MICRO:
        text = text.replace(written, "u")
    text = unicodedata.normalize("NFKC", text).casefold().replace("μ", "u")
    text = re.sub(r"[\[\](){}\x00]", "", text).strip()
    text = re.sub(r"\s*(/|\bper\b)\s*(bit|lsb|count|digit|adu|unit)s?$", "", text)
    bare = re.sub(r"[\s.\-_]", "", text)
    word = re.fullmatch(r"(nano|micro|milli|[num]?)(volts?|v)", bare)
    if word and (word[1] or word[2] != "v"):
        return _PREFIXES.get(word[1], word[1]) + "v"
    if bare in MV_PER_UNIT and not _LOST_SIGN.fullmatch(text):
        return bare
    return text


def _oddity(unit: str, text: str) -> str | None:
    """A warning for a unit that says more than a unit."""
    if re.search(r"/|\bper\b", unit.casefold()):
        return f"unit {_shown(unit)} read as {text}: the header's scale is taken to be applied already"
    return None


def _shown(unit: str) -> str:
    """The unit as it can stand in a message."""
    return repr(unit.strip()[:16])

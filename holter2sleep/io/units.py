"""Unit of a signal to millivolt."""

from __future__ import annotations

MV_PER_UNIT = {"nv": 1e-6, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "mv": 1.0, "v": 1e3}
# Largest magnitude that an ECG channel's range has in each unit: amplifiers span 1-400 mV.
_LARGEST_V = 0.05
_LARGEST_MV = 500.0


def scale_to_mv(unit: str, largest: float) -> tuple[float, str | None]:
    """Factor that turns the unit into mV, and a warning when the unit had to be assumed.

    Parameters
    ----------
    unit
        As written in the file.
    largest
        Largest magnitude the channel can hold, in that unit; decides when the unit is blank or unknown.

    Examples
    --------
    >>> scale_to_mv("uV", 5000.0)
    (0.001, None)
    >>> scale_to_mv("", 3200.0)[0]
    0.001
    """
    known = MV_PER_UNIT.get(unit.strip().strip(".").casefold())
    if known is not None:
        return known, None
    assumed = "V" if largest < _LARGEST_V else "mV" if largest <= _LARGEST_MV else "uV"
    written = f"unit {unit.strip()!r} is unknown" if unit.strip() else "the unit is blank"
    return MV_PER_UNIT[assumed.casefold()], f"{written}: {assumed} assumed from the range of +-{largest:g}"

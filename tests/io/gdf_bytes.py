"""GDF 1.25 and 2.10 files byte by byte: signals of several rates, types and units."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

UNIT_CODES = {"mV": 4274, "uV": 4275, "V": 4256, "nV": 4276, "": 0}  # ISO/IEEE 11073: volt 4256, plus the prefix
INT16 = 3


@dataclass
class GdfSignal:
    """One signal of 16-bit counts; the physical range belongs to counts from -32768 to 32767."""

    label: str
    counts: NDArray[np.int64]  # (n_records * per_record,)
    per_record: int
    unit: str = "mV"
    physical: tuple[float, float] = (-32.768, 32.767)


def gdf_bytes(
    signals: Sequence[GdfSignal], start: datetime | None = None, *, version: str = "2.10", record_s: int = 1
) -> bytes:
    """A file by the GDF description (Schloegl 2006), without events."""
    n_records = len(signals[0].counts) // signals[0].per_record
    head = _head_1 if version.startswith("1") else _head_2
    parts = [s.counts.reshape(n_records, -1) for s in signals]
    body = b"".join(row.astype("<i2").tobytes() for record in range(n_records) for row in (p[record] for p in parts))
    return head(signals, start, version, n_records, record_s) + body + b"\0" * 8  # an event table without events


def _texts(values: Sequence[str], size: int) -> bytes:
    return b"".join(value.encode("latin-1")[:size].ljust(size, b"\0") for value in values)


def _numbers(layout: str, values: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(values)}{layout}", *values)


def _head_1(signals: Sequence[GdfSignal], start: datetime | None, version: str, n_records: int, record_s: int) -> bytes:
    n = len(signals)
    clock = f"{start:%Y%m%d%H%M%S}00" if start else " " * 16
    fixed = f"GDF {version}".encode().ljust(8) + b"X X".ljust(80) + b"".ljust(80) + clock.encode()
    fixed += struct.pack("<q", 256 * (n + 1)) + b"\0" * 44 + struct.pack("<qIII", n_records, record_s, 1, n)
    assert len(fixed) == 256
    return fixed + (
        _texts([s.label for s in signals], 16)
        + _texts([""] * n, 80)
        + _texts([s.unit for s in signals], 8)
        + _numbers("d", [s.physical[0] for s in signals])
        + _numbers("d", [s.physical[1] for s in signals])
        + _numbers("q", [-32768] * n)
        + _numbers("q", [32767] * n)
        + _texts([""] * n, 80)
        + _numbers("i", [s.per_record for s in signals])
        + _numbers("i", [INT16] * n)
        + b"\0" * 32 * n
    )


def _head_2(signals: Sequence[GdfSignal], start: datetime | None, version: str, n_records: int, record_s: int) -> bytes:
    n = len(signals)
    fixed = bytearray(256)
    fixed[0:8] = f"GDF {version}".encode().ljust(8)
    fixed[8:11] = b"X X"
    fixed[87] = 2  # female
    if start:
        days = (start - datetime(1, 1, 1)).total_seconds() / 86400 + 367  # day 1 is 1 January of the year 0
        struct.pack_into("<Q", fixed, 168, round(days * 2**32))
    struct.pack_into("<H", fixed, 184, n + 1)
    struct.pack_into("<qIIH", fixed, 236, n_records, record_s, 1, n)
    return bytes(fixed) + (
        _texts([s.label for s in signals], 16)
        + _texts([""] * n, 80)
        + _texts([s.unit for s in signals], 6)
        + _numbers("H", [UNIT_CODES[s.unit] for s in signals])
        + _numbers("d", [s.physical[0] for s in signals])
        + _numbers("d", [s.physical[1] for s in signals])
        + _numbers("d", [-32768] * n)
        + _numbers("d", [32767] * n)
        + b"\0" * 68 * n
        + _numbers("f", [0.0] * n)
        + _numbers("f", [0.0] * n)
        + _numbers("f", [0.0] * n)
        + _numbers("i", [s.per_record for s in signals])
        + _numbers("i", [INT16] * n)
        + b"\0" * 32 * n
    )

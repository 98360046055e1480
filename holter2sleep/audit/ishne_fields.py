"""Every field of an ISHNE header held against the standard.

References
----------
Badilini F. The ISHNE Holter standard output file format. Ann Noninvasive Electrocardiol 1998;3(3):263-266.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path

from holter2sleep.audit.findings import Finding, finding
from holter2sleep.io.ishne import FIXED_BYTES, LEADS, MAGIC

NOT_GIVEN = -9
MAX_VARIABLE_BYTES = 1 << 20  # a variable block is a note, not a recording


@dataclass(frozen=True)
class RawIshne:
    """The fixed block of an ISHNE file, as far as the audit needs it."""

    fixed: bytes
    variable: bytes
    file_bytes: int

    def at(self, fmt: str, offset: int) -> tuple[int, ...]:
        """Numbers at an offset of the file."""
        return struct.unpack_from(fmt, self.fixed, offset)

    @property
    def n_leads(self) -> int:
        """Leads announced."""
        return self.at("<h", 156)[0]

    @property
    def variable_bytes(self) -> int:
        """Length of the variable block as announced."""
        return self.at("<i", 10)[0]

    @property
    def lead_codes(self) -> tuple[int, ...]:
        """Codes of the leads that are there."""
        return self.at("<12h", 158)[: max(0, min(12, self.n_leads))]

    @property
    def resolution_nv(self) -> tuple[int, ...]:
        """Resolution of each lead, nV per count."""
        return self.at("<12h", 206)[: len(self.lead_codes)]

    @property
    def fs(self) -> int:
        """Sampling rate, Hz."""
        return self.at("<h", 272)[0]

    @property
    def n_samples(self) -> int:
        """Samples of each lead that the file holds."""
        data = self.file_bytes - FIXED_BYTES - max(0, self.variable_bytes)
        return max(0, data) // (2 * self.n_leads) if self.n_leads > 0 else 0


def read_raw_ishne(path: Path) -> RawIshne | None:
    """The header of an ISHNE file; None when this is none, or it is cut."""
    with path.open("rb") as file:
        fixed = file.read(FIXED_BYTES)
        if len(fixed) < FIXED_BYTES or not fixed.startswith(MAGIC):
            return None
        (announced,) = struct.unpack_from("<i", fixed, 10)
        variable = file.read(announced) if 0 <= announced <= MAX_VARIABLE_BYTES else b""
    return RawIshne(fixed, variable, path.stat().st_size)


def ishne_field_findings(raw: RawIshne) -> list[Finding]:
    """Checksum, counts, offsets and fields outside their range."""
    return [*_sizes(raw), *_ranges(raw)]


def _sizes(raw: RawIshne) -> Iterator[Finding]:
    crc = raw.at("<H", 8)[0]
    if crc != binascii.crc_hqx(raw.fixed[10:] + raw.variable, 0xFFFF):
        yield finding("ishne_crc", "never computed (0)" if crc == 0 else "the checksum does not agree with the header")
    announced = raw.at("<i", 14)[0]
    if announced not in (raw.n_samples, raw.n_samples * raw.n_leads):
        yield finding("ishne_count", f"{announced} samples announced, the file holds {raw.n_samples} a lead")
    variable_offset, data_offset = raw.at("<2i", 18)
    if data_offset != FIXED_BYTES + raw.variable_bytes or (raw.variable_bytes and variable_offset != FIXED_BYTES):
        yield finding("ishne_offset", f"samples at byte {data_offset} announced, by the lengths at {_data_offset(raw)}")
    if raw.n_leads > 0 and (raw.file_bytes - _data_offset(raw)) % (2 * raw.n_leads):
        yield finding("truncated", "the file ends within a sample")


def _data_offset(raw: RawIshne) -> int:
    return FIXED_BYTES + raw.variable_bytes


def _ranges(raw: RawIshne) -> Iterator[Finding]:
    faults = [
        *(["number of leads"] if not 1 <= raw.n_leads <= 12 else []),
        *(["sampling rate"] if raw.fs <= 0 else []),
        *(["lead code"] if any(not 0 <= code < len(LEADS) for code in raw.lead_codes) else []),
        *(["resolution"] if any(nv <= 0 for nv in raw.resolution_nv) else []),
        *(["sex"] if raw.at("<h", 128)[0] not in (NOT_GIVEN, 0, 1, 2) else []),
        *(["recording date"] if not _is_date(raw.at("<3h", 138)) else []),
        *(["start time"] if not _is_time(raw.at("<3h", 150)) else []),
    ]
    if faults:
        yield finding("ishne_fields", f"out of range: {', '.join(faults)}")


def _is_date(day_month_year: tuple[int, ...]) -> bool:
    day, month, year = day_month_year
    if NOT_GIVEN in day_month_year:
        return True
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _is_time(clock: tuple[int, ...]) -> bool:
    if NOT_GIVEN in clock:
        return True
    try:
        hour, minute, second = clock
        time(hour, minute, second)
    except ValueError:
        return False
    return True

"""ISHNE 1.0 Holter files (`.ecg` with their magic).

References
----------
Badilini F. The ISHNE Holter standard output file format. Ann Noninvasive Electrocardiol 1998;3(3):263-266.
"""

from __future__ import annotations

import binascii
import logging
import struct
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import numpy as np

from holter2sleep.io.channels import MIN_FS_HZ, Channel, choose_ecg
from holter2sleep.io.files import refusal, sha256_of
from holter2sleep.io.subjects import age_at
from holter2sleep.night import NO_DATE, Recording, Sex, Source, Subject

log = logging.getLogger(__name__)

MAGIC = b"ISHNE1.0"
FIXED_BYTES = 522  # magic, checksum and the fixed block; the variable block follows, then the samples
NV_PER_MV = 1e6
LEADS = (
    "",
    "",
    "X",
    "Y",
    "Z",
    "I",
    "II",
    "III",
    "aVR",
    "aVL",
    "aVF",
    "V1",
    "V2",
    "V3",
    "V4",
    "V5",
    "V6",
    "ES",
    "AS",
    "AI",
)
SEXES: dict[int, Sex] = {1: "M", 2: "F"}
_WORKS = "an ISHNE 1.0 recording, or another lead with --channel"


@dataclass(frozen=True)
class _Header:
    """The facts of the fixed block that the recording needs; -9 in the file means "not given"."""

    crc: int
    variable_bytes: int
    n_announced: int  # samples, of one lead or of all: writers differ
    sex: int
    birth: tuple[int, int, int]  # day, month, year
    recorded: tuple[int, int, int]
    clock: tuple[int, int, int]
    n_leads: int
    leads: tuple[int, ...]  # codes
    resolution_nv: tuple[int, ...]
    fs: int

    @property
    def data_offset(self) -> int:
        """First byte of the samples; the offset written in the file may be wrong, the lengths are not."""
        return FIXED_BYTES + self.variable_bytes


def read_ishne(path: Path, channel: str | None, recording_id: str) -> Recording:
    """Recording of one lead of an ISHNE file, its length taken from the file rather than from its header.

    Raises
    ------
    RecordingError
        Cut or broken header, no sample, or no such lead.
    """
    content = np.fromfile(path, np.uint8)
    header = _read_header(path, content)
    labels = [f"ECG {LEADS[code]}".strip() if 0 <= code < len(LEADS) else "ECG" for code in header.leads]
    slow = f"its rate of {header.fs} Hz is too low for an ECG" if header.fs < MIN_FS_HZ else None
    faults = [slow or (None if nv > 0 else "its resolution is not given") for nv in header.resolution_nv]
    choice = choose_ecg([Channel(a, header.fs, b) for a, b in zip(labels, faults, strict=True)], channel, path)
    n_samples = (len(content) - header.data_offset) // (2 * header.n_leads)
    if n_samples <= 0:
        raise refusal(path, "the file holds no sample", _WORKS)
    counts = content[header.data_offset :][: 2 * n_samples * header.n_leads].view("<i2")
    scale = header.resolution_nv[choice.index] / NV_PER_MV
    start, notes = _start(header)
    age, age_note = age_at(_date(header.birth), start)
    log.info("%s: ISHNE, %d leads, %d Hz, %d samples each", recording_id, header.n_leads, header.fs, n_samples)
    return Recording(
        recording_id=recording_id,
        source=Source(path.name, "ISHNE", sha256_of([path]), f"{header.resolution_nv[choice.index]} nV", scale),
        duration_s=n_samples / header.fs,
        fs=float(header.fs),
        start=start,
        subject=Subject(age, SEXES.get(header.sex)),
        channel=choice.name,
        ecg=counts.reshape(n_samples, header.n_leads)[:, choice.index].astype(np.float32) * np.float32(scale),
        warnings=(*_doubts(header, content, n_samples), *notes, *([age_note] if age_note else []), *choice.warnings),
    )


def _read_header(path: Path, content: np.ndarray) -> _Header:
    if len(content) < FIXED_BYTES:
        raise refusal(path, f"an ISHNE header cut after {len(content)} of {FIXED_BYTES} bytes", _WORKS)
    fixed = content[:FIXED_BYTES].tobytes()
    n_leads, *leads = struct.unpack_from("<13h", fixed, 156)
    (fs,) = struct.unpack_from("<h", fixed, 272)
    crc, variable_bytes, n_announced = struct.unpack_from("<Hii", fixed, 8)
    if not (1 <= n_leads <= 12 and fs > 0 and 0 <= variable_bytes <= len(content) - FIXED_BYTES):
        found = f"a broken ISHNE header: {n_leads} leads, {fs} Hz, variable block of {variable_bytes} bytes"
        raise refusal(path, found, _WORKS)
    return _Header(
        crc=crc,
        variable_bytes=variable_bytes,
        n_announced=n_announced,
        sex=struct.unpack_from("<h", fixed, 128)[0],
        birth=struct.unpack_from("<3h", fixed, 132),
        recorded=struct.unpack_from("<3h", fixed, 138),
        clock=struct.unpack_from("<3h", fixed, 150),
        n_leads=n_leads,
        leads=tuple(leads[:n_leads]),
        resolution_nv=struct.unpack_from("<12h", fixed, 206)[:n_leads],
        fs=fs,
    )


def _date(day_month_year: tuple[int, int, int]) -> date | None:
    day, month, year = day_month_year
    try:
        return date(year, month, day)
    except ValueError:  # -9 or 0: not given
        return None


def _start(header: _Header) -> tuple[datetime | None, tuple[str, ...]]:
    """Start of the recording; the clock alone where the date is not given."""
    try:
        clock = time(*header.clock)
    except ValueError:
        return None, ("no start time in the header",)
    day = _date(header.recorded)
    if day is None:
        return datetime.combine(NO_DATE, clock), (f"no date in the header: {NO_DATE} stands for no date",)
    return datetime.combine(day, clock), ()


def _doubts(header: _Header, content: np.ndarray, n_samples: int) -> tuple[str, ...]:
    """What the header says against the file."""
    notes = []
    if header.crc != binascii.crc_hqx(content[10 : header.data_offset].tobytes(), 0xFFFF):
        notes.append("the header's checksum is wrong or was never computed")
    if header.n_announced not in (n_samples, n_samples * header.n_leads):
        notes.append(f"the header announces {header.n_announced} samples; the file holds {n_samples} a lead")
    if (len(content) - header.data_offset) % (2 * header.n_leads):
        notes.append("the file ends within a sample")
    return tuple(notes)

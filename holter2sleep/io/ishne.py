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

from holter2sleep.clock import NO_DATE
from holter2sleep.io.channels import Channel, choose_ecg
from holter2sleep.io.files import refusal, sha256_of
from holter2sleep.io.lead import lead_of, middle_of, rate_fault
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.subjects import age_at
from holter2sleep.io.units import unit_scale
from holter2sleep.night import Recording, Sex, Source, Subject
from holter2sleep.waveform import Signal, Waveform

log = logging.getLogger(__name__)

MAGIC = b"ISHNE1.0"
FIXED_BYTES = 522  # magic, checksum and the fixed block; the variable block follows, then the samples
_CRC_FROM = 10  # the checksum covers the header behind itself
_PIECE_BYTES = 1 << 20
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
class IshneHeader:
    """The facts of the fixed block that are needed; -9 in the file means "not given"."""

    file_bytes: int
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


def read_ishne(path: Path, recording_id: str, options: ReadOptions) -> Recording:
    """Recording of one lead of an ISHNE file, its length taken from the file rather than from its header.

    Raises
    ------
    RecordingError
        Cut or broken header, no sample, or no such lead.
    """
    header = read_ishne_header(path)
    n_samples = (header.file_bytes - header.data_offset) // (2 * header.n_leads)
    per_count = unit_scale(options.unit or "nV").to_mv  # the standard gives the resolution in nV

    def lead(index: int) -> Waveform:
        return _lead(path, header, index, n_samples, header.resolution_nv[index] * per_count)

    choice = choose_ecg(_channels(header), options, path, lambda i: middle_of(lead(i), header.fs))
    if n_samples <= 0:
        raise refusal(path, "the file holds no sample", _WORKS)
    nv = header.resolution_nv[choice.index]
    start, notes = ishne_start(header)
    subject, age_note = ishne_subject(header)
    log.info("%s: ISHNE, %d leads, %d Hz, %d samples each", recording_id, header.n_leads, header.fs, n_samples)
    return Recording(
        recording_id=recording_id,
        source=Source(path.name, "ISHNE", sha256_of([path]), f"{nv} nV", nv * per_count),
        duration_s=n_samples / header.fs,
        fs=float(header.fs),
        start=start,
        subject=subject,
        channel=choice.name,
        ecg=lead_of(choice, lead),
        warnings=(*_doubts(path, header, n_samples), *notes, *([age_note] if age_note else []), *choice.warnings),
    )


def _channels(header: IshneHeader) -> list[Channel]:
    labels = [f"ECG {LEADS[code]}".strip() if 0 <= code < len(LEADS) else "ECG" for code in header.leads]
    unknown = "its resolution is not given"
    faults = [rate_fault(header.fs) or (None if nv > 0 else unknown) for nv in header.resolution_nv]
    return [Channel(label, header.fs, fault) for label, fault in zip(labels, faults, strict=True)]


def _lead(path: Path, header: IshneHeader, index: int, n_samples: int, mv_per_count: float) -> Waveform:
    """Samples of one of the interleaved leads, read from the file when asked for."""

    def read(first: int, last: int) -> Signal:
        count, offset = (last - first) * header.n_leads, header.data_offset + 2 * first * header.n_leads
        counts = np.fromfile(path, "<i2", count, offset=offset).reshape(-1, header.n_leads)[:, index]
        return counts.astype(np.float32) * np.float32(mv_per_count)

    return Waveform(max(0, n_samples), read)


def read_ishne_header(path: Path) -> IshneHeader:
    """Header of an ISHNE recording or annotation file.

    Raises
    ------
    RecordingError
        Cut or broken header.
    """
    file_bytes = path.stat().st_size
    with path.open("rb") as file:
        fixed = file.read(FIXED_BYTES)
    if len(fixed) < FIXED_BYTES:
        raise refusal(path, f"an ISHNE header cut after {len(fixed)} of {FIXED_BYTES} bytes", _WORKS)
    n_leads, *leads = struct.unpack_from("<13h", fixed, 156)
    (fs,) = struct.unpack_from("<h", fixed, 272)
    crc, variable_bytes, n_announced = struct.unpack_from("<Hii", fixed, 8)
    is_recording = fixed.startswith(MAGIC)
    if not ((1 <= n_leads <= 12 or not is_recording) and fs > 0 and 0 <= variable_bytes <= file_bytes - FIXED_BYTES):
        found = f"a broken ISHNE header: {n_leads} leads, {fs} Hz, variable block of {variable_bytes} bytes"
        raise refusal(path, found, _WORKS)
    return IshneHeader(
        file_bytes=file_bytes,
        crc=crc,
        variable_bytes=variable_bytes,
        n_announced=n_announced,
        sex=struct.unpack_from("<h", fixed, 128)[0],
        birth=struct.unpack_from("<3h", fixed, 132),
        recorded=struct.unpack_from("<3h", fixed, 138),
        clock=struct.unpack_from("<3h", fixed, 150),
        n_leads=n_leads,
        leads=tuple(leads[: max(0, n_leads)]),
        resolution_nv=struct.unpack_from("<12h", fixed, 206)[: max(0, n_leads)],
        fs=fs,
    )


def _date(day_month_year: tuple[int, int, int]) -> date | None:
    day, month, year = day_month_year
    if 0 < year < 100:  # some writers keep two digits: as those of EDF
        year += 1900 if year >= 85 else 2000
    try:
        return date(year, month, day)
    except ValueError:  # -9 or 0: not given
        return None


def ishne_start(header: IshneHeader) -> tuple[datetime | None, tuple[str, ...]]:
    """Start of the recording; the clock alone where the date is not given."""
    try:
        clock = time(*header.clock)
    except ValueError:
        return None, ("no start time in the header",)
    day = _date(header.recorded)
    if day is None and clock == time():
        return None, ("no date and no time in the header: start unknown",)
    if day is None:
        return datetime.combine(NO_DATE, clock), (f"no date in the header: {NO_DATE} stands for no date",)
    return datetime.combine(day, clock), ()


def ishne_subject(header: IshneHeader) -> tuple[Subject, str | None]:
    """Age and sex of the header, and a warning for an impossible age."""
    age, note = age_at(_date(header.birth), ishne_start(header)[0])
    return Subject(age, SEXES.get(header.sex)), note


def _doubts(path: Path, header: IshneHeader, n_samples: int) -> tuple[str, ...]:
    """What the header says against the file."""
    notes = []
    if header.crc != _crc(path, header.data_offset):
        notes.append("the header's checksum is wrong or was never computed")
    if header.n_announced not in (n_samples, n_samples * header.n_leads):
        notes.append(f"the header announces {header.n_announced} samples; the file holds {n_samples} a lead")
    if (header.file_bytes - header.data_offset) % (2 * header.n_leads):
        notes.append("the file ends within a sample")
    return tuple(notes)


def _crc(path: Path, data_offset: int) -> int:
    """Checksum of fixed and variable block, read in pieces: a broken header may announce a huge block."""
    crc = 0xFFFF
    with path.open("rb") as file:
        file.seek(_CRC_FROM)
        while piece := file.read(min(_PIECE_BYTES, data_offset - file.tell())):
            crc = binascii.crc_hqx(piece, crc)
    return crc

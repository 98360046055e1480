"""GDF recordings, versions 1 and 2, of one channel only.

Read here and not by mne: version 1.13 upsamples every channel to the fastest, returns another channel's samples under
the name asked for when only some are included, and takes mV of version 1 for V. Events of the file are not read.

References
----------
Schloegl A. GDF - a general dataformat for biosignals. arXiv:cs/0608052 (version 2.10).
"""

from __future__ import annotations

import logging
import math
import struct
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.io.channels import Channel, choose_ecg
from holter2sleep.io.files import MAX_ELAPSED_S, refusal, sha256_of
from holter2sleep.io.lead import lead_of, middle_of, millivolt, rate_fault
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.subjects import age_at
from holter2sleep.io.units import unit_scale
from holter2sleep.night import Recording, Sex, Source, Subject
from holter2sleep.waveform import Signal, Waveform

log = logging.getLogger(__name__)

MAGIC = b"GDF "
_HEADER_BYTES = 256  # fixed, and again for each signal
_MAX_SIGNALS = 4096
_TYPES = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<i8", 8: "<u8", 16: "<f4", 17: "<f8"}
_TYPE_BYTES = {code: np.dtype(name).itemsize for code, name in _TYPES.items()} | {279: 3, 535: 3}  # 24 bits
_SEXES: dict[int, Sex] = {1: "M", 2: "F"}
_VOLT, _PREFIX_BITS = 4256, 0x1F  # ISO/IEEE 11073-10101: the unit's code, and the decimal prefix in its low bits
_PREFIXED = {0: "V", 18: "mV", 19: "uV", 20: "nV"}
_DAYS_BEFORE_YEAR_1 = 367  # GDF counts days from the start of the year 0, day 1
_BLOCK_BYTES = 1 << 23
_WORKS = "a complete GDF file"


@dataclass(frozen=True)
class _Signal:
    label: str
    unit: str
    gain: float  # physical units a digital one; NaN when the header gives none
    offset: float  # physical value of digital 0
    per_record: int
    kind: int  # data type by its GDF code
    at_byte: int  # in each data record
    largest: float  # magnitude the header lets it have, in its unit


@dataclass(frozen=True)
class _Header:
    version: str
    start: datetime | None
    subject: Subject
    signals: tuple[_Signal, ...]
    data_offset: int
    n_records: int
    record_s: float
    record_bytes: int
    warnings: tuple[str, ...]


def read_gdf(path: Path, recording_id: str, options: ReadOptions) -> Recording:
    """Recording of the ECG channel of a GDF file, at the channel's own rate.

    Raises
    ------
    RecordingError
        Broken header, no data record, no usable ECG channel.
    """
    header = _read_header(path)

    def lead(index: int) -> Waveform:
        signal = header.signals[index]
        return _lead(path, header, signal, unit_scale(options.unit or signal.unit, signal.largest).to_mv)

    def fs_of(index: int) -> float:
        return header.signals[index].per_record / header.record_s

    channels = [Channel(s.label, fs_of(i), _fault(s, fs_of(i))) for i, s in enumerate(header.signals)]
    choice = choose_ecg(channels, options, path, lambda i: middle_of(lead(i), fs_of(i)))
    if header.n_records == 0:
        raise refusal(path, "the file holds no data record", "a recording with signal")
    signal, fs = header.signals[choice.index], fs_of(choice.index)
    unit = unit_scale(options.unit or signal.unit, signal.largest)
    ecg = lead_of(choice, lead)
    log.info("%s: GDF %s, %d records, %g Hz", recording_id, header.version, header.n_records, fs)
    return Recording(
        recording_id=recording_id,
        source=Source(
            path.name,
            f"GDF {header.version}",
            sha256_of([path]),
            signal.unit,
            unit.to_mv,
            relative_scale=unit.is_relative,
        ),
        duration_s=len(ecg) / fs,
        fs=fs,
        start=header.start,
        subject=header.subject,
        channel=choice.name,
        ecg=ecg,
        warnings=(*header.warnings, *choice.warnings, *([unit.warning] if unit.warning else [])),
    )


def _fault(signal: _Signal, fs: float) -> str | None:
    if signal.kind not in _TYPES:
        return f"its data type {signal.kind} is not read"
    if not (math.isfinite(signal.gain) and math.isfinite(signal.offset)):
        return "its physical or digital minimum equals its maximum, or is no number"
    return rate_fault(fs)


def _lead(path: Path, header: _Header, signal: _Signal, scale: float) -> Waveform:
    """Samples of a signal, mV, read record by record when asked for."""
    dtype = np.dtype(_TYPES[signal.kind])
    width = signal.per_record * dtype.itemsize

    def read(first: int, last: int) -> Signal:
        start, stop = first // signal.per_record, -(-last // signal.per_record)
        offset = header.data_offset + start * header.record_bytes
        raw = np.fromfile(path, np.uint8, (stop - start) * header.record_bytes, offset=offset)
        records = raw.reshape(-1, header.record_bytes)[:, signal.at_byte : signal.at_byte + width]
        skipped = first - start * signal.per_record
        digital = np.ascontiguousarray(records).view(dtype).ravel()[skipped : skipped + last - first]
        with np.errstate(all="ignore"):
            return millivolt(digital.astype(np.float64) * signal.gain + signal.offset, scale)

    # blocks of a few MB of the file, however many signals lie beside this one
    per_block = max(1, _BLOCK_BYTES // header.record_bytes) * signal.per_record
    return Waveform(header.n_records * signal.per_record, read, per_block)


# --- header ----------------------------------------------------------------------------------------


def _read_header(path: Path) -> _Header:
    file_bytes = path.stat().st_size
    with path.open("rb") as file:
        fixed = file.read(_HEADER_BYTES)
        if len(fixed) < _HEADER_BYTES:
            raise refusal(path, f"a GDF header cut after {len(fixed)} of {_HEADER_BYTES} bytes", _WORKS)
        version = fixed[4:8].decode("latin-1").strip()
        is_first = version.startswith(("0.", "1."))
        n_signals = struct.unpack_from("<I" if is_first else "<H", fixed, 252)[0]
        if not 0 < n_signals <= _MAX_SIGNALS:
            raise refusal(path, f"a broken GDF header: {n_signals} signals", _WORKS)
        columns = file.read(_HEADER_BYTES * n_signals)
    if len(columns) < _HEADER_BYTES * n_signals:
        raise refusal(path, f"a GDF header cut within its {n_signals} signals", _WORKS)
    signals = _signals(columns, n_signals, is_first)
    n_announced, numerator, denominator = struct.unpack_from("<qII", fixed, 236)
    record_s = numerator / denominator if denominator else 0.0
    record_bytes = sum(_TYPE_BYTES.get(s.kind, 0) * s.per_record for s in signals)
    data_offset = struct.unpack_from("<q", fixed, 184)[0]
    if not is_first:
        data_offset = _HEADER_BYTES * struct.unpack_from("<H", fixed, 184)[0]
    unknown = [s.kind for s in signals if s.kind not in _TYPE_BYTES]
    if unknown or record_s <= 0 or record_bytes == 0 or not len(fixed) + len(columns) <= data_offset:
        found = f"data type {unknown[0]}" if unknown else f"records of {record_s:g} s and {record_bytes} bytes"
        raise refusal(path, f"a broken GDF header: {found}, data from byte {data_offset}", _WORKS)
    n_held = max(0, file_bytes - data_offset) // record_bytes
    n_records, notes = _records(n_announced, n_held)
    if n_records * record_s > MAX_ELAPSED_S:
        raise refusal(path, f"a duration of {n_records * record_s / 86400:.0f} days", "a recording within a month")
    start, subject, age_note = _clock_and_subject(fixed, is_first)
    notes += (age_note,) if age_note else ()
    return _Header(version, start, subject, signals, data_offset, n_records, record_s, record_bytes, notes)


def _records(n_announced: int, n_held: int) -> tuple[int, tuple[str, ...]]:
    """Data records to read: what the header announces, at most what the file holds."""
    if n_announced < 0:
        return n_held, ("the number of data records is not given: taken from the file's size",)
    if n_announced > n_held:
        return n_held, (f"the header announces {n_announced} data records; the file holds {n_held}",)
    return n_announced, ()


def _signals(columns: bytes, n: int, is_first: bool) -> tuple[_Signal, ...]:
    """Signals by the header's columns: each field for all signals in turn."""
    labels = [columns[16 * i : 16 * (i + 1)].split(b"\0")[0].decode("latin-1").strip() for i in range(n)]
    units = _units(columns[96 * n : 104 * n], n, is_first)
    low, high = (np.frombuffer(columns, "<f8", n, at * n) for at in (104, 112))
    digital: list[NDArray[np.float64]] = [
        np.frombuffer(columns, "<i8" if is_first else "<f8", n, at * n).astype(np.float64) for at in (120, 128)
    ]
    per_record, kinds = (np.frombuffer(columns, "<i4", n, at * n).tolist() for at in (216, 220))
    per_record = [max(0, count) for count in per_record]
    with np.errstate(all="ignore"):
        gain = (high - low) / (digital[1] - digital[0])
        offset = low - digital[0] * gain
        gain = np.where(gain == 0, np.nan, gain)
        largest = np.maximum(np.abs(low), np.abs(high))
    starts = np.cumsum([0, *(_TYPE_BYTES.get(k, 0) * c for k, c in zip(kinds, per_record, strict=True))]).tolist()
    return tuple(
        _Signal(labels[i], units[i], float(gain[i]), float(offset[i]), per_record[i], kinds[i], starts[i], largest[i])
        for i in range(n)
    )


def _units(field: bytes, n: int, is_first: bool) -> list[str]:
    """Unit of each signal: text in version 1, a code behind the obsolete texts in version 2."""
    if is_first:
        return [field[8 * i : 8 * (i + 1)].split(b"\0")[0].decode("latin-1").strip() for i in range(n)]
    codes = np.frombuffer(field, "<u2", n, 6 * n).tolist()
    volts = {_VOLT + prefix: unit for prefix, unit in _PREFIXED.items()}
    return [volts.get(code, "" if code == 0 else f"code {code}") for code in codes]


def _clock_and_subject(fixed: bytes, is_first: bool) -> tuple[datetime | None, Subject, str | None]:
    """Naive local start, and the person as far as version 2 has fields for it."""
    if is_first:
        try:
            return datetime.strptime(fixed[168:182].decode("latin-1"), "%Y%m%d%H%M%S"), Subject(), None
        except ValueError:
            return None, Subject(), None
    start, birth = (_moment(struct.unpack_from("<Q", fixed, at)[0]) for at in (168, 176))
    day: date | None = birth.date() if birth else None
    age, note = age_at(day, start)
    return start, Subject(age, _SEXES.get(fixed[87] & 3)), note


def _moment(stamp: int) -> datetime | None:
    """Time of a stamp in 2^-32 days, to the millisecond; None where it is not given."""
    if stamp == 0:
        return None
    seconds = round((stamp / 2**32 - _DAYS_BEFORE_YEAR_1) * 86400, 3)
    try:
        return datetime(1, 1, 1) + timedelta(seconds=seconds)
    except OverflowError:
        return None

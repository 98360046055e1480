"""What the header of each format says, as facts and findings: container, fields, channels, identity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from holter2sleep.audit.edf_fields import edf_field_findings, read_raw_header
from holter2sleep.audit.facts import ChannelFacts, Container
from holter2sleep.audit.findings import Finding, finding
from holter2sleep.audit.identity import edf_identity, hdf5_identity, ishne_identity, polar_identity, wfdb_identity
from holter2sleep.audit.ishne_fields import RawIshne, ishne_field_findings, read_raw_ishne
from holter2sleep.audit.strict import strict_reader_finding
from holter2sleep.audit.wfdb_fields import DEFAULT_GAIN, RawWfdb, read_raw_wfdb, wfdb_field_findings
from holter2sleep.errors import RecordingError
from holter2sleep.io.beatfiles import POLAR_SUFFIX
from holter2sleep.io.edf_annotations import record_onsets
from holter2sleep.io.edf_header import EdfHeader, edf_kind, read_edf_header, text_of
from holter2sleep.io.edf_samples import digital_part
from holter2sleep.io.files import is_file
from holter2sleep.io.hdf5 import HDF5_SUFFIXES
from holter2sleep.io.hdf5 import MAGIC as MAGIC_HDF5
from holter2sleep.io.ishne import FIXED_BYTES, LEADS, MAGIC
from holter2sleep.io.units import MV_PER_UNIT
from holter2sleep.io.wfdb_header import DEFAULT_FS_HZ, is_name_beside
from holter2sleep.night import Float

NV_TO_UV = 1e-3
GLANCES = 8  # data records in which a channel must not vary to be called constant
GLANCED_SAMPLES = 1 << 20  # of a data record; a whole recording may be one
GLANCED_CHANNELS = 256  # more are not looked at one by one
HELD_MAX_RECORDS = 2_000_000  # time stamps read one by one: a month of records of 1 s


@dataclass(frozen=True)
class HeaderAudit:
    """What a header says. `onset_s` are the time stamps of EDF+ records."""

    container: Container
    findings: tuple[Finding, ...]
    channels: tuple[ChannelFacts, ...] = ()
    identity: tuple[str, ...] = ()
    clock_source: str | None = None
    header_duration_s: float | None = None
    onset_s: Float | None = None
    record_s: float | None = None
    dialect: str | None = None
    wfdb: RawWfdb | None = None


def audit_header(path: Path) -> HeaderAudit:
    """The header of a file by its kind; hardly anything for formats without a standard header.

    Raises
    ------
    RecordingError
        A WFDB header that is no text.
    """
    with path.open("rb") as file:
        head = file.read(8)
    if edf_kind(head):
        return _edf(path)
    if head == MAGIC and (ishne := read_raw_ishne(path)):
        return _ishne(path, ishne)
    if path.suffix.lower() == ".hea":
        return _wfdb(path)
    held: tuple[str, ...] = ()
    if head == MAGIC_HDF5 or path.suffix.lower() in (*HDF5_SUFFIXES, ".mat"):
        held = hdf5_identity(path)
    elif path.suffix.lower() == POLAR_SUFFIX:
        held = polar_identity(path)
    return HeaderAudit(Container(file_bytes=path.stat().st_size), (), identity=held)


# --- EDF and BDF -----------------------------------------------------------------------------------


def _edf(path: Path) -> HeaderAudit:
    raw = read_raw_header(path)
    size = path.stat().st_size
    if raw is None:
        cut = finding("truncated", f"{size} bytes: the header is cut", "error")
        return HeaderAudit(Container(file_bytes=size), (cut,))
    findings = edf_field_findings(raw)
    identity = edf_identity(raw, path)
    announced = _whole(text_of(raw.fixed["number of records"]))
    try:
        header = read_edf_header(path)
    except RecordingError:
        return HeaderAudit(Container(raw.kind, size, None, announced), tuple(findings), identity=identity)
    strict = strict_reader_finding(path)
    findings += [*_edf_layout(header, announced, size), *([strict] if strict else [])]
    trailing = size - header.header_bytes - header.n_records * header.record_bytes
    container = Container(
        header.dialect,
        size,
        header.header_bytes,
        announced,
        header.n_records,
        header.record_s,
        trailing,
        strict is None,
    )
    onset_s = record_onsets(path, header) if header.n_records <= HELD_MAX_RECORDS else None
    stamped = onset_s is not None and np.isfinite(onset_s).any()
    return HeaderAudit(
        container,
        tuple(findings),
        _edf_channels(path, header),
        identity,
        "header and time stamps" if stamped else "header",
        announced * header.record_s if announced is not None and announced >= 0 else None,
        onset_s if stamped else None,
        header.record_s,
        header.dialect,
    )


def _whole(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _edf_layout(header: EdfHeader, announced: int | None, size: int) -> list[Finding]:
    """Records announced against records found, and the bytes behind them."""
    found = []
    rest = size - header.header_bytes - header.n_records * header.record_bytes
    if announced == -1:
        found.append(finding("records_unknown", f"-1 announced, {header.n_records} in the file"))
    elif announced != header.n_records:
        found.append(
            finding("records_announced", f"{announced} data records announced, {header.n_records} in the file")
        )
    if header.n_records == 0:
        found.append(finding("no_records", "the file holds no complete data record"))
    if rest and (announced or 0) > header.n_records:
        found.append(finding("truncated", f"cut within a data record: {rest} of {header.record_bytes} bytes are there"))
    elif rest:
        found.append(finding("trailing_bytes", f"{rest} bytes behind the last record"))
    return found


def _edf_channels(path: Path, header: EdfHeader) -> tuple[ChannelFacts, ...]:
    signals = [signal for signal in header.signals if not signal.is_annotation]
    return tuple(
        ChannelFacts(
            signal.label,
            signal.unit,
            signal.samples_per_record / header.record_s if header.record_s else None,
            _number(signal.physical_min),
            _number(signal.physical_max),
            _number(signal.digital_min),
            _number(signal.digital_max),
            uv_per_count=_uv(abs(signal.gain), signal.unit),
            constant=_is_constant(path, header, i) if len(signals) <= GLANCED_CHANNELS else None,
        )
        for i, signal in enumerate(signals)
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _uv(per_count: float, unit: str) -> float | None:
    """Microvolt per count; None for a channel in another unit."""
    factor = MV_PER_UNIT.get(unit.strip().strip(".").casefold())
    return per_count * factor * 1e3 if factor is not None and math.isfinite(per_count) else None


def _is_constant(path: Path, header: EdfHeader, index: int) -> bool | None:
    """Whether a signal has one value in some records spread over the file; None without samples."""
    signal = [signal for signal in header.signals if not signal.is_annotation][index]
    if header.n_records == 0 or signal.samples_per_record == 0:
        return None
    at = np.unique(np.linspace(0, header.n_records - 1, GLANCES).astype(int))
    n = min(signal.samples_per_record, GLANCED_SAMPLES)
    values = np.concatenate([digital_part(path, header, signal, i, 0, n) for i in at.tolist()])
    return len(values) > 1 and bool((values == values[0]).all())


# --- WFDB ------------------------------------------------------------------------------------------


def _wfdb(path: Path) -> HeaderAudit:
    raw = read_raw_wfdb(path)
    fs = _rate(raw)
    files = [path, *(path.parent / name for name in {s.file for s in raw.signals} if is_name_beside(name))]
    size = sum(file.stat().st_size for file in files if is_file(file))
    container = Container("WFDB", size, path.stat().st_size, raw.n_samples)
    channels = tuple(
        ChannelFacts(
            signal.label,
            signal.unit or "mV",
            fs * signal.per_frame,
            uv_per_count=_uv(1 / abs(signal.gain or DEFAULT_GAIN), signal.unit or "mV"),
        )
        for signal in raw.signals
    )
    announced_s = raw.n_samples / fs if raw.n_samples and fs else None
    source = "record line" if len(raw.record) > 4 else None
    found = tuple(wfdb_field_findings(path, raw))
    return HeaderAudit(container, found, channels, wfdb_identity(raw), source, announced_s, wfdb=raw)


def _rate(raw: RawWfdb) -> float:
    try:
        fs = float(raw.record[2].split("/")[0])
    except (IndexError, ValueError):
        return DEFAULT_FS_HZ
    return fs if math.isfinite(fs) else DEFAULT_FS_HZ


# --- ISHNE -----------------------------------------------------------------------------------------


def _ishne(path: Path, raw: RawIshne) -> HeaderAudit:
    container = Container(
        "ISHNE", raw.file_bytes, FIXED_BYTES + max(0, raw.variable_bytes), raw.at("<i", 14)[0], raw.n_samples
    )
    channels = tuple(
        ChannelFacts(
            f"ECG {LEADS[code]}".strip() if 0 <= code < len(LEADS) else "ECG",
            "mV",
            float(raw.fs),
            uv_per_count=nv * NV_TO_UV if nv > 0 else None,
        )
        for code, nv in zip(raw.lead_codes, raw.resolution_nv, strict=True)
    )
    return HeaderAudit(container, tuple(ishne_field_findings(raw)), channels, ishne_identity(raw), "header")

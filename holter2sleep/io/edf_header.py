"""What an EDF or BDF header says, read tolerantly: every departure from the standard becomes a warning.

References
----------
Kemp et al., Electroencephalogr Clin Neurophysiol 1992;82:391 (EDF). Kemp and Olivan, Clin Neurophysiol
2003;114:1755 (EDF+).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from holter2sleep.clock import NO_DATE
from holter2sleep.io.files import quoted, refusal
from holter2sleep.io.subjects import named_date, subject_of_patient_field
from holter2sleep.night import Subject

SAMPLE_BYTES = {"EDF": 2, "BDF": 3}
_MAGIC = {b"0       ": "EDF", b"\xffBIOSEMI": "BDF"}
_FIXED_BYTES = 256
_SIGNAL_BYTES = 256
_MAX_SIGNALS = 9999  # four digits
# Width of each field that is stored for all signals in turn.
_SIGNAL_FIELDS = {
    "label": 16,
    "transducer": 80,
    "unit": 8,
    "physical_min": 8,
    "physical_max": 8,
    "digital_min": 8,
    "digital_max": 8,
    "prefilter": 80,
    "samples_per_record": 8,
    "reserved": 32,
}


@dataclass(frozen=True)
class EdfSignal:
    """One signal as the header describes it; numbers that cannot be read are NaN."""

    label: str
    unit: str
    physical_min: float
    physical_max: float
    digital_min: float
    digital_max: float
    samples_per_record: int
    first_sample: int  # position in the data record, in samples

    @property
    def is_annotation(self) -> bool:
        """Whether the bytes are EDF+ annotations, not samples."""
        return is_annotation_label(self.label)

    @property
    def gain(self) -> float:
        """Physical units per digital count; NaN when the header gives none."""
        span = self.digital_max - self.digital_min
        gain = (self.physical_max - self.physical_min) / span if span else math.nan
        return gain if gain and math.isfinite(gain) else math.nan


@dataclass(frozen=True)
class EdfHeader:
    """Header of an EDF or BDF file; `n_records` is what the file really holds."""

    kind: str  # EDF or BDF
    dialect: str  # EDF, EDF+C, EDF+D, BDF, BDF+C, BDF+D
    start: datetime | None
    subject: Subject
    record_s: float
    n_records: int
    signals: tuple[EdfSignal, ...]
    header_bytes: int
    warnings: tuple[str, ...]

    @property
    def record_bytes(self) -> int:
        """Length of a data record."""
        return SAMPLE_BYTES[self.kind] * sum(signal.samples_per_record for signal in self.signals)


def is_annotation_label(label: str) -> bool:
    """Whether a label is that of EDF+ annotations; writers that spell it in lower case mean the same."""
    return label.casefold() in ("edf annotations", "bdf annotations")


def edf_kind(head: bytes) -> str | None:
    """`EDF`, `BDF` or None by the first eight bytes; a 0 padded with blanks or NUL is enough for EDF."""
    return _MAGIC.get(head[:8].replace(b"\0", b" "))


def read_edf_header(path: Path) -> EdfHeader:
    """Header of an EDF or BDF file, with what was assumed.

    Raises
    ------
    RecordingError
        The header is cut, or does not say how the data records are laid out.
    """
    with path.open("rb") as file:
        fixed = file.read(_FIXED_BYTES)
        kind = edf_kind(fixed)
        if kind is None or len(fixed) < _FIXED_BYTES:
            raise refusal(path, "not a complete EDF or BDF header")
        n_signals = _whole(fixed[252:256])
        if n_signals is None or n_signals < 1:
            raise refusal(
                path,
                f"{kind} header announces {quoted(text_of(fixed[252:256]))} signals",
                "a header with 1 or more signals",
            )
        if n_signals > _MAX_SIGNALS or _FIXED_BYTES + n_signals * _SIGNAL_BYTES > path.stat().st_size:
            raise refusal(path, f"{kind} header is cut: {n_signals} signals announced", "the complete file")
        block = file.read(n_signals * _SIGNAL_BYTES)
    if len(block) < n_signals * _SIGNAL_BYTES:
        raise refusal(path, f"{kind} header is cut: {n_signals} signals announced", "the complete file")
    signals = _signals(block, n_signals, path)
    header_bytes = _FIXED_BYTES + len(block)
    warnings: list[str] = []
    record_s = _number(fixed[244:252])
    if not record_s >= 0:
        raise refusal(
            path,
            f"record duration {quoted(text_of(fixed[244:252]))} is no number of seconds",
            "a duration above 0 s",
        )
    n_records = _n_records(fixed, path.stat().st_size - header_bytes, kind, signals, warnings)
    start = _start(fixed, warnings)
    subject, age_note = subject_of_patient_field(text_of(fixed[8:88]), start)
    warnings += [age_note] if age_note else []
    return EdfHeader(
        kind, _dialect(kind, fixed), start, subject, record_s, n_records, signals, header_bytes, tuple(warnings)
    )


def text_of(field: bytes) -> str:
    """A header field; UTF-8 or latin-1 although the standard allows ASCII only."""
    field = field.strip(b" \0")
    try:
        return field.decode("utf-8").strip()
    except UnicodeDecodeError:
        return field.decode("latin-1").strip()


def _number(field: bytes) -> float:
    """A decimal number, comma decimals included; NaN when there is none."""
    try:
        value = float(text_of(field).replace(",", "."))
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _whole(field: bytes) -> int | None:
    value = _number(field)
    return int(value) if value.is_integer() else None


def _dialect(kind: str, fixed: bytes) -> str:
    reserved = fixed[192:197].decode("latin-1").upper()
    return f"{kind}{reserved[3:]}" if reserved[3:] in ("+C", "+D") else kind


def _signals(block: bytes, n_signals: int, path: Path) -> tuple[EdfSignal, ...]:
    fields: dict[str, list[bytes]] = {}
    at = 0
    for name, width in _SIGNAL_FIELDS.items():
        fields[name] = [block[at + i * width : at + (i + 1) * width] for i in range(n_signals)]
        at += n_signals * width
    signals: list[EdfSignal] = []
    first = 0
    for i in range(n_signals):
        n_samples = _whole(fields["samples_per_record"][i])
        if n_samples is None or n_samples < 0:
            found = f"signal {i + 1} announces {quoted(text_of(fields['samples_per_record'][i]))} samples per record"
            raise refusal(path, found, "a whole number of samples")
        low, high, digital_low, digital_high = (
            _number(fields[name][i]) for name in ("physical_min", "physical_max", "digital_min", "digital_max")
        )
        label, unit = text_of(fields["label"][i]), text_of(fields["unit"][i])
        signals.append(EdfSignal(label, unit, low, high, digital_low, digital_high, n_samples, first))
        first += n_samples
    return tuple(signals)


def _n_records(fixed: bytes, data_bytes: int, kind: str, signals: tuple[EdfSignal, ...], warnings: list[str]) -> int:
    """Complete data records in the file; the length of the file is trusted over the header."""
    record_bytes = SAMPLE_BYTES[kind] * sum(signal.samples_per_record for signal in signals)
    found, rest = divmod(data_bytes, record_bytes) if record_bytes else (0, 0)
    announced = _whole(fixed[236:244])
    if announced != found:
        said = "unknown (-1)" if announced == -1 else quoted(text_of(fixed[236:244])).strip("'") or "blank"
        warnings.append(f"number of data records: header says {said}, the file holds {found}; the file was trusted")
    if rest:
        cut = announced is not None and announced > found
        warnings.append(
            f"the file is cut in mid-record: {rest} bytes dropped"
            if cut
            else f"{rest} bytes after the last record ignored"
        )
    return found


def _start(fixed: bytes, warnings: list[str]) -> datetime | None:
    """Local start; the full year of the EDF+ recording field goes before the two digits of the header."""
    clock = clock_of(text_of(fixed[176:184]))
    day, named = (
        _short_date(text_of(fixed[168:176])),
        named_date(text_of(fixed[88:168]).removeprefix("Startdate ")),
    )
    if day and named and (day.day, day.month, day.year % 100) != (named.day, named.month, named.year % 100):
        warnings.append(f"start date: header says {day}, recording field says {named}; the recording field was taken")
    if named is None and day == NO_DATE and clock == time():  # what EDF+ has for an unknown start
        day = None
    day = named or day
    if day is None and clock is not None and clock != time():  # date and time of zeros: neither was set
        said = quoted(text_of(fixed[168:176]))
        warnings.append(f"start date {said} is none: only the clock is known ({NO_DATE} stands for no date)")
        return datetime.combine(NO_DATE, clock)
    if clock is None or day is None:
        warnings.append(
            f"start unknown: date {quoted(text_of(fixed[168:176]))}, time {quoted(text_of(fixed[176:184]))}"
        )
        return None
    return datetime.combine(day, clock)


def clock_of(text: str) -> time | None:
    """Time of day written with points, colons or dashes; None when there is none."""
    found = re.fullmatch(r"(\d{1,2})\s*[.:\-]\s*(\d{1,2})\s*[.:\-]\s*(\d{1,2})", text)
    try:
        return time(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


def _short_date(text: str) -> date | None:
    found = re.fullmatch(r"(\d{1,2})[./\-](\d{1,2})[./\-](\d{2})", text)
    if not found:
        return None
    day, month, year = map(int, found.groups())
    try:
        return date(year + (1900 if year >= 85 else 2000), month, day)  # EDF: 85-99 is 19yy, 00-84 is 20yy
    except ValueError:
        return None

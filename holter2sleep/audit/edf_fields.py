"""Every field of an EDF or BDF header held against the standard, over the raw bytes.

The reader is tolerant and says what it assumed; here each departure is named, whether it hurts the reader or not.
Never shows the content of the patient or recording field.

References
----------
Kemp et al., Electroencephalogr Clin Neurophysiol 1992;82:391 (EDF). Kemp and Olivan, Clin Neurophysiol
2003;114:1755 (EDF+). edfplus.info, full specifications.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from holter2sleep.audit.findings import Finding, finding
from holter2sleep.io.edf_header import edf_kind, is_annotation_label, text_of
from holter2sleep.io.files import quoted
from holter2sleep.io.labels import ecg_rank
from holter2sleep.io.subjects import named_date
from holter2sleep.io.units import MV_PER_UNIT

FIXED_FIELDS = {
    "version": 8,
    "patient": 80,
    "recording": 80,
    "start date": 8,
    "start time": 8,
    "header bytes": 8,
    "reserved": 44,
    "number of records": 8,
    "record duration": 8,
    "number of signals": 4,
}
SIGNAL_FIELDS = {
    "label": 16,
    "transducer": 80,
    "unit": 8,
    "physical minimum": 8,
    "physical maximum": 8,
    "digital minimum": 8,
    "digital maximum": 8,
    "prefilter": 80,
    "samples per record": 8,
    "signal reserved": 32,
}
BLOCK_BYTES = 256
MAX_SIGNALS = 9999  # what four digits can say
MAX_RECORD_BYTES = 61440  # EDF: "not larger than 61440 bytes"
FULL_RANGE = {"EDF": (-32768, 32767), "BDF": (-8388608, 8388607)}
SHOWN = 8  # signals named in one finding

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_EDF_DATE = re.compile(r"(0[1-9]|[12]\d|3[01])\.(0[1-9]|1[0-2])\.(\d\d|yy)")
_EDF_TIME = re.compile(r"([01]\d|2[0-3])\.[0-5]\d\.[0-5]\d")
_SPOKEN_DATE = re.compile(r"\d\d-[A-Z]{3}-\d{4}|X")


@dataclass(frozen=True)
class RawHeader:
    """A header as bytes: the fields of the file, and those of each signal."""

    kind: str  # EDF or BDF
    fixed: dict[str, bytes]
    signals: tuple[dict[str, bytes], ...]

    @property
    def is_plus(self) -> bool:
        """Whether the file says it is EDF+ or BDF+."""
        return self.fixed["reserved"][3:5] in (b"+C", b"+D")


def read_raw_header(path: Path) -> RawHeader | None:
    """The fields of a header as bytes, as many signals as there are; None when this is no EDF or BDF file."""
    with path.open("rb") as file:
        head = file.read(BLOCK_BYTES)
        kind = edf_kind(head)
        if kind is None or len(head) < BLOCK_BYTES:
            return None
        fixed = _cut(head, FIXED_FIELDS)
        announced = _number(fixed["number of signals"])
        n = int(announced) if 0 < announced <= MAX_SIGNALS and announced.is_integer() else 0
        block = file.read(n * BLOCK_BYTES)
    if len(block) < n * BLOCK_BYTES:
        n = 0
    return RawHeader(kind, fixed, _cut_signals(block, n))


def _cut(block: bytes, widths: dict[str, int]) -> dict[str, bytes]:
    fields, at = {}, 0
    for name, width in widths.items():
        fields[name] = block[at : at + width]
        at += width
    return fields


def _cut_signals(block: bytes, n: int) -> tuple[dict[str, bytes], ...]:
    signals: list[dict[str, bytes]] = [{} for _ in range(n)]
    at = 0
    for name, width in SIGNAL_FIELDS.items():
        for i in range(n):
            signals[i][name] = block[at + i * width : at + (i + 1) * width]
        at += n * width
    return tuple(signals)


def edf_field_findings(raw: RawHeader) -> list[Finding]:
    """Every field outside the standard, and what is assumed instead."""
    return [
        *_version(raw),
        *_text_fields(raw),
        *_clock(raw),
        *_sizes(raw),
        *_reserved(raw),
        *_labels(raw),
        *_numbers(raw),
        *_ranges(raw),
        *_units(raw),
        *(_plus(raw) if raw.is_plus else ()),
    ]


def _number(field: bytes) -> float:
    """A number written by the standard or with a comma; NaN when there is none."""
    text = text_of(field).replace(",", ".")
    return float(text) if _NUMBER.fullmatch(text) else math.nan


def _version(raw: RawHeader) -> Iterator[Finding]:
    expected = {"EDF": b"0       ", "BDF": b"\xffBIOSEMI"}[raw.kind]
    if raw.fixed["version"] != expected:
        yield finding("field_version", f"version field holds {raw.fixed['version']!r}, expected {expected!r}")


# --- text ------------------------------------------------------------------------------------------


def _all_fields(raw: RawHeader) -> Iterator[tuple[str, bytes]]:
    """Every field with its name; a signal's with the signal's number."""
    yield from ((name, field) for name, field in raw.fixed.items() if name != "version")
    for i, signal in enumerate(raw.signals, 1):
        yield from ((f"{name} of signal {i}", field) for name, field in signal.items())


def _text_fields(raw: RawHeader) -> Iterator[Finding]:
    foreign = [name for name, field in _all_fields(raw) if any(not 32 <= byte <= 126 for byte in field.rstrip(b"\0"))]
    padded = [
        name
        for name, field in _all_fields(raw)
        if (field.startswith(b" ") and field.strip(b" \0")) or (field.endswith(b"\0"))
    ]
    if foreign:
        yield finding("field_not_ascii", f"characters outside printable ASCII in: {_some(foreign)}")
    if padded:
        yield finding("field_padding", f"not left-justified, or filled with zero bytes: {_some(padded)}")


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


# --- clock -----------------------------------------------------------------------------------------


def _clock(raw: RawHeader) -> Iterator[Finding]:
    date_text, time_text = (raw.fixed[name].decode("latin-1") for name in ("start date", "start time"))
    if not _EDF_DATE.fullmatch(date_text):
        yield finding("field_date", f"start date {quoted(date_text.strip())}, expected dd.mm.yy")
    if not _EDF_TIME.fullmatch(time_text):
        yield finding("field_time", f"start time {quoted(time_text.strip())}, expected hh.mm.ss")
    spoken = named_date(text_of(raw.fixed["recording"]).removeprefix("Startdate "))
    short = _EDF_DATE.fullmatch(date_text)
    if spoken and short and short[3] != "yy" and f"{spoken:%d.%m.%y}" != date_text:
        yield finding("start_disagrees", f"start date {date_text} in the header, {spoken} in the recording field")


# --- sizes -----------------------------------------------------------------------------------------


def _sizes(raw: RawHeader) -> Iterator[Finding]:
    n_signals = _number(raw.fixed["number of signals"])
    if not (n_signals >= 1 and n_signals.is_integer()):
        yield finding("field_n_signals", f"number of signals {quoted(text_of(raw.fixed['number of signals']))}")
    elif not raw.signals:
        yield finding("field_n_signals", f"{n_signals:.0f} signals announced, more than the header describes")
    elif (expected := BLOCK_BYTES * (1 + len(raw.signals))) != _number(raw.fixed["header bytes"]):
        yield finding(
            "header_bytes",
            f"header of {quoted(text_of(raw.fixed['header bytes']))} bytes announced, it has {expected}",
        )
    record_s = _number(raw.fixed["record duration"])
    only_notes = all(_is_annotation(signal) for signal in raw.signals)
    if not record_s > 0 and not (record_s == 0 and only_notes):
        yield finding("field_record_duration", f"record duration {quoted(text_of(raw.fixed['record duration']))} s")
    samples = [_number(signal["samples per record"]) for signal in raw.signals]
    wrong = [f"signal {i}" for i, n in enumerate(samples, 1) if not (n >= 0 and n.is_integer())]
    if wrong:
        yield finding("field_samples", f"samples per record are no whole number: {_some(wrong)}")
    elif (n_bytes := {"EDF": 2, "BDF": 3}[raw.kind] * sum(samples)) > MAX_RECORD_BYTES:
        yield finding("record_size", f"data records of {n_bytes:.0f} bytes")


def _reserved(raw: RawHeader) -> Iterator[Finding]:
    reserved = text_of(raw.fixed["reserved"])
    usual = ("", "24BIT") if raw.kind == "BDF" else ("",)
    if not raw.is_plus and reserved not in usual:
        yield finding("field_reserved", f"the reserved field holds {len(reserved)} characters of no standard")
    elif raw.is_plus and reserved[:3] != raw.kind:
        yield finding("field_reserved", f"reserved field {reserved[:5]!r} in a {raw.kind} file", "warning")


# --- signals ---------------------------------------------------------------------------------------


def _is_annotation(signal: dict[str, bytes]) -> bool:
    return is_annotation_label(text_of(signal["label"]))


def _labels(raw: RawHeader) -> Iterator[Finding]:
    labels = [text_of(signal["label"]) for signal in raw.signals]
    empty = [f"signal {i}" for i, label in enumerate(labels, 1) if not label]
    if empty:
        yield finding("field_label", f"no label: {_some(empty)}")
    often = Counter(label for s, label in zip(raw.signals, labels, strict=True) if label and not _is_annotation(s))
    twice = [f"{label!r} ({n} times)" for label, n in often.items() if n > 1]
    if twice:
        yield finding("field_label_twice", f"labels that repeat: {_some(twice)}")


def _numbers(raw: RawHeader) -> Iterator[Finding]:
    """Numbers that only a tolerant reader can read: decimal commas, words, thousands marks."""
    wanted = ("header bytes", "number of records", "record duration", "number of signals")
    fields = [(name, raw.fixed[name]) for name in wanted]
    for i, signal in enumerate(raw.signals, 1):
        names = (*(f"{a} {b}" for a in ("physical", "digital") for b in ("minimum", "maximum")), "samples per record")
        fields += [(f"{name} of signal {i}", signal[name]) for name in names]
    wrong = [f"{name} {quoted(text_of(field))}" for name, field in fields if not _NUMBER.fullmatch(text_of(field))]
    if wrong:
        yield finding("field_number", f"no number by the standard: {_some(wrong)}")


def _ranges(raw: RawHeader) -> Iterator[Finding]:
    physical, digital, turned, notes = [], [], [], []
    full_low, full_high = FULL_RANGE[raw.kind]
    for i, signal in enumerate(raw.signals, 1):
        name = f"signal {i} ({text_of(signal['label'])!r})"
        low, high = _number(signal["physical minimum"]), _number(signal["physical maximum"])
        d_low, d_high = _number(signal["digital minimum"]), _number(signal["digital maximum"])
        if _is_annotation(signal):
            notes += [name] if (d_low, d_high) != (full_low, full_high) else []
            continue
        physical += [name] if not low != high or math.isnan(low + high) else []
        turned += [name] if low > high else []
        digital += [name] if not (full_low <= d_low < d_high <= full_high) else []
    for kind, names, what in (
        ("field_physical_range", physical, "physical minimum and maximum equal, or no numbers"),
        ("field_inverted_range", turned, "physical minimum above maximum"),
        ("field_digital_range", digital, f"digital range empty, turned, or beyond {full_low} to {full_high}"),
        ("edfplus_annotation_range", notes, f"annotation signal without the digital range {full_low} to {full_high}"),
    ):
        if names:
            yield finding(kind, f"{what}: {_some(names)}")


def _units(raw: RawHeader) -> Iterator[Finding]:
    odd = [
        f"{text_of(signal['label'])!r} in {text_of(signal['unit'])!r}"
        for signal in raw.signals
        if ecg_rank(text_of(signal["label"])) is not None and text_of(signal["unit"]).casefold() not in MV_PER_UNIT
    ]
    if odd:
        yield finding("field_unit", f"unit of an ECG: {_some(odd)}")


# --- EDF+ ------------------------------------------------------------------------------------------


def _plus(raw: RawHeader) -> Iterator[Finding]:
    patient = text_of(raw.fixed["patient"]).split(" ")
    faults = []
    if len(patient) < 4:
        faults.append(f"{len(patient) if patient != [''] else 0} of 4 subfields")
    else:
        faults += ["sex is none of F, M, X"] if patient[1] not in ("F", "M", "X") else []
        faults += ["birth date is not dd-MMM-yyyy or X"] if not _SPOKEN_DATE.fullmatch(patient[2]) else []
    if faults:
        yield finding("edfplus_patient", f"patient field: {', '.join(faults)}")
    yield from _plus_recording(text_of(raw.fixed["recording"]).split(" "))
    annotation = [text_of(signal["label"]) for signal in raw.signals if _is_annotation(signal)]
    if annotation and not any(label in ("EDF Annotations", "BDF Annotations") for label in annotation):
        yield finding("edfplus_annotation_label", f"the annotation signal is labelled {annotation[0]!r}")
    if not annotation:
        yield finding("edfplus_no_annotations", "no signal is labelled 'EDF Annotations' or 'BDF Annotations'")


def _plus_recording(parts: list[str]) -> Iterator[Finding]:
    if parts[0] != "Startdate":
        yield finding("edfplus_recording", "the recording field does not begin with 'Startdate'")
    elif len(parts) < 5:
        yield finding("edfplus_recording", f"recording field: {len(parts)} of 5 subfields")
    elif not _SPOKEN_DATE.fullmatch(parts[1]):
        yield finding("edfplus_recording", "the date of the recording field is not dd-MMM-yyyy or X")

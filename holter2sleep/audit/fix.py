"""A recording written anew as a compliant EDF+ or BDF+ file, with a list of all that was changed.

The digital samples of an EDF or BDF file stay as they are, for every signal; of other formats the ECG lead is written.
The input is never touched.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from math import floor
from pathlib import Path
from typing import Any

import numpy as np

from holter2sleep import __version__
from holter2sleep.audit.edf_fields import RawHeader, read_raw_header
from holter2sleep.audit.repair import (
    Change,
    Identity,
    date_text,
    legal,
    number,
    patient,
    recording_field,
    shown,
    signal_fields,
)
from holter2sleep.audit.steps import step_mv
from holter2sleep.audit.time_line import mended_time_line
from holter2sleep.clock import NO_DATE, date_known
from holter2sleep.errors import UsageError
from holter2sleep.io import read_recording
from holter2sleep.io.edf_annotations import read_edf_annotations
from holter2sleep.io.edf_header import SAMPLE_BYTES, EdfHeader, clock_of, edf_kind, read_edf_header, text_of
from holter2sleep.io.edf_write import Annotation, AnnotationSignal, HeaderFields, encoded
from holter2sleep.io.export import Scale, edf_blocks
from holter2sleep.io.files import refusal, sha256_of
from holter2sleep.io.vocabulary import is_known_annotation, is_known_label
from holter2sleep.night import Recording, Subject
from holter2sleep.whole_files import write_files

SIDECAR_SUFFIX = ".changes.json"  # behind the name of the fixed file
REPLACED_TEXT = "annotation"  # what an annotation of no known vocabulary says in a de-identified file

_BLOCK_BYTES = 1 << 22
_MAX_SIGNALS = 9999  # four digits


@dataclass(frozen=True)
class FixReport:
    """What became of the input; never holds anything of the person."""

    out: str  # name of the fixed file
    format: str  # EDF+C, EDF+D, BDF+C, BDF+D
    identity: Identity
    input_file: str | None  # None when de-identified
    input_sha256: str
    n_annotations_replaced: int
    changes: tuple[Change, ...]

    def as_json(self) -> str:
        """The content of the sidecar."""
        facts = {
            "input": {"file": self.input_file, "sha256": self.input_sha256},
            "output": {"file": self.out, "format": self.format},
            "identity": self.identity,
            "version": __version__,
            "n_annotations_replaced": self.n_annotations_replaced,
            "changes": [dataclasses.asdict(change) for change in self.changes],
        }
        return json.dumps(facts, indent=2) + "\n"


@dataclass(frozen=True)
class _Input:
    """An EDF or BDF file as it is, and what of it will be kept."""

    path: Path
    header: EdfHeader
    raw: RawHeader
    kept: tuple[int, ...]  # positions of the signals that are written
    identity: Identity


@dataclass(frozen=True)
class _Fixed:
    """A fixed file before it is written."""

    blocks: Iterable[bytes]
    format: str
    sha256: str
    changes: tuple[Change, ...]
    n_replaced: int = 0


def write_fixed(
    path: Path, out: Path, identity: Identity = "plain", *, overwrite: bool = False, **reading: Any
) -> FixReport:
    """Write a compliant EDF+C, or EDF+D where there are gaps (BDF+ for BDF), and beside it the list of changes.

    Parameters
    ----------
    path
        Any recording that can be read. Of EDF and BDF all signals are written with the same digital samples; of other
        formats the ECG lead.
    out
        The new file, `.edf`, or `.bdf` for BDF; the list of changes is `<out>.changes.json`.
    identity
        `plain` leaves sex, age and date; `keep` all that is there, made legal; `drop` nothing but sex and clock, and
        only annotations and labels made of known words.
    overwrite
        Replace an `out` that is there.
    reading
        Options of `read_recording`, for formats other than EDF and BDF.

    Raises
    ------
    UsageError
        No such file; `out` is the input, is there already, has the wrong suffix, or cannot be written.
    RecordingError
        No recording, no signal, no data record, or data records that overlap in time.
    """
    sidecar = out.with_name(out.name + SIDECAR_SUFFIX)
    _check_output(path, out, sidecar, overwrite)
    kind = _kind(path)
    suffix = ".bdf" if kind == "BDF" else ".edf"
    if out.suffix.lower() != suffix:
        why = "BDF stays BDF, its samples have 24 bits" if kind == "BDF" else "what is written is EDF"
        raise UsageError(f"{out.name}: {why}; name it {out.stem}{suffix}")
    fixed = _fixed_edf(path, identity) if kind else _fixed_lead(read_recording(path, **reading), identity)
    name = None if identity == "drop" else path.name
    report = FixReport(out.name, fixed.format, identity, name, fixed.sha256, fixed.n_replaced, fixed.changes)
    try:
        write_files({out: fixed.blocks, sidecar: [report.as_json().encode()]})
    except OSError as error:
        raise UsageError(f"{out.name}: cannot be written ({error.strerror}); choose another place") from None
    return report


def _check_output(path: Path, out: Path, sidecar: Path, overwrite: bool) -> None:
    if not out.parent.is_dir():
        raise UsageError(f"{out.name}: the folder it should go to does not exist")
    for there in (out, sidecar):
        if there.is_dir():
            raise UsageError(f"{there.name}: is a folder; name a file")
        if there.exists() and path.exists() and there.samefile(path):
            raise UsageError(f"{there.name}: is the input itself, which is never touched; choose another name")
        if (there.exists() or there.is_symlink()) and not overwrite:
            raise UsageError(f"{there.name}: is there already; choose another name, or give --overwrite")


def _kind(path: Path) -> str | None:
    """`EDF`, `BDF`, or None for what another reader has to open or to refuse."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            return edf_kind(file.read(8))
    except OSError as error:
        raise refusal(path, f"cannot be read ({error.strerror})") from None


# --- EDF and BDF -----------------------------------------------------------------------------------


def _fixed_edf(path: Path, identity: Identity) -> _Fixed:
    header, raw = read_edf_header(path), read_raw_header(path)
    kept = [i for i, signal in enumerate(header.signals) if not signal.is_annotation and signal.samples_per_record]
    if raw is None or not kept:
        raise refusal(path, "annotations only, no signal", "a recording with signal")
    if header.n_records == 0 or header.record_s == 0:
        lacks = "holds no data record" if header.n_records == 0 else "has data records of 0 s, so no sampling rate"
        raise refusal(path, f"the file {lacks}", "a recording with signal")
    if len(kept) >= _MAX_SIGNALS:
        raise refusal(path, f"{len(kept)} signals leave no room for the annotations", f"under {_MAX_SIGNALS} signals")
    given = _Input(path, header, raw, tuple(kept), identity)
    onset_s, plus, changes = mended_time_line(path, header)
    whole_s = floor(onset_s[0])
    notes, n_replaced, note_changes = _annotations(path, identity)
    times = AnnotationSignal(
        header.kind,
        header.n_records,
        lambda record: _stamp(float(onset_s[record]), whole_s),
        encoded(notes, float(onset_s[0]) - whole_s),
    )
    fields, field_changes = _header(given, times, header.kind + plus, whole_s)
    changes += [*note_changes, *field_changes]
    return _Fixed(_edf_blocks(given, fields, times), fields.dialect, sha256_of([path]), tuple(changes), n_replaced)


def _stamp(onset_s: float, whole_s: int) -> bytes:
    """Time stamp of a data record, with the digits of the input's where it had one."""
    text = format(Decimal(repr(onset_s)) - whole_s, "f")
    return b"+" + (text.rstrip("0").rstrip(".") if "." in text else text).encode("ascii")


def _edf_blocks(given: _Input, fields: HeaderFields, times: AnnotationSignal) -> Iterator[bytes]:
    """The new file in pieces; the bytes of the signals go from record to record as they are."""
    yield fields.tobytes()
    header, kept = given.header, _kept_bytes(given.header, given.kept)
    step = max(1, _BLOCK_BYTES // header.record_bytes)
    with given.path.open("rb") as file:
        file.seek(header.header_bytes)
        for first in range(0, header.n_records, step):
            n = min(step, header.n_records - first)
            content = file.read(n * header.record_bytes)
            if len(content) < n * header.record_bytes:
                raise refusal(given.path, "the file has become shorter while it was read", "a file nobody writes to")
            rows = np.frombuffer(content, np.uint8).reshape(n, header.record_bytes)
            yield np.concatenate([*(rows[:, part] for part in kept), times.rows(first, first + n)], axis=1).tobytes()


def _kept_bytes(header: EdfHeader, kept: Sequence[int]) -> list[slice]:
    """Where the kept signals lie in a data record, neighbours as one."""
    width = SAMPLE_BYTES[header.kind]
    parts: list[slice] = []
    for signal in (header.signals[i] for i in kept):
        first = width * signal.first_sample
        behind = first + width * signal.samples_per_record
        if parts and parts[-1].stop == first:
            parts[-1] = slice(parts[-1].start, behind)
        else:
            parts.append(slice(first, behind))
    return parts


# --- annotations -----------------------------------------------------------------------------------


def _annotations(path: Path, identity: Identity) -> tuple[list[Annotation], int, list[Change]]:
    """The annotations that stay, how many had their text replaced, and word of it."""
    notes = [(onset, length, _writable(text)) for onset, length, text in read_edf_annotations(path)]
    if identity != "drop":
        return notes, 0, []
    told = [(a, b, text if is_known_annotation(text) else REPLACED_TEXT) for a, b, text in notes]
    n = sum(new != old for new, old in zip(told, notes, strict=True))
    why = "de-identified: their text is of no known vocabulary"
    return told, n, [Change("annotations", f"{n} texts", REPLACED_TEXT, why)] if n else []


def _writable(text: str) -> str:
    """An annotation without the control characters that EDF+ forbids."""
    return "".join(letter if letter >= " " or letter in "\t\n\r" else " " for letter in text)


# --- header ----------------------------------------------------------------------------------------


def _header(given: _Input, times: AnnotationSignal, dialect: str, whole_s: int) -> tuple[HeaderFields, list[Change]]:
    header, raw, identity = given.header, given.raw, given.identity
    start, start_changes = _start(given, whole_s)
    who, who_changes = patient(raw, header.subject, start, identity)
    what, what_changes = recording_field(raw, start, identity)
    signals, signal_changes = signal_fields(raw, header.signals, given.kept, identity)
    fields = HeaderFields(
        dialect,
        who,
        what,
        date_text(start),
        f"{start:%H.%M.%S}",
        header.n_records,
        number(raw.fixed["record duration"], header.record_s),
        (*signals, times.fields),
    )
    layout = [*_layout_changes(given, fields), *_left_out(given)]
    return fields, [*start_changes, *who_changes, *what_changes, *layout, *signal_changes]


def _start(given: _Input, whole_s: int) -> tuple[datetime, list[Change]]:
    """Start of the first data record in whole seconds; `NO_DATE` where the day is unknown or must not be told."""
    header, fixed = given.header, given.raw.fixed
    clock = clock_of(text_of(fixed["start time"]))
    start = (header.start or datetime.combine(NO_DATE, clock or time())) + timedelta(seconds=whole_s)
    if given.identity == "drop" or header.start is None:
        start = datetime.combine(NO_DATE, start.time() if header.start else time())
    changes = []
    for name, text in (("start date", date_text(start)), ("start time", f"{start:%H.%M.%S}")):
        if text_of(fixed[name]) != text:
            hidden = given.identity == "drop" and name == "start date"
            before = "a date" if hidden else shown(fixed[name])
            changes.append(Change(name, before, text, _why_start(name, header, clock, whole_s, given.identity)))
    return start, [*changes, *_midnight(header.start, start)]


def _midnight(before: datetime | None, start: datetime) -> list[Change]:
    """Word of a clock that is lost: of no date and midnight, EDF+ makes an unknown start."""
    if before is None or date_known(start) or f"{start:%H.%M.%S}" != "00.00.00":
        return []
    return [Change("start time", "midnight", "unknown", "without a date, 00.00.00 stands for an unknown start")]


def _why_start(name: str, header: EdfHeader, clock: time | None, whole_s: int, identity: Identity) -> str:
    if name == "start date" and identity == "drop":
        return f"de-identified: {NO_DATE:%d.%m.%y} stands for no date"
    if name == "start date" and (header.start is None or not date_known(header.start)):
        return f"no date: {NO_DATE:%d.%m.%y} stands for it"
    if name == "start time" and header.start is None and clock is None:
        return "no time: EDF cannot leave it out, midnight is no knowledge"
    if whole_s:
        return f"the first data record began {whole_s} s after the header's start"
    return "dd.mm.yy" if name == "start date" else "hh.mm.ss"


def _layout_changes(given: _Input, fields: HeaderFields) -> list[Change]:
    """Header size, number of records and signals, dialect."""
    n, fixed = len(fields.signals), given.raw.fixed
    numbers = [
        ("header bytes", str(256 * (n + 1)), "256 for the file and for each signal"),
        ("number of records", str(fields.n_records), "whole data records that the file holds"),
        ("record duration", fields.record_s, "a number by the standard"),
        ("number of signals", str(n), "the signals, and one for times and annotations"),
    ]
    changes = [
        Change(name, shown(fixed[name]), text, why) for name, text, why in numbers if text_of(fixed[name]) != text
    ]
    if text_of(fixed["reserved"]) != fields.dialect:
        why = "EDF+ and BDF+ say here whether the recording is continuous"
        changes.append(Change("reserved", given.header.dialect, fields.dialect, why))
    return changes


def _left_out(given: _Input) -> list[Change]:
    """What of the data records is not written as it was."""
    header = given.header
    changes = []
    rest = given.path.stat().st_size - header.header_bytes - header.n_records * header.record_bytes
    if rest:
        changes.append(Change("data records", f"{rest} bytes behind the last whole one", "dropped", "no whole record"))
    for i, signal in enumerate(header.signals):
        if not signal.is_annotation and i not in given.kept:
            changes.append(Change(f"signal {i + 1}", "0 samples per record", "left out", "there is nothing in it"))
    n_annotation = sum(signal.is_annotation for signal in header.signals)
    if n_annotation != 1:
        why = "one annotation signal holds times and texts"
        changes.append(Change("annotation signals", str(n_annotation), "1", why))
    return changes


# --- other formats ---------------------------------------------------------------------------------


def _fixed_lead(recording: Recording, identity: Identity) -> _Fixed:
    """The ECG lead of a recording of another format."""
    changes = [
        Change("format", recording.source.format, "EDF+", "the ECG lead only; other signals are not written"),
        Change("comments and free text", "whatever there was", "not written", "a lead, its start, sex and age"),
    ]
    label = _lead_label(recording.channel or "ECG", identity)
    if recording.channel and label != recording.channel:
        changes.append(Change("label", "another text", label, "16 characters of printable ASCII, made of known words"))
    if identity == "drop":
        start = recording.start and datetime.combine(NO_DATE, recording.start.time())
        recording = recording.but(start=start, subject=Subject(None, recording.subject.sex))
        changes.append(Change("start date and age", "as they were", "not written", "de-identified"))
    if recording.start is None or not date_known(recording.start):
        changes += _without_day(recording)
    step = None if recording.ecg is None else step_mv(recording.ecg)
    scale = step and Scale.of_step(step[0], step[1])
    changes.append(_about_samples(step[0] if step and scale else None))
    blocks = edf_blocks(recording.but(channel=label), (), scale or None)
    first = next(blocks)
    dialect = first[192:197].decode("ascii")
    return _Fixed(itertools.chain([first], blocks), dialect, recording.source.sha256, tuple(changes))


def _without_day(recording: Recording) -> list[Change]:
    """Word of what EDF+ cannot say without a date: an age, and the clock at midnight."""
    changes = [] if recording.start is None else _midnight(recording.start, recording.start)
    if recording.subject.age_years is not None:
        changes.append(Change("age", "a number", "not written", "EDF+ tells it by a birth date, which needs a date"))
    return changes


def _lead_label(label: str, identity: Identity) -> str:
    if identity == "drop" and not is_known_label(label):
        return "ECG"
    return legal(label)[:16].strip() or "ECG"


def _about_samples(step: float | None) -> Change:
    if step is None:
        why = "no 16-bit counts could be made out: written anew, to the step of the range that holds the lead"
        return Change("samples", "mV", "rounded", why)
    return Change("samples", f"counts of {1000 * step:.6g} uV", "the same counts", "but for an offset of the zero line")

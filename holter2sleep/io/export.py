"""A recording as a file: EDF+C, EDF+D when something is missing, or WFDB.

No library writes EDF+D, so the format is written here; other libraries read it back in the tests.

References
----------
Kemp B, Olivan J. European data format 'plus' (EDF+), an EDF alike standard format for the exchange of physiological
data. Clin Neurophysiol 2003;114:1755-1761.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.io.subjects import MONTHS
from holter2sleep.night import NO_DATE, Recording, Subject
from holter2sleep.spans import runs as runs_of

log = logging.getLogger(__name__)

Annotation = tuple[float, float | None, str]  # onset s, duration s or None, text
Digital = NDArray[np.int16]

RANGES_MV = (5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0)  # the smallest that holds the signal is taken
DIGITAL_MAX = 25_000  # a count is 0.2 uV in the range of 5 mV
WFDB_MISSING = -32_768  # WFDB format 16: no sample
RECORD_S = (1, 2, 4, 5, 8, 10, 20, 25, 40, 50)  # lengths of data record tried in turn


@dataclass(frozen=True)
class Run:
    """Data records without a gap between them."""

    onset_s: float
    records: Digital  # (n_records, samples per record)


def write_edf(path: Path, recording: Recording, annotations: Iterable[Annotation] = ()) -> None:
    """Write the lead as EDF+C, or as EDF+D when samples are missing (NaN).

    The birth date, the only place of EDF+ for an age, is 1 January of the year that gives the age. A last data record
    that is not full repeats the last sample, and the file says so in an annotation.

    Raises
    ------
    RecordingError
        No waveform or no sample, an amplitude beyond all ranges, or a gap shorter than the rest of a data record.
    """
    ecg = _waveform(recording)
    range_mv = _range_mv(recording, ecg)
    n_samples, record_s = _record_length(_fs(recording))
    runs, filled = _runs(recording, _digital(ecg, range_mv), n_samples)
    notes = _encoded([*annotations, *filled], recording.start)
    tals = _tals(runs, record_s, notes, recording.start)
    records = np.concatenate([run.records for run in runs])
    body = np.concatenate([records.astype("<i2").view(np.uint8), tals], axis=1)
    header = _header(recording, "EDF+C" if _continuous(runs) else "EDF+D", len(records), record_s)
    signals = _signal_headers(recording.channel or "ECG", range_mv, n_samples, tals.shape[1] // 2)
    write_bytes(path, header + signals + body.tobytes())


def write_wfdb(path: Path, recording: Recording) -> None:
    """Write the lead as a WFDB record of format 16: `path` is the header, the signal lies beside it.

    Missing samples carry the value the format reserves for them; age and sex go into a comment such as `44 M`.

    Raises
    ------
    RecordingError
        No waveform or no sample, or an amplitude beyond all ranges.
    UsageError
        A file name that WFDB does not allow as the name of a record.
    """
    import wfdb  # here, because it loads pandas

    if not re.fullmatch(r"[\w-]+", path.stem, re.ASCII):
        raise UsageError(f"{path.name}: a WFDB record is named with letters, digits, '_' and '-' only")
    ecg = _waveform(recording)
    range_mv = _range_mv(recording, ecg)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        wfdb.wrsamp(
            path.stem,
            fs=_fs(recording),
            units=["mV"],
            sig_name=[recording.channel or "ECG"],
            d_signal=_digital(ecg, range_mv)[:, np.newaxis].astype(np.int64),
            fmt=["16"],
            adc_gain=[DIGITAL_MAX / range_mv],
            baseline=[0],
            comments=_wfdb_comments(recording.subject),
            base_datetime=recording.start,
            write_dir=folder,
        )
        for suffix in (".dat", ".hea"):  # the header last: a record without it does not exist
            (Path(folder) / path.stem).with_suffix(suffix).replace(path.with_suffix(suffix))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all; a failure leaves what was there."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        part = Path(file.name)
        try:
            file.write(content)
            file.close()
            part.chmod(0o666 & ~_umask())  # a temporary file is private, the result is a file like any other
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# --- samples ---------------------------------------------------------------------------------------


def _waveform(recording: Recording) -> NDArray[np.float32]:
    if recording.ecg is None:
        raise RecordingError(
            f"{recording.source.file}: beats without waveform; export the beats as annotations instead"
        )
    if not np.isfinite(recording.ecg).any():
        raise RecordingError(f"{recording.source.file}: no sample to write, the whole lead is missing")
    return recording.ecg


def _fs(recording: Recording) -> float:
    if recording.fs is None:
        raise RecordingError(f"{recording.source.file}: no sampling rate")
    return recording.fs


def _range_mv(recording: Recording, ecg: NDArray[np.float32]) -> float:
    largest_mv = float(np.nanmax(np.abs(ecg)))
    for range_mv in RANGES_MV:
        if largest_mv <= range_mv:
            return range_mv
    raise RecordingError(
        f"{recording.source.file}: amplitude of {largest_mv:.4g} mV; at most {RANGES_MV[-1]:g} mV can be an ECG. "
        "Check the unit"
    )


def _digital(ecg: NDArray[np.float32], range_mv: float) -> Digital:
    counts = np.rint(ecg * np.float32(DIGITAL_MAX / range_mv))
    return np.where(np.isnan(counts), WFDB_MISSING, counts).astype(np.int16)


def _record_length(fs: float) -> tuple[int, float]:
    """Samples and seconds of a data record; a whole number of seconds if the rate allows it."""
    for seconds in RECORD_S:
        if abs(fs * seconds - round(fs * seconds)) < 1e-6:
            return round(fs * seconds), float(seconds)
    n_samples = max(1, round(fs))
    return n_samples, float(_field(n_samples / fs))


def _field(value: float) -> str:
    """A number in the eight characters of a header field."""
    return f"{value:.8f}"[:8].rstrip("0").rstrip(".")


def _runs(recording: Recording, digital: Digital, n_samples: int) -> tuple[list[Run], list[Annotation]]:
    """Data records of each stretch without missing samples, and a note for each last record that had to be filled."""
    fs = _fs(recording)
    starts, ends = runs_of(digital != WFDB_MISSING)
    rest = -(ends - starts) % n_samples
    if (ends[:-1] + rest[:-1] > starts[1:]).any():
        raise RecordingError(
            f"{recording.source.file}: a gap is shorter than what is left of its data record, which EDF+D cannot hold; "
            "write WFDB (.hea) instead"
        )
    kept, filled = [], []
    for start, end, n_fill in zip(starts.tolist(), ends.tolist(), rest.tolist(), strict=True):
        samples = np.pad(digital[start:end], (0, n_fill), mode="edge")
        kept.append(Run(start / fs, samples.reshape(-1, n_samples)))
        if n_fill:
            filled.append((end / fs, n_fill / fs, "Last sample repeated to fill the data record"))
    log.info("EDF+: %d stretches, %d samples repeated to fill data records", len(kept), int(rest.sum()))
    return kept, filled


def _continuous(runs: Sequence[Run]) -> bool:
    return len(runs) == 1 and runs[0].onset_s == 0


# --- annotations -----------------------------------------------------------------------------------


def _time(seconds: float) -> bytes:
    return f"{seconds:.6f}".rstrip("0").rstrip(".").encode("ascii")


def _fraction_s(start: datetime | None) -> float:
    """What the header's clock, which counts whole seconds, leaves to the time stamps."""
    return start.microsecond / 1e6 if start else 0.0


def _encoded(annotations: Sequence[Annotation], start: datetime | None) -> list[bytes]:
    """Time-stamped annotation lists in time order, one an annotation."""
    ordered = sorted(annotations, key=lambda annotation: annotation[0])
    return [
        b"+"
        + _time(onset_s + _fraction_s(start))
        + (b"\x15" + _time(duration_s) if duration_s is not None else b"")
        + b"\x14"
        + text.encode()
        + b"\x14\x00"
        for onset_s, duration_s, text in ordered
    ]


def _tals(runs: Sequence[Run], record_s: float, notes: Sequence[bytes], start: datetime | None) -> NDArray[np.uint8]:
    """Bytes of the annotation signal: per record its time, then a share of the notes. array (n_records, n_bytes)."""
    onsets = [run.onset_s + i * record_s + _fraction_s(start) for run in runs for i in range(len(run.records))]
    lists = [b"+" + _time(onset_s) + b"\x14\x14\x00" for onset_s in onsets]
    for i, note in enumerate(notes):  # dealt evenly: all records must be as long as the longest
        lists[i * len(lists) // len(notes)] += note
    n_bytes = max(map(len, lists))
    n_bytes += n_bytes % 2
    return np.frombuffer(b"".join(one.ljust(n_bytes, b"\x00") for one in lists), np.uint8).reshape(-1, n_bytes)


# --- header ----------------------------------------------------------------------------------------


def _ascii(fields: Iterable[tuple[object, int]]) -> bytes:
    return b"".join(str(value).encode("ascii", "replace")[:width].ljust(width) for value, width in fields)


def _edf_date(date: datetime) -> str:
    return f"{date.day:02d}-{MONTHS[date.month - 1]}-{date.year:04d}"


def _birth_date(subject: Subject, start: datetime | None) -> str:
    if subject.age_years is None or start is None:
        return "X"
    return f"01-JAN-{start.year - int(subject.age_years):04d}"


def _header(recording: Recording, dialect: str, n_records: int, record_s: float) -> bytes:
    start = recording.start or datetime.combine(NO_DATE, time())
    sex, birth = recording.subject.sex or "X", _birth_date(recording.subject, recording.start)
    startdate = _edf_date(recording.start) if recording.start else "X"
    return _ascii(
        [
            ("0", 8),
            (f"X {sex} {birth} X", 80),
            (f"Startdate {startdate} X X X", 80),
            (f"{start:%d.%m.%y}", 8),
            (f"{start:%H.%M.%S}", 8),
            (256 * 3, 8),
            (dialect, 44),
            (n_records, 8),
            (_field(record_s), 8),
            (2, 4),
        ]
    )


def _signal_headers(label: str, range_mv: float, n_samples: int, n_annotation_samples: int) -> bytes:
    """Header fields of the lead and of the annotation signal, each field for both in turn."""
    fields: list[tuple[object, object, int]] = [
        (label, "EDF Annotations", 16),
        ("", "", 80),
        ("uV", "", 8),
        (f"{-1000 * range_mv:.0f}", -1, 8),
        (f"{1000 * range_mv:.0f}", 1, 8),
        (-DIGITAL_MAX, -32768, 8),
        (DIGITAL_MAX, 32767, 8),
        ("", "", 80),
        (n_samples, n_annotation_samples, 8),
        ("", "", 32),
    ]
    return b"".join(_ascii([(ecg, width), (annotation, width)]) for ecg, annotation, width in fields)


def _wfdb_comments(subject: Subject) -> list[str]:
    if subject.age_years is None and subject.sex is None:
        return []
    age = "?" if subject.age_years is None else str(int(subject.age_years))
    return [f"{age} {subject.sex or '?'}"]

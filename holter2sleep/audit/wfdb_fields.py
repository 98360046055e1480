"""Every field of a WFDB header held against header(5), and the signal files it names against their sizes.

References
----------
Moody, WFDB Applications Guide, header(5), signal(5).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.audit.findings import Finding, finding
from holter2sleep.io.files import is_file, quoted, read_text
from holter2sleep.io.wfdb_header import MAX_BYTES, MAX_SIGNALS, is_name_beside

# bytes of a sample, signal(5); the FLAC formats (508, 516, 524) have none
BYTES_PER_SAMPLE = {8: 1, 16: 2, 24: 3, 32: 4, 61: 2, 80: 1, 160: 2, 212: 1.5, 310: 4 / 3, 311: 4 / 3}
DEFAULT_GAIN = 200.0  # header(5): counts per mV when the header gives none
SLACK_BYTES = 8  # packed formats end in whole words

_SIGNAL = re.compile(
    r"(?P<file>\S+)\s+(?P<format>\d{1,9})(?:x(?P<per_frame>\d{1,18}))?(?::\d+)?(?:\+(?P<offset>\d{1,18}))?"
    r"(?:\s+(?P<gain>[-+.\deE]+)(?:\((?P<baseline>-?\d{1,18})\))?(?:/(?P<unit>\S+))?)?"
    r"(?:\s+(?P<numbers>-?\d{1,18}(?:\s+-?\d{1,18}){0,4}))?(?:\s+(?P<label>.*))?$"
)


@dataclass(frozen=True)
class SignalLine:
    """What a signal line says, as far as the audit needs it."""

    file: str
    format: int
    per_frame: int
    offset_bytes: int
    gain: float | None  # None: not given
    baseline: int
    unit: str
    checksum: int | None
    label: str
    first_count: int | None = None  # value of the first sample


@dataclass(frozen=True)
class RawWfdb:
    """The lines of a header file."""

    record: list[str]  # words of the record line
    lines: tuple[str, ...]  # behind it
    signals: tuple[SignalLine, ...]
    comments: tuple[str, ...]

    @property
    def n_samples(self) -> int | None:
        """Frames announced; None when the header gives none."""
        said = self.record[3] if len(self.record) > 3 else ""
        return int(said) or None if said.isdecimal() and len(said) <= 18 else None

    @property
    def has_checksums(self) -> bool:
        """Whether any checksum was written: some writers leave 0 in all of them."""
        return any(signal.checksum for signal in self.signals)


def read_raw_wfdb(path: Path) -> RawWfdb:
    """The lines of a WFDB header.

    Raises
    ------
    RecordingError
        Binary or empty file.
    """
    text = [line.strip() for line in read_text(path, max_bytes=MAX_BYTES).splitlines() if line.strip()]
    content = [line for line in text if not line.startswith("#")]
    parsed = [_signal(line) for line in content[1 : 1 + MAX_SIGNALS]]
    is_multi = bool(content) and "/" in content[0].split()[0]
    signals = () if is_multi else tuple(line for line in parsed if line is not None)
    comments = tuple(line.lstrip("# ") for line in text if line.startswith("#"))
    return RawWfdb(content[0].split() if content else [], tuple(content[1:]), signals, comments)


def _signal(line: str) -> SignalLine | None:
    found = _SIGNAL.match(line)
    if found is None:
        return None
    try:
        gain = float(found["gain"]) if found["gain"] else None
    except ValueError:
        gain = None
    numbers = [int(word) for word in (found["numbers"] or "").split()]  # resolution, zero, first, checksum, block
    zero = numbers[1] if len(numbers) > 1 else 0
    return SignalLine(
        found["file"],
        int(found["format"]),
        int(found["per_frame"] or 1) or 1,
        int(found["offset"] or 0),
        gain,
        int(found["baseline"]) if found["baseline"] else zero,
        found["unit"] or "",
        numbers[3] if len(numbers) > 3 else None,
        (found["label"] or "").strip(),
        numbers[2] if len(numbers) > 2 else None,
    )


def wfdb_field_findings(path: Path, raw: RawWfdb) -> list[Finding]:
    """Fields outside header(5), files that are missing or of another length."""
    return [*_record_line(raw), *_gains(raw), *_labels(raw), *_files(path, raw)]


def _record_line(raw: RawWfdb) -> Iterator[Finding]:
    words = raw.record
    if len(words) < 3:
        yield finding("wfdb_no_rate", "the record line ends before the sampling rate")
    if raw.n_samples is None:
        yield finding("wfdb_no_length", "the record line gives no number of samples")
    clock = words[4:]
    iso = [word for word in clock if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", word)]
    if iso:
        yield finding("wfdb_iso_date", "the date is written year-month-day")
    if clock and not re.fullmatch(r"(\d{1,2}:){0,2}\d{1,2}(\.\d+)?", clock[0]) and not iso:
        yield finding("wfdb_clock", f"{quoted(clock[0])} is no time of day")


def _gains(raw: RawWfdb) -> Iterator[Finding]:
    none = [f"signal {i}" for i, signal in enumerate(raw.signals, 1) if not signal.gain]
    turned = [f"signal {i}" for i, signal in enumerate(raw.signals, 1) if signal.gain and signal.gain < 0]
    if none:
        yield finding("wfdb_no_gain", f"gain 0 or not given: {', '.join(none[:8])}")
    if turned:
        yield finding("wfdb_negative_gain", f"negative gain: {', '.join(turned[:8])}")


def _labels(raw: RawWfdb) -> Iterator[Finding]:
    labels = [signal.label for signal in raw.signals]
    if any(not label for label in labels):
        yield finding("field_label", f"{labels.count('')} of {len(labels)} signals have no label")
    twice = [f"{label!r} ({n} times)" for label, n in Counter(labels).items() if label and n > 1]
    if twice:
        yield finding("field_label_twice", f"labels that repeat: {', '.join(twice[:8])}")


def _files(path: Path, raw: RawWfdb) -> Iterator[Finding]:
    """Files named by the header: there, and as long as it says."""
    by_file: dict[str, list[SignalLine]] = defaultdict(list)
    for signal in raw.signals:
        by_file[signal.file].append(signal)
    elsewhere = [name for name in by_file if not is_name_beside(name)]  # which are not even looked at
    missing = [name for name in by_file if name != "~" and (name in elsewhere or not is_file(path.parent / name))]
    if missing:
        told = [quoted(name) if name in elsewhere else name for name in missing[:8]]
        yield finding("signal_file_missing", f"signal file missing: {', '.join(told)}")
    for name, signals in by_file.items():
        expected = _expected_bytes(raw, signals)
        if expected is None or name in missing or name == "~":
            continue
        found = (path.parent / name).stat().st_size
        if abs(found - expected) > SLACK_BYTES:
            yield finding("wfdb_size", f"{name}: {found} bytes, {expected} by the header")


def _expected_bytes(raw: RawWfdb, signals: list[SignalLine]) -> int | None:
    widths = [BYTES_PER_SAMPLE.get(signal.format) for signal in signals]
    if raw.n_samples is None or any(width is None for width in widths):
        return None
    per_frame = sum(s.per_frame * width for s, width in zip(signals, widths, strict=True) if width)
    return signals[0].offset_bytes + int(np.ceil(raw.n_samples * per_frame))


def checksum_finding(
    signal: SignalLine, millivolt: NDArray[np.float32], scale_to_mv: float, is_written: bool = True
) -> Finding | None:
    """Whether the samples of a whole signal still add up to the header's checksum (sum modulo 65,536).

    Where no signal of the record has one but 0, it was never written, and only the first sample speaks.
    """
    if signal.checksum is None or not len(millivolt) or not np.isfinite(millivolt).all() or signal.per_frame != 1:
        return None
    with np.errstate(all="ignore"):
        counts = np.round(millivolt.astype(np.float64) / scale_to_mv * (signal.gain or DEFAULT_GAIN) + signal.baseline)
    if not np.isfinite(counts.sum()):
        return None  # a gain that is no gain, which has a finding of its own
    if int(counts.sum()) % 65536 == signal.checksum % 65536:
        return None
    name = repr(signal.label) if signal.label else "the ECG"
    if is_written:
        return finding("wfdb_checksum", f"checksum of {name} does not agree with its samples")
    differs = signal.first_count and signal.first_count != int(counts[0])
    first = f"; the first sample of {name} is not the one in the header" if differs else ""
    return finding("wfdb_checksum", f"checksums were never written (0 throughout){first}", "info")

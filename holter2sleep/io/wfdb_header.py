"""What a WFDB header says: rate, clock, signals, segments, age and sex from its comments.

Read here and not by the wfdb package, because annotation files need the header of a record whose signal
files are absent, and because wfdb refuses headers with ISO dates (CinC 2017).

References
----------
Moody, WFDB Applications Guide, header(5).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from holter2sleep.clock import NO_DATE
from holter2sleep.io.files import quoted, read_text, refusal
from holter2sleep.io.subjects import subject_of_comments
from holter2sleep.night import Subject

MAX_BYTES = 1 << 24  # 300,000 lines; the headers of days in segments of seconds have 20,000
MAX_SIGNALS = 4096
_MAX_SEGMENTS = 5000  # a record of MIMIC has up to some thousand; opening each takes 4 ms
_MAX_SKEW = 10_000  # frames; the tracks of a tape are some samples apart
_MAX_DIGITS = 18  # of a whole number
_LONGEST_NAME = 255  # bytes of a file's name on any disk
DEFAULT_FS_HZ = 250.0  # header(5): the rate when the header gives none

_RECORD_LINE = re.compile(r"(?P<name>[^\s/]+)(?:/(?P<n_segments>\d+))?\s+(?P<n_signals>\d+)(?:\s+(?P<rest>.*))?$")
_SIGNAL_LINE = re.compile(
    r"(?P<file>\S+)\s+(?P<format>\d{1,9})(?:x(?P<per_frame>\d{1,18}))?(?::(?P<skew>\d{1,18}))?"
    r"(?:\+(?P<offset>\d{1,18}))?"
    r"(?:\s+(?P<gain>[-+.\deE]+)(?:\(-?\d+\))?(?:/(?P<unit>\S+))?)?"
    r"(?:\s+-?\d+){0,5}(?:\s+(?P<label>.*))?$"
)
_FIELDS_AFTER_GAIN = re.compile(r"\S+(\s+-?\d+){3}")  # so that what came before them was meant as the gain


@dataclass(frozen=True)
class WfdbSignal:
    """One signal line; `fs` is the signal's own rate (frames times samples per frame)."""

    file: str
    label: str
    unit: str
    fs: float
    per_frame: int  # samples of the signal in a frame
    format: int  # of the samples, WFDB signal(5)
    offset: int  # bytes before the first sample
    skew: int  # frames that its samples lie behind those of the other signals in the file
    written: str  # the line

    @property
    def file_fault(self) -> str | None:
        """Why its file must not be opened; None when it may."""
        if is_name_beside(self.file):
            return None
        return f"a signal file named by {quoted(self.file)}, which is no name of a file beside the header"


@dataclass(frozen=True)
class WfdbHeader:
    """Header of a record; `segments` names its segments, with their numbers of frames, when there are any."""

    fs: float  # frames per second, the clock of annotations
    n_samples: int | None
    start: datetime | None
    subject: Subject
    signals: tuple[WfdbSignal, ...]
    segments: tuple[tuple[str, int], ...]
    warnings: tuple[str, ...]


def is_name_beside(name: str) -> bool:
    """Whether a name is one of a file beside the header: no path, and not longer than names are."""
    return Path(name).name == name and "\\" not in name and len(os.fsencode(name)) <= _LONGEST_NAME


def read_wfdb_header(path: Path) -> WfdbHeader:
    """Header file of a WFDB record.

    Raises
    ------
    RecordingError
        Not a WFDB header.
    """
    works = "a WFDB header: 'name signals rate samples' and one line a signal"
    lines = read_text(path, works, MAX_BYTES).splitlines()
    content = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    comments = [line.lstrip().lstrip("#") for line in lines if line.lstrip().startswith("#")]
    record = _RECORD_LINE.match(content[0]) if content else None
    if record is None:
        raise refusal(path, f"the first line {quoted(content[0] if content else '')} is no record line", works)
    if max(len(record["n_signals"]), len(record["n_segments"] or "")) > _MAX_DIGITS:
        raise refusal(path, "a number of signals or segments that none has", works)
    fs, n_samples, clock = _rate_length_clock(record["rest"] or "", path)
    start, warnings = _start(clock)
    signals: tuple[WfdbSignal, ...] = ()
    segments: tuple[tuple[str, int], ...] = ()
    if int(record["n_signals"]) > MAX_SIGNALS or (record["n_segments"] and len(content) - 1 > _MAX_SEGMENTS):
        found = f"{record['n_signals']} signals in {record['n_segments'] or 1} segments"
        raise refusal(path, found, f"up to {MAX_SIGNALS:,} signals in up to {_MAX_SEGMENTS:,} segments")
    if record["n_segments"]:
        segments = tuple(_segment(line, path) for line in content[1:])
    else:
        signals = tuple(_signal(line, fs, path) for line in content[1 : 1 + int(record["n_signals"])])
    if not segments and len(signals) < int(record["n_signals"]):
        raise refusal(path, f"{record['n_signals']} signals announced, {len(signals)} described", "the complete header")
    return WfdbHeader(fs, n_samples, start, subject_of_comments(comments), signals, segments, warnings)


def _rate_length_clock(rest: str, path: Path) -> tuple[float, int | None, str]:
    """Frame rate, number of frames (None when not given) and the text of time and date."""
    fields = rest.split()
    fs = DEFAULT_FS_HZ
    if fields:
        try:
            fs = float(fields[0].split("/")[0])
        except ValueError:
            fs = 0.0
        if not 0 < fs < 1e6:
            raise refusal(
                path, f"sampling rate {quoted(fields[0])} is no number of Hz above 0", "a header with a sampling rate"
            )
    length = int(fields[1]) if len(fields) > 1 and fields[1].isdecimal() and len(fields[1]) <= _MAX_DIGITS else 0
    return fs, length or None, " ".join(fields[2:])


def _start(clock: str) -> tuple[datetime | None, tuple[str, ...]]:
    if not clock:
        return None, ()
    found = re.search(r"(?:(\d{1,2}):)?(\d{1,2}):(\d{1,2})(\.\d{1,6})?", clock)  # one colon is minutes:seconds
    day = _date(clock)
    try:
        if found is None:
            raise ValueError("no time")
        micro = round(float(found[4] or 0) * 1e6)
        at = time(int(found[1] or 0), int(found[2]), int(found[3]), min(micro, 999_999))
    except ValueError:
        return None, (f"start {quoted(clock)} in the header is no time: start unknown",)
    if day is None:
        note = f"start time without a date in the header: only the clock is known ({NO_DATE} stands for no date)"
        return datetime.combine(NO_DATE, at), (note,)
    return datetime.combine(day, at), ()


def _date(clock: str) -> date | None:
    """Date written dd/mm/yyyy (the standard) or yyyy-mm-dd (CinC 2017)."""
    standard = re.search(r"(\d{1,2})/(\d{1,2})/(\d{4})", clock)
    iso = re.search(r"(\d{4})-(\d{1,2})-(\d{1,2})", clock)
    try:
        if standard:
            return date(int(standard[3]), int(standard[2]), int(standard[1]))
        return date(*map(int, iso.groups())) if iso else None
    except ValueError:
        return None


def _signal(line: str, fs: float, path: Path) -> WfdbSignal:
    found = _SIGNAL_LINE.match(line)
    if found is None:
        raise refusal(path, f"signal line {quoted(line)} cannot be read", "a signal line as in WFDB header(5)")
    per_frame = int(found["per_frame"] or 1) or 1
    if int(found["skew"] or 0) > _MAX_SKEW:
        raise refusal(path, f"a skew of {found['skew']} frames between signals", f"a skew of up to {_MAX_SKEW} frames")
    label = (found["label"] or "").strip()
    if found["gain"] is None and _FIELDS_AFTER_GAIN.match(label):
        said = f"signal line {quoted(line)}: the gain {quoted(label.split()[0])} is no number"
        raise refusal(path, said, "a gain in counts per unit, or 0 for 200")
    return WfdbSignal(
        found["file"],
        label,
        found["unit"] or "mV",
        fs * per_frame,
        per_frame,
        int(found["format"]),
        int(found["offset"] or 0),
        int(found["skew"] or 0),
        line,
    )


def _segment(line: str, path: Path) -> tuple[str, int]:
    name, *length = line.split()
    if not length or not length[0].isdecimal() or len(length[0]) > _MAX_DIGITS:
        raise refusal(path, f"segment line {quoted(line)} cannot be read", "a segment line as in WFDB header(5)")
    if not is_name_beside(name):
        raise refusal(
            path, f"a segment named by {quoted(name)}, which is no name of a header beside it", "its name only"
        )
    return name, int(length[0])

"""WFDB records to recordings: one segment, or several with missing stretches as NaN."""

from __future__ import annotations

import logging
import tempfile
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from holter2sleep.io.annotations import ANNOTATION_SUFFIXES
from holter2sleep.io.channels import Channel, choose_ecg
from holter2sleep.io.files import MAX_ELAPSED_S, is_file, refusal, sha256_of
from holter2sleep.io.lead import in_millivolt, lead_of, middle_of, millivolt, rate_fault, survey
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.units import unit_ratio, unit_scale
from holter2sleep.io.wfdb_header import WfdbHeader, WfdbSignal, read_wfdb_header
from holter2sleep.night import Recording, Source
from holter2sleep.waveform import Signal, Waveform

log = logging.getLogger(__name__)

_DIFFERENCES = 8  # the format that holds first differences
_SPARE_FRAMES = 16  # packed formats fill their last bytes, skewed signals need some more
_FRAMES_AT_A_TIME = 1 << 20
_FLAC = (508, 516, 524)
# Bytes of a sample in the formats of fixed width, WFDB signal(5); the FLAC formats 508, 516, 524 have none.
_SAMPLE_BYTES = {8: 1, 16: 2, 24: 3, 32: 4, 61: 2, 80: 1, 160: 2, 212: 1.5, 310: 4 / 3, 311: 4 / 3}


@dataclass(frozen=True)
class _Segment:
    """A stretch of a record with samples of its own: frames from `first`, described by its own header."""

    first: int
    n_frames: int
    path: Path  # of its header
    header: WfdbHeader

    @property
    def files(self) -> list[Path]:
        """Its signal files, each once, in order."""
        return list(dict.fromkeys(self.path.parent / signal.file for signal in self.header.signals))


def read_wfdb(path: Path, recording_id: str, options: ReadOptions) -> Recording:
    """Recording of the ECG lead of a WFDB record, given by its header file.

    Raises
    ------
    RecordingError
        Broken header, missing signal files, no ECG lead.
    """
    header = read_wfdb_header(path)
    segments, notes = _segments(path, header)
    signals = list({signal.label: signal for segment in segments[::-1] for signal in segment.header.signals}.values())
    signals = list(segments[0].header.signals) if len(segments) == 1 else signals[::-1]

    n_frames = sum(n for _, n in header.segments) or segments[0].n_frames  # what is missing at the end is a gap too

    def look(index: int) -> Signal:
        return middle_of(_lead(segments, signals[index]), signals[index].fs)

    whole = sum(segment.n_frames for segment in segments)
    channels = [
        Channel(signal.label, signal.fs, rate_fault(signal.fs), _frames_of(segments, signal) / whole)
        for signal in signals
    ]
    choice = choose_ecg(channels, options, path, look)
    signal = signals[choice.index]
    ratio = 1.0 if choice.minus is None else unit_ratio(signals[choice.minus].unit, signal.unit, options.unit)
    lead = lead_of(choice, lambda index: _lead(segments, signals[index], n_frames), ratio)
    found = survey(lead, signal.fs)
    unit = unit_scale(signal.unit, found.size, options.unit)
    log.info("%s: WFDB, %g Hz, %d gaps", recording_id, signal.fs, len(found.gaps))
    files = [file for segment in segments for file in ([segment.path] if header.segments else []) + segment.files]
    return Recording(
        recording_id=recording_id,
        source=Source(path.name, "WFDB", sha256_of(dict.fromkeys([path, *files])), signal.unit, unit.to_mv),
        duration_s=len(lead) / signal.fs,
        fs=signal.fs,
        start=header.start,
        subject=header.subject,
        channel=choice.name,
        ecg=in_millivolt(lead, unit.to_mv),
        gaps=found.gaps,
        warnings=(*header.warnings, *notes, *choice.warnings, *([unit.warning] if unit.warning else [])),
    )


def _frames_of(segments: list[_Segment], wanted: WfdbSignal) -> int:
    """Frames of the segments that have a signal of that name."""
    labels = [{signal.label for signal in segment.header.signals} for segment in segments]
    return sum(segment.n_frames for segment, held in zip(segments, labels, strict=True) if wanted.label in held)


# --- segments --------------------------------------------------------------------------------------


def _segments(path: Path, header: WfdbHeader) -> tuple[list[_Segment], list[str]]:
    """The stretches of a record that hold samples, and warnings of those that should and do not."""
    if not header.segments and not header.signals:
        raise refusal(path, f"the record has no signal{_beside(path)}")
    if [signal.file for signal in header.signals] == ["~"] * len(header.signals) and header.signals:
        works = "the record's own header, which names its segments"
        raise refusal(path, "a layout header, which has no samples", works)
    if not header.segments:
        n_frames, note = _frames(path, header)
        if n_frames == 0:
            raise refusal(path, "the record holds no sample", "a recording with signal")
        if n_frames / header.fs > MAX_ELAPSED_S:
            raise refusal(path, f"{n_frames / header.fs / 86400:.0f} days of samples", "a record within a month")
        return [_Segment(0, n_frames, path, header)], [note] if note else []
    found: list[_Segment] = []
    lost: list[str] = []
    first = 0
    names = dict.fromkeys(name for name, n_frames in header.segments if name != "~" and n_frames)
    held = {name: _whole_segment(path.parent / f"{name}.hea") for name in names}
    for name, n_frames in header.segments:
        whole = held.get(name)
        if whole is not None and n_frames:
            found.append(replace(whole, first=first, n_frames=min(n_frames, whole.n_frames)))
        elif name != "~" and n_frames:
            lost.append(name)
        first += n_frames
    if not found and not lost:
        raise refusal(path, "every segment is a gap (~), so the record holds no sample", "a record with signal")
    if not found:
        raise refusal(path, f"files missing of every segment ({', '.join(lost[:5])})", "the record with its segments")
    if first / header.fs > MAX_ELAPSED_S:
        raise refusal(path, f"segments of {first / header.fs / 86400:.0f} days", "a record within a month")
    notes = [f"{len(lost)} of {len(header.segments)} segments are missing: kept as gaps"] if lost else []
    return found, notes


def _whole_segment(path: Path) -> _Segment | None:
    """The segment of a header, with all the frames it holds; None where a file is missing."""
    if not is_file(path):
        return None
    header = read_wfdb_header(path)
    if header.segments:
        raise refusal(path, "a segment that is itself a record of segments", "segments with signals")
    segment = _Segment(0, 0, path, header)
    if not all(map(is_file, _checked_files(segment))):
        return None
    return replace(segment, n_frames=_frames(path, header)[0])


def _checked_files(segment: _Segment) -> list[Path]:
    """The signal files of a segment, which lie beside its header and are none themselves."""
    for signal in segment.header.signals:
        fault = signal.file_fault or ("the header as its own signal file" if signal.file == segment.path.name else None)
        if fault:
            raise refusal(segment.path, fault, "signal files beside the header")
    return segment.files


def _frames(path: Path, header: WfdbHeader) -> tuple[int, str | None]:
    """Frames of a record without segments, and a warning when its header and its files disagree."""
    files = _checked_files(_Segment(0, 0, path, header))
    missing = [file.name for file in files if not is_file(file)]
    if missing:
        raise refusal(path, f"signal file missing: {', '.join(missing)}{_beside(path)}")
    held = min((n for file in files if (n := _frames_held(file, header)) is not None), default=None)
    if header.n_samples is None and held is None:
        raise refusal(path, "no number of samples, and a format that does not tell it", "a header with that number")
    if header.n_samples is None or held is None:
        return held or header.n_samples or 0, None
    if held >= header.n_samples:
        more = f"number of samples: header says {header.n_samples}, the signal files hold {held}; the rest is left out"
        return header.n_samples, more if held - header.n_samples > _SPARE_FRAMES else None
    note = f"number of samples: header says {header.n_samples}, the signal files hold {held}; the files were trusted"
    return held, note


def _frames_held(file: Path, header: WfdbHeader) -> int | None:
    """Whole frames that a signal file holds by its size; None where the format does not say."""
    signals = [signal for signal in header.signals if signal.file == file.name]
    if signals[0].format in _FLAC:
        return _frames_of_flac(file, signals[0].per_frame)
    sizes = [_SAMPLE_BYTES.get(signal.format) for signal in signals]
    if None in sizes:
        return None
    frame_bytes = sum(size * signal.per_frame for size, signal in zip(sizes, signals, strict=True) if size)
    return max(0, int((file.stat().st_size - signals[0].offset) / frame_bytes + 1e-9))


def _frames_of_flac(file: Path, per_frame: int) -> int | None:
    """Frames by the header of a FLAC file (RFC 9639, 8.2); None where it leaves them open, as a stream does."""
    with file.open("rb") as flac:
        head = flac.read(42)
    if len(head) < 42 or not head.startswith(b"fLaC"):
        raise refusal(file, "no FLAC file, as the header of its record says", "the complete record")
    n_samples = int.from_bytes(head[21:26]) & 0xF_FFFF_FFFF  # 36 bits
    return n_samples // per_frame or None


def _beside(path: Path) -> str:
    """Names of the annotation files beside a header, which can be read without signal files."""
    names = [path.with_suffix(suffix).name for suffix in ANNOTATION_SUFFIXES if is_file(path.with_suffix(suffix))]
    return f" (beside it, as beats without waveform: {', '.join(names)})" if names else ""


# --- samples ---------------------------------------------------------------------------------------


def _lead(segments: list[_Segment], signal: WfdbSignal, n_frames: int | None = None) -> Waveform:
    """Samples of the signal of that name in every segment, in its unit; NaN where there is none.

    As long as `n_frames`, or to the last segment.
    """
    readers = [(segment, _reader(segment, signal)) for segment in segments]
    starts = [segment.first * signal.per_frame for segment in segments]

    def read(first: int, last: int) -> Signal:
        out = np.full(last - first, np.nan, np.float32)
        near = slice(max(0, bisect_right(starts, first) - 1), bisect_left(starts, last))
        for segment, samples in readers[near]:
            start, stop = (signal.per_frame * frame for frame in (segment.first, segment.first + segment.n_frames))
            a, b = max(first, start), min(last, stop)
            if a < b and samples is not None:
                out[a - first : b - first] = samples(a - start, b - start)
        return out

    return Waveform(signal.per_frame * (n_frames or segments[-1].first + segments[-1].n_frames), read)


def _reader(segment: _Segment, wanted: WfdbSignal) -> Callable[[int, int], Signal] | None:
    """Reads the wanted signal of a segment between two of its samples; None when the segment lacks it."""
    same = [i for i, signal in enumerate(segment.header.signals) if signal is wanted]
    same = same or [i for i, signal in enumerate(segment.header.signals) if signal.label == wanted.label]
    if not same:
        return None
    signal = segment.header.signals[same[0]]
    if signal.per_frame != wanted.per_frame:
        raise refusal(segment.path, f"{signal.fs:g} Hz where other segments have {wanted.fs:g} Hz", "one rate")
    factor = unit_scale(signal.unit).to_mv / unit_scale(wanted.unit).to_mv

    def read(first: int, last: int) -> Signal:
        frames = {"sampfrom": first // signal.per_frame, "sampto": -(-last // signal.per_frame)}
        # smooth_frames: else wfdb averages the samples of a frame
        record = _read(segment, channels=same[:1], smooth_frames=False, return_res=64, **frames)
        values = record.e_p_signal[0] if record.e_p_signal is not None else record.p_signal[:, 0]
        if signal.format == _DIFFERENCES:
            values = values + _risen_before(segment, same[0], frames["sampfrom"]) / record.adc_gain[0]
        start = first - frames["sampfrom"] * signal.per_frame
        return millivolt(values[start : start + last - first], factor)

    return read


def _risen_before(segment: _Segment, index: int, frame: int) -> int:
    """Sum of the first differences of a signal before a frame: wfdb begins each stretch at the initial value."""
    signal = segment.header.signals[index]
    beside = [(i, other.per_frame) for i, other in enumerate(segment.header.signals) if other.file == signal.file]
    first = sum(per_frame for i, per_frame in beside if i < index)
    width = sum(per_frame for _, per_frame in beside)
    total = 0
    for start in range(0, frame, _FRAMES_AT_A_TIME):
        n = min(_FRAMES_AT_A_TIME, frame - start)
        steps = np.fromfile(segment.path.parent / signal.file, np.int8, n * width, offset=signal.offset + start * width)
        total += int(steps.reshape(-1, width)[:, first : first + signal.per_frame].sum(dtype=np.int64))
    return total


def _read(segment: _Segment, **options: Any) -> Any:
    import wfdb  # loads pandas, 0.4 s that readers of other files need not wait for

    try:
        with warnings.catch_warnings(), _readable_by_wfdb(segment) as record:
            warnings.simplefilter("ignore")
            return wfdb.rdrecord(record, **options)
    except Exception as error:  # wfdb raises whatever it meets in a damaged record
        raise refusal(segment.path, f"wfdb cannot read the samples ({str(error) or type(error).__name__})") from None


@contextmanager
def _readable_by_wfdb(segment: _Segment) -> Iterator[str]:
    """Record name for wfdb, of a copy of the header that holds what samples need and nothing else.

    Wfdb fails at dates and times that are none and at a missing length, and reads spare lines again for every block.
    """
    header = segment.header
    record_line = f"copy {len(header.signals)} {header.fs!r} {header.n_samples or segment.n_frames}"
    names = {file.name: f"signal{i}" for i, file in enumerate(segment.files)}
    lines = [record_line, *(names[signal.file] + signal.written[len(signal.file) :] for signal in header.signals)]
    with tempfile.TemporaryDirectory() as folder:
        for file in segment.files:
            Path(folder, names[file.name]).symlink_to(file.resolve())
        Path(folder, "copy.hea").write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield str(Path(folder, "copy"))

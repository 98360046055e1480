"""WFDB records to recordings: one segment, or several with missing stretches as NaN."""

from __future__ import annotations

import logging
import math
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
from holter2sleep.io.wfdb_files import Held, frames_held, signal_files
from holter2sleep.io.wfdb_header import WfdbHeader, WfdbSignal, read_wfdb_header
from holter2sleep.night import Recording, Source
from holter2sleep.waveform import Signal, Waveform

log = logging.getLogger(__name__)

_DIFFERENCES = 8  # the format that holds first differences
_SPARE_FRAMES = 16  # packed formats fill their last bytes, skewed signals need some more
_FRAMES_AT_A_TIME = 1 << 20


@dataclass(frozen=True)
class _Segment:
    """A stretch of a record with samples of its own: frames from `first`, described by its own header."""

    first: int
    n_frames: int  # as announced; of a record without segments, as far as any of its signals goes
    path: Path  # of its header
    header: WfdbHeader
    held: Held

    @property
    def files(self) -> list[Path]:
        """Its signal files that are there."""
        return [self.path.parent / name for name in self.held]

    def frames_of(self, signal: WfdbSignal | None) -> int:
        """Frames for which one of its signals is there, by its own file alone."""
        if signal is None or signal.file not in self.held:
            return 0
        ends = (self.n_frames, self.header.n_samples, self.held[signal.file])
        return min(end for end in ends if end is not None)

    def own(self, wanted: WfdbSignal) -> WfdbSignal | None:
        """The signal itself, or the one of its name."""
        signals = self.header.signals
        same = (signal for signal in signals if signal is wanted)
        return next(same, None) or next((signal for signal in signals if signal.label == wanted.label), None)


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

    n_frames = sum(n for _, n in header.segments) or None  # what is missing at the end is a gap too

    def look(index: int) -> Signal:
        return middle_of(_lead(segments, signals[index]), signals[index].fs)

    whole = sum(segment.n_frames for segment in segments)
    channels = [
        Channel(signal.label, signal.fs, rate_fault(signal.fs) or _file_fault(path, n), n / whole)
        for signal in signals
        for n in [_frames_of(segments, signal)]
    ]
    choice = choose_ecg(channels, options, path, look)
    signal = signals[choice.index]
    taken = [signal] if choice.minus is None else [signal, signals[choice.minus]]
    ratio = 1.0 if choice.minus is None else unit_ratio(signals[choice.minus].unit, signal.unit, options.unit)
    lead = lead_of(choice, lambda index: _lead(segments, signals[index], n_frames), ratio)
    found = survey(lead, signal.fs)
    unit = unit_scale(signal.unit, found.size, options.unit)
    log.info("%s: WFDB, %g Hz, %d gaps", recording_id, signal.fs, len(found.gaps))
    files = [file for segment in segments for file in ([segment.path] if header.segments else []) + segment.files]
    return Recording(
        recording_id=recording_id,
        source=Source(
            path.name,
            "WFDB",
            sha256_of(dict.fromkeys([path, *files])),
            signal.unit,
            unit.to_mv,
            relative_scale=unit.is_relative,
        ),
        duration_s=len(lead) / signal.fs,
        fs=signal.fs,
        start=header.start,
        subject=header.subject,
        channel=choice.name,
        ecg=in_millivolt(lead, unit.to_mv),
        gaps=found.gaps,
        warnings=(
            *header.warnings,
            *notes,
            *_shortfall(header, segments, taken),
            *choice.warnings,
            *([unit.warning] if unit.warning else []),
        ),
    )


def _frames_of(segments: list[_Segment], wanted: WfdbSignal) -> int:
    """Frames for which a signal of that name is there."""
    return sum(segment.frames_of(segment.own(wanted)) for segment in segments)


def _file_fault(path: Path, n_frames: int) -> str | None:
    """Why a signal without a frame cannot be used."""
    return None if n_frames else f"signal file missing or empty{_beside(path)}"


# --- what is missing -------------------------------------------------------------------------------


def _shortfall(header: WfdbHeader, segments: list[_Segment], taken: list[WfdbSignal]) -> list[str]:
    """Warnings of signal files that hold less, or more, than announced: those of the ECG, and the others."""
    if header.segments:
        own = [segment for segment in segments if _is_short(segment, taken)]
        others = [segment for segment in segments if _others_short(segment, taken)]
        told = f"of {len(header.segments)} segments"
        notes = [f"the signal file of the ECG is missing or cut in {len(own)} {told}: kept as gaps"] if own else []
        lacking = f"other signal files are missing or cut in {len(others)} {told}: the ECG is whole there"
        return [*notes, *([lacking] if others else [])]
    n = _others_short(segments[0], taken)
    of = len({signal.file for signal in segments[0].header.signals})
    lacking = f"{n} of {of} signal files missing or shorter than announced, none of them the ECG's: not used"
    return [*_lengths(segments[0], taken), *([lacking] if n else [])]


def _lengths(segment: _Segment, taken: list[WfdbSignal]) -> list[str]:
    """A warning when header and files of the ECG disagree on the number of samples."""
    announced = segment.header.n_samples
    held = min((n for signal in taken if (n := segment.held[signal.file]) is not None), default=None)
    if announced is None or held is None or announced <= held <= announced + _SPARE_FRAMES:
        return []
    said = f"number of samples: header says {announced}, the signal files hold {held}"
    return [f"{said}; the rest is left out" if held > announced else f"{said}; the files were trusted"]


def _is_short(segment: _Segment, signals: list[WfdbSignal]) -> bool:
    """Whether a segment has one of the signals, but fewer frames of it than the record says."""
    own = [signal for wanted in signals if (signal := segment.own(wanted)) is not None]
    return any(segment.frames_of(signal) < segment.n_frames for signal in own)


def _others_short(segment: _Segment, taken: list[WfdbSignal]) -> int:
    """How many signal files without the ECG are missing, or shorter than announced."""
    used = {signal.file for wanted in taken if (signal := segment.own(wanted)) is not None}
    announced = segment.header.n_samples or segment.n_frames
    others = {signal.file for signal in segment.header.signals} - used
    held = (segment.held.get(name, 0) for name in others)
    return sum(n is not None and n < announced for n in held)


# --- segments --------------------------------------------------------------------------------------


def _segments(path: Path, header: WfdbHeader) -> tuple[list[_Segment], list[str]]:
    """The stretches of a record that hold samples, and warnings of those that should and do not."""
    if not header.segments and not header.signals:
        raise refusal(path, f"the record has no signal{_beside(path)}")
    if [signal.file for signal in header.signals] == ["~"] * len(header.signals) and header.signals:
        works = "the record's own header, which names its segments"
        raise refusal(path, "a layout header, which has no samples", works)
    if not header.segments:
        return [_only_segment(path, header)], []
    found: list[_Segment] = []
    lost: list[str] = []
    first = 0
    names = dict.fromkeys(name for name, n_frames in header.segments if name != "~" and n_frames)
    held = {name: _whole_segment(path.parent / f"{name}.hea", header.fs) for name in names}
    for name, n_frames in header.segments:
        whole = held.get(name)
        if whole is not None and n_frames:
            found.append(replace(whole, first=first, n_frames=n_frames))
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


def _only_segment(path: Path, header: WfdbHeader) -> _Segment:
    """The one stretch of a record without segments."""
    held = frames_held(path, header)
    if not held:
        names = ", ".join(file.name for file in signal_files(path, header))
        raise refusal(path, f"signal file missing: {names}{_beside(path)}")
    ends = [n if header.n_samples is None else min(n, header.n_samples) for n in held.values() if n is not None]
    n_frames = header.n_samples if not ends or None in held.values() else max(ends)
    if n_frames is None and not ends:
        raise refusal(path, "no number of samples, and a format that does not tell it", "a header with that number")
    n_frames = max(ends) if n_frames is None else n_frames
    if n_frames == 0:
        raise refusal(path, "the record holds no sample", "a recording with signal")
    if n_frames / header.fs > MAX_ELAPSED_S:
        raise refusal(path, f"{n_frames / header.fs / 86400:.0f} days of samples", "a record within a month")
    return _Segment(0, n_frames, path, header, held)


def _whole_segment(path: Path, fs: float) -> _Segment | None:
    """The segment of a header in a record of `fs` frames per second; None where all of its files are missing."""
    if not is_file(path):
        return None
    header = read_wfdb_header(path)
    if header.segments:
        raise refusal(path, "a segment that is itself a record of segments", "segments with signals")
    held = frames_held(path, header)
    if not held:
        return None
    if not math.isclose(header.fs, fs, rel_tol=1e-6):
        works = "segments with the rate of their record"
        raise refusal(path, f"a segment of {header.fs:g} frames per second in a record of {fs:g}", works)
    return _Segment(0, 0, path, header, held)


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
    ends = [segment.first + segment.frames_of(segment.own(signal)) for segment in segments]

    def read(first: int, last: int) -> Signal:
        out = np.full(last - first, np.nan, np.float32)
        near = slice(max(0, bisect_right(starts, first) - 1), bisect_left(starts, last))
        for (_, samples), start, end in zip(readers[near], starts[near], ends[near], strict=True):
            a, b = max(first, start), min(last, signal.per_frame * end)
            if a < b and samples is not None:
                out[a - first : b - first] = samples(a - start, b - start)
        return out

    return Waveform(signal.per_frame * (n_frames or max(ends)), read)


def _reader(segment: _Segment, wanted: WfdbSignal) -> Callable[[int, int], Signal] | None:
    """Reads the wanted signal of a segment between two of its samples; None when the segment lacks it."""
    signal = segment.own(wanted)
    if signal is None:
        return None
    if signal.per_frame != wanted.per_frame:
        raise refusal(segment.path, f"{signal.fs:g} Hz where other segments have {wanted.fs:g} Hz", "one rate")
    factor = unit_scale(signal.unit).to_mv / unit_scale(wanted.unit).to_mv
    beside = [other for other in segment.header.signals if other.file == signal.file]
    channel = next(i for i, other in enumerate(beside) if other is signal)
    held = segment.held.get(signal.file)
    behind = None if held is None else max(0, held - signal.skew) * signal.per_frame

    def read(first: int, last: int) -> Signal:
        frames = {"sampfrom": first // signal.per_frame, "sampto": -(-last // signal.per_frame)}
        # smooth_frames: else wfdb averages the samples of a frame
        record = _read(segment, beside, channels=[channel], smooth_frames=False, return_res=64, **frames)
        values = record.e_p_signal[0] if record.e_p_signal is not None else record.p_signal[:, 0]
        if signal.format == _DIFFERENCES:
            values = values + _risen_before(segment, beside, channel, frames["sampfrom"]) / record.adc_gain[0]
        start = first - frames["sampfrom"] * signal.per_frame
        found = millivolt(values[start : start + last - first], factor)
        if behind is not None:
            found[max(0, behind - first) :] = np.nan  # a skewed signal ends earlier; wfdb fills some of it with zeros
        return found

    return read


def _risen_before(segment: _Segment, beside: list[WfdbSignal], index: int, frame: int) -> int:
    """Sum of the first differences of a signal before a frame: wfdb begins each stretch at the initial value."""
    signal = beside[index]
    first = sum(other.per_frame for other in beside[:index])
    width = sum(other.per_frame for other in beside)
    total = 0
    for start in range(0, frame, _FRAMES_AT_A_TIME):
        n = min(_FRAMES_AT_A_TIME, frame - start)
        steps = np.fromfile(segment.path.parent / signal.file, np.int8, n * width, offset=signal.offset + start * width)
        total += int(steps.reshape(-1, width)[:, first : first + signal.per_frame].sum(dtype=np.int64))
    return total


def _read(segment: _Segment, signals: list[WfdbSignal], **options: Any) -> Any:
    import wfdb  # loads pandas, 0.4 s that readers of other files need not wait for

    try:
        with warnings.catch_warnings(), _readable_by_wfdb(segment, signals) as record:
            warnings.simplefilter("ignore")
            return wfdb.rdrecord(record, **options)
    except Exception as error:  # wfdb raises whatever it meets in a damaged record
        raise refusal(segment.path, f"wfdb cannot read the samples ({str(error) or type(error).__name__})") from None


@contextmanager
def _readable_by_wfdb(segment: _Segment, signals: list[WfdbSignal]) -> Iterator[str]:
    """Record name for wfdb, of a copy of the header that holds what the samples of one file need and nothing else.

    Wfdb fails at dates and times that are none and at a missing length, and reads spare lines again for every block.
    """
    name = signals[0].file
    lines = [
        f"copy {len(signals)} {segment.header.fs!r} {segment.header.n_samples or segment.n_frames}",
        *("signal" + signal.written[len(name) :] for signal in signals),
    ]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "signal").symlink_to((segment.path.parent / name).resolve())
        Path(folder, "copy.hea").write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield str(Path(folder, "copy"))

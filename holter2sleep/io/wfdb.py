"""WFDB records to recordings: one segment, or several with missing stretches as NaN."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holter2sleep.io.annotations import ANNOTATION_SUFFIXES
from holter2sleep.io.channels import MIN_FS_HZ, Channel, Choice, choose_ecg
from holter2sleep.io.files import refusal, sha256_of
from holter2sleep.io.units import scale_to_mv
from holter2sleep.io.wfdb_header import WfdbHeader, WfdbSignal, read_wfdb_header
from holter2sleep.night import Recording, Source
from holter2sleep.spans import EMPTY, Spans, as_spans, spans_of_mask

log = logging.getLogger(__name__)

_BLOCK_FRAMES = 1 << 20  # wfdb unpacks all signals of a block as 64-bit numbers
_MIN_GAP_S = 1.0  # shorter stretches without a sample stay NaN and are not called a gap


def read_wfdb(path: Path, channel: str | None, recording_id: str) -> Recording:
    """Recording of the ECG lead of a WFDB record, given by its header file.

    Raises
    ------
    RecordingError
        Broken header, missing signal files, no ECG lead.
    """
    header = read_wfdb_header(path)
    signals, files = _signals_and_files(path, header)
    if not signals:
        raise refusal(path, f"the record has no signal{_beside(path)}")
    if files == [path.parent / "~"]:
        raise refusal(
            path, "a layout header, which has no samples", "the record's own header, which names its segments"
        )
    choice = choose_ecg([_channel(signal) for signal in signals], channel, path)
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise refusal(path, f"signal file missing: {', '.join(missing)}{_beside(path)}")
    values = _lead(path, header, signals, choice)
    if len(values) == 0:
        raise refusal(path, "the record holds no sample", "a recording with signal")
    signal = signals[choice.index]
    finite = values[np.isfinite(values)]
    scale, unit_note = scale_to_mv(signal.unit, float(np.abs(finite).max(initial=0.0)))
    values *= scale
    gaps = _gaps(values, signal.fs)
    log.info("%s: WFDB, %g Hz, %d gaps", recording_id, signal.fs, len(gaps))
    return Recording(
        recording_id=recording_id,
        source=Source(path.name, "WFDB", sha256_of([path, *files]), signal.unit, scale),
        duration_s=len(values) / signal.fs,
        fs=signal.fs,
        start=header.start,
        subject=header.subject,
        channel=choice.name,
        ecg=values,
        gaps=gaps,
        warnings=(*header.warnings, *choice.warnings, *([unit_note] if unit_note else [])),
    )


def _channel(signal: WfdbSignal) -> Channel:
    slow = f"its rate of {signal.fs:g} Hz is too low for an ECG"
    return Channel(signal.label, signal.fs, slow if signal.fs < MIN_FS_HZ else None)


def _signals_and_files(path: Path, header: WfdbHeader) -> tuple[tuple[WfdbSignal, ...], list[Path]]:
    """Signals of the record, and the files they and the segment headers are in, each once, in order."""
    signals: dict[str, WfdbSignal] = {}
    files: dict[Path, None] = {}
    for name in header.segments:
        if name == "~":
            continue
        part = path.parent / f"{name}.hea"
        if not part.is_file():
            raise refusal(path, f"segment header missing: {part.name}", "the record with all its segments")
        files[part] = None
        inner = read_wfdb_header(part)
        for signal in inner.signals:
            signals.setdefault(signal.label, signal)
            if signal.file != "~":
                files[path.parent / signal.file] = None
    if not header.segments:
        files = dict.fromkeys(path.parent / signal.file for signal in header.signals)
        return header.signals, list(files)
    return tuple(signals.values()), list(files)


def _beside(path: Path) -> str:
    """Names of the annotation files beside a header, which can be read without signal files."""
    names = [path.with_suffix(suffix).name for suffix in ANNOTATION_SUFFIXES if path.with_suffix(suffix).is_file()]
    return f" (beside it, as beats without waveform: {', '.join(names)})" if names else ""


# --- samples ---------------------------------------------------------------------------------------


def _lead(path: Path, header: WfdbHeader, signals: tuple[WfdbSignal, ...], choice: Choice) -> NDArray[np.float32]:
    """Samples of the lead in the file's unit, NaN where none is valid."""
    try:
        with warnings.catch_warnings(), _readable_by_wfdb(path) as record:
            warnings.simplefilter("ignore")
            lead = _values(record, header, signals, choice.index)
            if choice.minus is not None:
                lead -= _values(record, header, signals, choice.minus)
            return lead
    except Exception as error:  # wfdb raises whatever it meets in a damaged record
        raise refusal(path, f"wfdb cannot read the samples ({str(error) or type(error).__name__})") from None


def _values(record: str, header: WfdbHeader, signals: tuple[WfdbSignal, ...], index: int) -> NDArray[np.float32]:
    import wfdb  # loads pandas, 0.4 s that readers of other files need not wait for

    if header.segments:
        whole = wfdb.rdrecord(record, channel_names=[signals[index].label], return_res=64)
        return _only(whole).astype(np.float32)
    if header.n_samples is None:  # wfdb finds the length itself, but then reads no blocks
        whole = wfdb.rdrecord(record, channels=[index], smooth_frames=False, return_res=64)
        return _only(whole).astype(np.float32)
    blocks = [
        _only(
            wfdb.rdrecord(
                record,
                sampfrom=first,
                sampto=min(first + _BLOCK_FRAMES, header.n_samples),
                channels=[index],
                smooth_frames=False,  # else wfdb averages the samples of a frame
                return_res=64,
            )
        ).astype(np.float32)
        for first in range(0, header.n_samples, _BLOCK_FRAMES)
    ]
    return np.concatenate(blocks)


def _only(record: Any) -> NDArray[np.float64]:
    return record.e_p_signal[0] if record.e_p_signal is not None else record.p_signal[:, 0]


@contextmanager
def _readable_by_wfdb(path: Path) -> Iterator[str]:
    """Record name for wfdb; where an ISO date stands in the record line, that of a copy of the header without clock."""
    text = path.read_text(encoding="latin-1")
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#"))
    fields = lines[at].split()
    if not any("-" in field for field in fields[4:]):
        yield str(path.with_suffix(""))
        return
    lines[at] = " ".join(fields[:4])
    with tempfile.TemporaryDirectory() as folder:
        for signal in read_wfdb_header(path).signals:
            link = Path(folder, signal.file)
            if not link.exists():
                link.symlink_to((path.parent / signal.file).resolve())
        Path(folder, path.name).write_text("\n".join(lines) + "\n", encoding="latin-1")
        yield str(Path(folder, path.stem))


def _gaps(values: NDArray[np.float32], fs: float) -> Spans:
    """Stretches of a second or more without a sample."""
    missing = np.isnan(values)
    if not missing.any():
        return EMPTY
    spans = spans_of_mask(missing, 1 / fs)
    return as_spans(spans[spans[:, 1] - spans[:, 0] >= _MIN_GAP_S])

"""The signal files of a WFDB record: which are there, and how many frames each holds.

References
----------
Moody, WFDB Applications Guide, signal(5). RFC 9639 (FLAC).
"""

from __future__ import annotations

from pathlib import Path

from holter2sleep.io.files import is_file, refusal
from holter2sleep.io.wfdb_header import WfdbHeader, WfdbSignal

_FLAC = (508, 516, 524)
# Bytes of a sample in the formats of fixed width; the FLAC formats 508, 516, 524 have none.
_SAMPLE_BYTES = {8: 1, 16: 2, 24: 3, 32: 4, 61: 2, 80: 1, 160: 2, 212: 1.5, 310: 4 / 3, 311: 4 / 3}

Held = dict[str, int | None]  # name of each file that is there -> its whole frames, None where it does not tell


def signal_files(path: Path, header: WfdbHeader) -> list[Path]:
    """The signal files of a header without segments, each once, in order.

    Raises
    ------
    RecordingError
        A file that does not lie beside the header, or is the header.
    """
    for signal in header.signals:
        fault = signal.file_fault or ("the header as its own signal file" if signal.file == path.name else None)
        if fault:
            raise refusal(path, fault, "signal files beside the header")
    return [path.parent / name for name in dict.fromkeys(signal.file for signal in header.signals)]


def frames_held(path: Path, header: WfdbHeader) -> Held:
    """Whole frames of each signal file that is there.

    Raises
    ------
    RecordingError
        A file that does not lie beside the header; a file that should be FLAC and is not.
    """
    by_file: dict[str, list[WfdbSignal]] = {}
    for signal in header.signals:
        by_file.setdefault(signal.file, []).append(signal)
    return {file.name: _held(file, by_file[file.name]) for file in signal_files(path, header) if is_file(file)}


def _held(file: Path, signals: list[WfdbSignal]) -> int | None:
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

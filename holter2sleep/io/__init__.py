"""The front door: a file in, a recording out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from holter2sleep.errors import UsageError
from holter2sleep.io.annotations import ANNOTATION_SUFFIXES
from holter2sleep.io.beatfiles import TABLE_SUFFIXES, read_beat_recording
from holter2sleep.io.edf import read_edf
from holter2sleep.io.edf_header import edf_kind
from holter2sleep.io.files import READABLE, refusal
from holter2sleep.io.ishne import MAGIC, read_ishne
from holter2sleep.io.wfdb import read_wfdb
from holter2sleep.night import Recording

__all__ = ["READERS", "read_recording"]

Reader = Callable[[Path, str | None, str, str], Recording]  # path, channel, recording id, unit of RR text


def _edf(path: Path, channel: str | None, recording_id: str, rr_unit: str) -> Recording:
    return read_edf(path, channel, recording_id)


def _wfdb(path: Path, channel: str | None, recording_id: str, rr_unit: str) -> Recording:
    return read_wfdb(path, channel, recording_id)


def _ishne(path: Path, channel: str | None, recording_id: str, rr_unit: str) -> Recording:
    return read_ishne(path, channel, recording_id)


def _beats(path: Path, channel: str | None, recording_id: str, rr_unit: str) -> Recording:
    if channel is not None:
        raise UsageError(f"{path.name}: --channel {channel!r} was given, but a beat file has no channels; leave it out")
    return read_beat_recording(path, recording_id, rr_unit)


# By suffix; an EDF, BDF or ISHNE file is known by its first bytes whatever it is called.
READERS: dict[str, Reader] = {
    **dict.fromkeys((".edf", ".rec", ".bdf"), _edf),
    ".hea": _wfdb,
    **dict.fromkeys((*ANNOTATION_SUFFIXES, *TABLE_SUFFIXES), _beats),
}
_SIGNAL_SUFFIXES = (".dat", ".mat")  # signal files of a WFDB record: its header is read
_REFUSED = {
    b"ANN  1.0": "an ISHNE annotation file, which is not read yet",
    b"GDF ": "a GDF file, which is not read yet",
    b"\x89HDF\r\n": "an HDF5 file, which is not read yet",
    b"MATLAB ": "a MATLAB file without a WFDB header beside it",
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"\x1f\x8b": "a gzip archive; unpack it first",
}


def read_recording(
    path: Path, *, channel: str | None = None, recording_id: str | None = None, rr_unit: str = "auto"
) -> Recording:
    """Recording from an EDF, EDF+, BDF, ISHNE or WFDB file, or from a beat file without waveform.

    Parameters
    ----------
    path
        The file; for WFDB the header, a signal file, or the record's name without suffix.
    channel
        Label of the ECG channel; found by label when not given.
    recording_id
        Name of the recording; the file's stem when not given.
    rr_unit
        Unit of RR-interval text: auto, s or ms.

    Raises
    ------
    UsageError
        No such file, or a folder.
    RecordingError
        Not a recording, empty, without data record or without ECG channel.
    """
    path = _resolved(Path(path))
    head = _head(path)
    for magic, found in _REFUSED.items():
        if head.startswith(magic):
            raise refusal(path, f"this is {found}")
    if edf_kind(head):
        reader: Reader | None = _edf
    elif head.startswith(MAGIC):  # `.ecg` is a suffix of WFDB annotations too
        reader = _ishne
    else:
        reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise refusal(path, f"no recording by its first bytes {head[:8]!r} or its suffix {path.suffix!r}")
    return reader(path, channel, recording_id or path.stem, rr_unit)


def _resolved(path: Path) -> Path:
    """The file to open: for a record's name or signal file, the WFDB header beside it."""
    if path.is_dir():
        names = sorted(inside.name for inside in path.iterdir() if inside.suffix.lower() in READERS)
        holds = f"such as {', '.join(names[:5])}" if names else "but none in it looks like a recording"
        raise UsageError(f"{path}: a folder, not a recording. Name the files in it, {holds}")
    header = path.with_name(f"{path.name}.hea")
    if not path.exists() and header.is_file():
        return header
    if path.suffix.lower() in _SIGNAL_SUFFIXES and path.with_suffix(".hea").is_file():
        return path.with_suffix(".hea")
    if not path.exists():
        raise UsageError(f"{path}: no such file. What would work: {READABLE}")
    return path


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(256)
    except OSError as error:
        raise refusal(path, f"cannot be read ({error.strerror})") from None
    if not head:
        raise refusal(path, "the file is empty (0 bytes)")
    return head

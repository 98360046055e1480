"""The front door: a file in, a recording out."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from holter2sleep.clock import NO_DATE, with_possible_date
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.io.annotations import ANNOTATION_SUFFIXES, is_annotation_beside_header
from holter2sleep.io.beatfiles import POLAR_SUFFIX, TABLE_SUFFIXES, read_beat_recording
from holter2sleep.io.edf import read_edf
from holter2sleep.io.edf_header import edf_kind
from holter2sleep.io.files import exists, is_file, read_head, refusal, shortened, within_memory
from holter2sleep.io.gdf import MAGIC as GDF_MAGIC
from holter2sleep.io.gdf import read_gdf
from holter2sleep.io.hdf5 import HDF5_SUFFIXES, MATLAB_73_MAGIC, read_hdf5
from holter2sleep.io.hdf5 import MAGIC as HDF5_MAGIC
from holter2sleep.io.ishne import MAGIC as ISHNE_MAGIC
from holter2sleep.io.ishne import read_ishne
from holter2sleep.io.ishne_beats import ANN_MAGIC
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.other import FORMATS, read_with_mne
from holter2sleep.io.signal_batches import PARQUET_MAGIC
from holter2sleep.io.signal_tables import holds_waveform, read_signal_table
from holter2sleep.io.wfdb import read_wfdb
from holter2sleep.io.wfdb_header import read_wfdb_header
from holter2sleep.night import Recording

__all__ = ["READERS", "read_recording"]

Reader = Callable[[Path, str, ReadOptions], Recording]  # path, recording id, what the user says of it


def _beats(path: Path, recording_id: str, options: ReadOptions) -> Recording:
    if options.channel is not None:
        found = f"--channel {options.channel!r} was given, but a beat file has no channels; leave it out"
        raise UsageError(f"{path.name}: {found}")
    return read_beat_recording(path, recording_id, options.rr_unit)


def _table(path: Path, recording_id: str, options: ReadOptions) -> Recording:
    """Samples when the user gives their rate or the table tells an ECG and its times; else beats."""
    is_waveform = options.fs is not None or holds_waveform(path)
    return (read_signal_table if is_waveform else _beats)(path, recording_id, options)


# By suffix, where the first bytes do not tell.
READERS: dict[str, Reader] = {
    **dict.fromkeys((".edf", ".rec", ".bdf"), read_edf),
    ".hea": read_wfdb,
    ".gdf": read_gdf,
    **dict.fromkeys(HDF5_SUFFIXES, read_hdf5),
    **dict.fromkeys(FORMATS, read_with_mne),
    **dict.fromkeys(TABLE_SUFFIXES, _table),
    **dict.fromkeys((*ANNOTATION_SUFFIXES, POLAR_SUFFIX), _beats),
}
# By first bytes, whatever the file is called; `.ecg` and `.ann` are suffixes of WFDB annotations too.
_MAGIC: dict[bytes, Reader] = {
    ISHNE_MAGIC: read_ishne,
    ANN_MAGIC: _beats,
    GDF_MAGIC: read_gdf,
    HDF5_MAGIC: read_hdf5,
    MATLAB_73_MAGIC: read_hdf5,
    PARQUET_MAGIC: _table,
}
# A file beside it that has to be opened in place of a file with this suffix.
_HEADER_OF = {".dat": (".hea", ".lay"), ".mat": (".hea",), ".eeg": (".vhdr",), ".vmrk": (".vhdr",), ".fdt": (".set",)}
_REFUSED = {
    b"MATLAB 5": "a MATLAB file of version 5 without a WFDB header beside it; saved with -v7.3 it is read",
    b"PK\x03\x04": "a zip archive or a NumPy .npz file; unpack it, or write its lead as CSV",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"\x93NUMPY": "a NumPy file; write its lead as CSV or HDF5",
}


def read_recording(path: Path, *, recording_id: str | None = None, **options: Any) -> Recording:
    """Recording from a file of any format that is read, or from a beat file without waveform.

    Parameters
    ----------
    path
        The file; for WFDB the header, a signal file, or the record's name without suffix.
    recording_id
        Name of the recording; the file's stem when not given.
    options
        Fields of `ReadOptions`, such as `channel`, the label of the ECG channel (found when not given).

    Raises
    ------
    UsageError
        No such file, or a folder.
    RecordingError
        Not a recording, empty, without data record or without ECG channel.
    """
    path = _resolved(Path(path))
    reader = _reader(path, read_head(path))
    given = ReadOptions(**options)
    with within_memory(path):
        recording = reader(path, recording_id or path.stem, given)
    recording = recording.but(warnings=tuple(map(shortened, recording.warnings)))
    return _with_told_rate(_with_possible_start(recording), given.fs)


def _with_told_rate(recording: Recording, fs: float | None) -> Recording:
    """The recording with a warning where its own rate went before the one that the user gave."""
    if fs is None or recording.ecg is None or recording.fs == fs or any("--fs" in note for note in recording.warnings):
        return recording
    note = f"--fs {fs:g} was left out: the file says {recording.fs:g} Hz"
    return recording.but(warnings=(*recording.warnings, note))


def _with_possible_start(recording: Recording) -> Recording:
    """The recording, its date unknown where the file's is impossible."""
    start = None if recording.start is None else with_possible_date(recording.start)
    if start == recording.start or recording.start is None:
        return recording
    note = f"start in the year {recording.start.year}: only the clock is believed ({NO_DATE} stands for no date)"
    return recording.but(start=start, warnings=(*recording.warnings, note))


def _reader(path: Path, head: bytes) -> Reader:
    """The reader of a file by its first bytes, else by its suffix, else by the header beside it."""
    suffix = path.suffix.lower()
    if edf_kind(head):
        return read_edf
    if suffix in FORMATS:  # EEGLAB files are MATLAB files, of version 5 or HDF5
        return read_with_mne
    for magic, reader in _MAGIC.items():
        if head.startswith(magic):
            return reader
    for magic, found in _REFUSED.items():
        if head.startswith(magic):
            raise refusal(path, f"this is {found}")
    if suffix in READERS:
        return READERS[suffix]
    if is_annotation_beside_header(path):
        return _beats
    raise refusal(path, f"no recording by its first bytes {head[:8]!r} or its suffix {path.suffix!r}")


def _resolved(path: Path) -> Path:
    """The file to open: for a record's name, or a file that belongs to another, the one that describes it."""
    if exists(path) and path.is_dir():
        names = sorted(name for name in _names_in(path) if Path(name).suffix.lower() in READERS)
        holds = f"such as {', '.join(names[:5])}" if names else "but none in it looks like a recording"
        raise UsageError(f"{path}: a folder, not a recording. Name the files in it, {holds}")
    if not exists(path):
        header = path.with_name(f"{path.name}.hea")
        if is_file(header):
            return header
        if path.is_symlink():
            raise UsageError(f"{path}: a link that leads to no file; name the recording itself")
        raise UsageError(f"{path}: no such file{_near(path)}")
    for suffix in _HEADER_OF.get(path.suffix.lower(), ()):
        if is_file(path.with_suffix(suffix)):
            return path.with_suffix(suffix)
    return _record_of(path) or path


def _near(path: Path) -> str:
    """The nearest name in the same folder, for a mistyped one."""
    if not path.parent.is_dir():
        return f", and no folder {path.parent}"
    close = difflib.get_close_matches(path.name, _names_in(path.parent), n=1)
    return f"; did you mean {str(path.with_name(close[0]))!r}?" if close else f" in the folder {path.parent}"


def _names_in(folder: Path) -> list[str]:
    """Names in a folder; none of one that must not be listed."""
    try:
        return os.listdir(folder)  # noqa: PTH208  names are wanted, not paths
    except OSError:
        return []


def _record_of(path: Path) -> Path | None:
    """Header beside a signal file of any suffix (`.d0`, `.xyz`) that names it."""
    header = path.with_suffix(".hea")
    if path.suffix.lower() in READERS or not is_file(header):
        return None
    try:
        signals = read_wfdb_header(header).signals
    except RecordingError:
        return None
    return header if path.name in {signal.file for signal in signals} else None

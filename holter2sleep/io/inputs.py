"""Recordings in folders and behind patterns.

A night is one input, however many files it has: a WFDB record with its signals, annotations and segments, a recording
with its tables of beats or stages. What is no recording is passed over, and counted in the log.
"""

from __future__ import annotations

import fnmatch
import glob
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from holter2sleep.counted import counted
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.io import READERS
from holter2sleep.io.annotations import ANNOTATION_SUFFIXES, REFERENCE_SUFFIXES
from holter2sleep.io.beatfiles import POLAR_SUFFIX, TABLE_SUFFIXES, read_beat_file
from holter2sleep.io.edf_header import edf_kind, read_edf_header
from holter2sleep.io.files import READABLE, is_file, is_folder
from holter2sleep.io.gdf import MAGIC as GDF_MAGIC
from holter2sleep.io.hypnogram_names import OF_BEATS
from holter2sleep.io.ishne import MAGIC as ISHNE_MAGIC
from holter2sleep.io.ishne_beats import ANN_MAGIC
from holter2sleep.io.signal_batches import open_signal_table
from holter2sleep.io.signal_tables import holds_waveform
from holter2sleep.io.wfdb_header import WfdbHeader, read_wfdb_header

log = logging.getLogger(__name__)

_WILD = frozenset("*?[")
_OURS = (
    {"run.json", "phenotypes.parquet"},
    {"run.json", "nights.parquet"},
    {"flow.json", "nights.parquet"},
)  # what our output folders hold
_TABLES = (*TABLE_SUFFIXES, POLAR_SUFFIX)
_WITHOUT_WAVEFORM = (*ANNOTATION_SUFFIXES, *_TABLES, ".ann")
_ANNOTATION_ORDER = (*REFERENCE_SUFFIXES, *ANNOTATION_SUFFIXES)  # which of several beat files of a record is taken


def find_inputs(paths: Sequence[Path], *, fs: float | None = None) -> tuple[Path, ...]:
    """Files to analyse, each once: files as they are named, recordings of folders and behind patterns, sorted.

    Parameters
    ----------
    paths
        Files, folders (searched with those in them), and patterns with `*`, `**`, `?` or `[ ]`.
    fs
        Rate the user gives for tables of samples, which makes tables recordings that are none without it.

    Raises
    ------
    UsageError
        A folder or pattern without a recording.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for file in _of_one(Path(path), fs):
            found.setdefault(_real(file), file)
    return tuple(found.values())


def _real(path: Path) -> Path:
    """Where a path leads; a link that leads to itself stays what it is."""
    return Path(os.path.realpath(path))


def _of_one(path: Path, fs: float | None) -> list[Path]:
    if is_folder(path):
        files = list(_files_in(path, set()))
        return _recordings_of(files, path, "folder", fs)
    if is_file(path) or not _WILD & set(str(path)):
        return [path]  # reading it tells what is wrong with it
    files = _matching(path)
    # `*.atr` asks for annotations, even where the record they belong to could be read
    asked = path.suffix.lower() if path.suffix.lower() in _WITHOUT_WAVEFORM else None
    named = [file for file in files if file.suffix.lower() == asked and not _is_ours(file.parent)]
    return sorted(set(named)) if named else _recordings_of(files, path, "pattern", fs)


def _matching(pattern: Path) -> list[Path]:
    """Files that a pattern names, and those in the folders it names."""
    at = pattern.parts.index("**") if "**" in pattern.parts else len(pattern.parts)
    above = str(Path(*pattern.parts[:at]))
    matches = [Path(match) for match in sorted(glob.glob(above))]  # noqa: PTH207  Path.glob takes no absolute pattern
    # `**` is walked here: glob follows links that run in circles until a path is too long for the disk
    below, seen = pattern.parts[at:], set[Path]()
    found = [(match, file) for match in matches for file in (_files_in(match, seen) if is_folder(match) else [match])]
    return [file for match, file in found if _fits(file.relative_to(match).parts, below)]


def _fits(parts: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether a file's path, or that of a folder above it, is one that a pattern names.

    Examples
    --------
    >>> _fits(("x", "y", "n2", "b.edf"), ("**", "n*", "*.edf")), _fits(("x", "a.hea"), ("**", "*.edf"))
    (True, False)
    """
    if not wanted:
        return True
    if wanted[0] == "**":
        return any(_fits(parts[i:], wanted[1:]) for i in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], wanted[0]) and _fits(parts[1:], wanted[1:])


def _recordings_of(files: Iterable[Path], path: Path, kind: str, fs: float | None) -> list[Path]:
    """The recordings among the files; each folder is judged as a whole, for files belong together."""
    by_folder: dict[Path, set[Path]] = {}
    for file in files:
        if not _is_ours(file.parent):
            by_folder.setdefault(file.parent, set()).add(file)
    kept = [file for folder, there in by_folder.items() for file in _recordings_in(folder, fs) if file in there]
    n_passed_over = sum(map(len, by_folder.values())) - len(kept)
    if not kept and _is_ours(path):
        raise UsageError(f"{path}: holds results of analyze, no recording; `report` draws its PDF again")
    if not kept:
        seen = counted(n_passed_over, "other file") if n_passed_over else "no file at all"
        found = "found in this folder" if kind == "folder" else "matches this pattern"
        raise UsageError(f"{path}: no recording {found}, {seen}. What would work: {READABLE}")
    found, others = counted(len(kept), "recording"), counted(n_passed_over, "other file")
    log.info("%s: %s, %s passed over", path.name, found, others)
    return sorted(kept)


def _files_in(folder: Path, seen: set[Path]) -> Iterator[Path]:
    """Files of a folder and of those in it, without hidden ones; a folder to which many links lead is searched once."""
    here = _real(folder)
    if here in seen:
        return
    seen.add(here)
    try:
        inside = sorted(Path(entry.path) for entry in os.scandir(folder) if not entry.name.startswith("."))
    except OSError as error:
        log.warning("%s: cannot be searched (%s)", folder.name, error.strerror)
        return
    if _is_ours(folder):
        return
    for path in inside:
        if is_folder(path):
            yield from _files_in(path, seen)
        elif is_file(path):
            yield path


def _is_ours(folder: Path) -> bool:
    """Whether a folder holds results of ours."""
    return any(all(is_file(folder / name) for name in names) for names in _OURS)


# --- one folder ------------------------------------------------------------------------------------


def _recordings_in(folder: Path, fs: float | None) -> list[Path]:
    """Recordings right in a folder: those with a waveform first, then beats that belong to none of them."""
    files = sorted(path for path in folder.iterdir() if is_file(path) and not path.name.startswith("."))
    headers = _headers(files)
    records = _records(files, headers)
    signals = {folder / signal.file for header in headers.values() if header for signal in header.signals}
    others = [path for path in files if path not in headers and path not in signals]
    kept = records + [path for path in others if path.suffix.lower() not in _WITHOUT_WAVEFORM and _is_recording(path)]
    kept += [
        path for path in others if path.suffix.lower() in _WITHOUT_WAVEFORM and _head(path).startswith(ISHNE_MAGIC)
    ]
    stems = {path.stem for path in kept} | {path.stem for path in headers}
    for path in sorted(others, key=_beats_first):
        if path.suffix.lower() in _WITHOUT_WAVEFORM and not stems & _owners(path):
            if path not in kept and _is_beats_or_table(path, fs):
                kept.append(path)
                stems.add(path.stem)
    return kept


def _owners(path: Path) -> set[str]:
    """Stems of the recordings whose beats a file may hold.

    Examples
    --------
    >>> sorted(_owners(Path("night.beats.csv")))
    ['night', 'night.beats']
    """
    return {path.stem, *(path.stem.removesuffix(end) for end in OF_BEATS)}


def _beats_first(path: Path) -> tuple[int, str]:
    """Order in which files of one stem are taken: classified beats, detected beats, tables."""
    suffix = path.suffix.lower()
    rank = _ANNOTATION_ORDER.index(suffix) if suffix in _ANNOTATION_ORDER else len(_ANNOTATION_ORDER)
    return rank, path.name


def _headers(files: list[Path]) -> dict[Path, WfdbHeader | None]:
    """WFDB headers of a folder; None for one that is broken."""
    headers: dict[Path, WfdbHeader | None] = {}
    for path in files:
        if path.suffix.lower() == ".hea":
            try:
                headers[path] = read_wfdb_header(path)
            except RecordingError:
                headers[path] = None
    return headers


def _records(files: list[Path], headers: dict[Path, WfdbHeader | None]) -> list[Path]:
    """One file a WFDB record: its header, or its annotations where no signal file is there."""
    segments = {name for header in headers.values() if header for name, _ in header.segments}
    there = set(files)
    records = []
    for path, header in headers.items():
        is_layout = header is not None and header.signals and all(s.file == "~" for s in header.signals)
        if path.stem in segments or is_layout:
            continue
        has_signal = header is None or header.segments or any(path.parent / s.file in there for s in header.signals)
        beats = [path.with_suffix(suffix) for suffix in _ANNOTATION_ORDER if path.with_suffix(suffix) in there]
        if has_signal or not beats:
            records += [path] if has_signal or (header is not None and header.signals) else []
        else:
            records.append(beats[0])
    return records


def _is_recording(path: Path) -> bool:
    """Whether a file, by its first bytes or suffix, is one that has to be read or to fail visibly."""
    head = _head(path)
    if edf_kind(head):
        return _has_signal(path)
    if path.suffix.lower() == ".eeg":  # samples of BrainVision have this suffix too
        return not is_file(path.with_suffix(".vhdr"))
    return path.suffix.lower() in READERS or head.startswith((ISHNE_MAGIC, GDF_MAGIC))


def _has_signal(path: Path) -> bool:
    """Whether an EDF file holds more than annotations; a broken one may."""
    try:
        return any(not signal.is_annotation for signal in read_edf_header(path).signals)
    except RecordingError:
        return True


def _is_beats_or_table(path: Path, fs: float | None) -> bool:
    """Whether a file of beats, or a table, is what its suffix says."""
    if edf_kind(_head(path)):
        return _has_signal(path)
    suffix = path.suffix.lower()
    if suffix in TABLE_SUFFIXES and (holds_waveform(path) or (fs is not None and _reads(open_signal_table, path))):
        return True
    is_ishne = _head(path).startswith(ANN_MAGIC)
    return (suffix != ".ann" or is_ishne) and _reads(read_beat_file, path)


def _reads(read: Callable[[Path], object], path: Path) -> bool:
    try:
        read(path)
    except (RecordingError, UsageError, OSError):
        return False
    return True


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError:
        return b""

"""What a night is made from, as one hash: where it is the same, there is nothing to do.

The content of a recording is hashed once, while it is read. Later its files are known by path, size and time of change,
so that a cohort of terabytes is resumed without reading it again; `--verify` reads it nevertheless.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from holter2sleep import __version__
from holter2sleep.batch.manifest import Row
from holter2sleep.errors import RecordingError
from holter2sleep.io.annotations import ANNOTATION_SUFFIXES
from holter2sleep.io.wfdb_header import read_wfdb_header
from holter2sleep.provenance import models_sha256
from holter2sleep.request import Request

# Files that a recording of this suffix has beside it.
_BESIDE = {
    ".vhdr": (".eeg", ".vmrk"),
    ".set": (".fdt",),
    ".lay": (".dat",),
    **dict.fromkeys(ANNOTATION_SUFFIXES, (".hea",)),
}
_DEEPEST = 3  # headers within headers: WFDB knows two levels


def method_address(of_all: Request) -> str:
    """Hash of what decides all nights alike: recipe, models and version."""
    parts = (of_all.recipe.sha256, models_sha256(of_all.recipe.staging.stager), __version__)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def content_address(row: Row, asked: Request, method: str) -> str:
    """Hash of everything that decides a night: its files, what is asked of it, and the method."""
    told = [path for path in (row.beats, row.hypnogram) if path is not None]
    facts = {
        "files": [_stamp(file, row.folder) for path in (row.path, *told) for file in files_of(path)],
        "options": dataclasses.replace(asked, beats=None, hypnogram=None).facts(),
        "given": [row.beats is not None, row.hypnogram is not None],
        "method": method,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that reading a path reads, as far as its name and header tell."""
    if path.suffix.lower() == ".hea":
        return tuple(dict.fromkeys(_of_header(path, _DEEPEST)))
    return (path, *(path.with_suffix(suffix) for suffix in _BESIDE.get(path.suffix.lower(), ())))


def _of_header(path: Path, depth: int) -> Iterator[Path]:
    yield path
    try:
        header = read_wfdb_header(path)
    except (RecordingError, OSError):  # the night will fail with words of its own
        return
    yield from (path.parent / signal.file for signal in header.signals)
    for name, _ in header.segments if depth else ():
        if name != "~":
            yield from _of_header(path.parent / f"{name}.hea", depth - 1)


def _stamp(path: Path, folder: Path) -> tuple[str, int, int] | tuple[str]:
    """Path from the manifest on, so that a cohort may be moved as a whole; size, and time of change."""
    name = str(path.relative_to(folder) if path.is_relative_to(folder) else path)
    try:
        found = path.stat()
    except OSError:
        return (name,)
    return name, found.st_size, found.st_mtime_ns

"""Digital samples of an EDF or BDF file: of one signal, between two data records, and nothing else.

Read by the layout our own header has worked out, not by a library: the libraries want a perfect header, load more than
is asked for, or join the gaps of EDF+D. The tests compare every sample with edfio and pyedflib where these can read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.io.edf_header import SAMPLE_BYTES, EdfHeader, EdfSignal
from holter2sleep.io.files import refusal

Digital = NDArray[np.int16] | NDArray[np.int32]

_AT_A_TIME = 1 << 23  # bytes of data records held while a signal is cut out of them
_PAGE_BYTES = 4096  # what a disk gives at least: skipping less saves nothing


def digital_samples(path: Path, header: EdfHeader, signal: EdfSignal, first: int, last: int) -> Digital:
    """Digital samples of a signal in the data records from `first` to before `last`. array (n_samples,).

    Raises
    ------
    RecordingError
        The file has become shorter, or cannot be read any more.
    """
    width = _width(header, signal)
    raw = np.concatenate([np.empty((0, width), np.uint8), *_pieces(path, header, signal, range(first, last), width)])
    return _digital(header, raw)


def digital_part(path: Path, header: EdfHeader, signal: EdfSignal, record: int, first: int, last: int) -> Digital:
    """Digital samples from `first` to before `last` of a signal within one data record. array (n_samples,).

    Raises
    ------
    RecordingError
        The file has become shorter, or cannot be read any more.
    """
    bytes_each = SAMPLE_BYTES[header.kind]
    at = header.header_bytes + record * header.record_bytes + bytes_each * (signal.first_sample + first)
    return _digital(header, _parts(path, [at], bytes_each * (last - first)))


def _digital(header: EdfHeader, raw: NDArray[np.uint8]) -> Digital:
    if SAMPLE_BYTES[header.kind] == 2:
        return raw.view("<i2").ravel()
    padded = np.zeros((raw.size // 3, 4), np.uint8)
    padded[:, 1:] = raw.reshape(-1, 3)
    return padded.view("<i4").ravel() >> 8  # the sign comes along in the top byte


def annotation_bytes(path: Path, header: EdfHeader, signal: EdfSignal, longest: int | None = None) -> Iterator[bytes]:
    """Content of an annotation signal, data record by data record; of each no more than `longest` bytes."""
    if signal.samples_per_record:
        width = min(_width(header, signal), longest or _width(header, signal))
        for piece in _pieces(path, header, signal, range(header.n_records), width):
            yield from (record.tobytes() for record in piece)


def _width(header: EdfHeader, signal: EdfSignal) -> int:
    return SAMPLE_BYTES[header.kind] * signal.samples_per_record


def _pieces(
    path: Path, header: EdfHeader, signal: EdfSignal, records: range, width: int
) -> Iterator[NDArray[np.uint8]]:
    """The first `width` bytes of the signal, some data records at a time. arrays (n_records, width)."""
    offset = SAMPLE_BYTES[header.kind] * signal.first_sample
    seldom = header.record_bytes > max(_PAGE_BYTES, 4 * width)
    step = max(1, _AT_A_TIME // max(width if seldom else header.record_bytes, 1))
    for start in range(records.start, records.stop, step):
        n = min(step, records.stop - start)
        at = header.header_bytes + start * header.record_bytes
        if seldom:
            yield _parts(path, [at + offset + i * header.record_bytes for i in range(n)], width)
        else:
            whole = _parts(path, [at], n * header.record_bytes).reshape(n, header.record_bytes)
            yield np.ascontiguousarray(whole[:, offset : offset + width])


def _parts(path: Path, at: list[int], n_bytes: int) -> NDArray[np.uint8]:
    """The bytes that lie at the given places of a file. array (n_places, n_bytes)."""
    try:
        with path.open("rb", buffering=0) as file:
            content = b"".join([os.pread(file.fileno(), n_bytes, place) for place in at])
    except OSError as error:
        raise refusal(path, f"cannot be read ({error.strerror})") from None
    if len(content) < len(at) * n_bytes:
        raise refusal(path, "the file has become shorter while it was read", "a file that nobody writes to")
    return np.frombuffer(content, np.uint8).reshape(len(at), n_bytes)

"""Slices of a lead out of large chunks, each unpacked once: what is unpacked is kept in a temporary file."""

from __future__ import annotations

import logging
import tempfile
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holter2sleep.io.hdf5_leads import Lead

log = logging.getLogger(__name__)

ReadChunk = Callable[[str, int, tuple[int, int], int, int], NDArray[Any]]


class ChunkedLead:
    """A column of a dataset whose chunks are so large that unpacking one again takes seconds.

    HDF5 unpacks a whole chunk anew for each slice of it. Where the disk has no room, that is what is done here too.
    """

    def __init__(self, lead: Lead, unpack: ReadChunk) -> None:
        self._lead, self._unpack = lead, unpack
        self._length, self._width = lead.chunk or (1, 1)
        self._dtype: np.dtype[Any] | None = None
        self._kept: set[int] = set()
        self._file: Any = None

    def between(self, first: int, last: int) -> NDArray[Any]:
        """Samples as they are in the file, unscaled. array (last - first,)."""
        parts = []
        for k in range(first // self._length, (last - 1) // self._length + 1):
            start = k * self._length
            parts.append(self._slice(k, max(first, start) - start, min(last, start + self._length) - start))
        return np.concatenate(parts)

    def _slice(self, k: int, first: int, last: int) -> NDArray[Any]:
        """Samples of a chunk, from its start; out of the temporary file where they are in it."""
        if k in self._kept and (kept := self._read(k * self._length + first, last - first)) is not None:
            return kept
        column = self._lead.column or 0
        size = (self._length, self._width)
        rows = self._unpack(self._lead.dataset, self._lead.along, size, k, column // self._width)
        values = rows[:, column % self._width]
        self._keep(k, values)
        return values[first:last]

    def _read(self, first: int, n: int) -> NDArray[Any] | None:
        dtype = np.dtype(self._dtype)
        self._file.seek(first * dtype.itemsize)
        content = self._file.read(n * dtype.itemsize)
        return np.frombuffer(content, dtype) if len(content) == n * dtype.itemsize else None

    def _keep(self, k: int, values: NDArray[Any]) -> None:
        """Write the samples of a chunk where they would be if the file held all."""
        try:
            if self._file is None:
                self._dtype, self._file = values.dtype, tempfile.TemporaryFile(buffering=0)
                weakref.finalize(self, self._file.close)
            self._file.seek(k * self._length * values.itemsize)
            left = np.ascontiguousarray(values).data.cast("B")
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            log.debug("no room to keep what was unpacked (%s)", error)
            return
        self._kept.add(k)

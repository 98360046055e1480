"""Numbers of one column in a temporary file: written row by row, read by slices."""

from __future__ import annotations

import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from holter2sleep.io.files import refusal


class RowStore:
    """A column that grows on disk and not in memory; its file goes when nobody holds the store any more."""

    def __init__(self, path: Path, dtype: DTypeLike) -> None:
        self._path = path  # of the input, to name it when the disk is full
        self._dtype = np.dtype(dtype)
        self._file = tempfile.TemporaryFile(buffering=0)
        weakref.finalize(self, self._file.close)
        self._n = 0

    def append(self, values: NDArray[Any]) -> None:
        """Add rows.

        Raises
        ------
        RecordingError
            The disk is full.
        """
        left = memoryview(values.astype(self._dtype).tobytes())
        self._n += len(values)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            found = f"no room for its samples in {tempfile.gettempdir()} ({error.strerror})"
            raise refusal(self._path, found, "another folder, named by TMPDIR") from None

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, part: slice) -> NDArray[Any]:
        first, last, _ = part.indices(self._n)
        self._file.seek(first * self._dtype.itemsize)
        wanted = max(0, last - first) * self._dtype.itemsize
        content = bytearray()
        while len(content) < wanted and (read := self._file.read(wanted - len(content))):
            content += read
        return np.frombuffer(content, self._dtype)

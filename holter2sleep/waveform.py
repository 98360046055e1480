"""One lead's samples, read from its file when they are asked for.

A two-week patch holds 300 million samples; nobody needs them all at once. A `Waveform` is sliced like an array,
`waveform[first:last]`, and reads what the slice needs in blocks. The newest blocks are kept, so that a night
is decoded once; memory stays the same however long the recording is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

Signal = NDArray[np.float32]
Read = Callable[[int, int], Signal]  # first sample, sample behind the last -> mV, NaN where a sample is missing

BLOCK_SAMPLES = 1 << 18  # 17 min at 256 Hz, 1 MB
KEPT_SAMPLES = 1 << 25  # 36 h at 256 Hz, 128 MB: every usual night is decoded once


class Waveform:
    """Samples of one lead, mV, NaN where one is missing.

    Assumes that `read` gives the same samples however a stretch is cut; the slices are read-only.

    Examples
    --------
    >>> lead = Waveform.of([0.0, 0.1, 1.2, 0.2])
    >>> len(lead), lead[1:3].tolist()
    (4, [0.10000000149011612, 1.2000000476837158])
    >>> (-lead)[2:3].tolist()
    [-1.2000000476837158]
    """

    def __init__(
        self, n_samples: int, read: Read, block_samples: int = BLOCK_SAMPLES, kept_samples: int = KEPT_SAMPLES
    ) -> None:
        self._n = n_samples
        self._block_samples = block_samples
        read_block = partial(_read_block, read, block_samples, n_samples)
        self._block = lru_cache(maxsize=max(1, kept_samples // block_samples))(read_block)

    @classmethod
    def of(cls, samples: ArrayLike) -> Self:
        """A waveform of samples that are in memory already."""
        array = np.array(samples, dtype=np.float32, copy=None).view()
        array.flags.writeable = False
        return cls(len(array), lambda first, last: array[first:last], max(1, len(array)))

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, part: slice) -> Signal: ...
    @overload
    def __getitem__(self, part: int) -> np.float32: ...
    def __getitem__(self, part: slice | int) -> Signal | np.float32:
        if isinstance(part, int):
            at = range(self._n)[part]
            return np.float32(self[at : at + 1][0])
        first, last, step = part.indices(self._n)
        if step != 1:
            raise ValueError(f"a waveform is sliced without steps, not by {step}")
        return self._between(first, max(first, last))

    def __neg__(self) -> Waveform:
        return self._view(lambda first, last: -self[first:last], self._n)

    @property
    def shape(self) -> tuple[int]:
        """As of an array."""
        return (self._n,)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self[:], dtype=dtype, copy=copy)

    def cut(self, first: int, last: int) -> Waveform:
        """The samples from `first` to before `last` as a waveform of their own."""
        first, last, _ = slice(first, last).indices(self._n)
        return self._view(lambda a, b: self[first + a : first + b], max(0, last - first))

    def _view(self, read: Read, n_samples: int) -> Waveform:
        """Another waveform made from this one, which keeps one block only: this one keeps them already."""
        return Waveform(n_samples, read, self._block_samples, self._block_samples)

    def blocks(self) -> Iterator[tuple[int, Signal]]:
        """The whole lead in order: first sample of each block, and its samples."""
        for first in range(0, self._n, self._block_samples):
            yield first, self._block(first // self._block_samples)

    def around(self, centre: NDArray[np.int64], half: int) -> Signal:
        """The `2 half + 1` samples around each centre (ascending); NaN beyond the ends. array (n, 2 half + 1)."""
        out = np.full((len(centre), 2 * half + 1), np.nan, np.float32)
        at = 0
        while at < len(centre):
            behind = int(np.searchsorted(centre, centre[at] + self._block_samples, side="right"))
            out[at:behind] = self._around_near(centre[at:behind], half)
            at = behind
        return out

    def _around_near(self, centre: NDArray[np.int64], half: int) -> Signal:
        """As `around`, for centres that lie within a block's length."""
        first = int(centre[0]) - half
        near = self._padded(first, int(centre[-1]) + half + 1)
        return np.lib.stride_tricks.sliding_window_view(near, 2 * half + 1)[centre - centre[0]]

    def _padded(self, first: int, last: int) -> Signal:
        """The samples of a stretch that may reach beyond the ends, NaN there."""
        inside = self[max(0, first) : max(0, last)]
        before, behind = max(0, -first), max(0, last - max(self._n, first))
        return np.pad(inside, (min(before, last - first), behind), constant_values=np.float32(np.nan))

    def _between(self, first: int, last: int) -> Signal:
        if first == last:
            return np.empty(0, np.float32)
        size = self._block_samples
        parts = [
            self._block(i)[max(0, first - i * size) : last - i * size]
            for i in range(first // size, (last - 1) // size + 1)
        ]
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
        whole.flags.writeable = False
        return whole


def _read_block(read: Read, block_samples: int, n_samples: int, index: int) -> Signal:
    """A block by its number; a function, so that a waveform and its cache need no garbage collector to go."""
    first = index * block_samples
    block = read(first, min(first + block_samples, n_samples)).astype(np.float32, copy=False)
    block.flags.writeable = False
    return block

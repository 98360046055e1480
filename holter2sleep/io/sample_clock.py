"""Times of samples to a rate and the holes in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from holter2sleep.io.files import MAX_ELAPSED_S, refusal
from holter2sleep.io.stamps import DAY_S
from holter2sleep.night import Float
from holter2sleep.waveform import Signal, Waveform

HOUR_S = 3600.0
_AROUND = 8  # rows on each side of a long step that tell a hole from a late stamp
_BLOCK_ROWS = 1 << 20
_SNAP_S = 0.002  # a whole rate is meant when the stamps agree with it that well from the first to the last
_WORKS = "times that rise from row to row, in s, ms or as date and clock; or the rate with --fs"


class Rows(Protocol):
    """Times of rows that are read when sliced."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> Float: ...


class Samples(Protocol):
    """Samples of rows that are read when sliced."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class SampleClock:
    """A rate, and where rows continue behind a hole: row `row[k]` is sample `sample[k]`."""

    fs: float
    row: NDArray[np.int64]  # (n_runs,), first row of each run; 0 first
    sample: NDArray[np.int64]  # (n_runs,), its place among the samples
    n_samples: int


def steady_clock(fs: float, n_rows: int) -> SampleClock:
    """Rows without a time column."""
    return SampleClock(fs, np.zeros(1, np.int64), np.zeros(1, np.int64), n_rows)


def clock_of(path: Path, times: Rows, first_row: int) -> SampleClock:
    """Rate and holes of rows by their times, s, read in blocks.

    A step longer than usual is a hole when the rows behind it are late as well, by a sample or more.

    Raises
    ------
    RecordingError
        Times that fall, that stand still, or that span more than a month.
    """
    period = float(np.median(np.diff(times[:_BLOCK_ROWS]))) if len(times) > 1 else 0.0
    if not period > 0:
        raise refusal(path, "the time column does not advance from row to row", _WORKS)
    span_s = float(times[len(times) - 1 :][0] - times[:1][0])
    if not span_s <= MAX_ELAPSED_S:
        raise refusal(path, f"times that span {span_s / DAY_S:.0f} days", _WORKS)
    holes: list[tuple[int, float]] = []
    for first, block, own in _overlapping(times):
        steps = np.diff(block)
        falls = np.flatnonzero(steps < -0.5 * period)
        if len(falls):
            line = first_row + first + int(falls[0]) + 1
            fall_s = -float(steps[falls[0]])
            why = ", as where summer time ends: --tz tells" if abs(fall_s - HOUR_S) < 1.0 else ""
            raise refusal(path, f"line {line}: the time falls by {fall_s:.3f} s{why}", _WORKS)
        late = np.flatnonzero(steps > 1.5 * period) + 1
        late = late[(late >= own.start) & (late < own.stop)]
        holes += [(first + int(at), jump) for at, jump in zip(late, _jumps(block, late, period), strict=True)]
    holes = [(row, jump) for row, jump in holes if round(jump / period) >= 1]
    lost_s = sum(jump for _, jump in holes)
    fs = _whole_if_meant((len(times) - 1) / (span_s - lost_s), len(times))
    lost = np.maximum(1, np.round(np.array([jump for _, jump in holes]) * fs)).astype(np.int64)
    row = np.array([0, *(row for row, _ in holes)], np.int64)
    sample = row + np.r_[0, np.cumsum(lost)].astype(np.int64)
    return SampleClock(fs, row, sample, len(times) + int(lost.sum()))


def on_clock(rows: Samples, clock: SampleClock) -> Waveform:
    """Samples on their time line, NaN in the holes."""

    def read(first: int, last: int) -> Signal:
        runs = slice(
            int(np.searchsorted(clock.sample, first, side="right")) - 1,
            int(np.searchsorted(clock.sample, last, side="left")),
        )
        out = np.full(last - first, np.nan, np.float32)
        row_ends = np.r_[clock.row[1:], len(rows)]
        for row, end, sample in zip(clock.row[runs], row_ends[runs], clock.sample[runs], strict=True):
            skipped = max(0, first - int(sample))
            values = rows[int(row) + skipped : min(int(end), int(row) + last - int(sample))]
            at = int(sample) + skipped - first
            out[at : at + len(values)] = values
        return out

    return Waveform(clock.n_samples, read)


def _overlapping(times: Rows) -> Iterator[tuple[int, Float, range]]:
    """Blocks with some rows before and behind: first row, times, and which of them no other block looks at."""
    for first in range(0, len(times), _BLOCK_ROWS):
        start = max(0, first - _AROUND)
        yield start, times[start : first + _BLOCK_ROWS + _AROUND], range(first - start, first - start + _BLOCK_ROWS)


def _jumps(block: Float, late: NDArray[np.int64], period: float) -> Float:
    """How much later the rows from each on are than those before it, s; medians, so that one late stamp is none."""
    beyond = np.arange(_AROUND)
    after, before = late[:, None] + beyond, late[:, None] - 1 - beyond
    behind_s = np.where(after < len(block), block[np.minimum(after, len(block) - 1)] - after * period, np.nan)
    ahead_s = np.where(before >= 0, block[np.maximum(before, 0)] - before * period, np.nan)
    if len(late) == 0:
        return np.empty(0)
    return np.nanmedian(behind_s, axis=1) - np.nanmedian(ahead_s, axis=1)


def _whole_if_meant(fs: float, n_rows: int) -> float:
    whole = float(round(fs))
    return whole if whole > 0 and abs(n_rows / fs - n_rows / whole) < _SNAP_S else fs

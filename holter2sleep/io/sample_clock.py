"""Time columns of sample tables: texts to seconds, seconds to a rate and the holes in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from holter2sleep.io.channels import MIN_FS_HZ
from holter2sleep.io.files import MAX_ELAPSED_S, refusal
from holter2sleep.night import Float
from holter2sleep.waveform import Signal, Waveform

_SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "µs", "μs", "microseconds"), 1e-6),
    **dict.fromkeys(("ns", "nanoseconds"), 1e-9),
}
_NAME = re.compile(r"(t|times?|elapsed( ?time)?|time ?stamps?|stamps?|date ?time|clock|seconds|secs?|ms)")
_STAMP = (
    r"^\[?\s*(?:(\d{4})-(\d\d)-(\d\d)|(\d\d)\.(\d\d)\.(\d{4}))?[T ]*"
    r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2}(?:[.,]\d{1,12})?)(?:\s*([aApP])\.?[mM]\b)?"
)
_FASTEST_HZ = 5000.0  # when a unit must be guessed: more than any ECG written as text
_DAY_S, HOUR_S = 86400.0, 3600.0
_EPOCH = datetime(1970, 1, 1)
_AROUND = 8  # rows on each side of a long step that tell a hole from a late stamp
_BLOCK_ROWS = 1 << 20
_SNAP_S = 0.002  # a whole rate is meant when the stamps agree with it that well from the first to the last
_WORKS = "times that rise from row to row, in s, ms or as date and clock; or the rate with --fs"


def time_unit(name: str, unit: str) -> tuple[bool, float | None]:
    """Whether a column is named as a time, and seconds in its unit where name or unit row say it.

    Examples
    --------
    >>> time_unit("Time [ms]", ""), time_unit("time_s", ""), time_unit("ECG", "mV")
    ((True, 0.001), (True, 1.0), (False, None))
    """
    words = re.sub(r"[^a-zµμ]+", " ", name.casefold()).split()
    stated = _SECONDS.get(unit.strip().casefold())
    if len(words) > 1 and words[-1] in _SECONDS:
        stated = _SECONDS[words.pop()]
    plain = " ".join(words)
    return bool(_NAME.fullmatch(plain)), stated or _SECONDS.get(plain)


def seconds_of(column: pl.Series, unit_s: float) -> Float:
    """Times of a column, s since midnight, since 1970 for dates, or as counted; NaN where none is. array (n_rows,).

    Examples
    --------
    >>> seconds_of(pl.Series(["00:00:01.5", "1970-01-02T00:00:00", "12:03", "8", "11:59:00 PM"]), 1.0).tolist()
    [1.5, 86400.0, 723.0, 8.0, 86340.0]
    """
    if column.dtype == pl.Datetime:
        local = column.dt.replace_time_zone(None)
        return local.dt.timestamp("us").cast(pl.Float64).fill_null(float("nan")).to_numpy() / 1e6
    if column.dtype in (pl.Time, pl.Duration):
        nanoseconds = column.cast(pl.Duration("us")).dt.total_microseconds()
        return nanoseconds.cast(pl.Float64).fill_null(float("nan")).to_numpy() / 1e6
    if column.dtype.is_numeric():
        return column.cast(pl.Float64).fill_null(float("nan")).to_numpy() * unit_s
    texts = column.cast(pl.String).str.strip_chars(" '\"")
    counted = texts.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    if counted.null_count() == 0:
        return counted.to_numpy() * unit_s
    return np.where(counted.is_null().to_numpy(), _stamps(texts), counted.fill_null(0.0).to_numpy() * unit_s)


def _stamps(texts: pl.Series) -> Float:
    """Seconds of `22:30:01.25`, `0:01.25`, `2024-03-01 22:30:01.25` or `01.03.2024 22:30:01`."""
    part = texts.str.extract_groups(_STAMP).struct.unnest()
    part.columns = ["y", "m", "d", "D", "M", "Y", "hour", "minute", "second", "half"]
    iso = pl.concat_str(pl.coalesce("y", "Y"), pl.coalesce("m", "M"), pl.coalesce("d", "D"), separator="-")
    day = iso.str.to_date("%Y-%m-%d", strict=False).cast(pl.Int32).cast(pl.Float64)
    hour, minute, second = (
        pl.col(name).str.replace(",", ".", literal=True).cast(pl.Float64) for name in ("hour", "minute", "second")
    )
    half = pl.col("half").str.to_lowercase()
    hour = pl.when(half.is_null()).then(hour).otherwise(hour % 12 + 12 * (half == "p").cast(pl.Float64))
    seconds = day.fill_null(0.0) * _DAY_S + hour.fill_null(0.0) * 3600 + minute * 60 + second
    return part.select(seconds.fill_null(float("nan"))).to_series().to_numpy()


def is_clock(text: str) -> tuple[bool, bool]:
    """Whether a text is a time of day, and whether it has a date; `0:01.25` has no hour and is elapsed time."""
    found = re.match(_STAMP, text.strip(" '\""))
    if not found:
        return False, False
    dated = found[1] is not None or found[6] is not None
    return dated or (found[7] is not None and len(found[7]) == 2 and int(found[7]) < 24), dated


def guessed_unit_s(times: Float) -> float:
    """Seconds in the unit of counted times, by which an ECG's rate results; 1 when none does."""
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    possible = [unit for unit in (1.0, 1e-3, 1e-6, 1e-9) if step > 0 and MIN_FS_HZ <= 1 / (step * unit) <= _FASTEST_HZ]
    return possible[0] if possible else 1.0


def moment_of(seconds: float) -> datetime:
    """Local time of seconds since 1970 on the clock on the wall, to the microsecond."""
    return _EPOCH + timedelta(seconds=round(seconds, 6))


def unwrapped(times: Float, last: float, shift: float) -> tuple[Float, float]:
    """Clock times without their fall at midnight, and the seconds added so far; `last` is the time before the first."""
    falls = np.diff(times, prepend=last - shift if np.isfinite(last) else times[:1]) < -_DAY_S / 2
    shifts = shift + np.cumsum(falls) * _DAY_S
    return times + shifts, float(shifts[-1]) if len(shifts) else shift


# --- rate and holes --------------------------------------------------------------------------------


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
        raise refusal(path, f"times that span {span_s / _DAY_S:.0f} days", _WORKS)
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

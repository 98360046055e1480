"""Waveforms in tables: CSV, TSV, blank-separated text, Parquet; one column a lead.

The rate comes from the user or from a time column. A text is decoded once, in batches, to a temporary file; its times
are looked through before where the order of day and month is in doubt.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from holter2sleep.counted import counted
from holter2sleep.errors import RecordingError
from holter2sleep.io.channels import MIN_FS_HZ, Channel, Choice, choose_ecg, ecg_rank, may_be_ecg
from holter2sleep.io.files import MAX_ELAPSED_S, quoted, refusal, sha256_of
from holter2sleep.io.lead import in_millivolt, rate_fault, survey
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.row_store import RowStore
from holter2sleep.io.sample_clock import HOUR_S, SampleClock, clock_of, on_clock, steady_clock
from holter2sleep.io.signal_batches import MISSING, SignalTable, open_signal_table
from holter2sleep.io.stamps import unwrapped
from holter2sleep.io.summer_time import SteadyTime
from holter2sleep.io.time_column import TimeColumn, find_time_column, with_order
from holter2sleep.io.units import MV_PER_UNIT, unit_ratio, unit_scale
from holter2sleep.night import Float, Recording, Source

log = logging.getLogger(__name__)

_UNIT_AT_END = re.compile(r"^(.*?)(?:\s*[\[(/]\s*|[\s_]+)(nV|uV|µV|μV|mV|V)\s*[\])]?$", re.IGNORECASE)
_BEAT_COLUMNS = ({"time_s", "label"}, {"seconds", "type"})
_RATES_AGREE = 0.01  # share by which a time column may differ from --fs and still be used for holes
_STRETCH_TOLD_S = 1.0  # difference of both totals that is said
_ENOUGH_ROWS, _LOOK_ROWS = 1 << 14, 1 << 18  # looked at, at least where there are so many, and at most
_WORKS = "a table of samples, one column a lead, with --fs or a time column"


@dataclass(frozen=True)
class _Columns:
    """What the columns are: labels and units of possible leads, and the times."""

    labels: tuple[str, ...]
    units: tuple[str, ...]  # empty where none is stated
    time: TimeColumn | None
    head: pl.DataFrame  # the first rows of all columns

    @property
    def head_s(self) -> Float:
        """Times of the first rows, s; empty without any."""
        return self.time.seconds(dict(enumerate(self.head.get_columns()))) if self.time else np.empty(0)


def holds_waveform(path: Path) -> bool:
    """Whether a table has an ECG by name and a time column as dense as samples are, so that it needs no --fs."""
    try:
        table = open_signal_table(path)
        names = {name.strip().casefold() for name in table.names}
        if not table.named or any(beats <= names for beats in _BEAT_COLUMNS):
            return False
        columns = _columns(table)
        if columns.time is None or all(ecg_rank(label) is None for label in _leads_of(columns)):
            return False
        times = columns.head_s
    except RecordingError:
        return False
    steps = np.diff(times[np.isfinite(times)])
    if not np.isfinite(times).any():
        return True  # samples whose times cannot be read: to be told by their reader
    return len(steps) > 0 and 0 < float(np.median(steps)) <= 1 / MIN_FS_HZ


def read_signal_table(path: Path, recording_id: str, options: ReadOptions) -> Recording:
    """Recording of one column of a table of samples.

    Raises
    ------
    RecordingError
        No table, no rate, no column that is known as ECG, a field that is no number, times that fall.
    """
    table = open_signal_table(path, is_samples=True)
    columns = _columns(table)
    if options.fs is None and columns.time is None:
        raise refusal(path, f"samples without a time column (columns: {', '.join(table.names)[:120]})", _WORKS)
    choice = _choice(path, table, columns, options)
    order_note = None
    if columns.time is not None:
        time, order_note = with_order(path, table, columns.time)
        columns = replace(columns, time=time)
    stored, times, first_stamp = _decoded(path, table, columns, choice, options)
    clock, notes = _clock(path, table, times, len(stored), options)
    if clock.n_samples / clock.fs > MAX_ELAPSED_S:
        raise refusal(path, f"{clock.n_samples / clock.fs / 86400:.0f} days of samples", "a recording within a month")
    as_held = on_clock(stored, clock)
    found = survey(as_held, clock.fs)
    unit = columns.units[choice.index]
    scale = unit_scale(options.unit or unit, found.size)
    start, start_note = columns.time.start(first_stamp) if columns.time else (None, None)
    log.info("%s: table, %g Hz, %d rows, %d gaps", recording_id, clock.fs, len(stored), len(found.gaps))
    doubts = (*notes, order_note, start_note, *choice.warnings, scale.warning)
    return Recording(
        recording_id=recording_id,
        source=Source(path.name, "table", sha256_of([path]), unit, scale.to_mv, relative_scale=scale.is_relative),
        duration_s=clock.n_samples / clock.fs,
        fs=clock.fs,
        start=start,
        channel=choice.name,
        ecg=in_millivolt(as_held, scale.to_mv),
        gaps=found.gaps,
        warnings=tuple(note for note in doubts if note),
    )


# --- columns ---------------------------------------------------------------------------------------


def _columns(table: SignalTable) -> _Columns:
    head = _first_rows(table)
    stated = [_label_and_unit(name, unit) for name, unit in zip(table.names, table.units, strict=True)]
    labels, units = (tuple(part) for part in zip(*stated, strict=True))
    return _Columns(labels, units, find_time_column(table, head), head)


def _first_rows(table: SignalTable) -> pl.DataFrame:
    """Some minutes of all columns."""
    frames: list[pl.DataFrame] = []
    for frame in table.batches(range(len(table.names))):
        frames.append(frame)
        if sum(map(len, frames)) >= _ENOUGH_ROWS:
            break
    return pl.concat(frames).head(_LOOK_ROWS) if frames else pl.DataFrame()


def _label_and_unit(name: str, unit: str) -> tuple[str, str]:
    """Label and unit of `ECG [mV]` or `ecg_uV`; the row of units where the name has none."""
    found = _UNIT_AT_END.match(name.strip())
    if found and found[1].strip():
        return found[1].strip(), found[2]
    return name.strip(), unit if unit.casefold() in MV_PER_UNIT else ""


def _leads_of(columns: _Columns) -> list[str]:
    times = columns.time.columns if columns.time else ()
    return [label for i, label in enumerate(columns.labels) if i not in times]


def _choice(path: Path, table: SignalTable, columns: _Columns, options: ReadOptions) -> Choice:
    """The column that the user names with or without its unit, the only one there is, or the one its label tells."""
    faults = [_fault(columns, i) for i in range(len(columns.labels))]
    possible = [i for i, fault in enumerate(faults) if fault is None]
    wanted = options.channel and options.channel.strip().casefold()
    for i, name in enumerate(table.names):
        if wanted == name.strip().casefold() and faults[i] is None:
            return Choice(i, columns.labels[i])
    if wanted is None and len(possible) == 1 and may_be_ecg(columns.labels[possible[0]]):
        return Choice(possible[0], columns.labels[possible[0]])
    fs = options.fs or _head_rate(columns)
    channels = [Channel(label, fs, fault) for label, fault in zip(columns.labels, faults, strict=True)]
    return choose_ecg(channels, options, path, lambda i: _numbers(columns.head.to_series(i))[0].astype(np.float32))


def _head_rate(columns: _Columns) -> float:
    """Rate of the first rows by the time column, Hz; 0 without one."""
    steps = np.diff(columns.head_s)
    step = float(np.median(steps)) if len(steps) else 0.0
    return 1 / step if step > 0 else 0.0


def _fault(columns: _Columns, index: int) -> str | None:
    """Why a column cannot be a lead, by its first rows."""
    if columns.time is not None and index in columns.time.columns:
        return "it is the time"
    values, strange = _numbers(columns.head.to_series(index))
    known = values[np.isfinite(values)]
    if len(known) == 0 or (strange is not None and len(known) < len(values) / 2):
        return "it holds no numbers"
    steps = np.diff(known)
    return "it only rises, as a time or a counter does" if len(steps) > 1 and (steps > 0).all() else None


def _numbers(column: pl.Series) -> tuple[Float, int | None]:
    """Numbers of a column, NaN where a sample is missing, and the first row that holds something else."""
    if column.dtype.is_numeric():
        return column.cast(pl.Float64).fill_null(float("nan")).to_numpy(), None
    if column.dtype != pl.String:
        return np.full(len(column), np.nan), 0
    texts = column.str.strip_chars(" '\"\0\x1a").str.replace(",", ".", literal=True)
    values = texts.cast(pl.Float64, strict=False)
    strange = values.is_null() & ~texts.fill_null("").str.to_lowercase().is_in(MISSING)
    first = strange.arg_true()
    return values.fill_null(float("nan")).to_numpy(), int(first[0]) if len(first) else None


# --- rows ------------------------------------------------------------------------------------------


def _decoded(
    path: Path, table: SignalTable, columns: _Columns, choice: Choice, options: ReadOptions
) -> tuple[RowStore, RowStore | None, float | None]:
    """Samples in the file's unit and times, s, of all rows; and the first time as it is written."""
    time = columns.time
    steady = SteadyTime(options.zone) if options.zone is not None and time and time.is_dated else None
    units = columns.units
    ratio = 1.0 if choice.minus is None else unit_ratio(units[choice.minus], units[choice.index], options.unit)
    wanted = sorted({choice.index, *([choice.minus] if choice.minus is not None else [])})
    if time is not None:
        wanted = sorted({*wanted, *time.columns})
    stored, times = RowStore(path, np.float32), RowStore(path, np.float64)
    last, shift, first_stamp = float("nan"), 0.0, None
    for frame in table.batches(wanted):
        column = dict(zip(wanted, frame.get_columns(), strict=True))
        row = table.first_row + len(stored)
        stored.append(_samples(path, column, choice, row, ratio))
        if time is None or len(frame) == 0:
            continue
        seconds = time.required(path, column, row)
        first_stamp = float(seconds[0]) if first_stamp is None else first_stamp
        seconds, shift = unwrapped(seconds if steady is None else steady.of(seconds), last, shift)
        last = float(seconds[-1])
        times.append(seconds)
    if len(stored) == 0:
        raise refusal(path, "the table has no row of samples", _WORKS)
    return stored, times if len(times) else None, first_stamp


def _samples(path: Path, column: dict[int, pl.Series], choice: Choice, row: int, ratio: float) -> NDArray[np.float32]:
    parts = []
    for index in (choice.index, choice.minus):
        if index is None:
            continue
        values, strange = _numbers(column[index])
        if strange is not None:
            found = f"line {row + strange}: {quoted(str(column[index][strange]))} is no sample"
            raise refusal(path, found, _WORKS)
        parts.append(values)
    with np.errstate(all="ignore"):
        samples = (parts[0] if len(parts) == 1 else parts[0] - ratio * parts[1]).astype(np.float32)
    return np.where(np.isfinite(samples), samples, np.float32(np.nan))


def _stretched(told: SampleClock, fs: float) -> tuple[str, ...]:
    """A note where the user's rate makes the recording longer or shorter than its times do."""
    by_times_s, by_rate_s = told.n_samples / told.fs, told.n_samples / fs
    if abs(by_times_s - by_rate_s) <= _STRETCH_TOLD_S:
        return ()
    taken = f"{by_rate_s:.1f} s at --fs {fs:g} Hz, {by_times_s:.1f} s by the time column ({told.fs:.6g} Hz)"
    return (f"{taken}: --fs was taken, which stretches the time line; without --fs the times are followed",)


def _clock(
    path: Path, table: SignalTable, times: RowStore | None, n_rows: int, options: ReadOptions
) -> tuple[SampleClock, tuple[str, ...]]:
    """Rate and holes; the user's rate goes before that of the time column, whose holes are kept when they agree."""
    clock = steady_clock(options.fs or 0.0, n_rows)
    notes: tuple[str, ...] = ()
    if times is not None:
        told = None
        try:
            told = clock_of(path, times, table.first_row)
        except RecordingError:
            if options.fs is None:
                raise
        if told is not None and (options.fs is None or abs(told.fs / options.fs - 1) <= _RATES_AGREE):
            clock = replace(told, fs=options.fs or told.fs)
            notes = _stretched(told, clock.fs)
        else:
            said = f"{told.fs:g} Hz" if told else "no rate"
            notes = (f"the time column says {said}, --fs {options.fs:g} Hz: its times were left out",)
    if fault := rate_fault(clock.fs):
        raise refusal(path, fault, _WORKS)
    n_holes = len(clock.row) - 1
    lost = clock.n_samples - n_rows
    if n_holes:
        notes = (*notes, f"{counted(n_holes, 'hole')} in the time column: {lost} samples missing")
    if np.any(np.abs(np.diff(clock.sample - clock.row) / clock.fs - HOUR_S) < 1.0) and options.zone is None:
        notes = (*notes, "a hole of one hour: if summer time began there, --tz tells the true time line")
    return clock, notes

"""HDF5 recordings, MATLAB 7.3 files among them: one lead of a numeric dataset, read by slices.

HDF5 says nothing of what a dataset means. The lead is the only signal in the file, or is found by the name of its
dataset or column; the rate comes from the user, from an attribute or a small dataset beside it, or from a dataset of
times.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holter2sleep.errors import RecordingError
from holter2sleep.io.channels import Channel, Choice, choose_ecg
from holter2sleep.io.files import MAX_ELAPSED_S, refusal, sha256_of
from holter2sleep.io.labels import ecg_rank, may_be_ecg
from holter2sleep.io.lead import in_millivolt, lead_of, middle_of, millivolt, rate_fault, survey
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.sample_clock import SampleClock, clock_of, guessed_unit_s, on_clock, time_unit
from holter2sleep.io.units import scale_to_mv, unit_ratio
from holter2sleep.night import Float, Recording, Source
from holter2sleep.waveform import BLOCK_SAMPLES, Signal, Waveform

log = logging.getLogger(__name__)

MAGIC = b"\x89HDF\r\n\x1a\n"
MATLAB_73_MAGIC = b"MATLAB 7.3"  # HDF5 behind a block of 512 bytes
HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")
_RATE_NAMES = re.compile(r"fs|sfreq|freq|frequency|rate|(sampl\w*?)_?(rate|freq|frequency)(_?hz)?", re.IGNORECASE)
_UNIT_NAMES = re.compile(r"units?|physical_?dim(ension)?", re.IGNORECASE)
_START_NAMES = re.compile(r"start(_?(date_?time|time|date))?|recording_?start|meas_?date", re.IGNORECASE)
_COLUMN_NAMES = re.compile(
    r"columns?|channels?|(channel|column|signal|lead)_?(names?|labels?)|names|labels|leads", re.I
)
_TIME_NAMES = re.compile(r"t|times?|time_?(s|ms|stamps?)|stamps?|index", re.IGNORECASE)
_CLOCK_NAMES = re.compile(r"t|times?|time_?(s|ms|stamps?)|stamps?", re.IGNORECASE)  # an index counts rows, not time
_UNNAMED_LEADS, _WINDOW_S = 3, 600.0  # more columns without names, each so short, are windows one after the other
_MAX_OBJECTS = 10_000  # of a file's groups and datasets looked at
_MAX_CHANNELS = 256  # the shorter side of a table of samples
_LARGE_CHUNK_BYTES = 1 << 22  # of smaller ones HDF5 may unpack one again
_KEPT_CHUNKS, _KEPT_BYTES = 8, 1 << 29  # at most; a look at five minutes of each column takes some chunks of all
_LEAST_BLOCK = 1 << 16  # samples
_MAX_CHUNK_BYTES = 1 << 28  # HDF5 unpacks a whole chunk to give one sample of it
_FIRST_SAMPLES = 1000  # looked at for whether they only rise
_WORKS = "HDF5 with the lead as a dataset of numbers, named by --channel, and its rate as attribute fs or by --fs"


_ReadChunk = Callable[[str, int, tuple[int, int], int, int], NDArray[Any]]
_ClockBeside = Callable[[str, int], tuple[SampleClock | None, list[str]]]


@dataclass(frozen=True)
class _Lead:
    """A column of a dataset."""

    dataset: str  # path in the file
    column: int | None  # None: the dataset has one dimension
    along: int  # the axis of time
    n_samples: int
    label: str  # last name of the path, or the column's name
    n_columns: int = 1
    is_named: bool = True  # whether the file names the column
    chunk: tuple[int, int] | None = None  # samples and columns of a chunk, where it is a large one

    @property
    def full_name(self) -> str:
        """What --channel may name: the dataset's path, with the column's label where there are several."""
        is_whole = self.label == self.dataset.rpartition("/")[2]
        return self.dataset if is_whole else f"{self.dataset}/{self.label}"


@dataclass(frozen=True)
class _Facts:
    """What attributes and small datasets around a lead say."""

    fs: float | None
    unit: str
    start: datetime | None
    notes: tuple[str, ...]
    scale: float = 1.0  # of packed numbers: value = number * scale + offset
    offset: float = 0.0
    clock: SampleClock | None = None  # where a dataset of times says the rate, its holes


def read_hdf5(path: Path, recording_id: str, options: ReadOptions) -> Recording:
    """Recording of one lead of an HDF5 file.

    Raises
    ------
    RecordingError
        Not HDF5, no signal, several without a name that tells the ECG, no rate.
    """
    with _opened(path) as file:
        leads, passed_over = _leads(file)
        if not leads:
            others = f" (passed over: {'; '.join(passed_over[:3])})" if passed_over else ""
            raise refusal(path, f"no dataset of samples{others}", _WORKS)
        leads, capped = _worth_looking(leads, options)
        clock = cache(lambda dataset, n_samples: _clock_beside(path, file[dataset], n_samples))
        facts = [_facts(file, lead, options, clock) for lead in leads]
    if all(fact.fs is None for fact in facts):
        raise refusal(path, f"no sampling rate with the dataset {leads[0].dataset!r}", "the rate in Hz with --fs")
    largest_bytes = max(8 * math.prod(lead.chunk or (1,)) for lead in leads)
    chunk = lru_cache(maxsize=max(1, min(_KEPT_CHUNKS, _KEPT_BYTES // largest_bytes)))(partial(_chunk, path))
    waveforms = [_waveform(path, lead, fact, chunk) for lead, fact in zip(leads, facts, strict=True)]
    try:
        choice = _choice(path, leads, facts, waveforms, options)
    except RecordingError as error:
        raise RecordingError(f"{error}{f' ({capped})' if capped else ''}") from None
    lead, fact = leads[choice.index], facts[choice.index]
    if fact.fs is None:
        raise refusal(path, f"no sampling rate with the dataset {lead.dataset!r}", "the rate in Hz with --fs")
    if fault := rate_fault(fact.fs):
        raise refusal(path, fault, "the rate in Hz with --fs")
    if lead.n_samples / fact.fs > MAX_ELAPSED_S:
        raise refusal(path, f"{lead.n_samples / fact.fs / 86400:.0f} days of samples", "a recording within a month")
    if options.channel is None:
        _refuse_windows(path, lead, fact.fs)
    ratio = 1.0 if choice.minus is None else unit_ratio(facts[choice.minus].unit, fact.unit, options.unit)
    as_held = lead_of(choice, waveforms.__getitem__, ratio)
    steps = np.diff(as_held[:_FIRST_SAMPLES])
    if (steps > 0).all():
        raise refusal(path, f"the dataset {lead.dataset!r} only rises, as times or counters do", _WORKS)
    largest, gaps = survey(as_held, fact.fs)
    scale, unit_note = scale_to_mv(options.unit or fact.unit, largest)
    log.info("%s: HDF5, %g Hz, %d samples, %d gaps", recording_id, fact.fs, lead.n_samples, len(gaps))
    return Recording(
        recording_id=recording_id,
        source=Source(path.name, "HDF5", sha256_of([path]), fact.unit, scale),
        duration_s=len(as_held) / fact.fs,
        fs=fact.fs,
        start=fact.start,
        channel=choice.name,
        ecg=in_millivolt(as_held, scale),
        gaps=gaps,
        warnings=tuple(note for note in (*fact.notes, *choice.warnings, capped, unit_note) if note),
    )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file, open for reading; whatever a damaged one raises is a refusal."""
    import h5py  # libhdf5 takes 0.1 s that readers of other files need not wait for

    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, UnicodeError) as error:
        said = " ".join(str(error).replace(str(path.parent), "").split())[:120]
        raise refusal(path, f"damaged HDF5 ({said})", _WORKS) from None


def _choice(
    path: Path, leads: list[_Lead], facts: list[_Facts], waveforms: list[Waveform], options: ReadOptions
) -> Choice:
    """The lead that --channel names by its path, the only one, or the one that its label tells."""
    if options.channel is not None:
        wanted = options.channel.strip().strip("/").casefold()
        for index, lead in enumerate(leads):
            if wanted == lead.full_name.casefold():
                return Choice(index, lead.full_name)
    elif len(leads) == 1 and may_be_ecg(leads[0].label) and may_be_ecg(leads[0].full_name):
        return Choice(0, leads[0].full_name)
    rates = [fact.fs or 0.0 for fact in facts]
    faults = [rate_fault(fs) if fs else "its sampling rate is not known (--fs)" for fs in rates]
    channels = [Channel(lead.label, fs, fault) for lead, fs, fault in zip(leads, rates, faults, strict=True)]
    return choose_ecg(channels, options, path, lambda i: middle_of(waveforms[i], rates[i]))


def _refuse_windows(path: Path, lead: _Lead, fs: float) -> None:
    """Windows one after the other look like many short leads, of which one would be read and the rest be lost."""
    if lead.is_named or lead.n_columns <= _UNNAMED_LEADS or lead.n_samples / fs >= _WINDOW_S:
        return
    table = f"the dataset {lead.dataset!r} has {lead.n_columns} columns without names, {lead.n_samples / fs:g} s each:"
    works = "windows joined to one dataset of one dimension; of leads the names, as attribute channels, or --channel"
    raise refusal(path, f"{table} windows of a recording, or leads", works)


def _waveform(path: Path, lead: _Lead, fact: _Facts, chunk: _ReadChunk) -> Waveform:
    """Samples in the file's unit, read by slices when asked for."""

    def read(first: int, last: int) -> Signal:
        values = _slice(path, lead, first, last) if lead.chunk is None else _of_chunks(lead, first, last, chunk)
        if fact.offset == 0:
            return millivolt(values, fact.scale)
        return millivolt(values * np.float64(fact.scale) + fact.offset, 1.0)

    # blocks end where chunks do, so that none is unpacked for the sake of a neighbour
    length = lead.chunk[0] if lead.chunk else BLOCK_SAMPLES
    block_samples = min(BLOCK_SAMPLES, length * max(1, _LEAST_BLOCK // length))
    rows = Waveform(lead.n_samples, read, block_samples)
    return rows if fact.clock is None else on_clock(rows, fact.clock)


def _slice(path: Path, lead: _Lead, first: int, last: int) -> NDArray[Any]:
    with _opened(path) as file:
        dataset = file[lead.dataset]
        if lead.column is None:
            return np.asarray(dataset[first:last])
        return np.asarray(dataset[first:last, lead.column] if lead.along == 0 else dataset[lead.column, first:last])


def _of_chunks(lead: _Lead, first: int, last: int, chunk: _ReadChunk) -> NDArray[Any]:
    """A slice out of whole chunks that are kept: HDF5 unpacks one anew for each slice of it, and for each column."""
    length, width = lead.chunk or (1, 1)
    column = lead.column or 0
    parts = []
    for k in range(first // length, (last - 1) // length + 1):
        rows = chunk(lead.dataset, lead.along, (length, width), k, column // width)
        parts.append(rows[max(0, first - k * length) : last - k * length, column % width])
    return np.concatenate(parts)


def _chunk(path: Path, dataset: str, along: int, size: tuple[int, int], k: int, j: int) -> NDArray[Any]:
    """A chunk by its place in time and across the columns. array (n_samples, n_columns)."""
    rows, columns = slice(k * size[0], (k + 1) * size[0]), slice(j * size[1], (j + 1) * size[1])
    with _opened(path) as file:
        held = file[dataset]
        if held.ndim == 1:
            return np.asarray(held[rows])[:, None]
        return np.asarray(held[rows, columns] if along == 0 else held[columns, rows].T)


# --- what the file holds ---------------------------------------------------------------------------


def _leads(file: Any) -> tuple[list[_Lead], list[str]]:
    """Columns of samples in the file, and why other datasets hold none."""
    leads: list[_Lead] = []
    passed_over: list[str] = []
    for name, dataset in _datasets(file):
        fault = _fault(dataset)
        if fault is None:
            leads += _columns(file, name, dataset)
        elif fault:
            passed_over.append(f"{name!r}: {fault}")
    return leads, passed_over


def _worth_looking(leads: list[_Lead], options: ReadOptions) -> tuple[list[_Lead], str | None]:
    """As many leads as a recording may have, those with the name that is asked for or of an ECG first, and a note."""
    if len(leads) <= _MAX_CHANNELS:
        return leads, None
    wanted = (options.channel or "").strip().strip("/").casefold()

    def rank(index: int) -> tuple[bool, bool, int]:
        names = leads[index].full_name.casefold(), leads[index].label.casefold()
        return wanted not in names, ecg_rank(leads[index].label) is None, index

    kept = sorted(sorted(range(len(leads)), key=rank)[:_MAX_CHANNELS])
    note = f"{len(leads)} datasets and columns of samples: {_MAX_CHANNELS} were looked at, those named as an ECG first"
    return [leads[i] for i in kept], note


def _datasets(file: Any) -> Iterator[tuple[str, Any]]:
    """Datasets of the file itself, each once; links to elsewhere are not followed."""
    import h5py

    waiting, seen = [("", file)], set()
    for _ in range(_MAX_OBJECTS):
        if not waiting:
            return
        name, item = waiting.pop()
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            continue
        seen.add(address)
        if isinstance(item, h5py.Dataset):
            yield name, item
        elif isinstance(item, h5py.Group):
            inside = [key for key in item if isinstance(item.get(key, getlink=True), h5py.HardLink)]
            inside = [key for key in inside if not key.startswith("#")]  # MATLAB keeps parts of objects there
            waiting += [(f"{name}/{key}".strip("/"), item[key]) for key in sorted(inside, reverse=True)]


def _fault(dataset: Any) -> str | None:
    """Why a dataset holds no samples; empty when it is not meant to, None when it may hold some."""
    if dataset.shape is None or dataset.size <= _MAX_CHANNELS or dataset.attrs.get("MATLAB_class") == b"char":
        return ""
    if dataset.dtype.kind not in "fiu":
        return f"{'compound values' if dataset.dtype.names else 'no numbers'}"
    if dataset.ndim > 2 or (dataset.ndim == 2 and min(dataset.shape) > _MAX_CHANNELS):
        return f"its shape {dataset.shape} is not samples by channels"
    if dataset.external or dataset.is_virtual:
        return "its samples lie in other files"
    if dataset.id.get_storage_size() == 0:
        return "no sample was ever written to it"
    if dataset.chunks and np.prod([float(n) for n in dataset.chunks]) * dataset.dtype.itemsize > _MAX_CHUNK_BYTES:
        return "its chunks are too large to be unpacked"
    return "" if _TIME_NAMES.fullmatch(_name_of(dataset)) else None


def _name_of(dataset: Any) -> str:
    """Last part of the path of a dataset."""
    return str(dataset.name).rpartition("/")[2]


def _columns(file: Any, name: str, dataset: Any) -> list[_Lead]:
    """A lead a column; the longer side is time, whoever wrote the file (MATLAB turns tables round)."""
    if dataset.ndim == 1:
        return [_Lead(name, None, 0, int(dataset.shape[0]), _name_of(dataset), chunk=_large_chunk(dataset, 0))]
    along = int(np.argmax(dataset.shape))
    n_samples, n_columns = int(dataset.shape[along]), int(dataset.shape[1 - along])
    names = _column_names(dataset, n_columns) or _column_names(dataset.parent, n_columns)
    labels = names or [
        _name_of(dataset) if n_columns == 1 else f"{_name_of(dataset)} {i + 1}" for i in range(n_columns)
    ]
    is_named = names is not None
    chunk = _large_chunk(dataset, along)
    return [_Lead(name, i, along, n_samples, labels[i], n_columns, is_named, chunk) for i in range(n_columns)]


def _large_chunk(dataset: Any, along: int) -> tuple[int, int] | None:
    """Samples and columns of the chunks of a dataset; None where they are small, or it has none."""
    if not dataset.chunks or np.prod([float(n) for n in dataset.chunks]) * dataset.dtype.itemsize < _LARGE_CHUNK_BYTES:
        return None
    sizes = [int(n) for n in dataset.chunks]
    return (sizes[0], 1) if len(sizes) == 1 else (sizes[along], sizes[1 - along])


def _column_names(item: Any, n_columns: int) -> list[str] | None:
    for key, value in _attributes(item):
        names = value.split(",") if isinstance(value, str) else value
        if _COLUMN_NAMES.fullmatch(key) and isinstance(names, list) and len(names) == n_columns:
            return [str(name).strip() for name in names]
    return None


def _facts(file: Any, lead: _Lead, options: ReadOptions, clock_beside: _ClockBeside) -> _Facts:
    """Rate, unit and start by the attributes of the dataset, then of the groups around it."""
    around = [file[lead.dataset]]
    while around[-1].name != "/":
        around.append(around[-1].parent)
    said = [fact for item in around for fact in _attributes(item)]
    said += [fact for group in around[1:] for fact in _small_datasets(group)]
    stated_hz = next((value for key, value in said if _RATE_NAMES.fullmatch(key) and _is_rate(value)), None)
    clock: SampleClock | None = None
    notes: list[str] = []
    if options.fs is None and stated_hz is None:
        clock, told = clock_beside(lead.dataset, lead.n_samples)
        notes = list(told)
    elif options.fs is not None and stated_hz is not None and options.fs != stated_hz:
        notes = [f"the file says {stated_hz:g} Hz, --fs {options.fs:g} Hz: its rate was left out"]
    units = (_of_column(value, lead) for key, value in said if _UNIT_NAMES.fullmatch(key))
    unit = next((value for value in units if isinstance(value, str)), "")
    written = next((value for key, value in said if _START_NAMES.fullmatch(key)), None)
    start = _moment(written)
    if written is not None and start is None:
        notes.append("the start in the file is no date and time: give it with --start")
    scale, offset = _packing(around[0], lead)
    if (scale, offset) != (1.0, 0.0):
        notes.append(f"packed numbers: scale_factor {scale:g} and add_offset {offset:g} of the file were applied")
    fs = options.fs or stated_hz or (clock.fs if clock else None)
    return _Facts(fs, unit, start, tuple(notes), scale, offset, clock)


def _of_column(value: Any, lead: _Lead) -> Any:
    """The column's own among values a column, given as a list or as a text with commas; else the value for all."""
    values = value.split(",") if isinstance(value, str) else value
    if lead.column is None or not isinstance(values, list) or len(values) != lead.n_columns or len(values) < 2:
        return value
    own = values[lead.column]
    return own.strip() if isinstance(own, str) else own


def _packing(dataset: Any, lead: _Lead) -> tuple[float, float]:
    """Factor and offset of numbers packed by the CF convention."""
    said = {key.casefold(): _of_column(value, lead) for key, value in _attributes(dataset)}
    scale, offset = said.get("scale_factor", 1.0), said.get("add_offset", 0.0)
    is_scale = isinstance(scale, float) and np.isfinite(scale) and scale != 0
    return scale if is_scale else 1.0, offset if isinstance(offset, float) and np.isfinite(offset) else 0.0


@dataclass(frozen=True)
class _Times:
    """A dataset of times, s, read when sliced."""

    dataset: Any
    unit_s: float

    def __len__(self) -> int:
        return int(self.dataset.shape[0])

    def __getitem__(self, part: slice, /) -> Float:
        return self.dataset[part].astype(np.float64) * self.unit_s


def _clock_beside(path: Path, dataset: Any, n_samples: int) -> tuple[SampleClock | None, list[str]]:
    """Rate and holes by a dataset of as many times in the group of the lead."""
    import h5py

    group = dataset.parent
    for key in group:
        if not _CLOCK_NAMES.fullmatch(key) or not isinstance(group.get(key, getlink=True), h5py.HardLink):
            continue
        item = group[key]
        if not isinstance(item, h5py.Dataset) or item.shape != (n_samples,) or item.dtype.kind not in "fiu":
            continue
        units = [value for name, value in _attributes(item) if _UNIT_NAMES.fullmatch(name) and isinstance(value, str)]
        unit_s, first = time_unit(key, next(iter(units), ""))[1], _Times(item, 1.0)[:_FIRST_SAMPLES]
        if not np.isfinite(first).all() or (unit_s is None and np.median(np.diff(first)) == 1.0):
            continue  # without a unit, steps of one may be rows as well as milliseconds
        clock = clock_of(path, _Times(item, unit_s or guessed_unit_s(first)), 1)
        lost = clock.n_samples - n_samples
        holes = f", {len(clock.row) - 1} holes in it: {lost} samples missing" if lost else ""
        return clock, [f"{clock.fs:g} Hz by the dataset {key!r}{holes}"]
    return None, []


def _is_rate(value: Any) -> bool:
    return isinstance(value, float) and np.isfinite(value) and value > 0


def _moment(written: Any) -> datetime | None:
    """Naive local time of an ISO text; a time zone is left out, as the clock on the wall shows."""
    try:
        return datetime.fromisoformat(written.strip()).replace(tzinfo=None) if isinstance(written, str) else None
    except ValueError:
        return None


def _attributes(item: Any) -> Iterator[tuple[str, Any]]:
    """Attributes as text, number or list; those that HDF5 cannot give are passed over."""
    for key in list(item.attrs)[:_MAX_CHANNELS]:
        try:
            yield key, _plain(item.attrs[key])
        except (OSError, TypeError, ValueError, KeyError):
            continue


def _small_datasets(group: Any) -> Iterator[tuple[str, Any]]:
    """Datasets of a single value right in a group; MATLAB and others keep the rate in one."""
    import h5py

    for key in group:
        if not _RATE_NAMES.fullmatch(key) or not isinstance(group.get(key, getlink=True), h5py.HardLink):
            continue
        item = group[key]
        if isinstance(item, h5py.Dataset) and item.shape is not None and item.size == 1:
            yield key, _plain(item[()])


def _plain(value: Any) -> Any:
    """A text, a float, or a list of them out of what h5py gives."""
    if isinstance(value, np.ndarray):
        values = [_plain(one) for one in value.ravel()[:_MAX_CHANNELS]]
        return values[0] if len(values) == 1 else values
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, str):  # h5py keeps bytes that are no UTF-8 as surrogates, which no file can be written with
        return value.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")
    return float(value) if isinstance(value, (int, float, np.number)) else value

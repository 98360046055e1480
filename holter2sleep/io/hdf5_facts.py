"""Rate, unit, start, packing and holes of an HDF5 lead, by the attributes and small datasets around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from holter2sleep.counted import counted
from holter2sleep.io.hdf5_leads import Lead, attributes, bare_key, plain_value
from holter2sleep.io.hdf5_scale import GAIN_NAMES, Scale, of_column, scale_of
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.sample_clock import SampleClock, clock_of
from holter2sleep.io.stamps import guessed_unit_s, time_unit
from holter2sleep.night import Float

# of names without case, blanks, underscores and hyphens
_RATE_NAMES = re.compile(r"(fs|sf|srate|sfreq|freq|frequency|rate|sampl[a-z]*(rate|freq|frequency))(in)?(hz)?")
_RATE_TEXT = re.compile(r"\s*(\d+(?:[.,]\d+)?)\s*(k?)(?:hz|hertz|/s|sps)?\s*", re.IGNORECASE)
_UNIT_NAMES = re.compile(r"units?|physicaldim(ension)?")
_START_NAMES = re.compile(r"start(datetime|time|date)?|recordingstart|measdate")
_START_DATASET = "starting_time"  # of NWB, which keeps the rate as its attribute
_CLOCK_NAMES = re.compile(r"t|times?|time_?(s|ms|stamps?)|stamps?", re.IGNORECASE)  # an index counts rows, not time
_FIRST_TIMES = 1000  # looked at for their unit

ClockBeside = Callable[[str, int], tuple[SampleClock | None, list[str]]]


@dataclass(frozen=True)
class Facts:
    """What attributes and small datasets around a lead say."""

    fs: float | None
    unit: str
    start: datetime | None
    notes: tuple[str, ...]
    scale: Scale
    clock: SampleClock | None = None  # where a dataset of times says the rate, its holes


def facts_of(file: Any, lead: Lead, options: ReadOptions, clock_beside: ClockBeside) -> Facts:
    """Rate, unit and start by the attributes of the dataset, then of the groups around it."""
    around = [file[lead.dataset]]
    while around[-1].name != "/":
        around.append(around[-1].parent)
    beside = [fact for group in around[1:] for fact in _small_datasets(group)]
    said = [(bare_key(key), value) for item in around for key, value in attributes(item)]
    said += [(bare_key(key), value) for key, value in beside]
    rates = (_rate(value) for key, value in said if _RATE_NAMES.fullmatch(key))
    stated_hz = next((rate for rate in rates if rate is not None), None)
    clock: SampleClock | None = None
    notes: list[str] = []
    if options.fs is None and stated_hz is None:
        clock, told = clock_beside(lead.dataset, lead.n_samples)
        notes = list(told)
    elif options.fs is not None and stated_hz is not None and options.fs != stated_hz:
        notes = [f"the file says {stated_hz:g} Hz, --fs {options.fs:g} Hz: its rate was left out"]
    units = (of_column(value, lead) for key, value in said if _UNIT_NAMES.fullmatch(key))
    unit = next((value for value in units if isinstance(value, str)), "")
    written = next((value for key, value in said if _START_NAMES.fullmatch(key)), None)
    start = _moment(written)
    if written is not None and start is None:
        notes.append("the start in the file is no date and time: give it with --start")
    scale = scale_of(around, lead, beside)
    fs = options.fs or stated_hz or (clock.fs if clock else None)
    return Facts(fs, unit, start, (*notes, *scale.notes), scale, clock)


@dataclass(frozen=True)
class _Times:
    """A dataset of times, s, read when sliced."""

    dataset: Any
    unit_s: float

    def __len__(self) -> int:
        return int(self.dataset.shape[0])

    def __getitem__(self, part: slice, /) -> Float:
        return self.dataset[part].astype(np.float64) * self.unit_s


def clock_beside_dataset(path: Path, dataset: Any, n_samples: int) -> tuple[SampleClock | None, list[str]]:
    """Rate and holes by a dataset of as many times in the group of the lead."""
    import h5py

    group = dataset.parent
    for key in group:
        if not _CLOCK_NAMES.fullmatch(key) or not isinstance(group.get(key, getlink=True), h5py.HardLink):
            continue
        item = group[key]
        if not isinstance(item, h5py.Dataset) or item.shape != (n_samples,) or item.dtype.kind not in "fiu":
            continue
        units = [
            value
            for name, value in attributes(item)
            if _UNIT_NAMES.fullmatch(bare_key(name)) and isinstance(value, str)
        ]
        unit_s, first = time_unit(key, next(iter(units), ""))[1], _Times(item, 1.0)[:_FIRST_TIMES]
        if not np.isfinite(first).all() or (unit_s is None and np.median(np.diff(first)) == 1.0):
            continue  # without a unit, steps of one may be rows as well as milliseconds
        clock = clock_of(path, _Times(item, unit_s or guessed_unit_s(first)), 1)
        lost = clock.n_samples - n_samples
        holes = f", {counted(len(clock.row) - 1, 'hole')} in it: {lost} samples missing" if lost else ""
        return clock, [f"{clock.fs:g} Hz by the dataset {key!r}{holes}"]
    return None, []


def _rate(value: Any) -> float | None:
    """A rate in Hz, as a number or a text such as `250 Hz`."""
    if isinstance(value, str) and (found := _RATE_TEXT.fullmatch(value)):
        value = float(found[1].replace(",", ".")) * (1000 if found[2] else 1)
    return value if isinstance(value, float) and np.isfinite(value) and value > 0 else None


def _moment(written: Any) -> datetime | None:
    """Naive local time of an ISO text; a time zone is left out, as the clock on the wall shows."""
    try:
        return datetime.fromisoformat(written.strip()).replace(tzinfo=None) if isinstance(written, str) else None
    except ValueError:
        return None


def _small_datasets(group: Any) -> Iterator[tuple[str, Any]]:
    """Rates and gains that are datasets of a single value right in a group, as MATLAB keeps them, and NWB's rate."""
    import h5py

    for key in group:
        if not _says_something(key) or not isinstance(group.get(key, getlink=True), h5py.HardLink):
            continue
        item = group[key]
        if isinstance(item, h5py.Dataset) and item.shape is not None and item.size == 1:
            yield from attributes(item) if key == _START_DATASET else [(key, plain_value(item[()]))]


@lru_cache(maxsize=1 << 14)  # each of many leads asks for the names in its group
def _says_something(key: str) -> bool:
    """Whether a small dataset of this name tells a rate or a gain."""
    bare = bare_key(key)
    return key == _START_DATASET or any(names.fullmatch(bare) is not None for names in (_RATE_NAMES, GAIN_NAMES))

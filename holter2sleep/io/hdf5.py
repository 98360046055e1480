"""HDF5 recordings, MATLAB 7.3 files among them: one lead of a numeric dataset, read by slices.

HDF5 says nothing of what a dataset means. The lead is the only signal in the file, or is found by the name of its
dataset or column; the rate comes from the user, from an attribute or a small dataset beside it, or from a dataset of
times.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holter2sleep.errors import RecordingError
from holter2sleep.io.channels import Channel, Choice, choose_ecg
from holter2sleep.io.files import MAX_ELAPSED_S, refusal, sha256_of
from holter2sleep.io.hdf5_chunks import ChunkedLead, ReadChunk
from holter2sleep.io.hdf5_facts import Facts, clock_beside_dataset, facts_of
from holter2sleep.io.hdf5_leads import Lead, leads_of, said_in, worth_looking
from holter2sleep.io.labels import may_be_ecg
from holter2sleep.io.lead import in_millivolt, lead_of, middle_of, millivolt, rate_fault, survey
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.sample_clock import on_clock
from holter2sleep.io.units import unit_ratio, unit_scale
from holter2sleep.night import Recording, Source
from holter2sleep.waveform import BLOCK_SAMPLES, Signal, Waveform

log = logging.getLogger(__name__)

MAGIC = b"\x89HDF\r\n\x1a\n"
MATLAB_73_MAGIC = b"MATLAB 7.3"  # HDF5 behind a block of 512 bytes
HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")
_UNNAMED_LEADS, _WINDOW_S = 3, 600.0  # more columns without names, each so short, are windows one after the other
_KEPT_CHUNKS, _KEPT_BYTES = 8, 1 << 29  # at most; a look at five minutes of each column takes some chunks of all
_LEAST_BLOCK = 1 << 16  # samples
_PATHS_TOLD = 20
_FIRST_SAMPLES = 1000  # looked at for whether they only rise
_WORKS = "HDF5 with the lead as a dataset of numbers, named by --channel, and its rate as attribute fs or by --fs"


def read_hdf5(path: Path, recording_id: str, options: ReadOptions) -> Recording:
    """Recording of one lead of an HDF5 file.

    Raises
    ------
    RecordingError
        Not HDF5, no signal, several without a name that tells the ECG, no rate.
    """
    with _opened(path) as file:
        leads, passed_over = leads_of(file)
        if not leads:
            others = f" (passed over: {'; '.join(passed_over[:3])})" if passed_over else ""
            raise refusal(path, f"no dataset of samples{others}", _WORKS)
        leads, capped = worth_looking(leads, options)
        clock = cache(lambda dataset, n_samples: clock_beside_dataset(path, file[dataset], n_samples))
        facts = [facts_of(file, lead, options, clock) for lead in leads]
    if all(fact.fs is None for fact in facts):
        raise refusal(path, f"no sampling rate with the dataset {leads[0].dataset!r}", "the rate in Hz with --fs")
    largest_bytes = max(8 * math.prod(lead.chunk or (1,)) for lead in leads)
    chunk = lru_cache(maxsize=max(1, min(_KEPT_CHUNKS, _KEPT_BYTES // largest_bytes)))(partial(_chunk, path))
    waveforms = [_waveform(path, lead, fact, chunk) for lead, fact in zip(leads, facts, strict=True)]
    try:
        choice = _choice(path, leads, facts, waveforms, options)
    except RecordingError as error:
        more = "; ".join(said for said in (capped, _paths(leads)) if said)
        raise RecordingError(f"{error}{f' ({more})' if more else ''}") from None
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
    found = survey(as_held, fact.fs)
    unit = unit_scale(options.unit or fact.unit, found.size)
    log.info("%s: HDF5, %g Hz, %d samples, %d gaps", recording_id, fact.fs, lead.n_samples, len(found.gaps))
    return Recording(
        recording_id=recording_id,
        source=Source(path.name, "HDF5", sha256_of([path]), fact.unit, unit.to_mv, relative_scale=unit.is_relative),
        duration_s=len(as_held) / fact.fs,
        fs=fact.fs,
        start=fact.start,
        channel=choice.name,
        ecg=in_millivolt(as_held, unit.to_mv),
        gaps=found.gaps,
        warnings=tuple(note for note in (*fact.notes, *choice.warnings, capped, unit.warning) if note),
    )


def hdf5_texts(path: Path) -> Iterator[tuple[str, str, Any]]:
    """What a file says in words or single values: attribute or dataset, its name, what it holds.

    Raises
    ------
    RecordingError
        Not HDF5, or a damaged one.
    """
    with _opened(path) as file:
        yield from said_in(file)


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


def _paths(leads: list[Lead]) -> str | None:
    """The paths that --channel takes, where the labels in a message do not tell them."""
    if all(lead.label == lead.full_name for lead in leads):
        return None
    more = f" and {len(leads) - _PATHS_TOLD} more" if len(leads) > _PATHS_TOLD else ""
    return f"paths: {', '.join(repr(lead.full_name) for lead in leads[:_PATHS_TOLD])}{more}"


def _choice(
    path: Path, leads: list[Lead], facts: list[Facts], waveforms: list[Waveform], options: ReadOptions
) -> Choice:
    """The lead that --channel names by its path, the only one, or the one that its label tells."""
    if options.channel is not None:
        wanted = options.channel.strip().strip("/").casefold()
        for part in (0, 1):  # the whole path, else the only one that ends so
            named = [i for i, lead in enumerate(leads) if wanted == lead.names[part]]
            if len(named) == 1:
                return Choice(named[0], leads[named[0]].full_name)
    elif len(leads) == 1 and may_be_ecg(leads[0].label) and may_be_ecg(leads[0].full_name):
        return Choice(0, leads[0].full_name)
    rates = [fact.fs or 0.0 for fact in facts]
    faults = [rate_fault(fs) if fs else "its sampling rate is not known (--fs)" for fs in rates]
    channels = [Channel(lead.label, fs, fault) for lead, fs, fault in zip(leads, rates, faults, strict=True)]
    return choose_ecg(channels, options, path, lambda i: middle_of(waveforms[i], rates[i]))


def _refuse_windows(path: Path, lead: Lead, fs: float) -> None:
    """Windows one after the other look like many short leads, of which one would be read and the rest be lost."""
    if lead.is_named or lead.n_columns <= _UNNAMED_LEADS or lead.n_samples / fs >= _WINDOW_S:
        return
    table = f"the dataset {lead.dataset!r} has {lead.n_columns} columns without names, {lead.n_samples / fs:g} s each:"
    works = "windows joined to one dataset of one dimension; of leads the names, as attribute channels, or --channel"
    raise refusal(path, f"{table} windows of a recording, or leads", works)


def _waveform(path: Path, lead: Lead, fact: Facts, unpack: ReadChunk) -> Waveform:
    """Samples in the file's unit, read by slices when asked for."""
    chunked = ChunkedLead(lead, unpack) if lead.chunk else None

    def read(first: int, last: int) -> Signal:
        values = _slice(path, lead, first, last) if chunked is None else chunked.between(first, last)
        scale = fact.scale
        if scale.missing:  # the attribute may be of more digits than the numbers
            missing = np.array(scale.missing).astype(values.dtype if values.dtype.kind == "f" else np.float64)
            values = np.where(np.isin(values, missing), np.nan, values)
        if scale.offset == 0:
            return millivolt(values, scale.factor)
        return millivolt(values * np.float64(scale.factor) + scale.offset, 1.0)

    # blocks end where chunks do, so that none is unpacked for the sake of a neighbour
    length = lead.chunk[0] if lead.chunk else BLOCK_SAMPLES
    block_samples = min(BLOCK_SAMPLES, length * max(1, _LEAST_BLOCK // length))
    rows = Waveform(lead.n_samples, read, block_samples)
    return rows if fact.clock is None else on_clock(rows, fact.clock)


def _slice(path: Path, lead: Lead, first: int, last: int) -> NDArray[Any]:
    with _opened(path) as file:
        dataset = file[lead.dataset]
        if lead.column is None:
            return np.asarray(dataset[first:last])
        return np.asarray(dataset[first:last, lead.column] if lead.along == 0 else dataset[lead.column, first:last])


def _chunk(path: Path, dataset: str, along: int, size: tuple[int, int], k: int, j: int) -> NDArray[Any]:
    """A chunk by its place in time and across the columns. array (n_samples, n_columns)."""
    rows, columns = slice(k * size[0], (k + 1) * size[0]), slice(j * size[1], (j + 1) * size[1])
    with _opened(path) as file:
        held = file[dataset]
        if held.ndim == 1:
            return np.asarray(held[rows])[:, None]
        return np.asarray(held[rows, columns] if along == 0 else held[columns, rows].T)

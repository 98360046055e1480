"""EDF, EDF+ and BDF files to recordings.

Our own header decides layout, rate, clock and scale. Discontinuous files (EDF+D) keep their true time line: gaps are
NaN, never joined. Samples are read when they are asked for.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.io.channels import Channel, choose_ecg
from holter2sleep.io.edf_annotations import check_annotations
from holter2sleep.io.edf_header import EdfHeader, EdfSignal, read_edf_header
from holter2sleep.io.edf_samples import Digital, digital_part, digital_samples
from holter2sleep.io.edf_time_line import time_line
from holter2sleep.io.files import MAX_ELAPSED_S, refusal, sha256_of
from holter2sleep.io.lead import LOOK_S, millivolt, rate_fault
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.units import UnitScale, unit_scale
from holter2sleep.night import Recording, Source
from holter2sleep.spans import EMPTY, Spans, as_spans
from holter2sleep.waveform import BLOCK_SAMPLES, Signal, Waveform

log = logging.getLogger(__name__)


def read_edf(path: Path, recording_id: str, options: ReadOptions) -> Recording:
    """Recording of the ECG channel of an EDF, EDF+ or BDF file.

    Raises
    ------
    RecordingError
        Broken header, no data record, no usable ECG channel, records that overlap in time.
    """
    header = read_edf_header(path)
    signals = [signal for signal in header.signals if not signal.is_annotation]
    if not signals:
        raise refusal(path, "annotations only, no signal", "a recording; a hypnogram is given with --hypnogram")

    check_annotations(path, header)
    if (days := header.n_records * header.record_s / 86400) > MAX_ELAPSED_S / 86400:
        found = f"{header.n_records} data records of {header.record_s:g} s, {days:.0f} days"
        raise refusal(path, found, "a recording within a month")

    def look(index: int) -> Signal:
        return _glance(_Lead(path, header, signals[index], 1.0))

    choice = choose_ecg([_channel(signal, header) for signal in signals], options, path, look)
    if header.n_records == 0:
        raise refusal(path, "the file holds no data record", "a recording with signal")
    signal = signals[choice.index]
    fs = signal.samples_per_record / header.record_s
    unit = _unit(signal, options)
    leads = [_Lead(path, header, signal, unit.to_mv)]
    if choice.minus is not None:
        leads.append(_Lead(path, header, signals[choice.minus], _unit(signals[choice.minus], options).to_mv))
    offset_s, first_samples, clock_notes = time_line(path, header, fs)
    ecg = _waveform(leads, first_samples)
    gaps = _gaps(first_samples, signal.samples_per_record, fs)
    log.info("%s: %s, %d records, %g Hz, %d gaps", recording_id, header.dialect, header.n_records, fs, len(gaps))
    return Recording(
        recording_id=recording_id,
        source=Source(
            path.name, header.dialect, sha256_of([path]), signal.unit, unit.to_mv, relative_scale=unit.is_relative
        ),
        duration_s=len(ecg) / fs,
        fs=fs,
        start=header.start + timedelta(seconds=offset_s) if header.start else None,
        subject=header.subject,
        channel=choice.name,
        ecg=ecg,
        gaps=gaps,
        warnings=(
            *header.warnings,
            *choice.warnings,
            *([unit.warning] if unit.warning else []),
            *_range_notes(signal),
            *clock_notes,
        ),
    )


def _channel(signal: EdfSignal, header: EdfHeader) -> Channel:
    fs = signal.samples_per_record / header.record_s if header.record_s else 0.0
    fault = rate_fault(fs)
    if fs > 0 and math.isnan(signal.gain):
        fault = "its physical or digital minimum equals its maximum, or is no number"
    return Channel(signal.label, fs, fault)


def _unit(signal: EdfSignal, options: ReadOptions) -> UnitScale:
    return unit_scale(signal.unit, max(abs(signal.physical_min), abs(signal.physical_max)), options.unit)


def _range_notes(signal: EdfSignal) -> list[str]:
    """Kemp 1992 lets the physical range be turned for an inverting amplifier, not the digital one."""
    if signal.digital_min < signal.digital_max:
        return []
    return [
        f"digital minimum {signal.digital_min:g} above maximum {signal.digital_max:g}: scaled by them as they stand"
    ]


# --- samples ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Lead:
    """Where a lead's samples are, and the factor from the file's unit to mV."""

    path: Path
    header: EdfHeader
    signal: EdfSignal
    scale: float


def _millivolt(lead: _Lead, first: int, last: int) -> Signal:
    """Samples of the data records from `first` to before `last`, in file order, mV."""
    return _scaled(lead, digital_samples(lead.path, lead.header, lead.signal, first, last))


def _glance(lead: _Lead) -> Signal:
    """The data records in the middle of the file, some minutes of them, or of the one that is longer."""
    header, n_samples = lead.header, lead.signal.samples_per_record
    n = min(header.n_records, math.ceil(LOOK_S / header.record_s))
    first = (header.n_records - n) // 2
    if n_samples <= BLOCK_SAMPLES or n > 1:
        return _millivolt(lead, first, first + n)
    half = round(LOOK_S * n_samples / header.record_s / 2)
    return _part(lead, first, max(0, n_samples // 2 - half), min(n_samples, n_samples // 2 + half))


def _part(lead: _Lead, record: int, first: int, last: int) -> Signal:
    """Samples within one data record, mV."""
    return _scaled(lead, digital_part(lead.path, lead.header, lead.signal, record, first, last))


def _scaled(lead: _Lead, digital: Digital) -> Signal:
    signal = lead.signal
    with np.errstate(over="ignore", invalid="ignore"):
        physical = (digital.astype(np.float64) - signal.digital_min) * signal.gain + signal.physical_min
    return millivolt(physical, lead.scale)


def _waveform(leads: list[_Lead], first_samples: NDArray[np.int64]) -> Waveform:
    """A lead, or the difference of two, on its true time line with NaN in the gaps."""
    per_record = leads[0].signal.samples_per_record

    def read(first: int, last: int) -> Signal:
        start = max(0, int(np.searchsorted(first_samples, first, side="right")) - 1)
        stop = int(np.searchsorted(first_samples, last, side="left"))
        if per_record > BLOCK_SAMPLES:
            return _of_long_records(leads, first_samples, range(start, stop), first, last)
        samples = _millivolt(leads[0], start, stop)
        for other in leads[1:]:
            samples -= _millivolt(other, start, stop)
        return _placed(samples, first_samples[start:stop] - first, per_record, last - first)

    return Waveform(int(first_samples[-1]) + per_record, read)


def _of_long_records(
    leads: list[_Lead], first_samples: NDArray[np.int64], records: range, first: int, last: int
) -> Signal:
    """The samples of a stretch, from the part of each data record that lies in it: a record may hold a whole night."""
    out = np.full(last - first, np.nan, np.float32)
    for record in records:
        at = int(first_samples[record])
        a, b = max(first, at), min(last, at + leads[0].signal.samples_per_record)
        if a < b:
            parts = [_part(lead, record, a - at, b - at) for lead in leads]
            out[a - first : b - first] = parts[0] if len(parts) == 1 else parts[0] - parts[1]
    return out


def _placed(samples: Signal, at: NDArray[np.int64], per_record: int, n: int) -> Signal:
    """Data records laid where they belong in a stretch of `n` samples; NaN where there is none."""
    if at[-1] - at[0] == (len(at) - 1) * per_record and at[0] <= 0 and at[-1] + per_record >= n:
        return samples[-int(at[0]) : n - int(at[0])]
    index = (at[:, None] + np.arange(per_record)).ravel()
    inside = (index >= 0) & (index < n)
    out = np.full(n, np.nan, np.float32)
    out[index[inside]] = samples[inside]
    return out


def _gaps(first_samples: NDArray[np.int64], per_record: int, fs: float) -> Spans:
    """Time between data records that no record covers, s."""
    ends = first_samples[:-1] + per_record
    apart = first_samples[1:] > ends
    return as_spans(np.column_stack([ends, first_samples[1:]])[apart] / fs) if apart.any() else EMPTY

"""EDF, EDF+ and BDF files to recordings.

Our own header decides layout, rate, clock and scale; the libraries only fetch digital samples of the ECG
channel. Discontinuous files (EDF+D) keep their true time line: gaps are NaN, never joined.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import edfio
import numpy as np
import pyedflib
from numpy.typing import NDArray

from holter2sleep.io.channels import MIN_FS_HZ, Channel, Choice, choose_ecg
from holter2sleep.io.edf_annotations import record_onsets, records
from holter2sleep.io.edf_header import SAMPLE_BYTES, EdfHeader, EdfSignal, read_edf_header
from holter2sleep.io.files import MAX_ELAPSED_S, refusal, sha256_of
from holter2sleep.io.units import scale_to_mv
from holter2sleep.night import Float, Recording, Source
from holter2sleep.spans import EMPTY, Spans, as_spans

log = logging.getLogger(__name__)

Digital = NDArray[np.int16] | NDArray[np.int32]

_BLOCK = 1 << 20  # samples scaled at a time: 8 MB of float64 instead of the whole night
_CONTINUOUS_JITTER_S = 0.02  # stamps of EDF+C files are rounded or taken from a coarse clock


def read_edf(path: Path, channel: str | None, recording_id: str) -> Recording:
    """Recording of the ECG channel of an EDF, EDF+ or BDF file.

    Raises
    ------
    RecordingError
        Broken header, no data record, no usable ECG channel, records that overlap in time.
    """
    header = read_edf_header(path)
    if all(signal.is_annotation for signal in header.signals):
        raise refusal(path, "annotations only, no signal", "a recording; a hypnogram is given with --hypnogram")
    choice = choose_ecg(
        [_channel(signal, header) for signal in header.signals if not signal.is_annotation], channel, path
    )
    if header.n_records == 0:
        raise refusal(path, "the file holds no data record", "a recording with signal")
    signals = [signal for signal in header.signals if not signal.is_annotation]
    signal = signals[choice.index]
    fs = signal.samples_per_record / header.record_s
    lead, scale, notes = _lead_mv(path, header, signals, choice)
    offset_s, first_samples, clock_notes = _time_line(path, header, fs)
    ecg, gaps = _placed(lead, first_samples, fs)
    found = (*header.warnings, *choice.warnings, *notes, *clock_notes)
    log.info("%s: %s, %d records, %g Hz, %d gaps", recording_id, header.dialect, header.n_records, fs, len(gaps))
    return Recording(
        recording_id=recording_id,
        source=Source(path.name, header.dialect, sha256_of([path]), signal.unit, scale),
        duration_s=len(ecg) / fs,
        fs=fs,
        start=header.start + timedelta(seconds=offset_s) if header.start else None,
        subject=header.subject,
        channel=choice.name,
        ecg=ecg,
        gaps=gaps,
        warnings=found,
    )


def _channel(signal: EdfSignal, header: EdfHeader) -> Channel:
    fs = signal.samples_per_record / header.record_s if header.record_s else 0.0
    fault = None
    if fs < MIN_FS_HZ:
        fault = f"its rate of {fs:g} Hz is too low for an ECG"
    elif math.isnan(signal.gain):
        fault = "its physical or digital minimum equals its maximum, or is no number"
    return Channel(signal.label, fs, fault)


# --- samples ---------------------------------------------------------------------------------------


def _lead_mv(
    path: Path, header: EdfHeader, signals: list[EdfSignal], choice: Choice
) -> tuple[NDArray[np.float32], float, list[str]]:
    """Samples of the lead in file order, mV; the factor from the file's unit to mV; warnings."""
    lead, scale, notes = _signal_mv(path, header, signals, choice.index)
    if choice.minus is not None:
        other, _, more = _signal_mv(path, header, signals, choice.minus)
        lead -= other
        notes += more
    return lead, scale, list(dict.fromkeys(notes))


def _signal_mv(
    path: Path, header: EdfHeader, signals: list[EdfSignal], index: int
) -> tuple[NDArray[np.float32], float, list[str]]:
    signal = signals[index]
    scale, unit_note = scale_to_mv(signal.unit, max(abs(signal.physical_min), abs(signal.physical_max)))
    digital, reader_note = _digital(path, header, index)
    out = np.empty(len(digital), np.float32)
    for start in range(0, len(digital), _BLOCK):
        block = digital[start : start + _BLOCK].astype(np.float64)
        out[start : start + _BLOCK] = ((block - signal.digital_min) * signal.gain + signal.physical_min) * scale
    return out, scale, [note for note in (unit_note, reader_note) if note]


def _digital(path: Path, header: EdfHeader, index: int) -> tuple[Digital, str | None]:
    """Digital samples of a signal by the first reader that can, and a warning when that was not the first of all."""
    refused: list[str] = []
    for name, read in _SAMPLE_READERS[header.kind].items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what is odd about the file, our own header has said already
                digital = read(path, header, index)
        except Exception as error:  # the libraries raise whatever they meet in an odd file
            refused.append(f"{name} ({str(error).strip() or type(error).__name__})")
            continue
        log.info("samples read by %s", name)
        return digital, f"samples read by {name}, after {', '.join(refused)}" if refused else None
    raise refusal(path, f"no reader could fetch the samples: {', '.join(refused)}", "a file with a valid layout")


def _by_edfio(path: Path, header: EdfHeader, index: int) -> Digital:
    edf = edfio.read_edf(path, lazy_load_data=True, header_encoding="latin-1")
    if edf.bytes_in_header_record != header.header_bytes:
        raise ValueError(f"header size given as {edf.bytes_in_header_record}, is {header.header_bytes} bytes")
    return _checked(edf.signals[index].digital, header, index)


def _by_pyedflib(path: Path, header: EdfHeader, index: int) -> Digital:
    with pyedflib.EdfReader(str(path), pyedflib.DO_NOT_READ_ANNOTATIONS, pyedflib.DO_NOT_CHECK_FILE_SIZE) as edf:
        return _checked(edf.readSignal(index, digital=True), header, index)


def _by_layout(path: Path, header: EdfHeader, index: int) -> Digital:
    """Samples cut out of the records by the header's layout: what is left when a library wants a perfect header."""
    signal = [signal for signal in header.signals if not signal.is_annotation][index]
    width = SAMPLE_BYTES[header.kind]
    first = width * signal.first_sample
    raw = records(path, header)[:, first : first + width * signal.samples_per_record]
    if width == 2:
        return np.ascontiguousarray(raw).view("<i2").ravel()
    padded = np.zeros((raw.size // 3, 4), np.uint8)
    padded[:, 1:] = raw.reshape(-1, 3)
    return padded.view("<i4").ravel() >> 8  # the sign comes along in the top byte


def _checked(digital: Digital, header: EdfHeader, index: int) -> Digital:
    signal = [signal for signal in header.signals if not signal.is_annotation][index]
    expected = header.n_records * signal.samples_per_record
    if len(digital) != expected:
        raise ValueError(f"{len(digital)} samples instead of {expected}")
    return digital


_Reader = Callable[[Path, EdfHeader, int], Digital]
# edfio loads a BDF file whole: 1.6 GB for 10 h of 8 channels at 256 Hz, where pyedflib needs 0.1 GB.
_SAMPLE_READERS: dict[str, dict[str, _Reader]] = {
    "EDF": {"edfio": _by_edfio, "pyedflib": _by_pyedflib, "record layout": _by_layout},
    "BDF": {"pyedflib": _by_pyedflib, "record layout": _by_layout},
}


# --- time line -------------------------------------------------------------------------------------


def _time_line(path: Path, header: EdfHeader, fs: float) -> tuple[float, NDArray[np.int64], list[str]]:
    """Second of the first record after the header's start, first sample of each record, warnings."""
    steady: Float = np.arange(header.n_records, dtype=np.float64) * header.record_s
    onset_s = record_onsets(path, header)
    notes: list[str] = []
    if not np.isfinite(onset_s).any():
        if header.dialect.endswith("+D"):
            notes.append(f"{header.dialect} without time stamps: records taken as contiguous")
        return 0.0, np.round(steady * fs).astype(np.int64), notes
    if np.isnan(onset_s).any():
        notes.append(f"{np.isnan(onset_s).sum()} of {header.n_records} records have no time stamp: taken as contiguous")
        onset_s = _filled(onset_s, header.record_s)
    step_s = np.diff(onset_s) - header.record_s
    continuous = header.dialect.endswith("+C")
    tolerance_s = max(0.5 / fs, _CONTINUOUS_JITTER_S) if continuous else 0.5 / fs
    if (step_s < -tolerance_s).any():
        at = int(np.argmax(step_s < -tolerance_s)) + 1
        found = f"data record {at + 1} starts {-step_s[at - 1]:.3f} s before record {at} ends"
        raise refusal(path, found, "records in time order without overlap")
    if onset_s[-1] - onset_s[0] > MAX_ELAPSED_S:
        raise refusal(path, f"time stamps span {(onset_s[-1] - onset_s[0]) / 86400:.0f} days", "stamps within a month")
    runs = np.r_[0, np.flatnonzero(step_s > tolerance_s) + 1]
    if continuous and len(runs) > 1:
        notes.append(f"{header.dialect} says continuous, but its time stamps have {len(runs) - 1} gaps: kept as gaps")
    return float(onset_s[0]), _run_samples(onset_s - onset_s[0], runs, steady, fs), notes


def _filled(onset_s: Float, record_s: float) -> Float:
    """Stamps with the missing ones reckoned from the nearest earlier stamp (from the first for those before it)."""
    index = np.arange(len(onset_s))
    known = np.isfinite(onset_s)
    anchor = np.maximum.accumulate(np.where(known, index, int(np.argmax(known))))
    return onset_s[anchor] + (index - anchor) * record_s


def _run_samples(onset_s: Float, runs: NDArray[np.int64], steady: Float, fs: float) -> NDArray[np.int64]:
    """First sample of each record: contiguous within a run, each run where its first stamp puts it."""
    run = np.searchsorted(runs, np.arange(len(onset_s)), side="right") - 1
    first_samples = np.round((onset_s[runs][run] + steady - steady[runs][run]) * fs)
    packed = np.round(steady * fs)
    # Stamps that drift against the sample clock within a run must not push the next run into it.
    return (np.maximum.accumulate(first_samples - packed) + packed).astype(np.int64)


def _placed(
    lead: NDArray[np.float32], first_samples: NDArray[np.int64], fs: float
) -> tuple[NDArray[np.float32], Spans]:
    """The lead on its true time line with NaN in the gaps, and the gaps in s."""
    per_record = len(lead) // len(first_samples)
    behind = np.diff(first_samples) - per_record
    cuts = np.flatnonzero(behind != 0) + 1
    if len(cuts) == 0:
        return lead, EMPTY
    ecg = np.full(first_samples[-1] + per_record, np.nan, np.float32)
    for first, last in zip(np.r_[0, cuts], np.r_[cuts, len(first_samples)], strict=True):
        run = lead[first * per_record : last * per_record]
        ecg[first_samples[first] : first_samples[first] + len(run)] = run
    ends = first_samples[cuts - 1] + per_record
    return ecg, as_spans(np.column_stack([ends, first_samples[cuts]]) / fs)

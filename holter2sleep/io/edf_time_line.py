"""When the data records of an EDF file begin: the time stamps, and the stretches without a gap among them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.counted import counted
from holter2sleep.io.edf_annotations import record_onsets
from holter2sleep.io.edf_header import EdfHeader
from holter2sleep.io.files import MAX_ELAPSED_S, refusal
from holter2sleep.night import Float

STAMP_JITTER_S = 0.02  # stamps of EDF+C files, and those of some EDF+D files, are rounded or taken from a coarse clock
_DRIFT_S = 1.0  # less is no matter for epochs of 30 s; crystals of 35 ppm reach it in eight hours


@dataclass(frozen=True)
class RecordTimes:
    """Onsets of data records after the header's start, and where each stretch without a gap begins."""

    onset_s: Float  # (n_records,), by the stamps; by the sample clock where there is none
    runs: NDArray[np.intp]  # (n_runs,), first record of each
    steady_s: Float  # (n_records,), on the sample clock
    n_unknown: int  # records without a time stamp
    stopped: bool = False  # the stamps are all the same: of no clock
    coarse: bool = False  # stamps step back within the tolerance: of a clock that is coarser than the samples


def record_times(path: Path, header: EdfHeader, fs: float) -> RecordTimes:
    """Times of the data records; half a sample at `fs` Hz tells a gap from rounding.

    Raises
    ------
    RecordingError
        Records that overlap, or that span more than a month.
    """
    steady_s: Float = np.arange(header.n_records, dtype=np.float64) * header.record_s
    onset_s = record_onsets(path, header)
    n_unknown = int(np.isnan(onset_s).sum())
    if n_unknown == len(onset_s):
        return RecordTimes(steady_s, np.zeros(1, np.intp), steady_s, n_unknown)
    if not header.dialect.endswith("+D") and _is_stopped(onset_s):
        first_s = float(np.nanmin(onset_s))
        return RecordTimes(first_s + steady_s, np.zeros(1, np.intp), steady_s, n_unknown, stopped=True)
    onset_s = _filled(onset_s, header.record_s)
    step_s = np.diff(onset_s) - header.record_s
    coarse = not header.dialect.endswith("+D") or bool((step_s < -0.5 / fs).any())  # records cannot overlap
    tolerance_s = max(0.5 / fs, STAMP_JITTER_S) if coarse else 0.5 / fs
    if (step_s < -tolerance_s).any():
        at = int(np.argmax(step_s < -tolerance_s)) + 1
        found = f"data record {at + 1} starts {-step_s[at - 1]:.3f} s before record {at} ends"
        raise refusal(path, found, "records in time order without overlap")
    if onset_s[-1] - onset_s[0] > MAX_ELAPSED_S:
        raise refusal(path, f"time stamps span {(onset_s[-1] - onset_s[0]) / 86400:.0f} days", "stamps within a month")
    runs = np.r_[0, np.flatnonzero(step_s > tolerance_s) + 1]
    return RecordTimes(onset_s, runs, steady_s, n_unknown, coarse=coarse)


def _is_stopped(onset_s: Float) -> bool:
    """Whether several records bear one stamp: what writers do that know only of a continuous file."""
    known = onset_s[np.isfinite(onset_s)]
    return len(known) > 1 and bool((known == known[0]).all())


def time_line(path: Path, header: EdfHeader, fs: float) -> tuple[float, NDArray[np.int64], list[str]]:
    """Second of the first record after the header's start, first sample of each record, warnings."""
    times = record_times(path, header, fs)
    begin_s, n_kept = _begins(times.onset_s - times.onset_s[0], times.runs, times.steady_s, header.record_s)
    notes = [*_doubts(header, times), *_drift(times, n_kept)]
    return float(times.onset_s[0]), _run_samples(begin_s, times.runs, times.steady_s, fs), notes


def _doubts(header: EdfHeader, times: RecordTimes) -> list[str]:
    dialect = header.dialect
    if times.n_unknown == header.n_records:
        says_gaps = dialect.endswith("+D")
        return [f"{dialect} without time stamps: records taken as contiguous"] if says_gaps else []
    notes = []
    if times.stopped:
        notes.append(f"all time stamps say {times.onset_s[0]:g} s: {dialect} was read as continuous, without them")
    if times.n_unknown:
        notes.append(f"{times.n_unknown} of {header.n_records} records have no time stamp: taken as contiguous")
    if not dialect.endswith("+D") and len(times.runs) > 1:
        notes.append(
            f"{dialect} says continuous, but its time stamps have {counted(len(times.runs) - 1, 'gap')}: kept as gaps"
        )
    if dialect.endswith("+D") and times.coarse:
        below = f"gaps below {1000 * STAMP_JITTER_S:g} ms cannot be told from it"
        notes.append(f"time stamps step back: a coarse clock, {below}")
    return notes


def _drift(times: RecordTimes, n_kept: int) -> list[str]:
    """How far stamps move away from the sample clock in a stretch without a gap."""
    run = np.searchsorted(times.runs, np.arange(len(times.onset_s)), side="right") - 1
    away_s = times.onset_s - times.steady_s
    away_s = away_s - away_s[times.runs][run]
    at = int(np.argmax(np.abs(away_s)))
    if abs(away_s[at]) <= _DRIFT_S and not n_kept:
        return []
    ppm = 1e6 * away_s[at] / (times.steady_s[at] - times.steady_s[times.runs[run[at]]])
    drift = f"time stamps drift by {away_s[at]:+.1f} s ({ppm:+.0f} ppm) against the sample clock, which was followed"
    return [f"{drift}; {counted(n_kept, 'gap')} would have vanished and kept their length" if n_kept else drift]


def _begins(onset_s: Float, runs: NDArray[np.intp], steady_s: Float, record_s: float) -> tuple[Float, int]:
    """When each run begins, s: by its stamp, unless drift before it would swallow its gap; how often it would."""
    begin_s = onset_s[runs]
    gap_s = onset_s[runs[1:]] - onset_s[runs[1:] - 1] - record_s
    n_kept = 0
    for k, gap in enumerate(gap_s, 1):
        behind_s = begin_s[k - 1] + steady_s[runs[k]] - steady_s[runs[k - 1]]
        if behind_s + gap - begin_s[k] > max(gap / 2, STAMP_JITTER_S):
            begin_s[k] = behind_s + gap
            n_kept += 1
    return begin_s, n_kept


def _filled(onset_s: Float, record_s: float) -> Float:
    """Stamps with the missing ones reckoned from the nearest earlier stamp (from the first for those before it)."""
    index = np.arange(len(onset_s))
    known = np.isfinite(onset_s)
    anchor = np.maximum.accumulate(np.where(known, index, int(np.argmax(known))))
    return onset_s[anchor] + (index - anchor) * record_s


def _run_samples(begin_s: Float, runs: NDArray[np.int64], steady: Float, fs: float) -> NDArray[np.int64]:
    """First sample of each record: contiguous within a run, each run where it begins."""
    run = np.searchsorted(runs, np.arange(len(steady)), side="right") - 1
    first_samples = np.round((begin_s[run] + steady - steady[runs][run]) * fs)
    packed = np.round(steady * fs)
    # Stamps that drift against the sample clock within a run must not push the next run into it.
    return (np.maximum.accumulate(first_samples - packed) + packed).astype(np.int64)

"""The time stamps that a mended EDF file gets, from those that it has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.audit.repair import Change
from holter2sleep.counted import counted
from holter2sleep.io.channels import MIN_FS_HZ
from holter2sleep.io.edf_header import EdfHeader
from holter2sleep.io.edf_time_line import record_times
from holter2sleep.night import Float

_SAME_TIME_S = 1e-5  # stamps this near the sample clock are those of the sample clock
_STAMP_DECIMALS = 7


def mended_time_line(path: Path, header: EdfHeader) -> tuple[Float, str, list[Change]]:
    """Onset of each data record after the header's start, `+C` or `+D`, and what was changed."""
    times = record_times(path, header, _slowest_hz(header))
    onset_s, steady_s, runs = times.onset_s, times.steady_s, times.runs
    changes: list[Change] = []
    if times.n_unknown == header.n_records:
        if header.dialect[3:]:
            changes.append(Change("time stamps", "none", "written", "data records taken as contiguous"))
        return np.round(steady_s, _STAMP_DECIMALS), "+C", changes
    if times.stopped:
        changes.append(Change("time stamps", "all the same", "of the sample clock", "the file says it is continuous"))
    if times.n_unknown:
        changes.append(Change("time stamps", f"{times.n_unknown} missing", "written", "reckoned from those before"))
    if header.dialect.endswith("+D"):
        if np.abs(onset_s - onset_s[0] - steady_s).max() > _SAME_TIME_S:
            return onset_s, "+D", changes  # jitter and all
        changes.append(Change("continuity", header.dialect, f"{header.kind}+C", "there is no gap between data records"))
        return np.round(onset_s[0] + steady_s, _STAMP_DECIMALS), "+C", changes
    firm_s = _firm(onset_s, runs, steady_s, header.record_s)
    if np.abs(firm_s - onset_s).max() > _SAME_TIME_S:
        beside = f"up to {np.abs(firm_s - onset_s).max():.3g} s beside the sample clock"
        changes.append(Change("time stamps", beside, "of the sample clock", "the file says it is continuous"))
    if len(runs) > 1:
        why = f"its time stamps have {counted(len(runs) - 1, 'gap')}"
        changes.append(Change("continuity", header.dialect, f"{header.kind}+D", why))
    return firm_s, "+C" if len(runs) == 1 else "+D", changes


def _slowest_hz(header: EdfHeader) -> float:
    """Rate of the slowest signal that could be an ECG: its half sample tells a gap from rounding for all."""
    rates = [signal.samples_per_record / header.record_s for signal in header.signals if not signal.is_annotation]
    return min((fs for fs in rates if fs >= MIN_FS_HZ), default=max(rates))


def _firm(onset_s: Float, runs: NDArray[np.intp], steady_s: Float, record_s: float) -> Float:
    """Contiguous records within each run, each run where its first stamp puts it and behind the one before."""
    firm_s = np.empty_like(onset_s)
    behind_s = -np.inf
    for first, last in zip(runs, [*runs[1:], len(onset_s)], strict=True):
        start_s = max(float(onset_s[first]), behind_s)
        firm_s[first:last] = np.round(start_s + steady_s[first:last] - steady_s[first], _STAMP_DECIMALS)
        behind_s = float(firm_s[last - 1]) + record_s
    return firm_s

"""What an odd file holds in truth, what a reader found in it, and the verdict: for tests and for the readers' table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time

import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import Recording

Float = NDArray[np.float64]
Start = datetime | time | None  # a time where only the clock is known

_MOST_SHIFT = 8  # samples, looked for when a lead is told to be shifted
_CLOCK_S = 1e-3  # starts and gaps closer than this are equal
NO_DATE = (1985, 1, 1)  # "no date" in EDF


@dataclass(frozen=True)
class Truth:
    """A waveform on its true time line, or beats; or the reason why refusing is right."""

    mv: Float | None = None  # (n_samples,), NaN where no sample is
    fs: float | None = None  # Hz
    start: Start = None
    gaps: Sequence[tuple[float, float]] = ()  # s
    count_mv: float = 1e-3  # one count: what a sample may be off
    beat_s: Float | None = None  # (n_beats,), s from the first sample, or from the first beat
    labels: str | None = None  # a class a beat
    refused: str = ""


@dataclass(frozen=True)
class OddFile:
    """A file with an oddity: its bytes, those of the files beside it, and its truth."""

    name: str  # what is odd
    file: str  # the one to open
    files: Mapping[str, bytes]
    truth: Truth
    told: bool | None = False  # whether a reader must say that it assumed something; None: as it likes
    channels: tuple[str, ...] = ("ECG",)  # labels of the lead, or of the two electrodes whose difference it is
    options: Mapping[str, object] = field(default_factory=dict)  # what the user must say
    mv_per_unit: float = 1.0  # of numbers whose unit the file does not say

    @property
    def kind(self) -> str:
        """The suffix of its format: `.edf`, `.hea` ..."""
        return "." + self.file.rsplit(".", 1)[-1].lower()


@dataclass(frozen=True)
class Found:
    """What a reader gave; `error` is the class of its exception."""

    mv: Float | None = None
    fs: float | None = None
    start: Start = None
    gaps: Sequence[tuple[float, float]] | None = None  # None: the reader has no word for gaps
    beat_s: Float | None = None
    labels: str | None = None
    warned: bool = False
    error: str = ""


def found_of(recording: Recording) -> Found:
    """What a recording of ours says, as every reader's answer is judged."""
    mv = None if recording.ecg is None else recording.ecg[:].astype(np.float64)
    beats = recording.given_beats
    return Found(
        mv,
        recording.fs,
        recording.start,
        recording.gaps.tolist(),
        None if beats is None else beats.time_s,
        None if beats is None else "".join(beats.label),
        bool(recording.warnings),
    )


@dataclass(frozen=True)
class Verdict:
    """`right`, `incomplete`, `wrong` (silently), `wrong, warned` or `error`, and its text in a table."""

    kind: str
    text: str


def judge(truth: Truth, found: Found) -> Verdict:
    """What a reader's answer is worth; an exception is right where refusing is."""
    if found.error:
        return Verdict("right", "refused") if truth.refused else Verdict("error", f"error: {found.error}")
    if truth.refused:
        fault: str | None = "reads it"
    else:
        fault = beat_fault(truth, found) if truth.beat_s is not None else wave_fault(truth, found)
        fault = fault or start_fault(truth.start, found.start)
    if fault in ("no start", "no date"):
        return Verdict("incomplete", f"ok, {fault}")
    if fault:
        return Verdict(
            *(("wrong, warned", f"wrong, warned: {fault}") if found.warned else ("wrong", f"WRONG: {fault}"))
        )
    return Verdict("right", "ok, warned" if found.warned else "ok")


# --- beats and clock -------------------------------------------------------------------------------


def beat_fault(truth: Truth, found: Found) -> str | None:
    """What is wrong with the beats."""
    beat_s = found.beat_s
    if beat_s is None or truth.beat_s is None:
        return "no beats"
    if len(beat_s) != len(truth.beat_s):
        return f"{len(beat_s)} of {len(truth.beat_s)} beats"
    if np.abs(beat_s - truth.beat_s).max() > _CLOCK_S:
        return f"beats up to {np.abs(beat_s - truth.beat_s).max():.3g} s off"
    return "other classes" if truth.labels and found.labels != truth.labels else None


def start_fault(truth: Start, found: Start) -> str | None:
    """What is wrong with the start; a date that means "no date" is none."""
    if isinstance(found, datetime) and (found.year, found.month, found.day) == NO_DATE and not _is_no_date(truth):
        found = found.time() if isinstance(truth, time) else found
    if truth == found:
        return None
    if found is None:
        return "no start"
    if truth is None:
        return f"start {found} from nowhere"
    if isinstance(truth, datetime) and isinstance(found, datetime):
        off_s = (found - truth).total_seconds()
        if abs(off_s) < _CLOCK_S:
            return None
        if found.time() == time() and found.date() == truth.date():
            return "midnight"
        return f"start {off_s:+.3g} s" if abs(off_s) < 86400 else f"start {found:%Y-%m-%d %H:%M:%S}"
    if isinstance(truth, datetime) and isinstance(found, time):
        return "no date" if found == truth.time() else f"start {found}"
    return f"start {found}"


def _is_no_date(start: Start) -> bool:
    return isinstance(start, datetime) and (start.year, start.month, start.day) == NO_DATE


# --- waveform --------------------------------------------------------------------------------------


def wave_fault(truth: Truth, found: Found) -> str | None:
    """What is wrong with rate, samples or gaps, in the order in which one would see it."""
    if found.mv is None or found.fs is None or truth.mv is None or truth.fs is None:
        return "no waveform"
    if abs(found.fs - truth.fs) > 1e-6 * truth.fs:
        return f"{found.fs:.6g} Hz for {truth.fs:.6g}"
    fault = _sample_fault(found.mv, truth.mv, truth.fs, truth.count_mv)
    return fault or _gap_fault(truth, found)


def _gap_fault(truth: Truth, found: Found) -> str | None:
    if found.gaps is None:
        return None
    if len(found.gaps) != len(truth.gaps):
        return f"{len(found.gaps)} gaps told of {len(truth.gaps)}"
    off_s = np.abs(np.ravel(found.gaps) - np.ravel(truth.gaps)).max(initial=0.0)
    return f"gaps {off_s:.3g} s off" if off_s > 1.01 / (truth.fs or 1.0) else None


def _sample_fault(found: Float, true: Float, fs: float, count: float) -> str | None:
    if _same(found, true, count):
        return None
    if _same(found, true[np.isfinite(true)], count):
        return "joined, gaps lost"
    if _same(found, -true, count):
        return "inverted"
    n = min(len(found), len(true))
    if n and len(found) != len(true) and _same(found[:n], true[:n], count):
        return f"{len(found) / fs:.6g} s of {len(true) / fs:.6g}"
    if len(found) == len(true):
        return _deformed(found, true, count)
    return f"other samples, {len(found) / fs:.6g} s of {len(true) / fs:.6g}"


def _deformed(found: Float, true: Float, count: float) -> str:
    """What happened to samples of the right number."""
    both = np.isfinite(found) & np.isfinite(true)
    if _same(found[both], true[both], count):
        return "missing samples as numbers" if np.isnan(true).any() else "samples lost"
    for k in range(1, _MOST_SHIFT):
        for a, b in ((found[k:], true[:-k]), (found[:-k], true[k:])):
            kept = np.isfinite(a) & np.isfinite(b)
            if kept.sum() > len(a) / 2 and _same(a[kept], b[kept], count):
                return f"shifted by {k} samples"
    slope, offset = np.polyfit(true[both], found[both], 1) if both.any() else (0.0, 0.0)
    if slope and _same((found[both] - offset) / slope, true[both], 2 * count):
        if abs(offset) < 3 * count * abs(slope):
            return f"scaled by {slope:.4g}"
        return "raw counts" if np.isclose(abs(slope) * count, 1, rtol=1e-3) else "another scale and zero"
    return "other samples"


def _same(found: Float, true: Float, count: float) -> bool:
    if found.shape != true.shape:
        return False
    missing = np.isnan(true)
    return bool((np.isnan(found) == missing).all() and (np.abs(found - true)[~missing] <= 1.01 * count).all())


# --- a lead to hide in the files -------------------------------------------------------------------


def ecg_mv(n_samples: int, fs: float, seed: int = 0) -> Float:
    """A lead with 60 beats a minute; its noise makes every sample another, so that a shift by one is seen."""
    phase_s = (np.arange(n_samples) / fs) % 1.0
    waves = ((1.0, 0.4, 0.010), (0.25, 0.65, 0.040), (0.1, 0.25, 0.025))  # mV, s, s: R, T, P
    clean = sum(height * np.exp(-0.5 * ((phase_s - at) / width) ** 2) for height, at, width in waves)
    return np.asarray(clean) + np.random.default_rng(seed).normal(0.0, 0.02, n_samples)

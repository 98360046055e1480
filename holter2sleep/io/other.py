"""Recordings in formats of EEG laboratories, read by mne.

Assumes that mne gives V and calls local time UTC, as it does for all formats here but FIF. Samples are read in blocks,
of the ECG channel only.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from holter2sleep.counted import counted
from holter2sleep.io.channels import Channel, choose_ecg, ecg_rank
from holter2sleep.io.fif import check_fif
from holter2sleep.io.files import MAX_ELAPSED_S, is_file, read_head, refusal, sha256_of
from holter2sleep.io.lead import in_millivolt, lead_of, middle_of, millivolt, rate_fault, survey
from holter2sleep.io.matlab5 import check_matlab5
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.subjects import age_at
from holter2sleep.io.units import MV_PER_UNIT, unit_ratio, unit_scale
from holter2sleep.night import Recording, Sex, Source, Subject
from holter2sleep.spans import EMPTY, Spans, as_spans, duration
from holter2sleep.waveform import Signal, Waveform

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class _Format:
    """A format by its suffix: name, reader in `mne.io`, unit, suffixes of what belongs to it."""

    name: str
    reader: str
    unit: str = "uV"  # of its samples, where the file does not say
    companions: tuple[str, ...] = ()
    is_text: bool = False  # the file is a header, its samples lie in another


FORMATS = {
    ".vhdr": _Format("BrainVision", "read_raw_brainvision", companions=(".vmrk",), is_text=True),
    ".set": _Format("EEGLAB", "read_raw_eeglab"),
    ".fif": _Format("FIF", "read_raw_fif", "V"),
    ".cnt": _Format("Neuroscan", "read_raw_cnt"),
    ".eeg": _Format("Nihon Kohden", "read_raw_nihon", companions=(".PNT", ".LOG", ".21E")),
    ".lay": _Format("Persyst", "read_raw_persyst", is_text=True),
}
_NIHON_DEVICES = (b"EEG-", b"QI-", b"DAE-", b"JE-")  # how the first line of every version begins


# What mne does not survive is looked for first.
def _check_nihon(path: Path, works: str) -> None:
    if not read_head(path, 16).startswith(_NIHON_DEVICES):
        raise refusal(path, "not the samples of a Nihon Kohden recorder", works)


_CHECKS: dict[str, Callable[[Path, str], None]] = {
    "read_raw_eeglab": check_matlab5,
    "read_raw_fif": check_fif,
    "read_raw_nihon": _check_nihon,
}
_FIF_UTC = "a FIF file keeps its start in UTC, which was taken as local time: give --start when it is not"
_SKIP = "BAD_ACQ_SKIP"  # mne's name for time without samples, which it fills with zeros
_INTERRUPTED = re.compile(r"(bad|edge)[ _]boundary|boundary|new segment/?", re.IGNORECASE)
_BAD = re.compile(r"bad", re.IGNORECASE)
_TELLING = re.compile(r"truncat|match|corrupt|unique|missing|inconsist|could not|incorrect|shorter", re.IGNORECASE)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")  # may be a person's name, out of a header
_MAX_HEADER_BYTES = 1 << 26  # a million marks
_TRIGGER_KINDS = {"stim", "syst"}
_WHOLE = "the complete file with all files that belong to it beside it"
_MV_PER_V = MV_PER_UNIT["v"]
_SEXES: dict[int, Sex] = {1: "M", 2: "F"}  # FIFF subject codes


@dataclasses.dataclass(frozen=True)
class _Opened:
    """What mne found in a file, as plain values; `raw` gives samples and nothing else any more."""

    raw: Any
    fs: float
    n_samples: int
    names: tuple[str, ...]
    kinds: tuple[str, ...]  # mne's channel types
    units: tuple[str, ...]  # in which the file holds its channels
    volts: tuple[float, ...]  # what mne took one of that unit for, to turn it into V
    notes: tuple[tuple[float, float, str], ...]  # onset and duration, s from the first sample, and text
    files: tuple[Path, ...]  # with samples
    start: datetime | None
    birth: date | None
    sex: Sex | None
    warnings: tuple[str, ...]

    @property
    def skips(self) -> Spans:
        """Time without samples, s; the stretches that mne fills with zeros."""
        skips = [(onset, onset + length) for onset, length, text in self.notes if text == _SKIP]
        return np.clip(as_spans(skips), 0, self.n_samples / self.fs) if skips else EMPTY

    @property
    def boundaries_s(self) -> list[float]:
        """Where the recording was interrupted, s; how long is unknown."""
        return sorted({onset for onset, _, text in self.notes if onset > 0 and _INTERRUPTED.fullmatch(text)})


def read_with_mne(path: Path, recording_id: str, options: ReadOptions) -> Recording:
    """Recording of the ECG channel of a file that mne reads.

    Raises
    ------
    RecordingError
        Not such a file, files that belong to it are missing, no ECG channel.
    """
    format_ = FORMATS[path.suffix.lower()]
    opened = _opened(path, format_)
    if not 0 < opened.n_samples / opened.fs <= MAX_ELAPSED_S:
        found = f"{opened.n_samples} samples at {opened.fs:g} Hz"
        raise refusal(path, found, "a recording with signal, within a month")

    def lead(index: int) -> Waveform:
        return _lead(path, opened, index, 1 / opened.volts[index])

    channels, labelled = _channels(opened, options)
    choice = choose_ecg(channels, labelled, path, lambda i: middle_of(lead(i), opened.fs))
    unit = opened.units[choice.index]
    ratio = 1.0 if choice.minus is None else unit_ratio(opened.units[choice.minus], unit, options.unit)
    as_held = lead_of(choice, lead, ratio)
    is_known = unit_scale(unit, 0.0, options.unit).decided_by in ("header", "option")
    size = 0.0 if is_known else survey(as_held, opened.fs).size
    scale = unit_scale(options.unit or unit, size)
    age, age_note = age_at(opened.birth, opened.start)
    doubts = (*opened.warnings, *_interruptions(opened), *choice.warnings, scale.warning, age_note)
    log.info("%s: %s by mne, %g Hz, %d samples", recording_id, format_.name, opened.fs, opened.n_samples)
    return Recording(
        recording_id=recording_id,
        source=Source(
            path.name,
            format_.name,
            sha256_of(_files(path, opened, format_)),
            unit,
            scale.to_mv,
            relative_scale=scale.is_relative,
        ),
        duration_s=opened.n_samples / opened.fs,
        fs=opened.fs,
        start=opened.start,
        subject=Subject(age, opened.sex),
        channel=choice.name,
        ecg=in_millivolt(as_held, scale.to_mv),
        gaps=opened.skips,
        warnings=tuple(note for note in doubts if note),
    )


def _opened(path: Path, format_: _Format) -> _Opened:
    """The file as mne opens it, without samples."""
    if check := _CHECKS.get(format_.reader):
        check(path, _WHOLE)
    _check_sizes(path, format_)
    import mne  # half a second that readers of other files need not wait for

    with _quiet(path, format_) as heard:
        raw = getattr(mne.io, format_.reader)(path, preload=False, verbose="error")
        opened = _facts(raw, format_)
    if not opened.names or not opened.fs > 0:
        raise refusal(
            path, f"a {format_.name} file of {counted(len(opened.names), 'channel')} at {opened.fs:g} Hz", _WHOLE
        )
    said = [str(warning.message).partition("\n")[0] for warning in heard]
    kept = dict.fromkeys(text[:160] for text in said if _TELLING.search(text) and "/" not in text)
    told = (*opened.warnings, *(f"mne says: {text}" for text in kept))
    return dataclasses.replace(opened, warnings=told)


def _check_sizes(path: Path, format_: _Format) -> None:
    """Refuse what mne would read whole and is larger than any of its kind."""
    beside = [path.with_suffix(suffix) for suffix in format_.companions]
    for file in [path] * format_.is_text + [file for file in beside if is_file(file)]:
        if (n_bytes := file.stat().st_size) > _MAX_HEADER_BYTES:
            raise refusal(path, f"{file.name} has {n_bytes >> 20} MB, which no header or list of marks has", _WHOLE)


def _facts(raw: Any, format_: _Format) -> _Opened:
    """What is asked of mne's object; of a damaged file it may answer with any exception."""
    fs, person, stated = float(raw.info["sfreq"]), raw.info["subject_info"] or {}, raw.info["meas_date"]
    zero_s = raw.first_time if raw.annotations.orig_time is not None else 0.0
    marks = raw.annotations
    units = [_unit(raw, index, format_) for index in range(len(raw.ch_names))]
    is_utc = stated is not None and format_.reader == "read_raw_fif"
    return _Opened(
        raw=raw,
        fs=fs,
        n_samples=int(raw.n_times),
        names=tuple(raw.ch_names),
        kinds=tuple(raw.get_channel_types()),
        units=tuple(unit for unit, _ in units),
        volts=tuple(volts for _, volts in units),
        notes=tuple(
            (float(onset) - zero_s, float(length), str(text))
            for onset, length, text in zip(marks.onset, marks.duration, marks.description, strict=True)
        ),
        files=tuple(Path(name) for name in raw.filenames if name is not None),
        start=stated and stated.replace(tzinfo=None) + timedelta(seconds=float(raw.first_samp) / fs),
        birth=person.get("birthday"),
        sex=_SEXES.get(person.get("sex", 0)),
        warnings=(_FIF_UTC,) if is_utc else (),
    )


def _unit(raw: Any, index: int, format_: _Format) -> tuple[str, float]:
    """Unit of a channel in the file, and V that mne takes one of it for."""
    stated = getattr(raw, "_orig_units", {}).get(raw.ch_names[index], "").strip()
    if stated and format_.reader == "read_raw_brainvision":
        # mne knows five units by their exact letters, takes any other for V, and `mv` is another
        return stated, float(raw.info["chs"][index]["range"])
    unit = stated if stated.casefold() in MV_PER_UNIT else format_.unit
    return unit, MV_PER_UNIT[unit.casefold()] / _MV_PER_V


@contextmanager
def _quiet(path: Path, format_: _Format) -> Iterator[list[warnings.WarningMessage]]:
    """Warnings are collected, and whatever mne raises in a damaged file becomes a refusal of one line."""
    try:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            yield heard
    except Exception as error:  # mne raises whatever it meets, assertions too
        told = (str(error) or type(error).__name__).replace(str(path.parent), "")
        said = " ".join(_QUOTED.sub("...", told).split())[:160]
        found = f"not read as {format_.name} by mne ({said})"
        raise refusal(path, found, _WHOLE) from None


def _files(path: Path, opened: _Opened, format_: _Format) -> list[Path]:
    """The file, its samples where they lie in another, and its companions, each once."""
    beside = [*opened.files, *(path.with_suffix(suffix) for suffix in format_.companions)]
    held = [file for file in beside if file.is_file() and file.resolve() != path.resolve()]
    return [path, *dict.fromkeys(held)]


def _channels(opened: _Opened, options: ReadOptions) -> tuple[list[Channel], ReadOptions]:
    """Channels as far as choosing needs them; a channel that the file types as ECG counts as a known label."""
    fault = rate_fault(opened.fs)
    named = list(zip(opened.names, opened.kinds, strict=True))
    channels = [Channel(n, opened.fs, "it holds triggers" if kind in _TRIGGER_KINDS else fault) for n, kind in named]
    typed = [name for name, kind in named if kind == "ecg" and ecg_rank(name) is None]
    return channels, dataclasses.replace(options, labels=(*options.labels, *typed))


# --- samples ---------------------------------------------------------------------------------------


def _lead(path: Path, opened: _Opened, index: int, per_volt: float) -> Waveform:
    """Samples of a channel in the file's unit, NaN where the file has none, read when asked for."""
    format_ = FORMATS[path.suffix.lower()]
    skipped = np.round(opened.skips * opened.fs).astype(np.int64)
    # mne 1.13 misplaces samples of Nihon Kohden files that are read across an interruption
    edges = np.unique(np.ceil(np.array([0.0, *opened.boundaries_s]) * opened.fs - 1e-6).astype(np.int64))

    def read(first: int, last: int) -> Signal:
        cuts = [first, *edges[(edges > first) & (edges < last)].tolist(), last]
        with _quiet(path, format_):
            parts = [
                opened.raw.get_data(picks=[index], start=a, stop=b, verbose="error")[0]
                for a, b in itertools.pairwise(cuts)
            ]
        samples = millivolt(np.concatenate(parts), per_volt)
        for start, end in skipped - first:
            samples[max(0, start) : max(0, end)] = np.nan
        return samples

    return Waveform(opened.n_samples, read)


def _interruptions(opened: _Opened) -> list[str]:
    """What the file's own marks say against its signal."""
    boundaries = opened.boundaries_s
    marked = [(a, a + b) for a, b, text in opened.notes if _BAD.match(text) and text != _SKIP and b > 0]
    told = []
    if boundaries:
        told.append(f"{len(boundaries)} interruptions of unknown length: what follows them is earlier than it seems")
    if marked:
        bad = as_spans(marked)
        told.append(f"{len(bad)} stretches ({duration(bad):.0f} s) are marked as bad in the file: kept")
    return told

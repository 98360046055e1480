"""What each reader gives for a file, in one form: ours, edfio, pyedflib, MNE (two ways), wfdb.

Each is asked as its manual shows; the lead is named, and numbers come in mV by the unit that the reader reports.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "io"))  # the files and their truth belong to the tests
from odd_truth import Float, Found, OddFile, found_of

from holter2sleep.errors import Holter2SleepError
from holter2sleep.io import read_recording

_MV_PER_UNIT = {"nv": 1e-6, "uv": 1e-3, "\u00b5v": 1e-3, "\u03bcv": 1e-3, "mv": 1.0, "v": 1e3}
_PADDING = " \0"
Part = tuple[Float, float]  # samples in mV, rate in Hz


class NotThere(Exception):
    """The reader opens the file, but the lead is not in it or has no sample."""


def ours(path: Path, odd: OddFile) -> Found:
    """holter2sleep, by the file alone."""
    try:
        recording = read_recording(path, **odd.options)
    except Holter2SleepError as error:
        return Found(error="refused" if "\n" not in str(error) else "traceback")
    return found_of(recording)


def by_edfio(path: Path, odd: OddFile) -> Found:
    """edfio.read_edf and read_bdf."""
    import edfio

    edf = edfio.read_bdf(path) if odd.kind == ".bdf" else edfio.read_edf(path)

    def part(label: str) -> Part:
        signal = next((s for s in edf.signals if s.label.strip(_PADDING) == label), None)
        if signal is None:
            raise NotThere
        return signal.data * _to_mv(signal.physical_dimension, odd), signal.sampling_frequency

    return _found(part, odd, _quiet(lambda: datetime.combine(edf.startdate, edf.starttime)) or _quiet(_clock(edf)))


def _clock(edf: Any) -> Callable[[], time]:
    return lambda: edf.starttime


def by_pyedflib(path: Path, odd: OddFile) -> Found:
    """pyedflib.EdfReader."""
    import pyedflib

    with pyedflib.EdfReader(str(path)) as edf:
        labels = [text.strip(_PADDING) for text in edf.getSignalLabels()]

        def part(label: str) -> Part:
            if label not in labels:
                raise NotThere
            i = labels.index(label)
            samples = edf.readSignal(i) * _to_mv(edf.getPhysicalDimension(i), odd)
            return samples, edf.getSampleFrequency(i)

        return _found(part, odd, _quiet(edf.getStartdatetime))


def by_mne(path: Path, odd: OddFile) -> Found:
    """mne.io.read_raw_*, everything loaded."""
    return _by_mne(path, odd, {})


def by_mne_include(path: Path, odd: OddFile) -> Found:
    """mne.io.read_raw_* with include=, only the lead loaded."""
    return _by_mne(path, odd, {"include": list(odd.channels)})


def _by_mne(path: Path, odd: OddFile, options: dict[str, Any]) -> Found:
    import mne

    readers = {".bdf": mne.io.read_raw_bdf, ".gdf": mne.io.read_raw_gdf}
    raw = readers.get(odd.kind, mne.io.read_raw_edf)(path, preload=False, verbose="warning", **options)

    def part(label: str) -> Part:
        wanted = (label, f"{label}-0")  # equal labels are numbered
        name = next((name for name in raw.ch_names if name.strip(_PADDING) in wanted), None)
        if name is None:
            raise NotThere
        samples = raw.get_data(picks=[name])[0]
        for note in raw.annotations:
            if note["description"] == "BAD_ACQ_SKIP":  # its word for a gap
                first = round(note["onset"] * raw.info["sfreq"])
                samples[first : first + round(note["duration"] * raw.info["sfreq"])] = np.nan
        known = raw._orig_units.get(name, "V") != "n/a"  # V is promised; n/a: no unit in the file
        return samples * (1e3 if known else odd.mv_per_unit), raw.info["sfreq"]

    start = raw.info["meas_date"]
    return _found(part, odd, start.replace(tzinfo=None) if start else None)  # it labels local time UTC


def by_wfdb(path: Path, odd: OddFile) -> Found:
    """wfdb.rdrecord, and the package's reader of EDF."""
    import wfdb
    from wfdb.io.convert.edf import read_edf

    if odd.kind == ".atr":
        return _annotations(path)
    record = read_edf(str(path)) if odd.kind in (".edf", ".rec", ".bdf") else wfdb.rdrecord(str(path.with_suffix("")))

    def part(label: str) -> Part:
        names = [(name or "").strip(_PADDING) for name in record.sig_name or []]
        if label not in names:
            raise NotThere
        i = names.index(label)
        return record.p_signal[:, i] * _to_mv(record.units[i], odd), record.fs

    if record.base_date and record.base_time:
        return _found(part, odd, datetime.combine(record.base_date, record.base_time))
    return _found(part, odd, record.base_time)


def _annotations(path: Path) -> Found:
    """wfdb.rdann, and the clock of the header beside."""
    import wfdb

    notes = wfdb.rdann(str(path.with_suffix("")), path.suffix[1:])
    start = wfdb.rdheader(str(path.with_suffix(""))).base_datetime
    return Found(beat_s=notes.sample / notes.fs, labels="".join(notes.symbol), start=start)


def _found(part: Callable[[str], Part], odd: OddFile, start: datetime | time | None) -> Found:
    """The lead, or the difference of two electrodes."""
    samples, fs = part(odd.channels[0])
    for other in odd.channels[1:]:
        samples = samples - part(other)[0]
    if not len(samples):
        raise NotThere
    return Found(np.asarray(samples, np.float64), float(fs), start)


def _to_mv(unit: str | None, odd: OddFile) -> float:
    """Factor to mV; of a unit the reader does not know, what the user would have to know."""
    return _MV_PER_UNIT.get((unit or "").strip().casefold(), odd.mv_per_unit)


def _quiet(ask: Callable[[], Any]) -> Any:
    """What a reader says of the start; None where it fails at it."""
    try:
        return ask()
    except Exception:
        return None


EDF = (".edf", ".rec", ".bdf")
# Reader -> what it reads; "-" in the table elsewhere.
READERS: dict[str, tuple[Callable[[Path, OddFile], Found], tuple[str, ...] | None]] = {
    "ours": (ours, None),
    "edfio": (by_edfio, EDF),
    "pyedflib": (by_pyedflib, EDF),
    "MNE": (by_mne, (*EDF, ".gdf")),
    "MNE include": (by_mne_include, (*EDF, ".gdf")),
    "wfdb": (by_wfdb, (".edf", ".rec", ".bdf", ".hea", ".atr")),
}


class _Heard(logging.Handler):
    """Counts warnings in the logs of a reader."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count one."""
        self.count += 1


def read_guarded(reader: str, path: Path, odd: OddFile) -> Found:
    """A reader's answer, its warnings and its exception; runs in a process of its own."""
    heard = _Heard(logging.WARNING)
    logging.getLogger().addHandler(heard)
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = READERS[reader][0](path, odd)
        told = any(not issubclass(w.category, DeprecationWarning | FutureWarning) for w in said) or heard.count > 0
        return found if reader == "ours" or not told else replace(found, warned=True)
    except Exception as error:
        return Found(error="no such lead" if isinstance(error, NotThere) else type(error).__name__)
    finally:
        logging.getLogger().removeHandler(heard)

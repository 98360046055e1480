"""Beat files: recordings without waveform, and beats that replace our own detection.

WFDB annotations, NSRR R-point tables, tables with a `time_s` column, RR-interval text. Time zero is sample 0
of the record (the first beat for RR intervals).
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from holter2sleep.errors import RecordingError
from holter2sleep.io.annotations import AAMI_CLASS, ANNOTATION_SUFFIXES, DETECTOR_SUFFIX, read_annotations
from holter2sleep.io.files import MAX_ELAPSED_S, READABLE, read_bytes, read_text, refusal, sha256_of
from holter2sleep.io.rr_text import read_rr_text
from holter2sleep.io.wfdb_header import DEFAULT_FS_HZ, read_wfdb_header
from holter2sleep.night import Beats, Float, Recording, Source, Subject

log = logging.getLogger(__name__)

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".ibi", ".parquet")
# NSRR R-point files, column Type; artefacts are kept, unusable, so that no interval spans them.
_NSRR_CLASS = {"0": "Q", "1": "N", "2": "V", "3": "S"}
_NO_CLASSES = "the file has no beat classes: every beat is taken as N"
_WORKS = "a table with a column time_s (and label), an NSRR R-point table, or RR intervals one a line"


@dataclass(frozen=True)
class BeatFile:
    """What a beat file says, before it becomes a recording."""

    beats: Beats
    format: str
    files: tuple[Path, ...]  # read, in order
    fs: float | None = None
    duration_s: float | None = None  # None: to the last beat
    start: datetime | None = None
    subject: Subject = field(default_factory=Subject)
    classified: bool = True  # False: no class in the file, or a detector's N for every beat
    warnings: tuple[str, ...] = ()


def read_beat_recording(path: Path, recording_id: str, rr_unit: str = "auto") -> Recording:
    """Recording without waveform from a beat file.

    Raises
    ------
    RecordingError
        Not a beat file, or one without a beat.
    """
    found = _read(path, None, rr_unit)
    last_s = float(found.beats.time_s[-1])
    warnings = found.warnings
    if found.duration_s is not None and last_s > found.duration_s:
        warnings += (
            f"beats up to {last_s:.1f} s, beyond the {found.duration_s:.1f} s of the header: the beats were trusted",
        )
    log.info("%s: %s, %d beats", recording_id, found.format, len(found.beats))
    return Recording(
        recording_id=recording_id,
        source=Source(path.name, found.format, sha256_of(found.files)),
        duration_s=max(found.duration_s or 0.0, last_s),
        fs=found.fs,
        start=found.start,
        subject=found.subject,
        given_beats=found.beats,
        beats_classified=found.classified,
        warnings=warnings,
    )


def read_beats(path: Path, fs: float | None = None, *, rr_unit: str = "auto") -> Beats:
    """Beats of a beat file, s from sample 0.

    Parameters
    ----------
    fs
        Ticks per second of a WFDB annotation file that neither says so itself nor has a header beside it.

    Raises
    ------
    RecordingError
        Not a beat file, or one without a beat.
    """
    found = _read(path, fs, rr_unit)
    for warning in found.warnings:
        log.warning("%s: %s", path.name, warning)
    return found.beats


def _read(path: Path, fs: float | None, rr_unit: str) -> BeatFile:
    suffix = path.suffix.lower()
    content = read_bytes(path)
    if content.startswith((b"ISHNE1.0", b"ANN  1.0")):
        raise refusal(path, "ISHNE is not read yet")
    if suffix in ANNOTATION_SUFFIXES:
        return _from_annotations(path, fs)
    if suffix == ".parquet" or content.startswith(b"PAR1"):
        return _from_table(path, _parquet(path, content))
    if suffix in TABLE_SUFFIXES:
        table = _text_table(path)
        return _from_table(path, table) if table is not None else _from_rr(path, rr_unit)
    raise refusal(path, f"suffix {path.suffix!r} is no beat file's")


# --- WFDB annotations ------------------------------------------------------------------------------


def _from_annotations(path: Path, fs: float | None) -> BeatFile:
    annotations = read_annotations(path)
    header_path = path.with_suffix(".hea")
    header = read_wfdb_header(header_path) if header_path.is_file() else None
    notes = list(header.warnings) if header else []
    ticks_hz = annotations.resolution_hz or (header.fs if header else fs)
    if ticks_hz is None:
        ticks_hz = DEFAULT_FS_HZ
        notes.append(f"no header {header_path.name} beside it: {ticks_hz:g} Hz assumed; times scale with it")
    classes = [AAMI_CLASS.get(symbol) for symbol in annotations.symbol]
    is_beat = np.array([name is not None for name in classes], bool)
    labels = [name for name in classes if name is not None]
    beats, cleaned = _clean(annotations.sample[is_beat] / ticks_hz, labels, path)
    classified = path.suffix.lower() != DETECTOR_SUFFIX or set(labels) != {"N"}
    notes += cleaned if classified else (*cleaned, _NO_CLASSES)
    return BeatFile(
        beats,
        f"WFDB annotations ({path.suffix.lower()[1:]})",
        (header_path, path) if header else (path,),
        header.fs if header else ticks_hz,
        header.n_samples / header.fs if header and header.n_samples else None,
        header.start if header else None,
        header.subject if header else Subject(),
        classified,
        tuple(notes),
    )


# --- tables ----------------------------------------------------------------------------------------


def _from_table(path: Path, table: pl.DataFrame) -> BeatFile:
    """Beats of a table with `time_s`, or of an NSRR R-point table with `seconds` and `Type`."""
    column = {name.strip().casefold(): table[name] for name in table.columns}
    if "time_s" in column:
        return _beat_table(path, column)
    if {"seconds", "type"} <= set(column):
        return _nsrr_points(path, column)
    raise refusal(path, f"a table with the columns {', '.join(table.columns)[:120]}", _WORKS)


def _nsrr_points(path: Path, column: dict[str, pl.Series]) -> BeatFile:
    """R points by the column `seconds`: the sample numbers assume 256 Hz whatever the rate."""
    types = [value.removesuffix(".0") for value in _words(column["type"])]
    usable = np.array([value != "0" for value in types], bool)
    labels = _classes(path, types, _NSRR_CLASS, "Type")
    beats, notes = _clean(_numbers(path, column["seconds"]), labels, path, usable)
    if not beats.usable.all():
        notes += (f"{(~beats.usable).sum()} artefacts among the R points: kept as unusable beats",)
    return BeatFile(beats, "NSRR R points", (path,), warnings=notes)


def _beat_table(path: Path, column: dict[str, pl.Series]) -> BeatFile:
    time_s = _numbers(path, column["time_s"])
    labelled = "label" in column
    labels = _classes(path, _words(column["label"]), AAMI_CLASS, "label") if labelled else ["N"] * len(time_s)
    usable = np.isin(_words(column["usable"]), ["true", "True", "1"]) if "usable" in column else None
    confidence = _numbers(path, column["confidence"], optional=True) if "confidence" in column else None
    beats, notes = _clean(time_s, labels, path, usable, confidence)
    notes = notes if labelled else (*notes, _NO_CLASSES)
    return BeatFile(beats, "beat table", (path,), classified=labelled, warnings=notes)


def _parquet(path: Path, content: bytes) -> pl.DataFrame:
    try:
        return pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise refusal(path, f"not a Parquet table ({str(error).splitlines()[0]})", _WORKS) from None


def _text_table(path: Path) -> pl.DataFrame | None:
    """A text whose first line names `time_s` or the NSRR columns, as a table of texts; None for any other text."""
    text = read_text(path, _WORKS)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = next((mark for mark in ("\t", ";", ",") if mark in first), ",")
    names = {name.strip().strip('"').casefold() for name in first.split(separator)}
    if "time_s" not in names and not {"seconds", "type"} <= names:
        return None
    try:
        return pl.read_csv(io.StringIO(text.lstrip()), separator=separator, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise refusal(path, f"the table is broken ({str(error).splitlines()[0]})", _WORKS) from None


def _words(column: pl.Series) -> list[str]:
    return [(value or "").strip() for value in column.cast(pl.String).to_list()]


def _numbers(path: Path, column: pl.Series, *, optional: bool = False) -> Float:
    """A column as float64; blank fields are NaN where the column is optional."""
    texts = column.cast(pl.String).str.strip_chars().str.replace(",", ".", literal=True)
    values = texts.cast(pl.Float64, strict=False).to_numpy()
    bad = ~np.isfinite(values) if not optional else np.zeros(len(values), bool)
    if bad.any():
        row = int(np.argmax(bad))
        raise refusal(path, f"row {row + 1} of column {column.name!r} holds {texts[row]!r}, no number", _WORKS)
    return values.astype(np.float64)


def _classes(path: Path, values: list[str], known: dict[str, str], column: str) -> list[str]:
    strange = sorted(set(values) - set(known))
    if strange:
        raise refusal(path, f"column {column} holds {strange[0]!r}", f"the values {' '.join(known)}")
    return [known[value] for value in values]


# --- RR intervals ----------------------------------------------------------------------------------


def _from_rr(path: Path, rr_unit: str) -> BeatFile:
    time_s, unit = read_rr_text(path, rr_unit)
    beats, notes = _clean(time_s, ["N"] * len(time_s), path)
    return BeatFile(beats, f"RR intervals ({unit})", (path,), classified=False, warnings=(*notes, _NO_CLASSES))


# --- order -----------------------------------------------------------------------------------------


def _clean(
    time_s: Float,
    labels: Iterable[str],
    path: Path,
    usable: NDArray[np.bool_] | None = None,
    confidence: Float | None = None,
) -> tuple[Beats, tuple[str, ...]]:
    """Beats in time order without doubles or times before the start, and what was cleaned."""
    n = len(time_s)
    if n == 0:
        raise refusal(path, "the file holds no beat", READABLE)
    whole = np.ones(n, bool) if usable is None else usable
    trust = np.full(n, np.nan) if confidence is None else confidence
    label = np.array(list(labels))
    order = np.argsort(time_s, kind="stable")
    sorted_s = time_s[order]
    keep = (sorted_s >= 0) & np.r_[True, np.diff(sorted_s) > 0]
    if sorted_s[-1] > MAX_ELAPSED_S:
        raise refusal(path, f"a beat at {sorted_s[-1] / 86400:.0f} days", "times within a month, in the stated unit")
    if not keep.any():
        raise RecordingError(f"{path.name}: all {n} beats lie before the start of the record")
    notes = []
    if (np.diff(time_s) < 0).any():
        notes.append("beats were not in time order: sorted")
    if not keep.all():
        notes.append(f"{n - keep.sum()} of {n} beats dropped: doubled, or before the start")
    order = order[keep]
    return Beats(time_s[order], label[order], trust[order].astype(np.float32), whole[order]), tuple(notes)

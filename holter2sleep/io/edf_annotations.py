r"""EDF+ annotations: the record clock, texts, lights.

A data record holds time-stamped annotation lists (TAL): `+onset [\x15 duration] \x14 text \x14 ... \x00`.
The first list of the first annotation signal keeps the record's time.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from holter2sleep.io.edf_header import SAMPLE_BYTES, EdfHeader, EdfSignal, read_edf_header
from holter2sleep.io.edf_samples import annotation_bytes
from holter2sleep.io.files import refusal
from holter2sleep.night import Float

Note = tuple[float, float | None, str]  # onset s from the first sample, duration s or None, text

_STAMP = re.compile(rb"([+-]\d+(?:[.,]\d*)?)(?:\x15(\d+(?:[.,]\d*)?)?)?\x14")
# Kemp 2003, 2.2.4: the first annotation of a record is empty and keeps its time; some writers leave the second 20 out.
_TIME_KEEPING = re.compile(_STAMP.pattern + rb"[\x14\x00]")
_STAMP_BYTES = 64  # a time-keeping stamp has 10 to 20
_MAX_BYTES = 1 << 28  # of all annotations; a night has some hundred kilobytes
_LIGHTS_OFF = re.compile(r"\blights?\W*(off|out)\b", re.IGNORECASE)
_LIGHTS_ON = re.compile(r"\blights?\W*on\b", re.IGNORECASE)


def read_edf_annotations(path: Path) -> list[Note]:
    """Every annotation text of an EDF+ or BDF+ file in time order: onset s, duration s or None, text.

    Onsets count from the first sample of the file. A file without annotations gives an empty list.

    Raises
    ------
    RecordingError
        The header cannot be read.
    """
    header = read_edf_header(path)
    check_annotations(path, header)
    first = record_onsets(path, header)
    zero_s = first[0] if len(first) and np.isfinite(first[0]) else 0.0
    contents = itertools.chain.from_iterable(annotation_bytes(path, header, signal) for signal in _annotations(header))
    notes = [(onset_s - zero_s, length_s, text) for content in contents for onset_s, length_s, text in _texts(content)]
    return sorted(notes, key=lambda note: note[0])


def check_annotations(path: Path, header: EdfHeader) -> None:
    """Whether the annotations of a file are as few as those of a recording.

    Raises
    ------
    RecordingError
        They would fill the memory.
    """
    n_bytes = header.n_records * SAMPLE_BYTES[header.kind] * sum(s.samples_per_record for s in _annotations(header))
    if n_bytes > _MAX_BYTES:
        raise refusal(path, f"{n_bytes >> 20} MB of annotations", "a file with the annotations of one recording")


def find_lights(annotations: Sequence[Note]) -> tuple[float | None, float | None]:
    """Lights-off and lights-on of the longest dark among the annotations, s; None where there is none.

    A dark that nobody ends counts to the last annotation. Lights-on alone ends a dark that began before the recording.

    Examples
    --------
    Light is often tried before the night, here at 5 s:

    >>> find_lights([(5.0, None, "Lights On"), (60.0, None, "Lights Off"), (25000.0, None, "LIGHTS ON")])
    (60.0, 25000.0)
    """
    off = [onset for onset, _, text in annotations if _LIGHTS_OFF.search(text)]
    on = sorted(onset for onset, _, text in annotations if _LIGHTS_ON.search(text))
    if not off:
        return None, max(on, default=None)
    last_s = max(onset for onset, _, _ in annotations)
    dark = [(off_s, next((on_s for on_s in on if on_s > off_s), None)) for off_s in off]
    return max(dark, key=lambda pair: (last_s if pair[1] is None else pair[1]) - pair[0])


def record_onsets(path: Path, header: EdfHeader) -> Float:
    """Onset of each data record by its time-keeping stamp, s; NaN without one. array (n_records,).

    A file whose reserved field forgets to say EDF+ keeps its clock there all the same.
    """
    signal = next(_annotations(header), None)
    if signal is None:
        return np.full(header.n_records, np.nan)
    stamps = (_TIME_KEEPING.match(content) for content in annotation_bytes(path, header, signal, _STAMP_BYTES))
    return np.fromiter((_seconds(stamp[1]) if stamp else np.nan for stamp in stamps), np.float64, header.n_records)


def _annotations(header: EdfHeader) -> Iterator[EdfSignal]:
    return (signal for signal in header.signals if signal.is_annotation and signal.samples_per_record)


def _texts(record: bytes) -> Iterator[Note]:
    for tal in re.split(rb"\0+", record):  # most of it is filled up with zeros
        stamp = _STAMP.match(tal)
        if stamp is None:
            continue
        duration = _seconds(stamp[2]) if stamp[2] else None
        for text in tal[stamp.end() :].split(b"\x14"):
            if text:
                yield _seconds(stamp[1]), duration, text.decode("utf-8", errors="replace").strip()


def _seconds(number: bytes) -> float:
    return float(number.replace(b",", b"."))

"""WFDB annotation files, and the AAMI class of each WFDB beat code.

Read here and not by the wfdb package: a long record's beats (100,000) take 10 ms instead of a second, the
package need not load pandas for it, and a file that is no annotation file is told from one.

References
----------
Moody, WFDB Applications Guide, annot(5). ANSI/AAMI EC57: classes N, S, V, F, Q.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.errors import RecordingError
from holter2sleep.io.files import is_file, read_bytes, refusal
from holter2sleep.io.wfdb_header import DEFAULT_FS_HZ, WfdbHeader, read_wfdb_header
from holter2sleep.night import Text

REFERENCE_SUFFIXES = (".atr", ".ecg", ".ari")  # beats with classes: reference, slpdb and nsr beats, sddb machine beats
ANNOTATION_SUFFIXES = (*REFERENCE_SUFFIXES, ".qrs")  # detectors call every beat N; others need a header beside them
PULSE_SUFFIXES = (".wabp",)

# Codes 1-41 of ecgcodes.h, in order; 15 and 17 are not in use.
_SYMBOLS = ' NLRaVFJASEj/Q~ | sT*D"=pB^t+u?![]en@xf()r'
ANNOTATION_CODE = {symbol: code for code, symbol in enumerate(_SYMBOLS) if symbol != " "}
# EC57 practice, as used on the MIT-BIH database; what is not here is no beat.
AAMI_CLASS = {
    **dict.fromkeys("NLRBejn", "N"),
    **dict.fromkeys("AaJS", "S"),
    **dict.fromkeys("VEr", "V"),
    "F": "F",
    **dict.fromkeys("/fQ?", "Q"),
}
ARTEFACT, QUALITY_CHANGE = "|", "~"  # looks like a beat and is none; noise begins, changes or ends
UNREADABLE = -1  # subtype of a change of quality: no signal can be read from here on, as the MIT-BIH records have it
_SKIP, _SUB, _AUX = 59, 61, 63
_LAST_CODE, _FIRST_PSEUDO_CODE = 49, 59  # 42-49 are free for users, 50-58 do not exist


@dataclass(frozen=True)
class Annotations:
    """Annotations in file order."""

    sample: NDArray[np.int64]  # (n_annotations,), ticks from sample 0 of the record; `clock_hz` of them are a second
    symbol: Text  # (n_annotations,), WFDB code, one character
    subtype: NDArray[np.int8]  # (n_annotations,); of a change of quality: bits of the signals, UNREADABLE, or 0
    text: tuple[str, ...]  # (n_annotations,), the note that follows; empty without one
    resolution_hz: float | None  # ticks per second, where the file states its own clock


def read_annotations(path: Path) -> Annotations:
    """Content of a WFDB annotation file (MIT format).

    Raises
    ------
    RecordingError
        Empty, or not an annotation file.
    """
    content = read_bytes(path)
    words = np.frombuffer(content, "<u2", count=len(content) // 2)
    code, low = (words >> 10).astype(np.int64), (words & 0x3FF).astype(np.int64)
    is_data, end, texts = _data_words(words, code, low)
    shown = np.flatnonzero(~is_data[:end])
    if end == len(words):
        raise refusal(path, "no end mark: a text, or an annotation file that was cut", "the complete annotation file")
    if len(shown) == 0 or np.isin(code[shown], np.arange(_LAST_CODE + 1, _FIRST_PSEUDO_CODE)).any():
        raise refusal(path, "not a WFDB annotation file", "an annotation file as PhysioNet has them")
    step = np.where(code <= _LAST_CODE, low, 0)
    for at in shown[code[shown] == _SKIP]:
        if at + 2 < len(words):
            step[at] = np.array((int(words[at + 1]) << 16) | int(words[at + 2]), np.uint32).astype(np.int32)
    time = np.cumsum(step[shown])
    is_annotation = code[shown] <= _LAST_CODE
    at = shown[is_annotation]
    subtype = _subtypes(at, shown[code[shown] == _SUB], low)
    return _annotations(at, time[is_annotation], code[at], subtype, texts)


def header_beside(path: Path) -> WfdbHeader | None:
    """Header of the record that an annotation file belongs to; None where there is none beside it."""
    header_path = path.with_suffix(".hea")
    return read_wfdb_header(header_path) if is_file(header_path) else None


def is_annotation_beside_header(path: Path) -> bool:
    """Whether a file of any suffix (`.wqrs`, `.gqrs`, `.man`) holds annotations of the record whose header lies beside.

    A signal file of that record holds none, whatever its bytes.
    """
    if path.suffix.lower() == ".hea" or not is_file(path.with_suffix(".hea")):
        return False
    try:
        header = header_beside(path)
        read_annotations(path)
    except RecordingError:
        return False
    return header is not None and path.name not in {signal.file for signal in header.signals}


def clock_hz(path: Path, annotations: Annotations, fs: float | None = None) -> tuple[float, tuple[str, ...]]:
    """Ticks per second of an annotation file, and a warning where they had to be assumed.

    Its own statement goes before the header beside it, that before `fs`, that before the default of WFDB.
    """
    header = header_beside(path)
    ticks_hz = annotations.resolution_hz or (header.fs if header else fs)
    if ticks_hz is not None:
        return ticks_hz, ()
    note = f"no header {path.stem}.hea beside it: {DEFAULT_FS_HZ:g} Hz assumed; times scale with it"
    return DEFAULT_FS_HZ, (note,)


def _data_words(
    words: NDArray[np.uint16], code: NDArray[np.int64], low: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], int, dict[int, str]]:
    """Words that are operands of SKIP and AUX, the end of the annotations, and the AUX texts by word."""
    is_data = np.zeros(len(words), bool)
    texts: dict[int, str] = {}
    reached = 0
    for at in np.flatnonzero((code == _SKIP) | (code == _AUX) | (words == 0)).tolist():
        if at < reached:
            continue
        if words[at] == 0:
            return is_data, at, texts
        n_words = 2 if code[at] == _SKIP else (int(low[at]) + 1) // 2
        reached = at + 1 + n_words
        is_data[at + 1 : reached] = True
        if code[at] == _AUX:
            raw = words[at + 1 : reached].tobytes()[: low[at]]
            texts[at] = raw.rstrip(b"\0").decode("utf-8", errors="replace")
    return is_data, len(words), texts


def _subtypes(at: NDArray[np.int64], told_at: NDArray[np.int64], low: NDArray[np.int64]) -> NDArray[np.int8]:
    """Subtype of each annotation: that of the SUB word behind it, of which the lower byte counts, else 0."""
    subtype = np.zeros(len(at), np.int8)
    owner = np.searchsorted(at, told_at) - 1
    subtype[owner[owner >= 0]] = (low[told_at] & 0xFF).astype(np.uint8).view(np.int8)[owner >= 0]
    return subtype


def _annotations(
    at: NDArray[np.int64],
    sample: NDArray[np.int64],
    code: NDArray[np.int64],
    subtype: NDArray[np.int8],
    texts: dict[int, str],
) -> Annotations:
    """Annotations with the text that follows each; the notes that define the file are taken out."""
    text = [""] * len(at)
    for word, note in texts.items():
        owner = int(np.searchsorted(at, word)) - 1
        if owner >= 0:
            text[owner] = note
    stated = [found for note in text if (found := re.match(r"## time resolution: ([\d.]+)", note))]
    keep = np.array([not note.startswith("## ") for note in text], bool)
    symbol = np.array([*_SYMBOLS.ljust(_LAST_CODE + 1)])[code]
    kept_text = tuple(note for note, kept in zip(text, keep, strict=True) if kept)
    return Annotations(sample[keep], symbol[keep], subtype[keep], kept_text, float(stated[0][1]) if stated else None)

"""ISHNE annotation files (`.ann` with their magic): beats by label and distance.

References
----------
THEW, The ISHNE annotation file format: header as of the recording, position of the first beat, then four bytes a
beat (label, the writer's own label, samples since the beat before).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.counted import counted
from holter2sleep.io.files import refusal
from holter2sleep.io.ishne import IshneHeader, read_ishne_header
from holter2sleep.night import Bool, Text

ANN_MAGIC = b"ANN  1.0"
ARTEFACT_LABEL = "X"
# Bundle branch block is N and a paced beat Q in AAMI EC57; what looked like a beat and is an artefact is kept,
# unusable, so that no interval spans it. Calibration pulses are no beats.
_AAMI = {"N": "N", "B": "N", "S": "S", "V": "V", "P": "Q", "U": "Q", ARTEFACT_LABEL: "Q"}
_CALIBRATION, _TIMEOUT = "C", "!"
_RECORD = np.dtype([("label", "S1"), ("internal", "S1"), ("distance", "<u2")])
_WORKS = "the complete ISHNE annotation file"


@dataclass(frozen=True)
class IshneBeats:
    """Beats of an annotation file, in its order."""

    header: IshneHeader
    sample: NDArray[np.int64]  # (n_beats,)
    label: list[str]  # (n_beats,), AAMI class
    is_artefact: Bool  # (n_beats,)
    timeouts: NDArray[np.int64]  # (n_timeouts,), samples: the distance to the next beat did not fit its field
    notes: tuple[str, ...]


def read_ishne_beats(path: Path) -> IshneBeats:
    """Beats of an ISHNE annotation file; the beat at the first position, which has no label, is Q.

    Raises
    ------
    RecordingError
        Cut or broken header, or no beat.
    """
    header = read_ishne_header(path)
    with path.open("rb") as file:
        file.seek(header.data_offset)
        body = file.read()
    if len(body) < 4 + _RECORD.itemsize:
        raise refusal(path, "the file holds no beat", _WORKS)
    first = int(np.frombuffer(body, "<i4", 1)[0])
    records = np.frombuffer(body, _RECORD, (len(body) - 4) // _RECORD.itemsize, 4)
    symbol = np.char.decode(records["label"], "latin-1")
    sample = first + np.cumsum(records["distance"].astype(np.int64))
    is_timeout = symbol == _TIMEOUT
    is_beat = ~is_timeout & (symbol != _CALIBRATION)
    unlabelled = [first] if len(records) and records["distance"][0] > 0 else []
    labels = ["Q"] * len(unlabelled) + [_AAMI.get(letter, "Q") for letter in symbol[is_beat]]
    artefact = np.r_[np.zeros(len(unlabelled), bool), symbol[is_beat] == ARTEFACT_LABEL]
    times = np.r_[np.array(unlabelled, np.int64), sample[is_beat]]
    return IshneBeats(header, times, labels, artefact, sample[is_timeout], _notes(body, symbol, is_timeout, is_beat))


def _notes(body: bytes, symbol: Text, is_timeout: Bool, is_beat: Bool) -> tuple[str, ...]:
    notes = []
    strange = sorted(set(symbol[is_beat].tolist()) - set(_AAMI))
    if strange:
        n_strange = int(np.isin(symbol, strange).sum())
        notes.append(
            f"{counted(n_strange, 'beat')} with labels that ISHNE does not have ({strange[0]!r}, ...): taken as Q"
        )
    if is_timeout.any():
        notes.append(f"{is_timeout.sum()} time-outs: times behind the first rest on the distances written with them")
    if (len(body) - 4) % _RECORD.itemsize:
        notes.append("the file ends within a beat")
    return tuple(notes)

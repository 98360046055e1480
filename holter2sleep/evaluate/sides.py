"""What one side of a comparison says of a record: its beats, fibrillation, and when it could not read the signal."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from holter2sleep.evaluate.protocol import STANDARD, Protocol
from holter2sleep.evaluate.rhythms import ATRIAL_FIBRILLATION, VENTRICULAR_FIBRILLATION, read_rhythm_spans
from holter2sleep.evaluate.shutdowns import read_shutdowns
from holter2sleep.io.beatfiles import is_annotation_file, read_beats
from holter2sleep.night import Beats
from holter2sleep.spans import EMPTY, Spans


@dataclass(frozen=True)
class Side:
    """The reference, or the test."""

    beats: Beats
    ventricular_fibrillation: Spans = field(default_factory=lambda: EMPTY)  # flutter too
    atrial_fibrillation: Spans = field(default_factory=lambda: EMPTY)  # flutter too
    shutdown: Spans = field(default_factory=lambda: EMPTY)


def read_side(path: Path, protocol: Protocol = STANDARD, fs: float | None = None) -> Side:
    """A beat file; only WFDB annotations say more than the beats.

    Raises
    ------
    RecordingError
        Not a beat file, or one without a beat.
    """
    beats = read_beats(path, fs)
    if not is_annotation_file(path):
        return Side(beats)
    return Side(
        beats,
        read_rhythm_spans(path, VENTRICULAR_FIBRILLATION),
        read_rhythm_spans(path, ATRIAL_FIBRILLATION),
        read_shutdowns(path, protocol),
    )

"""Time that a reference, or a night, gives to a rhythm."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from holter2sleep.errors import RecordingError
from holter2sleep.io.annotations import Annotations, clock_hz, read_annotations
from holter2sleep.spans import Spans, as_spans

log = logging.getLogger(__name__)

TABLE_SUFFIXES = (".parquet", ".csv")
VENTRICULAR_FLUTTER = "VFL"  # WFDB rhythm code; also what lies between the marks [ and ]
VENTRICULAR_FIBRILLATION = (VENTRICULAR_FLUTTER, "VFIB", "VF")  # the field scores both as one
ATRIAL_FLUTTER = "AFL"
ATRIAL_FIBRILLATION = ("AFIB", ATRIAL_FLUTTER)
GROUPS = {"AF": ATRIAL_FIBRILLATION, "VF": VENTRICULAR_FIBRILLATION}  # names that stand for several codes


def read_rhythm_spans(path: Path, kinds: Sequence[str]) -> Spans:
    """Time spent in any of the rhythms: from WFDB rhythm notes, or a table with `start_s, end_s, kind`.

    Raises
    ------
    RecordingError
        Not a WFDB annotation file, or a table that lacks a column.
    """
    if path.suffix in TABLE_SUFFIXES:
        return _table_spans(path, kinds)
    annotations = read_annotations(path)
    ticks_hz, notes = clock_hz(path, annotations)
    for note in notes:
        log.warning("%s: %s", path.name, note)
    found = [(start, end) for kind, start, end in _stretches(annotations) if kind in kinds]
    return as_spans([(start / ticks_hz, end / ticks_hz) for start, end in found])


def rhythm_codes(kinds: Sequence[str]) -> tuple[str, ...]:
    """The codes that some names stand for.

    Examples
    --------
    >>> rhythm_codes(["AF", "SVTA"])
    ('AFIB', 'AFL', 'SVTA')
    """
    return tuple(dict.fromkeys(code for kind in kinds for code in GROUPS.get(kind, (kind,))))


def _table_spans(path: Path, kinds: Sequence[str]) -> Spans:
    table = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path)
    needed = ["start_s", "end_s", "kind"]
    if not set(needed) <= set(table.columns):
        raise RecordingError(f"{path}: columns {', '.join(table.columns)}; a table of episodes has {', '.join(needed)}")
    return as_spans(table.filter(pl.col("kind").is_in(kinds)).select("start_s", "end_s").to_numpy())


def _stretches(annotations: Annotations) -> Iterator[tuple[str, int, int]]:
    """Kind, first and last sample: a rhythm note holds until the next, or to the last annotation."""
    notes = [
        (int(sample), text[1:].strip())
        for sample, symbol, text in zip(annotations.sample, annotations.symbol, annotations.text, strict=True)
        if symbol == "+" and text.startswith("(")
    ]
    end = int(annotations.sample[-1]) if len(annotations.sample) else 0
    for (start, kind), (until, _) in itertools.pairwise([*notes, (end, "")]):
        yield kind, start, until
    opened: int | None = None
    for sample, symbol in zip(annotations.sample, annotations.symbol, strict=True):
        if symbol == "[":
            opened = int(sample)
        elif symbol == "]" and opened is not None:
            yield VENTRICULAR_FLUTTER, opened, int(sample)
            opened = None
    if opened is not None:
        yield VENTRICULAR_FLUTTER, opened, end

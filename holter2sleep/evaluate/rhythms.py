"""Time that a reference, or a night, gives to a rhythm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from holter2sleep.errors import RecordingError
from holter2sleep.io.annotations import Annotations, read_annotations
from holter2sleep.io.wfdb_header import read_wfdb_header
from holter2sleep.spans import Spans, as_spans

TABLE_SUFFIXES = (".parquet", ".csv")
VENTRICULAR_FLUTTER = "VFL"  # WFDB rhythm code; also what lies between the marks [ and ]


def read_rhythm_spans(path: Path, kinds: Sequence[str]) -> Spans:
    """Time spent in any of the rhythms: from WFDB rhythm notes, or a table with `start_s, end_s, kind`.

    Raises
    ------
    RecordingError
        The table lacks a column, or the header of an annotation file is missing.
    """
    if path.suffix in TABLE_SUFFIXES:
        return _table_spans(path, kinds)
    annotations = read_annotations(path)
    header_path = path.with_suffix(".hea")
    if annotations.resolution_hz:
        clock_hz = annotations.resolution_hz
    elif header_path.is_file():
        clock_hz = read_wfdb_header(header_path).fs
    else:
        raise RecordingError(f"{path}: needs {header_path.name} beside it, for the sampling rate")
    found = [(start, end) for kind, start, end in _stretches(annotations) if kind in kinds]
    return as_spans([(start / clock_hz, end / clock_hz) for start, end in found])


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
    for (start, kind), (until, _) in zip(notes, [*notes[1:], (end, "")], strict=True):
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

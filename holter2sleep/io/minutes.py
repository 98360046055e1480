"""Respiratory labels a minute: WFDB `.apn` annotations, or a table of minutes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from holter2sleep.io.annotations import clock_hz, read_annotations
from holter2sleep.io.files import read_text, refusal
from holter2sleep.io.tables import Columns, numbers, text_columns, words
from holter2sleep.night import Bool, Float

TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
MINUTE_S = 60.0
_LABELS = {"A": True, "N": False, "1": True, "0": False}
_WORKS = "WFDB annotations A and N, one a minute (.apn), or a table with columns onset_s or minute, and label (A, N)"


def read_minutes(path: Path) -> tuple[Float, Bool]:
    """Onset of each labelled minute (s from sample 0) and whether it holds an apnoea or hypopnoea; each (n_minutes,).

    Raises
    ------
    UsageError
        No such file.
    RecordingError
        Neither of the two forms, or no label in it.
    """
    is_table = path.suffix.lower() in TABLE_SUFFIXES
    onset_s, labels = _of_table(path) if is_table else _of_annotations(path)
    if not labels:
        raise refusal(path, "no label A or N", _WORKS)
    if not np.isfinite(onset_s).all():
        raise refusal(path, "a minute without its time", _WORKS)
    unknown = sorted({label for label in labels if label not in _LABELS})
    if unknown:
        raise refusal(path, f"labels {', '.join(unknown)}", _WORKS)
    return onset_s, np.array([_LABELS[label] for label in labels])


def _of_annotations(path: Path) -> tuple[Float, list[str]]:
    found = read_annotations(path)
    is_label = np.isin(found.symbol, ["A", "N"])
    ticks_hz, _ = clock_hz(path, found)
    return found.sample[is_label] / ticks_hz, found.symbol[is_label].tolist()


def _of_table(path: Path) -> tuple[Float, list[str]]:
    columns = text_columns(path, read_text(path, _WORKS), [{"label", "onset_s"}, {"label", "minute"}], _WORKS)
    if columns is None:
        raise refusal(path, "no columns onset_s or minute, and label", _WORKS)
    return _onset_s(columns), [label.upper() for label in words(columns["label"])]


def _onset_s(columns: Columns) -> Float:
    if "onset_s" in columns:
        return numbers(columns["onset_s"])
    return MINUTE_S * numbers(columns["minute"])

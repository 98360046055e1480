"""MIT-BIH records as training material: which may be trained on, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.errors import UsageError
from holter2sleep.evaluate.rhythms import VENTRICULAR_FLUTTER, read_rhythm_spans
from holter2sleep.io.beatfiles import read_beats
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.wfdb import read_wfdb
from holter2sleep.io.wfdb_header import read_wfdb_header
from holter2sleep.night import Beats
from holter2sleep.spans import Spans

# de Chazal 2004 (IEEE Trans Biomed Eng 51:1196): fitted on DS1 only; DS2 is for the figures that are reported
DS1 = tuple("101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230".split())
DS2 = tuple("100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234".split())


@dataclass(frozen=True)
class Annotated:
    """A record of two leads with its reference beats."""

    name: str
    fs: float
    leads: NDArray[np.float32]  # (n_leads, n_samples), mV
    beats: Beats
    flutter: Spans  # ventricular flutter: no beats to be told there


def read_annotated(header: Path) -> Annotated:
    """A record with its `.atr`, both leads; samples that are missing are 0."""
    names = [signal.label for signal in read_wfdb_header(header).signals]
    leads = [read_wfdb(header, header.stem, ReadOptions(channel=name)) for name in names]
    beats = read_beats(header.with_suffix(".atr"), leads[0].fs)
    flutter = read_rhythm_spans(header.with_suffix(".atr"), [VENTRICULAR_FLUTTER])
    samples = np.stack([np.nan_to_num(np.asarray(lead.ecg)) for lead in leads])
    return Annotated(header.stem, float(leads[0].fs or 0), samples, beats, flutter)


def read_set(folder: Path, names: tuple[str, ...]) -> list[Annotated]:
    """The records of a set that the folder has.

    Raises
    ------
    UsageError
        It has none.
    """
    headers = [folder / f"{name}.hea" for name in names]
    found = [read_annotated(header) for header in headers if header.exists()]
    if not found:
        raise UsageError(f"{folder}: no record of {', '.join(names[:3])}, ...; give the folder of the MIT-BIH database")
    return found

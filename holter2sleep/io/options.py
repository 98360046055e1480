"""How the user wants a file read, where the file itself does not decide."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadOptions:
    """The same for every format; a reader uses what concerns it."""

    channel: str | None = None  # label of the ECG channel; found when not given
    rr_unit: str = "auto"  # of RR-interval text: auto, s or ms
    fs: float | None = None  # Hz, of formats that have no header: CSV, Parquet, HDF5
    unit: str | None = None  # of the samples, in place of the file's: V, mV, uV, nV
    zone: str | None = None  # IANA name of the time zone, for times on the wall in tables
    labels: tuple[str, ...] = ()  # labels of the ECG in a known archive, best first

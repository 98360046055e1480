"""EDF and BDF files byte by byte, with any oddity: readers must not be tested with their own writers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SAMPLE_BYTES = {"EDF": 2, "BDF": 3}
ANNOTATION_BYTES = 60  # a multiple of 2 and 3


@dataclass
class Signal:
    """One signal: digital samples of the whole file and its header fields as text."""

    label: str
    digital: NDArray[np.int64]  # (n_records * samples_per_record,)
    samples_per_record: int
    unit: str = "mV"
    physical: tuple[str, str] = ("-5", "5")
    digital_range: tuple[str, str] = ("-32768", "32767")


@dataclass
class EdfFile:
    """A whole file; every header field may be replaced by `fields`."""

    signals: Sequence[Signal]
    n_records: int
    record_s: str = "1"
    kind: str = "EDF"
    reserved: str = ""
    onsets: Sequence[str] | None = None  # time-keeping stamp of each record; None: no annotation signal
    notes: dict[int, str] = field(default_factory=dict)  # record -> further TALs
    fields: dict[str, str | bytes] = field(default_factory=dict)

    def tobytes(self) -> bytes:
        return self.header() + b"".join(self.record(i) for i in range(self.n_records))

    def header(self) -> bytes:
        width = SAMPLE_BYTES[self.kind]
        signals = list(self.signals)
        if self.onsets is not None:
            empty = np.empty(0, np.int64)
            full = ("-32768", "32767") if width == 2 else ("-8388608", "8388607")
            stamp = Signal(f"{self.kind} Annotations", empty, ANNOTATION_BYTES // width, "", ("-1", "1"), full)
            signals.append(stamp)
        fields: dict[str, str | bytes] = {
            "version": "0" if self.kind == "EDF" else b"\xffBIOSEMI",
            "patient": "X X X X",
            "recording": "Startdate X X X X",
            "date": "02.03.20",
            "time": "22.30.00",
            "header_bytes": str(256 * (1 + len(signals))),
            "reserved": self.reserved,
            "n_records": str(self.n_records),
            "record_s": self.record_s,
            "n_signals": str(len(signals)),
        }
        fields |= self.fields
        widths = (8, 80, 80, 8, 8, 8, 44, 8, 8, 4)
        fixed = b"".join(_field(fields[name], size) for name, size in zip(fields, widths, strict=True))
        columns = [
            ([s.label for s in signals], 16),
            ([""] * len(signals), 80),
            ([s.unit for s in signals], 8),
            ([s.physical[0] for s in signals], 8),
            ([s.physical[1] for s in signals], 8),
            ([s.digital_range[0] for s in signals], 8),
            ([s.digital_range[1] for s in signals], 8),
            ([""] * len(signals), 80),
            ([str(s.samples_per_record) for s in signals], 8),
            ([""] * len(signals), 32),
        ]
        return fixed + b"".join(_field(text, size) for texts, size in columns for text in texts)

    def record(self, i: int) -> bytes:
        parts = [
            self._samples(s.digital[i * s.samples_per_record : (i + 1) * s.samples_per_record]) for s in self.signals
        ]
        if self.onsets is not None:
            tal = f"{self.onsets[i]}\x14\x14\x00{self.notes.get(i, '')}".encode()
            assert len(tal) <= ANNOTATION_BYTES
            parts.append(tal.ljust(ANNOTATION_BYTES, b"\0"))
        return b"".join(parts)

    def _samples(self, digital: NDArray[np.int64]) -> bytes:
        if self.kind == "EDF":
            return digital.astype("<i2").tobytes()
        return digital.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def _field(text: str | bytes, size: int) -> bytes:
    raw = text if isinstance(text, bytes) else text.encode("latin-1")
    return raw[:size].ljust(size)


FS_HZ = 256
N_RECORDS = 20


def ecg_digital(n_samples: int, seed: int = 0) -> NDArray[np.int64]:
    """Digital samples that differ from one another, so that a shift by one is seen."""
    return np.random.default_rng(seed).integers(-32768, 32768, n_samples)


def plain(**changes: object) -> EdfFile:
    """20 records of 1 s: ECG at 256 Hz in mV (-5 to 5) and SpO2 at 1 Hz."""
    ecg = Signal("ECG", ecg_digital(FS_HZ * N_RECORDS), FS_HZ)
    spo2 = Signal("SpO2", np.full(N_RECORDS, 97), 1, "%", ("0", "100"))
    return EdfFile([ecg, spo2], N_RECORDS, **changes)  # type: ignore[arg-type]


def millivolt(file: EdfFile, low: float = -5.0, high: float = 5.0) -> NDArray[np.float64]:
    """The ECG of `plain` by the EDF formula."""
    return (file.signals[0].digital + 32768) * (high - low) / 65535 + low

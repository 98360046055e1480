"""Bytes of an EDF+ or BDF+ file: header fields, and the signal that holds times and annotations.

References
----------
Kemp B, Olivan J. European data format 'plus' (EDF+), an EDF alike standard format for the exchange of physiological
data. Clin Neurophysiol 2003;114:1755-1761.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from holter2sleep.io.edf_header import SAMPLE_BYTES

Annotation = tuple[float, float | None, str]  # onset s, duration s or None, text

DIGITAL_RANGE = {"EDF": (-32_768, 32_767), "BDF": (-8_388_608, 8_388_607)}
_VERSION = {"EDF": b"0       ", "BDF": b"\xffBIOSEMI"}
_SIGNAL_WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)  # of the fields of `SignalFields`, in order


@dataclass(frozen=True)
class SignalFields:
    """Header fields of one signal, as text, in the order of the file."""

    label: str
    transducer: str
    unit: str
    physical_min: str
    physical_max: str
    digital_min: str
    digital_max: str
    prefilter: str
    samples_per_record: str
    reserved: str = ""


@dataclass(frozen=True)
class HeaderFields:
    """Header of a whole file; `dialect` is EDF+C, EDF+D, BDF+C or BDF+D."""

    dialect: str
    patient: str
    recording: str
    date: str  # dd.mm.yy
    time: str  # hh.mm.ss
    n_records: int
    record_s: str
    signals: tuple[SignalFields, ...]

    def tobytes(self) -> bytes:
        """The header as it stands in the file; what is no ASCII becomes `?`, what is too long is cut."""
        n = len(self.signals)
        fixed = [
            (self.patient, 80),
            (self.recording, 80),
            (self.date, 8),
            (self.time, 8),
            (256 * (n + 1), 8),
            (self.dialect, 44),
            (self.n_records, 8),
            (self.record_s, 8),
            (n, 4),
        ]
        columns = zip(fields(SignalFields), _SIGNAL_WIDTHS, strict=True)
        parts = [(getattr(signal, column.name), width) for column, width in columns for signal in self.signals]
        return _VERSION[self.dialect[:3]] + ascii_fields([*fixed, *parts])


def ascii_fields(values: Iterable[tuple[object, int]]) -> bytes:
    """Values in fields of the given width, left-justified."""
    return b"".join(str(value).encode("ascii", "replace")[:width].ljust(width) for value, width in values)


def time_text(seconds: float) -> bytes:
    """Seconds as a time stamp has them, to the microsecond."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".").encode("ascii")


def encoded(annotations: Iterable[Annotation], offset_s: float) -> list[bytes]:
    r"""Time-stamped annotation lists in time order, one an annotation; `offset_s` is what the first record's stamp is.

    Examples
    --------
    >>> encoded([(1.0, 30.0, "Sleep stage W")], 0.25)
    [b'+1.25\x1530\x14Sleep stage W\x14\x00']
    """
    ordered = sorted(annotations, key=lambda annotation: annotation[0])
    return [
        signed(time_text(onset_s + offset_s))
        + (b"\x15" + time_text(duration_s) if duration_s is not None else b"")
        + b"\x14"
        + text.encode()
        + b"\x14\x00"
        for onset_s, duration_s, text in ordered
    ]


def signed(number: bytes) -> bytes:
    """A time stamp begins with its sign."""
    return number if number.startswith(b"-") else b"+" + number


@dataclass(frozen=True)
class AnnotationSignal:
    """The annotation signal: in each data record its time, then a share of the notes.

    The notes are dealt evenly and in order, because all records must be as long as the longest.
    """

    kind: str  # EDF or BDF
    n_records: int
    stamp: Callable[[int], bytes]  # data record -> its time, such as b"+12.5"
    notes: Sequence[bytes]

    @cached_property
    def n_bytes(self) -> int:
        """Bytes in each data record."""
        longest = max(map(len, self._lists(0, self.n_records)))
        return longest + -longest % SAMPLE_BYTES[self.kind]

    @property
    def fields(self) -> SignalFields:
        """Its header fields."""
        low, high = DIGITAL_RANGE[self.kind]
        n_samples = self.n_bytes // SAMPLE_BYTES[self.kind]
        return SignalFields(f"{self.kind} Annotations", "", "", "-1", "1", str(low), str(high), "", str(n_samples))

    def rows(self, first: int, last: int) -> NDArray[np.uint8]:
        """Bytes of the data records from `first` to before `last`. array (last - first, n_bytes)."""
        joined = b"".join(one.ljust(self.n_bytes, b"\x00") for one in self._lists(first, last))
        return np.frombuffer(joined, np.uint8).reshape(last - first, self.n_bytes)

    def _lists(self, first: int, last: int) -> Iterator[bytes]:
        n = len(self.notes)
        for i in range(first, last):
            share = self.notes[-(-i * n // self.n_records) : -(-(i + 1) * n // self.n_records)] if n else ()
            yield self.stamp(i) + b"\x14\x14\x00" + b"".join(share)

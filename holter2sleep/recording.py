"""The nouns of what was recorded: whose it is, the file, the lead, the beats. Part of the page `night.py`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from holter2sleep.arrays import Bool, Float, Text, frozen_array
from holter2sleep.clock import Clock
from holter2sleep.spans import Spans, as_spans
from holter2sleep.waveform import Waveform

Sex = Literal["F", "M"]


@dataclass(frozen=True)
class Subject:
    """What the header or the user says of the person; None is unknown."""

    age_years: float | None = None
    sex: Sex | None = None


@dataclass(frozen=True)
class Source:
    """Where a recording came from: file name (never a folder), dialect, content hash, unit in the file."""

    file: str
    format: str
    sha256: str
    unit: str | None = None
    scale_to_mv: float | None = None
    proposed_scale_to_mv: float | None = None  # what would make the R waves plausible; never applied unasked
    relative_scale: bool = False  # nobody says what a count is: amplitudes can be compared, and are no millivolts


@dataclass(frozen=True)
class BeatsSource:
    """Where the beats of a waveform came from, when they were given: file name (never a folder), dialect, hash."""

    file: str
    format: str
    sha256: str
    classified: bool  # False: the file has no classes, they are found from the waveform


BEAT_COLUMNS = {
    "time_s": np.float64,
    "label": "<U1",
    "confidence": np.float32,
    "usable": bool,
    "amplitude_mv": np.float32,
    "chance_s": np.float32,
    "chance_v": np.float32,
    "chance_qrs": np.float32,
}
_MAY_BE_UNKNOWN = ("amplitude_mv", "chance_s", "chance_v", "chance_qrs")


@dataclass(frozen=True)
class Beats:
    """Heart beats in time order.

    Assumes `time_s` strictly increasing. `label` is the AAMI class N S V F Q. `usable` is False where the
    signal around the beat cannot be trusted: such a beat is shown, and enters no number.
    """

    time_s: Float  # (n_beats,)
    label: Text  # (n_beats,), N S V F Q
    confidence: NDArray[np.float32]  # (n_beats,), 0-1, of the label; NaN where unknown
    usable: Bool  # (n_beats,)
    amplitude_mv: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))  # NaN where unknown
    chance_s: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))  # of being S; likewise
    chance_v: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))  # of being V; likewise
    chance_qrs: NDArray[np.float32] = field(
        default_factory=lambda: np.empty(0, np.float32)
    )  # of being a beat; likewise

    def __post_init__(self) -> None:
        n = len(self.time_s)
        for name in _MAY_BE_UNKNOWN:
            if len(getattr(self, name)) == 0:
                object.__setattr__(self, name, np.full(n, np.nan))
        for name, dtype in BEAT_COLUMNS.items():
            array = frozen_array(getattr(self, name), dtype)
            if array.shape != (n,):
                raise ValueError(f"Beats.{name} has shape {array.shape}, expected ({n},)")
            object.__setattr__(self, name, array)
        if n and not (np.diff(self.time_s) > 0).all():
            raise ValueError("Beats.time_s must increase strictly")

    @classmethod
    def at(cls, time_s: ArrayLike, label: ArrayLike | str = "N") -> Self:
        """Beats at the given times, all usable, with unknown confidence."""
        times = np.asarray(time_s, dtype=np.float64)
        n = len(times)
        labels = np.full(n, label) if isinstance(label, str) else np.asarray(label)
        return cls(times, labels, np.full(n, np.nan, np.float32), np.ones(n, bool))

    def __len__(self) -> int:
        return len(self.time_s)

    @cached_property
    def rr_s(self) -> Float:
        """Interval from the beat before, s, to the microsecond; NaN for the first. array (n_beats,).

        Rounded, so that an interval of exactly a limit is not decided by the last bit of two large times.
        """
        return frozen_array(np.round(np.diff(self.time_s, prepend=np.nan), 6), np.float64)

    def where(self, mask: Bool | slice) -> Beats:
        """The beats for which `mask` is true."""
        return Beats(*(getattr(self, name)[mask] for name in BEAT_COLUMNS))

    def but(self, **changes: Any) -> Beats:
        """The same beats with some columns replaced."""
        return dataclasses.replace(self, **changes)


@dataclass(frozen=True)
class Recording:
    """One lead of one recording, or a list of beats without waveform.

    `ecg[i]` lies at `i / fs` seconds; what is missing (a gap, a lost lead) is NaN. A beat file has
    `ecg=None` and brings `given_beats`.
    """

    recording_id: str
    source: Source
    duration_s: float
    fs: float | None  # Hz; None for beats whose file has no sample clock
    start: datetime | None = None  # naive local time
    subject: Subject = field(default_factory=Subject)
    channel: str | None = None
    ecg: Waveform | None = None  # (n_samples,), mV; an array given here becomes one
    given_beats: Beats | None = None
    gaps: Spans = field(default_factory=lambda: np.empty((0, 2)))  # (n_gaps, 2), s
    polarity: Literal[1, -1] = 1  # -1 when the lead was turned upright
    beats_source: BeatsSource | None = None  # of a waveform whose beats are given; else None
    signal_gaps: Spans | None = None  # gaps of the waveform alone, where given beats tell of more; None: the same
    beats_classified: bool = True  # False: beats whose file gives no class, or only a machine's "N" for all
    warnings: tuple[str, ...] = ()
    zone: str | None = None  # IANA name of the time zone, which only the user can say
    turned: Spans = field(default_factory=lambda: np.empty((0, 2)))  # (n, 2), s, turned over for a swapped electrode

    def __post_init__(self) -> None:
        if self.ecg is None and self.given_beats is None:
            raise ValueError("a Recording needs a waveform or beats")
        if self.ecg is not None:
            if self.fs is None or not self.fs > 0:
                raise ValueError(f"a waveform needs a sampling rate above 0 Hz, not {self.fs}")
            if not isinstance(self.ecg, Waveform):
                object.__setattr__(self, "ecg", Waveform.of(self.ecg))
        for name in ("gaps", "turned"):
            object.__setattr__(self, name, frozen_array(as_spans(getattr(self, name)), np.float64))

    def but(self, **changes: Any) -> Recording:
        """The same recording with some facts replaced."""
        return dataclasses.replace(self, **changes)

    @property
    def wall_clock(self) -> Clock | None:
        """Its clock; None where the start is unknown."""
        return None if self.start is None else Clock(self.start, self.zone)

    def clock(self, seconds: float) -> datetime | None:
        """Naive local time after so many seconds; None where the start is unknown."""
        return None if self.start is None else Clock(self.start, self.zone).at(seconds)

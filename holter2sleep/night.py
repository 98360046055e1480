"""The nouns: what a recording, its beats and its night are. Read this file first.

Every noun is a frozen value with read-only arrays. Times are float64 seconds since the start of the
recording (elapsed time, gaps included), intervals are half-open, ECG is float32 mV.
The clock appears only in `Recording.start` (naive local time), in `clock.py`, and when something is printed.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from holter2sleep.clock import Clock
from holter2sleep.spans import Spans, as_spans, contains, covers, duration, intersection, runs
from holter2sleep.waveform import Waveform

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Text = NDArray[np.str_]

EPOCH_S = 30.0  # AASM Manual for the Scoring of Sleep: stages are scored in 30 s epochs

WARN_SHARE = 0.2  # of its data that a step may leave out before the log warns

Sex = Literal["F", "M"]


def frozen_array(values: ArrayLike, dtype: Any) -> NDArray[Any]:
    """A read-only array; the caller's own array stays writable."""
    array = np.array(values, dtype=dtype, copy=None).view()
    array.flags.writeable = False
    return array


# --- what was recorded -----------------------------------------------------------------------------


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

    @property
    def rr_s(self) -> Float:
        """Interval from the beat before, s, to the microsecond; NaN for the first. array (n_beats,).

        Rounded, so that an interval of exactly a limit is not decided by the last bit of two large times.
        """
        return np.round(np.diff(self.time_s, prepend=np.nan), 6)

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


# --- the night's clock -----------------------------------------------------------------------------


@dataclass(frozen=True)
class EpochGrid:
    """The only clock of a night: `n` epochs of 30 s from `offset_s`.

    The last epoch ends with the recording, and is mostly shorter than 30 s.
    """

    n: int
    duration_s: float
    offset_s: float = 0.0

    @classmethod
    def covering(cls, duration_s: float) -> EpochGrid:
        """The grid of a recording; a rest of less than a second makes no epoch of its own."""
        return cls(max(1, math.ceil((duration_s - 1.0) / EPOCH_S)), duration_s)

    @property
    def onset_s(self) -> Float:
        """Start of each epoch. array (n_epochs,)."""
        return self.offset_s + EPOCH_S * np.arange(self.n, dtype=np.float64)

    @property
    def edges_s(self) -> Float:
        """Borders of the epochs; the last ends with the recording. array (n_epochs + 1,)."""
        edges = self.offset_s + EPOCH_S * np.arange(self.n + 1, dtype=np.float64)
        edges[-1] = max(self.duration_s, edges[-2])
        return edges

    def epoch_of(self, time_s: ArrayLike) -> NDArray[np.int64]:
        """Index of the epoch that holds each time; times in the cut rest belong to the last epoch."""
        index = np.floor((np.asarray(time_s) - self.offset_s) / EPOCH_S).astype(np.int64)
        return np.clip(index, 0, self.n - 1)

    def spans(self, mask: Bool) -> Spans:
        """Time covered by the chosen epochs; the last ends with the recording."""
        first, behind = runs(mask)
        return as_spans(np.column_stack([self.edges_s[first], self.edges_s[behind]]))


# --- signal quality --------------------------------------------------------------------------------


class Flag(enum.IntFlag):
    """Why an epoch, or part of it, is not trusted. Bits of `quality_flags`."""

    MISSING = 1  # no sample: gap, NaN, before or after the signal
    FLAT = 2  # lead off: no variation
    SATURATED = 4  # stuck at the extremes of the range
    NOISE = 8  # the two detectors disagree, and the beats do not look like the record's typical beat
    NO_BEATS = 16  # no beat for longer than any pause


@dataclass(frozen=True)
class Quality:
    """How far each epoch can be trusted, and the exact time that can."""

    flags: NDArray[np.uint16]  # (n_epochs,), bits of Flag
    sqi: NDArray[np.float32]  # (n_epochs,), 0 bad - 1 good; NaN where there is no signal to judge
    usable: Bool  # (n_epochs,)
    usable_spans: Spans  # (n, 2), s

    def __post_init__(self) -> None:
        for name, dtype in (("flags", np.uint16), ("sqi", np.float32), ("usable", bool), ("usable_spans", np.float64)):
            object.__setattr__(self, name, frozen_array(getattr(self, name), dtype))


AF_KINDS = ("AFIB", "AFL")  # both count as atrial fibrillation in burden and exclusions

# --- rhythm ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Episodes:
    """Stretches with a name: `kind` is a WFDB rhythm code where one exists, else ours (`PAUSE`, ...).

    An episode of beats begins at its first beat and ends at its last; `n_beats` counts both.
    """

    start_s: Float  # (n_episodes,)
    end_s: Float  # (n_episodes,)
    kind: Text  # (n_episodes,)
    n_beats: NDArray[np.int64]  # (n_episodes,)
    rate_bpm: Float  # (n_episodes,), NaN where undefined
    confidence: NDArray[np.float32]  # (n_episodes,), NaN where the rule has none

    def __post_init__(self) -> None:
        dtypes = {"start_s": "f8", "end_s": "f8", "kind": "<U12", "n_beats": "i8", "rate_bpm": "f8", "confidence": "f4"}
        for name, dtype in dtypes.items():
            object.__setattr__(self, name, frozen_array(getattr(self, name), dtype))

    @classmethod
    def none(cls) -> Self:
        """No episode at all."""
        empty = np.empty(0)
        return cls(empty, empty, empty.astype("<U1"), empty.astype(int), empty, empty.astype("f4"))

    def __len__(self) -> int:
        return len(self.start_s)

    def where(self, mask: Bool | NDArray[np.intp]) -> Episodes:
        """The episodes for which `mask` is true, or at the given indices."""
        return Episodes(*(getattr(self, f.name)[mask] for f in dataclasses.fields(self)))

    def and_also(self, others: Episodes) -> Episodes:
        """These and others, by start."""
        names = [f.name for f in dataclasses.fields(self)]
        both = Episodes(*(np.concatenate([getattr(self, name), getattr(others, name)]) for name in names))
        return both.where(np.argsort(both.start_s, kind="stable"))

    def of(self, *kinds: str) -> Episodes:
        """The episodes of the given kinds."""
        return self.where(np.isin(self.kind, kinds))

    @property
    def spans(self) -> Spans:
        """Time covered by any of them."""
        return as_spans(np.column_stack([self.start_s, self.end_s]))


@dataclass(frozen=True, eq=False)
class NN:
    """Intervals between two successive normal beats; one series is another only if it is the same object.

    `adjacent[i]` is True when interval i begins at the beat where interval i - 1 ends: only then is their
    difference defined. Nothing is ever differenced across a removed beat or a gap.
    """

    end_s: Float  # (n,), time of the second beat
    nn_ms: Float  # (n,)
    adjacent: Bool  # (n,)

    def __post_init__(self) -> None:
        for name, dtype in (("end_s", np.float64), ("nn_ms", np.float64), ("adjacent", bool)):
            object.__setattr__(self, name, frozen_array(getattr(self, name), dtype))

    @classmethod
    def none(cls) -> Self:
        """No interval at all."""
        return cls(np.empty(0), np.empty(0), np.empty(0, bool))

    def __len__(self) -> int:
        return len(self.nn_ms)

    @property
    def differences_ms(self) -> Float:
        """Successive differences where they are defined, to the microsecond. array (n_pairs,)."""
        return np.round(np.diff(self.nn_ms)[self.adjacent[1:]], 3)


# What can be wrong with an interval: an ectopic beat, an interval too long or too short, a missed or an extra beat
CORRECTIONS = ("ectopic", "long", "short", "missed", "extra")


@dataclass(frozen=True)
class Corrections:
    """What was corrected in a series of intervals: when, and what was wrong."""

    time_s: Float  # (n,)
    kind: Text  # (n,), of CORRECTIONS

    def __post_init__(self) -> None:
        for name, dtype in (("time_s", np.float64), ("kind", "<U7")):
            object.__setattr__(self, name, frozen_array(getattr(self, name), dtype))

    @classmethod
    def none(cls) -> Self:
        """Nothing corrected."""
        return cls(np.empty(0), np.empty(0, "<U7"))

    def __len__(self) -> int:
        return len(self.time_s)

    def during(self, spans: Spans) -> Corrections:
        """Those in the given time."""
        inside = contains(spans, self.time_s)
        return Corrections(self.time_s[inside], self.kind[inside])


# --- sleep -----------------------------------------------------------------------------------------

SCHEMES: dict[str, tuple[str, ...]] = {
    "AASM5": ("W", "N1", "N2", "N3", "R"),
    "CARDIO4": ("W", "L", "N3", "R"),
    "CARDIO3": ("W", "NREM", "R"),
}
# What each letter is called in a coarser scheme.
MERGED: dict[str, dict[str, str]] = {
    "AASM5": {},
    "CARDIO4": {"N1": "L", "N2": "L"},
    "CARDIO3": {"N1": "NREM", "N2": "NREM", "N3": "NREM", "L": "NREM"},
}
UNSCORED = "U"
# Stage letters that belong to each stratum, and the schemes able to tell that stratum apart.
STAGE_STRATA: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "sleep": (frozenset({"N1", "N2", "N3", "L", "NREM", "R"}), frozenset(SCHEMES)),
    "wake": (frozenset({"W"}), frozenset(SCHEMES)),
    "nrem": (frozenset({"N1", "N2", "N3", "L", "NREM"}), frozenset(SCHEMES)),
    "n1": (frozenset({"N1"}), frozenset({"AASM5"})),
    "n2": (frozenset({"N2"}), frozenset({"AASM5"})),
    "n3": (frozenset({"N3"}), frozenset({"AASM5", "CARDIO4"})),
    "light": (frozenset({"N1", "N2", "L"}), frozenset({"AASM5", "CARDIO4"})),
    "rem": (frozenset({"R"}), frozenset(SCHEMES)),
}


@dataclass(frozen=True)
class Hypnogram:
    """Sleep stages on the epoch grid. Assumes one letter an epoch; `U` is unscored."""

    grid: EpochGrid
    stage: Text  # (n_epochs,)
    scheme: str  # key of SCHEMES
    scorer: str  # name of the stager, or of the file
    proba: NDArray[np.float32] | None = None  # (n_epochs, n_classes) in the scheme's order; NaN rows unscored

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise ValueError(f"unknown scheme {self.scheme!r}; known: {', '.join(SCHEMES)}")
        stage = frozen_array(self.stage, "<U4")
        if stage.shape != (self.grid.n,):
            raise ValueError(f"hypnogram has {stage.shape} stages for {self.grid.n} epochs")
        unknown = set(np.unique(stage)) - {*SCHEMES[self.scheme], UNSCORED}
        if unknown:
            raise ValueError(f"stages {', '.join(sorted(unknown))} are not in scheme {self.scheme}")
        object.__setattr__(self, "stage", stage)
        if self.proba is not None:
            proba = frozen_array(self.proba, np.float32)
            if proba.shape != (self.grid.n, len(self.classes)):
                raise ValueError(f"probabilities have shape {proba.shape}")
            object.__setattr__(self, "proba", proba)

    @property
    def classes(self) -> tuple[str, ...]:
        """Stage letters the scheme can say, in the order of the columns of `proba`."""
        return SCHEMES[self.scheme]

    def can_say(self, stratum: str) -> bool:
        """Whether the scheme tells the stratum (`n3`, `light`, ...) apart."""
        return self.scheme in STAGE_STRATA[stratum][1]

    def mask(self, stratum: str) -> Bool:
        """Epochs that belong to the stratum. array (n_epochs,)."""
        return np.isin(self.stage, list(STAGE_STRATA[stratum][0]))


@dataclass(frozen=True)
class Lights:
    """Lights-off and lights-on, s from the start, and who says so (option, annotation, recording)."""

    off_s: float
    on_s: float
    source: str

    def dark(self, grid: EpochGrid) -> Bool:
        """Whether the middle of each epoch lies between them. array (n_epochs,)."""
        middle_s = grid.onset_s + EPOCH_S / 2
        return (middle_s >= self.off_s) & (middle_s < self.on_s)


# --- breathing -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Respiration:
    """What the ECG tells of breathing, epoch by epoch; NaN where it tells nothing."""

    rate_bpm: Float  # (n_epochs,), breaths a minute
    confidence: NDArray[np.float32]  # (n_epochs,), 0-1, of the rate
    hf_ms2: Float  # (n_epochs,), power of the NN intervals within 0.05 Hz of the rate
    p_respiratory: NDArray[np.float32]  # (n_epochs,), chance of an apnoea or hypopnoea; NaN where indeterminate
    p_arousal: NDArray[np.float32]  # (n_epochs,), 0-1: the largest rise of the heart rate; an index, not a chance

    def __post_init__(self) -> None:
        dtypes = {"rate_bpm": np.float64, "hf_ms2": np.float64}
        for name in (f.name for f in dataclasses.fields(self)):
            object.__setattr__(self, name, frozen_array(getattr(self, name), dtypes.get(name, np.float32)))

    @classmethod
    def unknown(cls, n_epochs: int) -> Self:
        """Nothing known of any epoch."""
        return cls(*(np.full(n_epochs, np.nan) for _ in dataclasses.fields(cls)))

    def but(self, **changes: Any) -> Respiration:
        """The same with some columns replaced."""
        return dataclasses.replace(self, **changes)


@dataclass(frozen=True)
class Coupling:
    """The band in which heart rate and breathing swing together, epoch by epoch; "" where it is unknown."""

    state: Text  # (n_epochs,), HFC, LFC or VLFC
    elevated: Bool  # (n_epochs,), low-frequency coupling that leaves hardly any of high frequency (e-LFC)
    narrow: Bool  # (n_epochs,), of these, those that keep their frequency

    def __post_init__(self) -> None:
        for name, dtype in (("state", "<U4"), ("elevated", bool), ("narrow", bool)):
            object.__setattr__(self, name, frozen_array(getattr(self, name), dtype))

    @classmethod
    def unknown(cls, n_epochs: int) -> Self:
        """Nothing known of any epoch."""
        return cls(np.full(n_epochs, ""), np.zeros(n_epochs, bool), np.zeros(n_epochs, bool))


# --- averaged beats --------------------------------------------------------------------------------


@dataclass(frozen=True)
class EpochBeats:
    """The averaged normal beat of each epoch, all on one time line; rows of NaN where an epoch has none.

    `in_af` marks epochs whose averaged beats were all in atrial fibrillation.
    """

    mv: NDArray[np.float32]  # (n_epochs, n_samples), level removed
    fs: float  # Hz
    r_index: int  # sample of the R peak
    n_beats: NDArray[np.int64]  # (n_epochs,)
    rr_s: Float  # (n_epochs,), mean interval before the beats; NaN where there are none
    in_af: Bool  # (n_epochs,)

    def __post_init__(self) -> None:
        dtypes = {"mv": np.float32, "n_beats": np.int64, "rr_s": np.float64, "in_af": bool}
        for name, dtype in dtypes.items():
            object.__setattr__(self, name, frozen_array(getattr(self, name), dtype))


# --- the night -------------------------------------------------------------------------------------

# What else may be done with ectopic beats than to remove them (`Night.nn`): nothing at all, or to correct them
HANDLINGS = ("raw", "corrected")


@dataclass(frozen=True)
class Night:
    """Everything known of one recorded night, or of a part of it.

    `spans` is the time this value speaks of: the whole recording, or what `within` has left.
    """

    recording: Recording
    grid: EpochGrid
    quality: Quality
    beats: Beats
    episodes: Episodes
    nn: NN
    hypnogram: Hypnogram
    lights: Lights
    respiration: Respiration  # of the whole recording, whatever the part
    spans: Spans
    warnings: tuple[str, ...] = ()
    averages: EpochBeats | None = None  # of the whole recording, whatever the part; None without waveform
    parts: Mapping[str, Spans] = field(default_factory=dict)  # named times that `within` knows beside stages and hours
    rr: NN = field(default_factory=NN.none)  # all RR intervals outside AF, of any class, nothing removed
    corrected: NN = field(default_factory=NN.none)  # the same with artefacts and ectopic beats corrected
    corrections: Corrections = field(default_factory=Corrections.none)  # what was corrected for it
    stage_samples: NDArray[np.int8] | None = None  # (n_samples, n_epochs), columns of `hypnogram.classes`, -1 unscored
    sampled: Bool | None = None  # (n_samples, n_epochs): which epochs a stage holds in each sample; of a stage only
    coupling: Coupling | None = None  # of the whole recording, whatever the part; None without waveform

    @property
    def usable_spans(self) -> Spans:
        """Analysable time of this part."""
        return intersection(self.quality.usable_spans, self.spans)

    @property
    def usable_s(self) -> float:
        """Analysable seconds of this part."""
        return duration(self.usable_spans)

    def within(self, stratum: str) -> Night:
        """The same night restricted to a stratum: `night`, a stage stratum, `hour_01` ..., one of `parts`."""
        if stratum == "night":
            return self
        if stratum in self.parts:
            return self.during(self.parts[stratum])
        if stratum in STAGE_STRATA:
            part = self.during(self.grid.spans(self.hypnogram.mask(stratum)))
            return dataclasses.replace(part, sampled=self._sampled(stratum))
        if stratum.startswith("hour_"):
            hour = int(stratum.removeprefix("hour_"))
            return self.during(as_spans([(3600.0 * (hour - 1), 3600.0 * hour)]))
        raise ValueError(
            f"unknown stratum {stratum!r}; known: night, hour_NN, {', '.join([*STAGE_STRATA, *self.parts])}"
        )

    def _sampled(self, stratum: str) -> Bool | None:
        if self.stage_samples is None:
            return None
        letters = STAGE_STRATA[stratum][0]
        return np.isin(self.stage_samples, [i for i, letter in enumerate(self.hypnogram.classes) if letter in letters])

    def during(self, spans: Spans) -> Night:
        """The same night restricted to the given time."""
        spans = intersection(self.spans, spans)
        near = _near(self.beats.time_s, spans)  # a month has millions of beats, and its every hour is asked for
        beats = self.beats.where(near)
        return dataclasses.replace(
            self,
            spans=spans,
            sampled=None,
            beats=beats.where(contains(spans, beats.time_s)),
            episodes=_clipped(self.episodes, spans),
            nn=_restricted(self.nn, spans),
            rr=_restricted(self.rr, spans),
            corrected=_restricted(self.corrected, spans),
            corrections=self.corrections.during(spans),
        )

    def handled(self, handling: str) -> Night:
        """The same night with its ectopic beats left in (`raw`) or corrected (`corrected`) where `nn` is asked for."""
        return dataclasses.replace(self, nn={"raw": self.rr, "corrected": self.corrected}[handling])

    @property
    def n_hours(self) -> int:
        """Number of hours begun, for the strata `hour_01` ..."""
        return max(1, math.ceil(self.recording.duration_s / 3600 - 1e-9))


def _clipped(episodes: Episodes, spans: Spans) -> Episodes:
    """Episodes that begin in the spans, cut where the spans end."""
    inside = episodes.where(contains(spans, episodes.start_s))
    if len(inside) == 0:
        return inside
    index = np.searchsorted(spans[:, 0], inside.start_s, side="right") - 1
    return dataclasses.replace(inside, end_s=np.minimum(inside.end_s, spans[index, 1]))


def _restricted(nn: NN, spans: Spans) -> NN:
    """Intervals that lie wholly in the spans; the one after a cut has no neighbour."""
    near = _near(nn.end_s, spans)
    end_s, nn_ms = nn.end_s[near], nn.nn_ms[near]
    keep = covers(spans, end_s - nn_ms / 1000, end_s)
    adjacent = nn.adjacent[near] & np.r_[False, keep[:-1]]
    return NN(end_s[keep], nn_ms[keep], adjacent[keep])


def _near(time_s: Float, spans: Spans) -> slice:
    """The part of ascending times from the first span's start to the last one's end, both included."""
    if len(spans) == 0:
        return slice(0, 0)
    first, behind = (
        np.searchsorted(time_s, spans[0, 0], side="left"),
        np.searchsorted(time_s, spans[-1, 1], side="right"),
    )
    return slice(int(first), int(behind))

"""The nouns: what a recording, its beats and its night are. Read this page first.

What was recorded is in `recording.py`, epochs and stages are in `hypnogram.py`, what is found of a night is here.
All are imported from here.

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
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from holter2sleep.arrays import Bool, Float, Text, frozen_array
from holter2sleep.hypnogram import EPOCH_S, MERGED, SCHEMES, STAGE_STRATA, UNSCORED, EpochGrid, Hypnogram, Lights
from holter2sleep.recording import Beats, BeatsSource, Recording, Sex, Source, Subject
from holter2sleep.spans import Spans, as_spans, contains, covers, duration, intersection

__all__ = [
    "AF_KINDS",
    "CORRECTIONS",
    "EPOCH_S",
    "HANDLINGS",
    "MERGED",
    "NN",
    "SCHEMES",
    "STAGE_STRATA",
    "UNSCORED",
    "WARN_SHARE",
    "Beats",
    "BeatsSource",
    "Bool",
    "Corrections",
    "Coupling",
    "Episodes",
    "EpochBeats",
    "EpochGrid",
    "Flag",
    "Float",
    "Hypnogram",
    "Lights",
    "Night",
    "Quality",
    "Recording",
    "Respiration",
    "Sex",
    "Source",
    "Subject",
    "Text",
    "frozen_array",
]

WARN_SHARE = 0.2  # of its data that a step may leave out before the log warns


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

    @cached_property
    def usable_spans(self) -> Spans:
        """Analysable time of this part."""
        return frozen_array(intersection(self.quality.usable_spans, self.spans), np.float64)

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
        return self._by_handling[handling]

    @cached_property
    def _by_handling(self) -> Mapping[str, Night]:
        return {
            name: dataclasses.replace(self, nn=nn) for name, nn in (("raw", self.rr), ("corrected", self.corrected))
        }

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

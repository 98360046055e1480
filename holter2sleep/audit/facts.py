"""What an audit tells of a file besides its findings: frozen values, the same keys for every format.

None is not known, or not applicable to the format.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from holter2sleep.audit.findings import Finding
from holter2sleep.audit.measures import BeatFigures, SignalFigures


@dataclass(frozen=True)
class Container:
    """Layout of the file."""

    format: str | None = None
    file_bytes: int | None = None
    header_bytes: int | None = None
    records_announced: int | None = None
    records_found: int | None = None
    record_s: float | None = None
    trailing_bytes: int | None = None
    strict_reader_opens: bool | None = None  # pyedflib, of EDF and BDF


@dataclass(frozen=True)
class ClockFacts:
    """Start and end, and where they come from."""

    start: str | None = None  # ISO 8601, local
    end: str | None = None
    source: str | None = None
    zone: str | None = None
    duration_s: float | None = None
    header_duration_s: float | None = None
    drift_s_per_h: float | None = None  # time stamps against samples; positive: stamps run ahead


@dataclass(frozen=True)
class Continuity:
    """Gaps of the recording's time line."""

    n_runs: int = 0
    gaps: tuple[tuple[float, float], ...] = ()  # s
    total_gap_s: float = 0.0
    longest_gap_s: float = 0.0
    n_overlaps: int = 0


@dataclass(frozen=True)
class ChannelFacts:
    """A channel of the file."""

    label: str
    unit: str | None = None
    fs: float | None = None
    physical_min: float | None = None
    physical_max: float | None = None
    digital_min: float | None = None
    digital_max: float | None = None
    uv_per_count: float | None = None
    constant: bool | None = None
    role: str | None = None  # taken, runner-up


@dataclass(frozen=True)
class Scale:
    """From the file's numbers to millivolt."""

    unit: str | None = None
    scale_to_mv: float | None = None
    r_mv: float | None = None
    proposed_factor: float | None = None
    uv_per_count: float | None = None
    relative: bool = False  # nobody says what a count is: what is called millivolt is none

    @property
    def called(self) -> str:
        """What the numbers are to be called where they are printed."""
        return "relative units" if self.relative else "mV"


@dataclass(frozen=True)
class Polarity:
    """Which way the lead points."""

    inverted: bool | None = None
    pieces: tuple[tuple[float, int], ...] = ()  # start s of five minutes; 1, -1 turned over, 0 not sure
    turns_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class AnnotationFacts:
    """Annotations in the file or beside it."""

    file: str
    kind: str
    n: int
    first_s: float | None = None
    last_s: float | None = None


@dataclass(frozen=True)
class Audit:
    """Everything an audit tells of one file."""

    file: str  # name, never its folder
    verdict: str
    exit_code: int  # of analyze
    findings: tuple[Finding, ...]
    helps: tuple[str, ...] = ()
    container: Container = Container()
    clock: ClockFacts = ClockFacts()
    continuity: Continuity = Continuity()
    channel: str | None = None
    fs: float | None = None
    channels: tuple[ChannelFacts, ...] = ()
    scale: Scale = Scale()
    polarity: Polarity = Polarity()
    signal: SignalFigures | None = None
    beats: BeatFigures | None = None
    annotations: tuple[AnnotationFacts, ...] = ()
    identity: tuple[str, ...] = ()  # names of the header fields that hold something
    profile: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values with stable keys, for JSON."""
        facts = dataclasses.asdict(self)
        return {name: _finite(value) for name, value in facts.items()} | {"analysable": self.exit_code == 0}


def _finite(value: Any) -> Any:
    """Plain values with None for numbers that JSON does not have; one odd header must not lose a whole batch."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

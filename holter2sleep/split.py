"""A recording of several nights to the recordings of its nights."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from holter2sleep.clock import Clock
from holter2sleep.heart.detect import detect_beats
from holter2sleep.heart.faults import find_faults
from holter2sleep.heart.quality import assess_quality, usable_beats
from holter2sleep.night import Beats, EpochGrid, Lights, Quality, Recording
from holter2sleep.recipe import Recipe
from holter2sleep.sleep.periods import DETECTED, Period, days_without, find_sleep_periods, with_margin
from holter2sleep.spans import Spans, as_spans, intersection
from holter2sleep.told import SUMMER_TIME, clock_changes

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """A night of a longer recording: which one, and where it lies in the whole."""

    of: str  # recording id of the whole
    night: int  # from 1
    period: Period
    start_s: float
    end_s: float

    @property
    def recording_id(self) -> str:
        """Name of the night, which names its folder too."""
        return f"{self.of}_night{self.night:02d}"

    @property
    def lights(self) -> Lights:
        """The period on the night's own time."""
        return Lights(self.period.start_s - self.start_s, self.period.end_s - self.start_s, DETECTED)


def find_nights(recording: Recording, recipe: Recipe) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """The nights of a recording in time order, each with its margins, and a warning of days without one."""
    beats, quality = _heard(recording, recipe)
    duration_s = recording.duration_s
    periods = find_sleep_periods(beats, quality, duration_s, recording.wall_clock, recipe.nights)
    for number, found in enumerate(periods, start=1):
        outside = "none" if found.outside_bpm is None else f"{found.outside_bpm:.0f}"
        log.info(
            "%s: night %d, %.0f to %.0f s, heart rate %.0f /min, of the rest of the day %s",
            *(recording.recording_id, number, found.start_s, found.end_s, found.inside_bpm, outside),
        )
    ends_s = [with_margin(found, duration_s, recording.gaps, recipe.nights) for found in periods]
    parts = tuple(
        Part(recording.recording_id, number, found, *_on_samples(ends, recording))
        for number, (found, ends) in enumerate(zip(periods, ends_s, strict=True), start=1)
    )
    return parts, _told_of_days(recording, days_without(periods, beats, duration_s, recording.wall_clock))


def _told_of_days(recording: Recording, days_s: list[float]) -> tuple[str, ...]:
    """A warning of days in which no night was found."""
    if not days_s:
        return ()
    listed = ", ".join(f"{start_s:.0f} s" for start_s in days_s)
    note = f"no main sleep period in {len(days_s)} of the days recorded, the 24 h from {listed}"
    log.warning("%s: %s", recording.recording_id, note)
    return (note,)


def _on_samples(ends_s: tuple[float, float], recording: Recording) -> tuple[float, float]:
    """The ends moved to whole samples, so that a cut changes no sample's time."""
    if recording.ecg is None or recording.fs is None:
        return ends_s
    return round(ends_s[0] * recording.fs) / recording.fs, round(ends_s[1] * recording.fs) / recording.fs


def _heard(recording: Recording, recipe: Recipe) -> tuple[Beats, Quality]:
    """Beats and quality, as far as periods of sleep need them: no shapes, no classes."""
    faults = find_faults(recording, recipe.faults)
    detection = detect_beats(recording, faults, recipe.beats)
    beats = Beats.at(detection.time_s) if recording.given_beats is None else recording.given_beats
    grid = EpochGrid.covering(recording.duration_s)
    quality = assess_quality(recording, grid, faults, beats.time_s, detection, None, recipe.quality)
    return beats.but(usable=beats.usable & usable_beats(beats.time_s, quality)), quality


def _warnings_within(recording: Recording, start_s: float, end_s: float) -> tuple[str, ...]:
    """The warnings of the whole; of summer time only what happens between two seconds."""
    others = tuple(note for note in recording.warnings if not note.startswith(SUMMER_TIME))
    if recording.zone is None or (start := recording.clock(start_s)) is None:
        return others
    return (*others, *clock_changes(Clock(start, recording.zone), end_s - start_s))


def cut_night(recording: Recording, part: Part) -> Recording:
    """The recording of one night: samples, beats and gaps of the part, on its own time and clock."""
    start_s, end_s, fs = part.start_s, part.end_s, recording.fs
    ecg = recording.ecg
    if ecg is not None and fs is not None:
        ecg = ecg.cut(round(start_s * fs), round(end_s * fs))
        end_s = start_s + len(ecg) / fs
    beats = recording.given_beats
    if beats is not None:
        inside = beats.where((beats.time_s >= start_s) & (beats.time_s <= end_s))
        beats = inside.but(time_s=inside.time_s - start_s)
    said = f"night {part.night} of a longer recording: {start_s:.0f} to {end_s:.0f} s of it"
    return recording.but(
        recording_id=part.recording_id,
        duration_s=end_s - start_s,
        start=recording.clock(start_s),
        ecg=ecg,
        given_beats=beats,
        gaps=_gaps_within(recording.gaps, start_s, end_s),
        signal_gaps=None if recording.signal_gaps is None else _gaps_within(recording.signal_gaps, start_s, end_s),
        warnings=(*_warnings_within(recording, start_s, end_s), said),
    )


def _gaps_within(gaps: Spans, start_s: float, end_s: float) -> Spans:
    return intersection(gaps, as_spans([(start_s, end_s)])) - start_s

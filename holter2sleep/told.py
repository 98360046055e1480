"""What the user says of a recording, in place of its header: start, time zone, lights, subject, beats."""

from __future__ import annotations

import logging
import re
import zoneinfo
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path

import numpy as np

from holter2sleep.clock import NO_DATE, POSSIBLE_YEARS, Clock, date_known
from holter2sleep.errors import UsageError, did_you_mean
from holter2sleep.io.beatfiles import NO_CLASSES, read_beat_file
from holter2sleep.io.edf_annotations import find_lights, read_edf_annotations
from holter2sleep.io.files import refusal, sha256_of
from holter2sleep.night import BeatsSource, Lights, Recording

log = logging.getLogger(__name__)

LIGHTS_SLACK_S = 60.0  # a clock time in whole minutes may lie just before the first sample or behind the last
DAY_S = 86400.0
SUMMER_TIME = "summer time:"  # how warnings of a changed clock begin; such a day tells the date
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d{1,6})?)?")
_ABOUT_START = re.compile(r"\bstart unknown\b|\bno start time\b|stands for no date")
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)\s*s")

Moment = datetime | time  # local time; without a date, a time of day


# --- clock -----------------------------------------------------------------------------------------


def known_zone(name: str) -> str:
    """The name of a time zone, checked.

    Raises
    ------
    UsageError
        No such zone; the message suggests the nearest one.
    """
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        advice = did_you_mean(name, zoneinfo.available_timezones(), "expected an IANA name such as Europe/Berlin")
        raise UsageError(f"--tz {name!r}: no such time zone; {advice}") from None
    return name


def told_moment(text: str, option: str, zone: str | None) -> Moment:
    """Local time as the user writes it: `2024-03-01T22:30`, or only `22:30`; seconds may have a fraction.

    A time with an offset from UTC is turned to local time where the zone is known.

    Raises
    ------
    UsageError
        Not a time; a date alone; an offset without a zone.
    """
    works = "expected local time such as 2024-03-01T22:30:00, or a clock time such as 22:30"
    try:
        if _CLOCK.fullmatch(text):
            return time.fromisoformat(text.replace(",", ".") if text[2] == ":" else f"0{text.replace(',', '.')}")
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r}: {works}") from None
    if moment.year not in POSSIBLE_YEARS:
        raise UsageError(f"{option} {text!r}: the year {moment.year} is none of a recording; {works}")
    if re.fullmatch(r"[\d-]+(W\d+(-\d)?)?", text):
        raise UsageError(f"{option} {text!r}: a date without a time of day; {works}")
    if moment.tzinfo is None:
        return moment
    if zone is None:
        raise UsageError(
            f"{option} {text!r}: local time is wanted, and the offset from UTC does not say where; add --tz, such as "
            f"--tz Europe/Berlin, or leave the offset out"
        )
    return moment.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)


def with_clock(recording: Recording, start: Moment | None, zone: str | None, dates_true: bool = True) -> Recording:
    """The recording with the start and the zone that the user says.

    A time of day keeps the header's date. Without a date, or with one that an archive has shifted (`dates_true` False),
    there is no summer time to know of: the zone is left out. A start that the clock skips is read with the offset
    before the change, one that is lived twice as the first.
    """
    if isinstance(start, time):
        start = datetime.combine(recording.start.date() if recording.start else NO_DATE, start)
    if start is not None and date_known(start):  # what the header lacked is said now
        recording = recording.but(warnings=tuple(note for note in recording.warnings if not _ABOUT_START.search(note)))
    start = start or recording.start
    if start is None or zone is None:
        doubts = () if zone is None else (f"--tz {zone}: the start is unknown, so the zone says nothing",)
        return _with(recording.but(start=start), doubts)
    if not (date_known(start) and dates_true):
        why = "the date is unknown" if dates_true else "dates of this archive were shifted"
        doubt = f"--tz {zone}: {why}, so nothing tells summer from winter time: the zone is left out"
        return _with(recording.but(start=start), (doubt,))
    clock = Clock(start, zone)
    return _with(recording.but(start=clock.at(0.0), zone=zone), tuple(clock_changes(clock, recording.duration_s)))


def clock_changes(clock: Clock, duration_s: float) -> Iterator[str]:
    """What there is to say of summer time."""
    if (shown := clock.at(0.0)) != clock.start:
        yield f"{SUMMER_TIME} start {clock.start:%H:%M:%S} does not exist in {clock.zone}: read as {shown:%H:%M:%S}"
    elif clock.elapsed_s(clock.start.replace(fold=1)) > 0:
        yield f"{SUMMER_TIME} start {clock.start:%H:%M:%S} is lived twice in {clock.zone}: the first was taken"
    moved = clock.at(duration_s) - shown - timedelta(seconds=duration_s)
    if abs(moved) > timedelta(minutes=1):
        way, minutes = "forward" if moved > timedelta(0) else "back", abs(moved) / timedelta(minutes=1)
        yield f"{SUMMER_TIME} the clock goes {way} by {minutes:g} min during the recording ({clock.zone})"


def _with(recording: Recording, doubts: tuple[str, ...]) -> Recording:
    return recording.but(warnings=(*recording.warnings, *doubts))


# --- beats -----------------------------------------------------------------------------------------


def with_beats(recording: Recording, path: Path, rr_unit: str) -> Recording:
    """The recording with the beats of a file in place of detected ones; beats beyond its end are left out.

    Raises
    ------
    RecordingError
        No beat file, or none of its beats lies in the recording.
    """
    told = read_beat_file(path, recording.fs, rr_unit=rr_unit)
    inside = (told.beats.time_s >= 0) & (told.beats.time_s <= recording.duration_s)
    if not inside.any():
        first_s, last_s = told.beats.time_s[[0, -1]]
        found = f"beats from {first_s:.0f} to {last_s:.0f} s, none of them in the {recording.duration_s:.0f} s"
        works = "beats of this recording, in seconds from its first sample"
        raise refusal(path, f"{found} of {recording.source.file}", works)
    beyond = (f"{(~inside).sum()} of {len(inside)} given beats lie beyond the recording: left out",)
    found_here = f"{path.name} has no beat classes: they are found from the waveform"
    has_waveform = recording.ecg is not None
    notes = [found_here if note == NO_CLASSES and has_waveform else note for note in told.warnings]
    return recording.but(
        given_beats=told.beats.where(inside),
        beats_source=BeatsSource(path.name, told.format, sha256_of([path]), told.classified),
        beats_classified=told.classified,
        signal_gaps=recording.gaps,
        gaps=np.concatenate([recording.gaps, told.gaps]),
        warnings=(*recording.warnings, *notes, *(() if inside.all() else beyond)),
    )


# --- lights ----------------------------------------------------------------------------------------


def told_lights(
    path: Path, recording: Recording, off: str | None, on: str | None
) -> tuple[Lights | None, tuple[str, ...]]:
    """Lights by option, else by annotation, None when nobody says; with a warning of annotations that do not fit.

    Raises
    ------
    UsageError
        Lights that are no time, or do not fit the recording.
    """
    end_s = recording.duration_s
    noted_off, noted_on = _annotated_lights(path, recording)
    off_s, on_s = noted_off or 0.0, end_s if noted_on is None else noted_on
    if off is None and on is None:
        if noted_off is None and noted_on is None:
            return None, ()
        if _fits(off_s, on_s, end_s):
            return Lights(off_s, min(on_s, end_s), "annotation"), ()
        doubt = f"lights noted off at {off_s:.0f} s and on at {on_s:.0f} s do not fit the recording: left out"
        log.warning("%s: %s", recording.recording_id, doubt)
        return None, (doubt,)
    if off is not None:
        off_s = told_seconds(off, "--lights-off", recording.wall_clock, 0.0, recording.zone)
    if on is not None:
        on_s = told_seconds(on, "--lights-on", recording.wall_clock, off_s, recording.zone)
    return _checked_lights(off_s, on_s, recording), ()


def _fits(off_s: float, on_s: float, end_s: float) -> bool:
    return 0 <= off_s < on_s <= end_s + LIGHTS_SLACK_S


def _annotated_lights(path: Path, recording: Recording) -> tuple[float | None, float | None]:
    plus = recording.source.format.endswith(("+C", "+D"))
    return find_lights(read_edf_annotations(path)) if plus else (None, None)


def _checked_lights(off_s: float, on_s: float, recording: Recording) -> Lights:
    end_s = recording.duration_s
    if not _fits(off_s, on_s, end_s):
        starts = f" that starts at {recording.start:%H:%M:%S}" if recording.start else ""
        on = "its end" if on_s == end_s else f"lights-on at {on_s:.0f} s"
        raise UsageError(
            f"{recording.source.file}: lights-off at {off_s:.0f} s and {on} do not fit a recording of "
            f"{end_s:.0f} s{starts}"
        )
    return Lights(off_s, min(on_s, end_s), "option")


def told_seconds(text: str, option: str, clock: Clock | None, after_s: float, zone: str | None) -> float:
    """Seconds from the start for `22:45`, an ISO time, or `900s`; a clock time is the next one after `after_s`.

    Raises
    ------
    UsageError
        No time, or one of a clock that nobody knows.
    """
    if match := _SECONDS.fullmatch(text):
        return float(match[1])
    try:
        moment = told_moment(text, option, zone)
    except UsageError as error:
        raise UsageError(f"{error}; seconds from the start (900s) work too") from None
    if clock is None:
        raise UsageError(
            f"{option} {text}: the recording's start time is unknown; give --start, or seconds such as 900s"
        )
    if isinstance(moment, time):
        return _next_s(clock, moment, after_s)
    if not date_known(clock.start):
        raise UsageError(f"{option} {text}: the recording has no date; give the time of day only, such as 22:45")
    return clock.elapsed_s(moment)


def _next_s(clock: Clock, moment: time, after_s: float) -> float:
    """Seconds from the start to the next such time of day, or just now; where it is lived twice, both count."""
    first = clock.at(after_s).date() if date_known(clock.start) else clock.start.date()
    days = range(-1, 2 + (0 if date_known(clock.start) else int(after_s // DAY_S) + 1))
    moments = [datetime.combine(first + timedelta(days=k), moment).replace(fold=fold) for k in days for fold in (0, 1)]
    return max(after_s, min(at_s for at_s in map(clock.elapsed_s, moments) if at_s >= after_s - LIGHTS_SLACK_S))

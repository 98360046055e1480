"""From a file to finished night folders: what `analyze` promises around the one path."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holter2sleep.analyze import Given, analyze_night
from holter2sleep.errors import Holter2SleepError, UsageError
from holter2sleep.folders import check_writable, is_done, night_files, remove_superseded
from holter2sleep.io import read_recording
from holter2sleep.night import Lights, Recording
from holter2sleep.phenotypes.files import (
    fill_folder,
    keep_logs,
    read_night,
    read_run,
    sweep_leftovers,
    tables_of,
    write_run,
    write_tables,
)
from holter2sleep.phenotypes.person import (
    PERSON_FILES,
    NightResult,
    facts_of_results,
    nights_table,
    summary_table,
    write_person,
)
from holter2sleep.provenance import Stopwatch, facts_of, facts_of_nights, identity
from holter2sleep.request import ALL, AUTO, WHOLE, Request
from holter2sleep.sleep.periods import is_several_nights
from holter2sleep.spans import as_spans, duration
from holter2sleep.split import Part, cut_night, find_nights
from holter2sleep.told import told_lights

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """Where the results lie, a line about them for the user, and the exit code they deserve."""

    folder: Path
    text: str
    exit_code: int = 0


@dataclass(frozen=True)
class _Job:
    """One night to analyse: a whole recording, or a part of one."""

    recording: Recording
    given: Given
    identity: dict[str, Any]
    folder: Path
    part: Part | None = None


def analyze_file(path: Path, request: Request, show: Callable[[str], None] = lambda _step: None) -> Outcome:
    """Analyse one file into its folder, or into one folder for each night it holds.

    A folder made from the same input, recipe and options is left as it is. A failing run destroys nothing.

    Raises
    ------
    UsageError
        The folder holds a night made from something else, and `overwrite` is not set.
    OutputError
        The results cannot be written.
    Holter2SleepError
        The recording cannot be read or holds too little signal.
    """
    check_writable(request.out)
    sweep_leftovers(request.out)
    return analyze_into(path, request, show)


def analyze_into(path: Path, request: Request, show: Callable[[str], None] = lambda _step: None) -> Outcome:
    """The same into a folder that was swept and is known to be writable: looking through it takes long when it is full.

    Raises
    ------
    Holter2SleepError
        As `analyze_file`.
    """
    watch = Stopwatch(show)
    with watch.step("read"):
        recording = request.told(read_recording(path, recording_id=request.name_of(path), **request.reading))
    for warning in recording.warnings:
        log.warning("%s: %s", recording.recording_id, warning)
    one_night = not is_several_nights(recording.duration_s, request.recipe.nights)
    if request.night == WHOLE or (request.night == AUTO and one_night):
        return _whole(path, recording, request, watch)
    return _nights(path, recording, request, watch)


# --- a recording that is one night ------------------------------------------------------------------


def _whole(path: Path, recording: Recording, request: Request, watch: Stopwatch) -> Outcome:
    """The whole recording as one result."""
    lights, doubts = told_lights(path, recording, request.lights_off, request.lights_on)
    if lights is None and request.night == WHOLE:
        lights = Lights(0.0, recording.duration_s, "recording")
    recording = recording.but(warnings=(*recording.warnings, *doubts))
    mode = WHOLE if request.night == WHOLE else AUTO
    who = identity(recording.source.sha256, request.recipe, request.facts() | {"night": mode})
    job = _Job(recording, _given(request, lights), who, request.out / recording.recording_id)
    if not _analyse(job, request, watch):
        return Outcome(job.folder, f"{job.folder}: already made from the same input and recipe; nothing to do")
    remove_superseded(recording, request, {job.folder})
    return Outcome(job.folder, _told(job.folder, request.report))


def _given(request: Request, lights: Lights | None) -> Given:
    return Given(lights, request.hypnogram, request.code_of_stages, polarity=request.polarity)


def _analyse(job: _Job, request: Request, watch: Stopwatch) -> bool:
    """Fill the job's folder; False when it holds this very night already."""
    if is_done(job.folder, job.identity, request, night_files(request)):
        return False
    night = request.private_night(analyze_night(job.recording, request.recipe, job.given, watch.step, watch.tell))
    with watch.step("tables"):
        tables = tables_of(night, request.recipe)

    def write(new: Path) -> None:
        keep_logs(job.folder, new)
        write_tables(new, tables)
        write_run(new, facts_of(night, request.recipe, job.identity, request.seed, watch, job.part))
        if request.report:
            with watch.step("report"):
                from holter2sleep.report.pdf import write_report  # matplotlib: only where a report is drawn

                write_report(new)
            # the report is drawn from run.json; written again, it holds the seconds of the report too
            write_run(new, facts_of(night, request.recipe, job.identity, request.seed, watch, job.part))

    fill_folder(job.folder, write)
    return True


# --- a recording of several nights ------------------------------------------------------------------


def _nights(path: Path, recording: Recording, request: Request, watch: Stopwatch) -> Outcome:
    """One result for each main sleep period that is asked for, and their summary when all are."""
    _check_one_night_options(recording, request)
    folder = request.out / f"{recording.recording_id}_nights"
    who = identity(recording.source.sha256, request.recipe, request.facts() | {"night": ALL})
    with_summary = request.night in (AUTO, ALL)
    if with_summary and is_done(folder, who, request, PERSON_FILES) and (made := _made_before(folder, request)):
        return made
    with watch.step("sleep periods"):
        parts, doubts = find_nights(recording, request.recipe)
    if not parts:
        return _without_nights(path, recording, request, watch)
    if told_lights(path, recording, None, None)[0] is not None:
        doubts = (*doubts, "lights noted in the file are left out: the nights were looked for")
    jobs = {part: _job(part, recording, request) for part in _chosen(parts, recording, request)}
    for job in jobs.values():  # a folder that may not be replaced is told before the work of the first
        is_done(job.folder, job.identity, request, night_files(request))
    results = [
        _result(part, job, request, watch.saying(f"night {part.night} of {len(parts)}: ")) for part, job in jobs.items()
    ]
    if with_summary:
        nights = nights_table(results)
        shown = request.private(recording.but(warnings=(*recording.warnings, *doubts)))
        facts = facts_of_nights(shown, request.recipe, who, facts_of_results(results), watch)
        with_report = request.report and any(result.phenotypes is not None for result in results)

        def write(new: Path) -> None:
            write_person(new, nights, summary_table(results), facts)
            if with_report:
                from holter2sleep.report.pdf import write_nights_report

                write_nights_report(new, request.out)

        fill_folder(folder, write)
        remove_superseded(recording, request, {folder, *(job.folder for job in jobs.values())})
    return _outcome_of(folder if with_summary else request.out / results[0].part.recording_id, results, request)


def _check_one_night_options(recording: Recording, request: Request) -> None:
    """Lights and a hypnogram lie on the time of the whole recording, and belong to one night."""
    for name in ("lights_off", "lights_on", "hypnogram"):
        if getattr(request, name) is not None:
            option = name.replace("_", "-")
            raise UsageError(
                f"{recording.source.file}: --{option} belongs to one night, and --night {request.night} looks for the "
                f"nights in {recording.duration_s / 3600:.1f} h; give --night whole, or leave --{option} out"
            )


def _without_nights(path: Path, recording: Recording, request: Request, watch: Stopwatch) -> Outcome:
    note = f"no main sleep period found in {recording.duration_s / 3600:.1f} h"
    if request.night not in (AUTO, ALL):
        raise UsageError(f"{recording.source.file}: {note}, so there is no night {request.night}; try --night whole")
    note += ": the whole recording is one result"
    log.warning("%s: %s", recording.recording_id, note)
    return _whole(path, recording.but(warnings=(*recording.warnings, note)), request, watch)


def _chosen(parts: tuple[Part, ...], recording: Recording, request: Request) -> tuple[Part, ...]:
    """All parts, or the one with the number asked for."""
    if request.night in (AUTO, ALL):
        return parts
    if int(request.night) > len(parts):
        found = f"{len(parts)} main sleep period{'s' * (len(parts) > 1)} found"
        raise UsageError(f"{recording.source.file}: there is no night {request.night}: {found}")
    return (parts[int(request.night) - 1],)


def _job(part: Part, recording: Recording, request: Request) -> _Job:
    """The night of a part; the same whether it was asked for alone or with the others."""
    night = cut_night(recording, part)
    who = identity(recording.source.sha256, request.recipe, request.facts() | {"night": str(part.night)})
    return _Job(night, _given(request, part.lights), who, request.out / part.recording_id, part)


def _result(part: Part, job: _Job, request: Request, watch: Stopwatch) -> NightResult:
    """What became of a night; one that fails is told, and the others go on."""
    recording = request.private(job.recording)
    start, end = recording.start, recording.clock(recording.duration_s)
    try:
        _analyse(job, request, watch)
    except Holter2SleepError as error:
        log.warning("%s: %s", recording.recording_id, error)
        return NightResult(part, start, end, None, str(error), error.exit_code)
    return NightResult(part, start, end, read_night(job.folder).phenotypes)


def _made_before(folder: Path, request: Request) -> Outcome | None:
    """What to say of nights that are all there already; None when one is missing."""
    run = read_run(folder) or {}
    names = [night["recording_id"] for night in run["nights"] if night["status"] == "ok"]
    if not all((request.out / name / file).is_file() for name in names for file in night_files(request)):
        return None
    code = max((night["exit_code"] for night in run["nights"]), default=0)
    return Outcome(folder, f"{folder}: already made from the same input and recipe; nothing to do", code)


def _outcome_of(folder: Path, results: list[NightResult], request: Request) -> Outcome:
    lines = []
    for result in results:
        made = request.out / result.part.recording_id
        what = f"{made / 'report.pdf' if request.report else made}" if result.message is None else result.message
        lines.append(f"night {result.part.night}  {what}")
    if (folder / "nights.csv").is_file() and (folder / "report.pdf").is_file():
        lines.append(f"nights  {folder / 'report.pdf'}  (all nights side by side)")
    if (folder / "nights.csv").is_file():
        lines.append(f"summary  {folder / 'nights.csv'}  (one row a night), summary.csv  (over the nights)")
    return Outcome(folder, "\n".join(lines), max(result.exit_code for result in results))


def _told(folder: Path, with_report: bool) -> str:
    run = read_run(folder)
    lines = [] if run is None else [_basis(run)]
    lines += [f"report  {folder / 'report.pdf'}"] if with_report else []
    return "\n".join([*lines, f"tables  {folder / 'phenotypes.csv'}  (and epochs, beats, episodes as .parquet)"])


def _basis(run: dict[str, Any]) -> str:
    """What a night rests on, before the report is opened: its lead, how much could be analysed, who staged."""
    lead = f"lead    {run['channel']}, " if run["channel"] else "beats   from a file, "
    usable_s = duration(as_spans(run["usable"]))
    told = f"{usable_s / 3600:.2f} of {run['duration_s'] / 3600:.2f} h analysable, stages by"
    return f"{lead}{told} {run['hypnogram']['scorer']}"

"""From a file to a finished night folder: what `analyze` promises around the one path."""

from __future__ import annotations

import dataclasses
import logging
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import numpy as np

from holter2sleep.analyze import Given, analyze_night
from holter2sleep.errors import UsageError
from holter2sleep.io import read_recording
from holter2sleep.io.beatfiles import read_beat_file
from holter2sleep.io.edf_annotations import find_lights, read_edf_annotations
from holter2sleep.night import Lights, Recording, Sex, Subject
from holter2sleep.phenotypes.files import (
    NIGHT_FILES,
    fill_folder,
    is_night_folder,
    read_run,
    tables_of,
    write_run,
    write_tables,
)
from holter2sleep.provenance import Stopwatch, facts_of, identity, sha256_of_file
from holter2sleep.recipe import Recipe, load_recipe
from holter2sleep.report.pdf import write_report

log = logging.getLogger(__name__)

_ID = re.compile(r"\w[\w .-]{0,199}")
LIGHTS_SLACK_S = 60.0  # a clock time in whole minutes may lie just behind the last sample


@dataclass(frozen=True)
class Request:
    """What the user asks of `analyze`, the same for every input."""

    out: Path
    recipe: Recipe
    channel: str | None = None
    recording_id: str | None = None
    age: float | None = None
    sex: Sex | None = None
    start: datetime | None = None
    lights_off: str | None = None
    lights_on: str | None = None
    beats: Path | None = None
    hypnogram: Path | None = None
    rr_unit: str = "auto"
    report: bool = True
    overwrite: bool = False
    seed: int = 0

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> Self:
        """From the options of the command line.

        Raises
        ------
        RecipeError
            Recipe or a setting that cannot be used.
        UsageError
            A file given with --beats or --hypnogram does not exist.
        """
        own = {field.name for field in dataclasses.fields(cls)}
        settings = tuple(options["settings"])
        if options["stager"]:
            settings += (f'staging.stager="{options["stager"]}"',)
        recipe = load_recipe(options["recipe"], settings)
        for name in ("beats", "hypnogram"):
            if options[name] is not None and not options[name].is_file():
                raise UsageError(f"--{name} {options[name]}: no such file")
        sex = options["sex"].upper() if options["sex"] else None
        return cls(**{k: v for k, v in options.items() if k in own} | {"recipe": recipe, "sex": sex})

    def distinct(self, inputs: tuple[Path, ...]) -> tuple[Path, ...]:
        """The inputs, refused when two of them would share a folder.

        Raises
        ------
        UsageError
            Two inputs with one recording id.
        """
        if len(inputs) > 1:
            for name in ("beats", "hypnogram", "start", "age", "sex"):
                if getattr(self, name) is not None:
                    raise UsageError(
                        f"--{name} belongs to one recording; {len(inputs)} were given: analyse that one alone"
                    )
        owner: dict[str, Path] = {}
        for path in inputs:
            name = path.stem if self.recording_id is None else self.recording_id
            if self.recording_id is not None and not _ID.fullmatch(name):
                raise UsageError(
                    f"--id {name!r}: expected up to 200 letters, digits, blanks, '.', '_' or '-', for it names a folder"
                )
            if name in owner:
                raise UsageError(
                    f"{owner[name]} and {path} would both be {name!r}; analyse one with --id, or in another --out"
                )
            owner[name] = path
        return inputs

    def facts(self) -> dict[str, Any]:
        """Options that change a night's content, for its identity."""
        return {
            "channel": self.channel,
            "age": self.age,
            "sex": self.sex,
            "start": self.start.isoformat() if self.start else None,
            "lights_off": self.lights_off,
            "lights_on": self.lights_on,
            "beats_sha256": sha256_of_file(self.beats) if self.beats else None,
            "hypnogram_sha256": sha256_of_file(self.hypnogram) if self.hypnogram else None,
            "rr_unit": self.rr_unit,
        }


@dataclass(frozen=True)
class Outcome:
    """Where a night's results lie, and a line about it for the user."""

    folder: Path
    text: str


def analyze_file(path: Path, request: Request, show: Callable[[str], None] = lambda _step: None) -> Outcome:
    """Analyse one file into its folder.

    A folder made from the same input, recipe and options is left as it is. A failing run destroys nothing.

    Raises
    ------
    UsageError
        The folder holds a night made from something else, and `overwrite` is not set.
    Holter2SleepError
        The recording cannot be read or holds too little signal.
    """
    _check_writable(request.out)
    watch = Stopwatch(show)
    with watch.step("read"):
        recording = _as_told(
            read_recording(path, channel=request.channel, recording_id=request.recording_id, rr_unit=request.rr_unit),
            request,
        )
    who = identity(recording.source.sha256, request.recipe, request.facts())
    folder = request.out / recording.recording_id
    if _is_done(folder, who, request):
        return Outcome(folder, f"{folder}: already made from the same input and recipe; nothing to do")
    lights, doubts = _lights(path, recording, request)
    recording = recording.but(warnings=(*recording.warnings, *doubts))
    given = Given(lights, request.hypnogram)
    night = analyze_night(recording, request.recipe, given, watch.step)
    with watch.step("tables"):
        tables = tables_of(night, request.recipe)

    def write(new: Path) -> None:
        write_tables(new, tables)
        write_run(new, facts_of(night, request.recipe, who, request.seed, watch))
        if request.report:
            with watch.step("report"):
                write_report(new)
            # the report is drawn from run.json; written again, it holds the seconds of the report too
            write_run(new, facts_of(night, request.recipe, who, request.seed, watch))

    fill_folder(folder, write)
    return Outcome(folder, _told(folder, request.report))


def _check_writable(out: Path) -> None:
    """Fail before the work rather than after it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".writable."):
            pass
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written ({error.strerror}); choose another folder") from None


def _told(folder: Path, with_report: bool) -> str:
    lines = [f"report  {folder / 'report.pdf'}"] if with_report else []
    return "\n".join([*lines, f"tables  {folder / 'phenotypes.csv'}  (and epochs, beats, episodes as .parquet)"])


def _is_done(folder: Path, who: dict[str, Any], request: Request) -> bool:
    """Whether the folder already holds this very night."""
    if not folder.exists() or not any(folder.iterdir()):
        return False
    if not is_night_folder(folder):
        raise UsageError(
            f"{folder} exists and is no night folder of ours, so it is left alone; choose another --out or --id"
        )
    run = read_run(folder)
    same = run is not None and run.get("identity") == who
    expected = NIGHT_FILES if request.report else NIGHT_FILES - {"report.pdf"}
    if same and all((folder / name).is_file() for name in expected):
        return not request.overwrite
    if same or request.overwrite:
        return False
    raise UsageError(
        f"{folder} holds a night made from another input, recipe or option; give --overwrite to replace it, "
        f"or another --out or --id"
    )


def _as_told(recording: Recording, request: Request) -> Recording:
    """The recording with what the user knows better than the header."""
    header = recording.subject
    subject = Subject(
        header.age_years if request.age is None else request.age, header.sex if request.sex is None else request.sex
    )
    recording = recording.but(subject=subject, start=request.start or recording.start)
    if request.beats is None:
        return recording
    told = read_beat_file(request.beats, recording.fs, rr_unit=request.rr_unit)
    inside = (told.beats.time_s >= 0) & (told.beats.time_s <= recording.duration_s)
    beyond = (f"{(~inside).sum()} of {len(inside)} beats of {request.beats.name} lie beyond the recording: left out",)
    return recording.but(
        given_beats=told.beats.where(inside),
        beats_classified=told.classified,
        gaps=np.concatenate([recording.gaps, told.gaps]),
        warnings=(*recording.warnings, *told.warnings, *(() if inside.all() else beyond)),
    )


def _lights(path: Path, recording: Recording, request: Request) -> tuple[Lights | None, tuple[str, ...]]:
    """Lights by option, else by annotation, None when nobody says; with a warning of annotations that do not fit."""
    end_s = recording.duration_s
    noted_off, noted_on = _annotated_lights(path, recording)
    off_s, on_s = noted_off or 0.0, end_s if noted_on is None else noted_on
    if request.lights_off is None and request.lights_on is None:
        if noted_off is None and noted_on is None:
            return None, ()
        if _fits(off_s, on_s, end_s):
            return Lights(off_s, min(on_s, end_s), "annotation"), ()
        doubt = f"lights noted off at {off_s:.0f} s and on at {on_s:.0f} s do not fit the recording: left out"
        log.warning("%s: %s", recording.recording_id, doubt)
        return None, (doubt,)
    if request.lights_off is not None:
        off_s = _seconds(request.lights_off, recording, "--lights-off", 0.0)
    if request.lights_on is not None:
        on_s = _seconds(request.lights_on, recording, "--lights-on", off_s)
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
        raise UsageError(
            f"{recording.source.file}: lights-off at {off_s:.0f} s and lights-on at {on_s:.0f} s do not "
            f"fit a recording of {end_s:.0f} s{starts}"
        )
    return Lights(off_s, min(on_s, end_s), "option")


def _seconds(text: str, recording: Recording, option: str, after_s: float) -> float:
    """Seconds from the start for `22:45`, an ISO time, or `900s`; a clock time is the next one after `after_s`."""
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*s", text):
        return float(match[1])
    if recording.start is None:
        raise UsageError(
            f"{option} {text}: the recording's start time is unknown; give --start, or seconds such as 900s"
        )
    try:
        if "T" in text or " " in text or text.count("-") == 2:
            return (datetime.fromisoformat(text) - recording.start).total_seconds()
        clock = datetime.strptime(text, "%H:%M:%S" if text.count(":") == 2 else "%H:%M").time()
    except (ValueError, TypeError):
        raise UsageError(f"{option} {text!r}: expected a clock time (22:45), an ISO time, or seconds (900s)") from None
    earliest = recording.start + timedelta(seconds=after_s)
    moment = datetime.combine(earliest.date(), clock)
    if moment < earliest:
        moment += timedelta(days=1)
    return (moment - recording.start).total_seconds()

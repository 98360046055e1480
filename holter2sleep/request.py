"""What the user asks of `analyze`, the same for every input."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from holter2sleep.analyze import Polarity
from holter2sleep.errors import UsageError
from holter2sleep.io.files import exists, is_file, sha256_of, shortened
from holter2sleep.io.inputs import find_inputs
from holter2sleep.night import Night, Recording, Sex, Subject
from holter2sleep.privacy import (
    deidentified,
    is_pseudonym,
    private_file_name,
    pseudonym,
    read_or_make_key,
    without_date,
    without_names,
)
from holter2sleep.profiles import Profile, load_profile
from holter2sleep.recipe import Recipe, load_recipe
from holter2sleep.shown import shown_file, shown_recording
from holter2sleep.sleep.staging.registry import head_folder
from holter2sleep.told import SUMMER_TIME, Moment, known_zone, told_moment, with_beats, with_clock

AUTO, ALL, WHOLE = "auto", "all", "whole"
TELLING = ("channel", "age", "start", "time_zone", "lights_off", "lights_on")  # facts that may hold a name or a date
CLOCK_OF_THE_START = "the clock runs on evenly from the start, moved or not: a change of it would tell the date"
OF_ONE_RECORDING = ("beats", "hypnogram", "start", "age", "sex")
_ID = re.compile(r"\w[\w .-]{0,199}")
_LONGEST_NAME = 200  # bytes: disks allow 255, and the folder it is written in beforehand has 40 more
WHAT_AN_ID_IS = (
    "expected up to 200 letters, digits, blanks, '.', '_' or '-' "
    f"({_LONGEST_NAME} bytes in UTF-8), for it names a folder"
)
_NIGHT = re.compile(r"[1-9]\d{0,2}")
_OF_NIGHTS = re.compile(r"(.+)_night(?:s|\d\d)")  # names that the results of several nights take


@dataclass(frozen=True)
class Request:
    """Where the results go, by which recipe, and what the user says of the recording."""

    out: Path
    recipe: Recipe
    channel: str | None = None
    fs: float | None = None
    unit: str | None = None
    polarity: Polarity = "auto"
    profile: Profile | None = None
    recording_id: str | None = None
    age: float | None = None
    sex: Sex | None = None
    start: Moment | None = None
    tz: str | None = None
    night: str = AUTO  # auto, all, whole, or a number from 1
    lights_off: str | None = None
    lights_on: str | None = None
    beats: Path | None = None
    hypnogram: Path | None = None
    hypnogram_code: str | None = None
    rr_unit: str = AUTO
    key: bytes | None = None  # of pseudonyms; None: the recording keeps its name
    report: bool = True
    overwrite: bool = False
    renew: bool = False  # a night made from something else is replaced, one made from the same stays
    seed: int = 0

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> Self:
        """From the options of the command line.

        Raises
        ------
        RecipeError
            Recipe, profile or a setting that cannot be used.
        UsageError
            An option that is no such thing; a file given with --beats or --hypnogram that does not exist.
        """
        own = {field.name for field in dataclasses.fields(cls)}
        settings = tuple(options["settings"])
        if options["stager"]:
            settings += (f"staging.stager={json.dumps(str(options['stager']), ensure_ascii=False)}",)
        for name in ("beats", "hypnogram"):
            if options[name] is not None and not is_file(options[name]):
                what = "not a file" if exists(options[name]) else "no such file"
                raise UsageError(f"--{name} {options[name]}: {what}")
        if options["fs"] is not None and not math.isfinite(options["fs"]):
            raise UsageError(f"--fs {options['fs']}: expected a sampling rate in Hz, such as 250")
        tz = known_zone(options["tz"]) if options["tz"] is not None else None
        read = {
            "recipe": _from_anywhere(load_recipe(options["recipe"], settings)),
            "tz": tz,
            "start": told_moment(options["start"], "--start", tz) if options["start"] is not None else None,
            "night": known_night(options["night"]),
            "profile": load_profile(options["profile"]) if options["profile"] is not None else None,
            "key": _key(options["deidentify"], options["key"]),
        }
        return cls(**{name: value for name, value in options.items() if name in own} | read)

    def inputs(self, paths: tuple[Path, ...]) -> tuple[Path, ...]:
        """The recordings among files, folders and patterns, refused when two of them would share a folder.

        Raises
        ------
        UsageError
            A folder or pattern without a recording; two recordings with one id.
        """
        inputs = find_inputs(paths, fs=self.fs)
        if len(inputs) > 1:
            for name in OF_ONE_RECORDING:
                if getattr(self, name) is not None:
                    raise UsageError(
                        f"--{name} belongs to one recording; {len(inputs)} were given: analyse that one alone"
                    )
        owner: dict[str, Path] = {}
        for path in inputs:
            name = path.stem if self.recording_id is None else self.recording_id
            if self.recording_id is not None and not is_id(name):
                raise UsageError(f"--id {shortened(name, 100)!r}: {WHAT_AN_ID_IS}")
            if self.key is None and not _names_a_folder(name):
                raise UsageError(
                    f"{shortened(path.name, 100)!r}: its name cannot be that of a folder of results; give one with --id"
                )
            if name in owner:
                raise UsageError(
                    f"{owner[name]} and {path} would both be {name!r}; analyse one with --id, or in another --out"
                )
            owner[name] = path
        for name in owner:
            whole = whole_of(name)
            if whole is not None and whole in owner:
                raise UsageError(
                    f"{owner[name]}: its folder {name!r} may be that of a night of {owner[whole]}; analyse one of them "
                    f"with --id, or in another --out"
                )
        return inputs

    @property
    def reading(self) -> dict[str, Any]:
        """How to read the file: fields of `ReadOptions`. Of an archive only the labels count: units are the file's."""
        return {
            "channel": self.channel,
            "rr_unit": self.rr_unit,
            "fs": self.fs,
            "unit": self.unit,
            "zone": self.tz,
            "labels": self.profile.labels if self.profile else (),
        }

    @property
    def code_of_stages(self) -> str | None:
        """Meaning of integer stages, from the user or the archive."""
        return self.hypnogram_code or (self.profile.hypnogram_code if self.profile else None)

    def name_of(self, path: Path) -> str:
        """Recording id of a file: a pseudonym from the first log line on, where one is asked for."""
        name = path.stem if self.recording_id is None else self.recording_id
        return name if self.key is None or is_pseudonym(name) else pseudonym(self.key, name)

    def veil(self, path: Path) -> dict[str, str]:
        """Names that must not be shown while a file is analysed, with what stands for each; empty without a key."""
        if self.key is None:
            return {}
        files = [file for file in (path, self.beats, self.hypnogram) if file]
        names = {file.name: private_file_name(self.key, file.name) for file in files}
        folders = {str(file.parent): "(folder)" for file in files if file.parent.name}
        ids = {name: pseudonym(self.key, name) for name in (path.stem, self.recording_id) if name}
        return {**folders, **ids, **names}

    def shown_name(self, path: Path) -> str:
        """What progress calls a file."""
        return path.name if self.key is None else private_file_name(self.key, path.name)

    def told(self, recording: Recording) -> Recording:
        """The recording with what the user knows better than the header, under a pseudonym where one is asked for.

        Raises
        ------
        RecordingError
            The file given with --beats holds no beats.
        """
        header = recording.subject
        age = header.age_years if self.age is None else self.age
        recording = recording.but(subject=Subject(age, header.sex if self.sex is None else self.sex))
        dates_true = self.profile is None or not self.profile.dates_shifted
        recording = with_clock(recording, self.start, self.tz, dates_true)
        if self.beats is not None:
            recording = with_beats(recording, self.beats, self.rr_unit)
        if self.key is None:
            return shown_recording(recording)
        # the date goes last, from what is written: lights and hypnograms are placed by it
        return deidentified(recording, self.key).but(start=recording.start, zone=recording.zone)

    def private(self, recording: Recording) -> Recording:
        """The recording as it may be written: without date and place where that is asked for."""
        if self.key is None:
            return recording
        names = {path.name: private_file_name(self.key, path.name) for path in (self.beats, self.hypnogram) if path}
        if self.tz is not None:
            names[self.tz] = "(zone)"
        kept = (without_names(warning, names) for warning in recording.warnings if SUMMER_TIME not in warning)
        start = None if recording.start is None else without_date(recording.start)
        # whether the clock is moved in this night or not, the words are the same: a change would tell the date
        left_out = (CLOCK_OF_THE_START,) if recording.zone is not None else ()
        return recording.but(start=start, zone=None, warnings=(*kept, *left_out))

    def private_night(self, night: Night) -> Night:
        """Likewise a night, whose hypnogram may name a file; that one is named in no run where it names a person."""
        if self.key is None and self.hypnogram is None:
            return night
        if self.key is None:
            scorer = shown_file(night.hypnogram.scorer, night.recording)
            return dataclasses.replace(night, hypnogram=dataclasses.replace(night.hypnogram, scorer=scorer))
        recording = self.private(night.recording.but(warnings=night.warnings))
        hypnogram = night.hypnogram
        if self.hypnogram is not None:
            hypnogram = dataclasses.replace(hypnogram, scorer=private_file_name(self.key, hypnogram.scorer))
        return dataclasses.replace(night, recording=recording, hypnogram=hypnogram, warnings=recording.warnings)

    def facts(self) -> dict[str, Any]:
        """Options that change a night's content, for its identity; veiled where they could tell of a person."""
        facts = self._facts()
        if self.key is not None:
            for name in TELLING:
                facts[name] = None if facts[name] is None else pseudonym(self.key, str(facts[name]))
        return facts

    def _facts(self) -> dict[str, Any]:
        return {
            "channel": self.channel,
            "fs": self.fs,
            "unit": self.unit,
            "polarity": self.polarity,
            "profile": self.profile.name if self.profile else None,
            "age": self.age,
            "sex": self.sex,
            "start": self.start.isoformat() if self.start else None,
            "time_zone": self.tz,
            "night": self.night,
            "lights_off": self.lights_off,
            "lights_on": self.lights_on,
            "beats_sha256": sha256_of([self.beats]) if self.beats else None,
            "hypnogram_sha256": sha256_of([self.hypnogram]) if self.hypnogram else None,
            "hypnogram_code": self.hypnogram_code,
            "rr_unit": self.rr_unit,
            "deidentified": self.key is not None,
        }


def is_id(name: str) -> bool:
    """Whether a user's name can be that of a night.

    Examples
    --------
    >>> is_id("shhs1-200001"), is_id("../night"), is_id("")
    (True, False, False)
    """
    return bool(_ID.fullmatch(name)) and _names_a_folder(name)


def whole_of(name: str) -> str | None:
    """The recording whose night would take this name; None where it is no such name.

    Examples
    --------
    >>> whole_of("patch_night02"), whole_of("patch_nights"), whole_of("patch")
    ('patch', 'patch', None)
    """
    found = _OF_NIGHTS.fullmatch(name)
    return found[1] if found else None


def _names_a_folder(name: str) -> bool:
    """Whether a name is one a folder can have; `.` is the folder it would lie in."""
    try:
        return 0 < len(name.encode("utf-8")) <= _LONGEST_NAME and name not in (".", "..")
    except UnicodeEncodeError:  # bytes that are no UTF-8, which no table and no JSON can hold
        return False


def _from_anywhere(recipe: Recipe) -> Recipe:
    """The recipe with the folder of a head that other processes find too."""
    folder = head_folder(recipe.staging.stager)
    if folder is None:
        return recipe
    return dataclasses.replace(recipe, staging=dataclasses.replace(recipe.staging, stager=str(folder.resolve())))


def _key(wanted: bool, path: Path | None) -> bytes | None:
    """The key of the pseudonyms; None where none are wanted."""
    if not wanted and path is None:
        return None
    if not wanted:
        raise UsageError("--key is the key of pseudonyms: it needs --deidentify")
    if path is None:
        raise UsageError("--deidentify needs --key FILE, the key of the pseudonyms; it is made where there is none")
    return read_or_make_key(path)


def known_night(text: str) -> str:
    """What is asked of the nights in a recording: `auto`, `all`, `whole`, or a number.

    Raises
    ------
    UsageError
        None of these.
    """
    if text in (AUTO, ALL, WHOLE) or _NIGHT.fullmatch(text):
        return text
    raise UsageError(f"--night {text!r}: expected auto, all, whole, or the number of a night, from 1")

"""The recording of a finished night, found again: its waveform as the night had it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from holter2sleep.errors import Holter2SleepError, RecordingError
from holter2sleep.heart.polarity import opposite_spans, turned_within
from holter2sleep.io import read_recording
from holter2sleep.night import Recording
from holter2sleep.phenotypes.files import NightTables
from holter2sleep.profiles import load_profile
from holter2sleep.recipe import Recipe
from holter2sleep.waveform import Waveform

TURNED_OVER = "turned over there"  # words of the warning of `analyze` that stretches of the lead were turned


def find_waveform(folder: Path, machine: NightTables, told: Path | None, recipe: Recipe) -> Waveform | None:
    """The waveform of a night, upright, on its own time; None where the recording is not at its place any more.

    Looked at are the file that is told, else one of the recorded name beside the folder of results, or where the
    program was started. Only the very file counts, by its hash.

    Raises
    ------
    RecordingError
        The file that is told is another one.
    """
    run = machine.run
    if run["channel"] is None:
        return None
    name = run["input"]["file"]
    places = [told] if told else [parent / name for parent in (*folder.resolve().parents[:2], Path.cwd())]
    for path in places:
        recording = _read(path, run) if told or path.is_file() else None
        if recording is not None and recording.source.sha256 == run["input"]["sha256"]:
            return _as_analysed(recording, machine, recipe)
    if told:
        raise RecordingError(
            f"{told}: not the recording that {folder} was made from ({name}, SHA-256 {run['input']['sha256'][:12]}...)"
        )
    return None


def _read(path: Path, run: dict[str, Any]) -> Recording | None:
    """The recording of a file as the options of the night say, which choose the same lead again; None for what is none.

    A lead that was asked for under a pseudonym cannot be: there the choice of the program has to be the same.
    """
    options = run["identity"]["options"]
    channel = None if options["deidentified"] else options["channel"]
    labels = load_profile(options["profile"]).labels if options["profile"] else ()
    try:
        return read_recording(path, channel=channel, fs=options["fs"], unit=options["unit"], labels=labels)
    except Holter2SleepError:
        return None


def _as_analysed(recording: Recording, machine: NightTables, recipe: Recipe) -> Waveform | None:
    """The samples of the night: cut from a longer recording, and turned as the night was."""
    run, ecg, fs = machine.run, recording.ecg, recording.fs
    if ecg is None or fs is None:
        return None
    part = run["part"]
    if part is not None:
        ecg = ecg.cut(round(part["start_s"] * fs), round(part["end_s"] * fs))
    if any(TURNED_OVER in note for note in run["warnings"]):
        cut = recording.but(ecg=ecg, duration_s=run["duration_s"])
        ecg = turned_within(cut, opposite_spans(cut, machine.beats["time_s"].to_numpy(), recipe.polarity)).ecg
    return -ecg if run["polarity"] == -1 and ecg is not None else ecg

"""The recording of a finished night, found again: its waveform as the night had it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from holter2sleep.errors import RecordingError
from holter2sleep.heart.polarity import turned_within
from holter2sleep.io import read_recording
from holter2sleep.night import Recording
from holter2sleep.profiles import load_profile
from holter2sleep.spans import as_spans
from holter2sleep.waveform import Waveform


def find_waveform(folder: Path, run: dict[str, Any], told: Path | None) -> Waveform | None:
    """The waveform of a night, upright, on its own time; None where the recording is not at its place any more.

    Looked at are the file that is told, else one of the recorded name beside the folder of results, or where the
    program was started. Only the very file counts, by its hash.

    Raises
    ------
    RecordingError
        The file that is told is another one.
    UsageError
        There is no such file.
    """
    if run["channel"] is None:
        return None
    name = run["input"]["file"]
    places = [told] if told else [parent / name for parent in (*folder.resolve().parents[:2], Path.cwd())]
    for path in places:
        recording = _read(path, run) if told or path.is_file() else None
        if recording is not None and recording.source.sha256 == run["input"]["sha256"]:
            return _as_analysed(recording, run)
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
    except RecordingError:
        return None


def _as_analysed(recording: Recording, run: dict[str, Any]) -> Waveform | None:
    """The samples of the night: cut from a longer recording, and turned as the night was."""
    ecg, fs = recording.ecg, recording.fs
    if ecg is None or fs is None:
        return None
    part = run["part"]
    if part is not None:
        ecg = ecg.cut(round(part["start_s"] * fs), round(part["end_s"] * fs))
    if run["turned"]:
        ecg = turned_within(recording.but(ecg=ecg), as_spans(run["turned"])).ecg
    return -ecg if run["polarity"] == -1 and ecg is not None else ecg

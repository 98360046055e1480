"""RR intervals of Polar heart-rate monitors (`.hrm`): sections as in an INI file, one interval a line."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from holter2sleep.io.files import quoted, read_text, refusal
from holter2sleep.night import Float

RR_INTERVALS = ("238", "255")  # values of Interval that announce RR intervals; others are seconds between heart rates
_WORKS = "a Polar file with RR intervals (Interval=238)"


def read_hrm(path: Path) -> tuple[Float, datetime | None]:
    """RR intervals of a Polar file, s, array (n_intervals,), and the local time at which the first one begins.

    Raises
    ------
    RecordingError
        Heart-rate samples instead of intervals, no interval, or a line that is none.
    """
    section = _sections(read_text(path, _WORKS))
    params = dict(line.split("=", 1) for _, line in section.get("params", []) if "=" in line)
    params = {name.strip().casefold(): value.strip() for name, value in params.items()}
    interval = params.get("interval", RR_INTERVALS[0])
    if interval not in RR_INTERVALS:
        raise refusal(path, f"heart-rate samples (Interval={interval[:20]}), no RR intervals", _WORKS)
    lines = section.get("hrdata", [])
    if not lines:
        raise refusal(path, "no RR interval behind [HRData]", _WORKS)
    for number, line in lines:
        if not re.fullmatch(r"\d{1,6}", line.split()[0]):
            raise refusal(path, f"line {number}: {quoted(line)} is no interval in ms", _WORKS)
    return np.array([float(line.split()[0]) for _, line in lines]) / 1000, _start(params)


def polar_notes(path: Path) -> list[str]:
    """Names of the sections for remarks that hold any.

    Raises
    ------
    RecordingError
        The file is no text.
    """
    text = read_text(path, _WORKS)
    section = _sections(text)
    titles = dict.fromkeys(re.findall(r"^\s*\[(\w+)\]", text, re.MULTILINE))
    return [title for title in titles if title.casefold().endswith(("note", "notes")) and section[title.casefold()]]


def _sections(text: str) -> dict[str, list[tuple[int, str]]]:
    """Numbered lines that are not blank, by the lower-case name of their section."""
    found: dict[str, list[tuple[int, str]]] = {}
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if title := re.fullmatch(r"\s*\[(\w+)\]\s*", line):
            lines = found.setdefault(title[1].casefold(), [])
        elif line.strip("\0\x1a \t"):
            lines.append((number, line.strip()))
    return found


def _start(params: dict[str, str]) -> datetime | None:
    """Date and time of the file; `StartDelay` (ms) lies between them and the first interval."""
    delay = params.get("startdelay", "0")
    try:
        day = datetime.strptime(params.get("date", ""), "%Y%m%d")
        clock = datetime.strptime(params.get("starttime", "").partition(".")[0], "%H:%M:%S")
    except ValueError:
        return None
    moment = datetime.combine(day, clock.time())
    fraction = re.search(r"\.(\d{1,6})$", params["starttime"])
    elapsed = timedelta(seconds=float(f"0.{fraction[1]}") if fraction else 0.0)
    return moment + elapsed + timedelta(milliseconds=int(delay) if re.fullmatch(r"\d{1,7}", delay) else 0)

"""Polar `.hrm` files: RR intervals behind a head of settings."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from reading import read_made

from holter2sleep.errors import RecordingError
from holter2sleep.io import read_recording

HEAD = "[Params]\nVersion=106\nDate=20240301\nStartTime=22:30:15.5\nInterval={interval}\nMaxHR=180\n\n[Note]\nrun\n\n"
INTERVALS = [800, 810, 790, 805] * 100


def hrm(interval: int = 238, data: str = "\n".join(map(str, INTERVALS)), **lines: str) -> str:
    extra = "".join(f"{name}={value}\n" for name, value in lines.items())
    return HEAD.format(interval=interval).replace("MaxHR", f"{extra}MaxHR") + f"[HRData]\n{data}\n"


@pytest.mark.parametrize("interval", [238, 255])
def test_intervals_become_beats_with_the_start_of_the_head(tmp_path: Path, interval: int) -> None:
    recording = read_made(tmp_path, hrm(interval).replace("\n", "\r\n"), "run.hrm")
    assert recording.given_beats is not None
    np.testing.assert_allclose(recording.given_beats.time_s, np.r_[0, np.cumsum(INTERVALS)] / 1000)
    assert recording.start == datetime(2024, 3, 1, 22, 30, 15, 500_000)
    assert recording.source.format == "Polar RR intervals"
    assert not recording.beats_classified


def test_the_first_interval_begins_after_the_delay(tmp_path: Path) -> None:
    recording = read_made(tmp_path, hrm(StartDelay="541"), "run.hrm")
    assert recording.start == datetime(2024, 3, 1, 22, 30, 16, 41_000)


def test_a_head_without_a_date_leaves_the_start_open(tmp_path: Path) -> None:
    assert read_made(tmp_path, hrm().replace("20240301", "0"), "run.hrm").start is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (hrm(5, "72\n73\n74"), r"heart-rate samples \(Interval=5\)"),
        (hrm(data=""), "no RR interval behind"),
        (HEAD.format(interval=238), "no RR interval behind"),
        (hrm(data="800\nwhat\n"), r"line \d+: .4 characters of text. is no interval in ms"),
        (hrm(data="72\n73\n72"), "no RR intervals"),
        ("", "empty"),
        ("just text", "no RR interval behind"),
        ("\0\1\2", "binary content"),
    ],
)
def test_what_holds_no_intervals_is_refused(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(RecordingError, match=says) as caught:
        read_made(tmp_path, content, "run.hrm")
    assert "\n" not in str(caught.value)


@pytest.mark.realdata
def test_a_real_file_lasts_as_long_as_it_says(shared_data: Path) -> None:
    recording = read_recording(shared_data / "hrv_reference" / "rhenanbartels_hrv" / "exercise_rri.hrm")
    length = timedelta(minutes=42, seconds=41.7)  # Length=00:42:41.7
    assert recording.duration_s == pytest.approx(length.total_seconds(), abs=0.2)
    assert recording.start == datetime(2008, 2, 8, 8, 50, 31)

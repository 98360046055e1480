"""Times on the wall go on evenly where the clock is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from holter2sleep.errors import RecordingError
from holter2sleep.io import read_recording
from holter2sleep.io.summer_time import SteadyTime

CHANGES = [
    ("Europe/Berlin", datetime(2024, 3, 31, 0, 30, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2024, 10, 27, 0, 30, tzinfo=UTC)),
    ("America/New_York", datetime(2024, 3, 10, 6, 30, tzinfo=UTC)),
    ("America/New_York", datetime(2024, 11, 3, 5, 30, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2024, 4, 6, 14, 30, tzinfo=UTC)),  # by half an hour
    ("Europe/Berlin", datetime(2024, 7, 1, 0, 30, tzinfo=UTC)),  # no change
]


def wall(zone: str, start: datetime, seconds: np.ndarray) -> np.ndarray:
    """Local seconds since 1970 of the elapsed ones."""
    moments = [(start + timedelta(seconds=float(s))).astimezone(ZoneInfo(zone)) for s in seconds]
    return np.array([moment.replace(tzinfo=UTC).timestamp() for moment in moments])


@pytest.mark.parametrize(("zone", "start"), CHANGES)
@pytest.mark.parametrize("batch", [1, 7, 10_000])
def test_elapsed_time_is_found_again_whatever_the_batches(zone: str, start: datetime, batch: int) -> None:
    seconds = np.arange(0, 4 * 3600, 20.0)
    local = wall(zone, start, seconds)
    steady = SteadyTime(zone)
    found = np.concatenate([steady.of(local[i : i + batch]) for i in range(0, len(local), batch)])
    np.testing.assert_allclose(found - found[0], seconds)


def samples(tmp_path: Path, zone: str, start: datetime) -> Path:
    """Ten minutes of samples at 64 Hz by the clock on the wall."""
    seconds = np.arange(600 * 64) / 64
    ecg = np.where(np.arange(len(seconds)) % 64 < 3, 1.0, 0.0)
    local = [datetime.fromtimestamp(s, UTC).strftime("%Y-%m-%d %H:%M:%S.%f") for s in wall(zone, start, seconds)]
    path = tmp_path / "wave.csv"
    path.write_text("time,ECG\n" + "\n".join(f"{at},{mv}" for at, mv in zip(local, ecg, strict=True)))
    return path


@pytest.mark.parametrize("start", [datetime(2024, 3, 31, 0, 55, tzinfo=UTC), datetime(2024, 10, 27, 0, 55, tzinfo=UTC)])
def test_a_table_by_the_clock_on_the_wall_keeps_its_time_line_with_the_zone(tmp_path: Path, start: datetime) -> None:
    path = samples(tmp_path, "Europe/Berlin", start)
    recording = read_recording(path, zone="Europe/Berlin")
    assert (recording.duration_s, recording.fs, len(recording.gaps)) == (600.0, 64.0, 0)
    assert recording.start == start.astimezone(ZoneInfo("Europe/Berlin")).replace(tzinfo=None)


def test_without_the_zone_the_step_is_told_with_what_would_help(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"falls by 3599\.984 s, as where summer time ends: --tz"):
        read_recording(samples(tmp_path, "Europe/Berlin", datetime(2024, 10, 27, 0, 55, tzinfo=UTC)))
    skipped = read_recording(samples(tmp_path, "Europe/Berlin", datetime(2024, 3, 31, 0, 55, tzinfo=UTC)))
    assert any("--tz" in warning for warning in skipped.warnings)

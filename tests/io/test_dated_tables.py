"""Tables with dates: in whatever order they are written, what they cannot mean is told from what they mean."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from reading import read_made, read_or_refusal

from holter2sleep.clock import NO_DATE
from holter2sleep.errors import RecordingError
from holter2sleep.io.beatfiles import read_beat_file
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.night import EpochGrid

FS_HZ = 250.0
N = 5000
STEP = timedelta(seconds=1 / FS_HZ)
ECG = np.round(np.random.default_rng(11).normal(0, 0.5, N), 4)
LATE = datetime(2024, 4, 3, 23, 59, 50)  # 10 s before midnight: half of the rows are of the next day


def stamps(form: str, first: datetime = LATE) -> list[str]:
    return [format(first + i * STEP, form) for i in range(N)]


def rows(*columns: object, header: str, mark: str = ",") -> str:
    lines = [mark.join(str(value) for value in row) for row in zip(*columns, strict=True)]
    return "\n".join([header, *lines]) + "\n"


@pytest.mark.parametrize(
    "form",
    [
        "%Y/%m/%d %H:%M:%S.%f",
        "%Y/%m/%dT%H:%M:%S.%f",
        "%d/%m/%Y %H:%M:%S.%f",
        "%m/%d/%Y %H:%M:%S.%f",
        "%m/%d/%Y %I:%M:%S.%f %p",
        "%d-%m-%Y %H:%M:%S.%f",
        "%-m/%-d/%Y %H:%M:%S.%f",
        "%-d.%-m.%Y %H:%M:%S.%f",
    ],
)
def test_over_midnight_any_order_of_day_and_month_is_found(tmp_path: Path, form: str) -> None:
    recording = read_made(tmp_path, rows(stamps(form), ECG, header="time,ECG [mV]"), "a.csv")
    assert (recording.fs, recording.start, recording.duration_s) == (FS_HZ, LATE, 20.0)
    np.testing.assert_allclose(recording.ecg, ECG, atol=1e-6)
    by_rule = [note for note in recording.warnings if "so the time goes forward" in note]
    assert len(by_rule) == ("Y" not in form[:2] and "." not in form[:6])


@pytest.mark.parametrize("form", ["%d/%m/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S.%f"])
@pytest.mark.parametrize("day", [datetime(2024, 4, 13, 22), datetime(2024, 4, 4, 22)])
def test_a_number_above_12_or_twice_the_same_leaves_no_doubt(tmp_path: Path, form: str, day: datetime) -> None:
    recording = read_made(tmp_path, rows(stamps(form, day), ECG, header="time,ECG [mV]"), "a.csv")
    assert (recording.start, recording.warnings) == (day, ())


def test_a_single_date_of_two_meanings_is_left_out_aloud_and_the_clock_is_kept(tmp_path: Path) -> None:
    content = rows(stamps("%d/%m/%Y %H:%M:%S.%f", datetime(2024, 4, 3, 22)), ECG, header="time,ECG [mV]")
    recording = read_made(tmp_path, content, "a.csv", zone="Europe/Berlin")
    assert recording.start == datetime.combine(NO_DATE, datetime(2024, 4, 3, 22).time())
    assert (recording.fs, recording.duration_s) == (FS_HZ, 20.0)
    (note,) = [note for note in recording.warnings if "03/04/2024" in note]
    assert "may have day or month first" in note
    assert "--start" in note


def test_the_day_that_tells_may_come_long_behind_the_first_rows(tmp_path: Path) -> None:
    n = 70 * 3600  # an hour and a bit at 60 Hz: more than is looked at first
    first = datetime(2024, 4, 3, 23, 0)
    times = [format(first + timedelta(seconds=i / 60), "%m/%d/%Y %H:%M:%S.%f") for i in range(n)]
    recording = read_made(tmp_path, rows(times, np.resize(ECG, n), header="time,ECG [mV]"), "a.csv")
    assert (recording.start, recording.fs, len(recording.gaps)) == (first, 60.0, 0)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ("13/13/2024 %H:%M:%S.%f", "is no time"),
        ("31/02/2024 %H:%M:%S.%f", "is no time"),
        ("2024-02-31 %H:%M:%S.%f", "is no time"),
        ("03/04/24 %H:%M:%S.%f", "is no time"),
    ],
)
def test_a_day_that_no_calendar_has_is_refused_with_its_line(tmp_path: Path, form: str, says: str) -> None:
    (tmp_path / "a.csv").write_text(rows(stamps(form), ECG, header="time,ECG [mV]"))
    refused = read_or_refusal(tmp_path / "a.csv")
    assert isinstance(refused, str)
    assert "line 2" in refused
    assert says in refused


def test_dates_that_go_backward_in_either_order_are_refused(tmp_path: Path) -> None:
    times = [f"0{5 - i // 2500}/0{5 - i // 2500}/2024 22:00:{i % 2500 / FS_HZ:06.3f}" for i in range(N)]
    times[0] = "06/07/2024 22:00:00"
    with pytest.raises(RecordingError, match="dates from 06/07/2024 to 04/04/2024, which may have day or month first"):
        read_made(tmp_path, rows(times, ECG, header="time,ECG [mV]"), "a.csv")


# --- date and clock apart, other words, other marks ------------------------------------------------


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("Date,Time,ECG", "%Y-%m-%d"),
        ("Datum,Uhrzeit,EKG", "%d.%m.%Y"),
        ("Fecha,Hora,ECG", "%d/%m/%Y"),
        ("Date,Heure,ECG", "%d/%m/%Y"),
        ("date,time,ecg", "%m/%d/%Y"),
        ("Date,Time,ECG", "%Y-%m-%d 00:00:00"),
    ],
)
def test_date_and_clock_in_two_columns_are_one_time(tmp_path: Path, header: str, form: str) -> None:
    content = rows(stamps(form), stamps("%H:%M:%S.%f"), ECG, header=header)
    for options in ({}, {"fs": FS_HZ}):
        recording = read_made(tmp_path, content, "a.csv", **options)
        assert (recording.fs, recording.start, recording.duration_s) == (FS_HZ, LATE, 20.0)
        np.testing.assert_allclose(recording.ecg, ECG, atol=1e-6)


def test_a_date_that_stays_while_the_clock_passes_midnight_is_the_day_of_the_start(tmp_path: Path) -> None:
    content = rows(["2024-04-03"] * N, stamps("%H:%M:%S.%f"), ECG, header="Date,Time,ECG")
    recording = read_made(tmp_path, content, "a.csv")
    assert (recording.start, recording.duration_s) == (LATE, 20.0)


def test_date_and_clock_of_parquet_are_one_time(tmp_path: Path) -> None:
    moments = pl.Series([LATE + i * STEP for i in range(N)])
    typed = pl.DataFrame({"Date": moments.dt.date(), "Time": moments.dt.time(), "ECG": ECG})
    as_text = typed.with_columns(pl.col("Date").dt.strftime("%d/%m/%Y"), pl.col("Time").dt.strftime("%H:%M:%S%.f"))
    for frame in (typed, as_text):
        frame.write_parquet(tmp_path / "a.parquet")
        recording = read_made(tmp_path, (tmp_path / "a.parquet").read_bytes(), "a.parquet")
        assert (recording.fs, recording.start, recording.duration_s) == (FS_HZ, LATE, 20.0)


def test_counted_times_stay_counted_beside_a_date(tmp_path: Path) -> None:
    content = rows(["2024-04-03"] * N, np.arange(N) / FS_HZ, ECG, header="Date,time_s,ECG")
    recording = read_made(tmp_path, content, "a.csv")
    assert (recording.fs, recording.start) == (FS_HZ, None)


@pytest.mark.parametrize("name", ["Zeit [s]", "Zeit", "Temps", "Temps (s)", "Tiempo", "Tempo_s", "Zeit (Sekunden)"])
def test_a_time_may_be_named_in_other_languages(tmp_path: Path, name: str) -> None:
    recording = read_made(tmp_path, rows(np.arange(N) / FS_HZ, ECG, header=f"{name},ECG"), "a.csv")
    assert (recording.fs, recording.start) == (FS_HZ, None)


def test_temperatures_are_no_times(tmp_path: Path) -> None:
    content = rows(np.round(36 + ECG, 1), ECG, header="Temps,ECG")
    assert read_made(tmp_path, content, "a.csv", fs=FS_HZ).warnings[0].startswith("the unit is blank")


def test_columns_may_be_parted_by_bars(tmp_path: Path) -> None:
    content = rows(np.arange(N) / FS_HZ, ECG, header="time_s|ECG [mV]", mark="|")
    recording = read_made(tmp_path, content, "a.csv")
    np.testing.assert_allclose(recording.ecg, ECG, atol=1e-6)
    assert (recording.fs, recording.source.unit) == (FS_HZ, "mV")


# --- intervals and stages --------------------------------------------------------------------------


def test_dates_beside_intervals_and_stages_are_read_by_the_same_rule(tmp_path: Path) -> None:
    beats = [LATE + timedelta(seconds=0.8 * i) for i in range(400)]
    (tmp_path / "rr.csv").write_text(rows([f"{t:%d/%m/%Y %H:%M:%S.%f}" for t in beats], [800] * 400, header="time,RR"))
    found = read_beat_file(tmp_path / "rr.csv")
    assert found.start == LATE - timedelta(seconds=0.8)  # the first stamp ends its interval
    assert any("so the time goes forward" in note for note in found.warnings)
    epochs = [datetime(2024, 4, 3, 22) + timedelta(seconds=30 * i) for i in range(40)]
    (tmp_path / "st.csv").write_text(rows([f"{t:%d/%m/%Y %H:%M:%S}" for t in epochs], ["W"] * 40, header="time,stage"))
    hypnogram, notes = read_hypnogram(tmp_path / "st.csv", EpochGrid.covering(1200.0), None)
    assert (hypnogram.stage == "W").all()
    assert any("may have day or month first" in note for note in notes)

"""What a fixed file must give back: the scale of small ranges, and a start that nobody knows."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import edfio
import numpy as np
import pytest

from holter2sleep.audit.fix import write_fixed
from holter2sleep.clock import NO_DATE
from holter2sleep.errors import UsageError
from holter2sleep.io import read_recording
from holter2sleep.io.edf_header import read_edf_header
from holter2sleep.io.export import write_edf, write_wfdb
from holter2sleep.night import Recording, Source, Subject
from holter2sleep.waveform import Waveform
from tests.io.edf_bytes import EdfFile, plain

UNKNOWN = {"date": "00.00.00", "time": "00.00.00", "recording": ""}


def fixed(tmp_path: Path, file: EdfFile, identity: str = "plain") -> tuple[Path, Path, list[str]]:
    """The input, its fixed file, and the reasons of the changes."""
    path, out = tmp_path / "in.edf", tmp_path / "out.edf"
    path.write_bytes(file.tobytes())
    report = write_fixed(path, out, identity)  # type: ignore[arg-type]
    return path, out, [change.why for change in report.changes]


def made(**changes: object) -> Recording:
    """Half a minute of a lead in steps of 5 uV."""
    facts: dict[str, object] = {
        "recording_id": "in",
        "source": Source("in", "made", "0" * 64, "mV", 1.0),
        "duration_s": 20.0,
        "fs": 200.0,
        "start": datetime(2020, 3, 2, 22, 30),
        "subject": Subject(63.0, "F"),
        "channel": "ECG",
        "ecg": Waveform.of(np.float32(np.arange(4000) % 300) * np.float32(0.005)),
    }
    return Recording(**(facts | changes))  # type: ignore[arg-type]


# --- ranges ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", [("-1.5e-5", "1.5e-5"), ("-1.23e-5", "2.345e-5"), ("2.13e-6", "-2.13e-6")])
def test_a_range_in_volts_too_small_for_eight_characters_goes_into_a_finer_unit_and_stays_exact(
    tmp_path: Path, ends: tuple[str, str]
) -> None:
    file = plain()
    file.signals[0].unit, file.signals[0].physical = "V", ends
    path, out, why = fixed(tmp_path, file)
    signal = edfio.read_edf(out).signals[0]
    np.testing.assert_array_equal(signal.digital, file.signals[0].digital)
    factor = {"mV": 1e3, "uV": 1e6}[signal.physical_dimension]
    assert (signal.physical_min / factor, signal.physical_max / factor) == pytest.approx(
        (float(ends[0]), float(ends[1])), rel=1e-12
    )
    np.testing.assert_allclose(read_recording(out).ecg, read_recording(path).ecg, rtol=1e-6, atol=1e-9)
    assert any("where 8 characters hold them" in reason for reason in why)


def test_a_range_that_eight_characters_hold_keeps_its_unit(tmp_path: Path) -> None:
    file = plain()
    file.signals[0].unit, file.signals[0].physical = "V", ("-0.005", "5.0e-3")
    _, out, _ = fixed(tmp_path, file)
    signal = edfio.read_edf(out).signals[0]
    assert (signal.physical_dimension, signal.physical_min, signal.physical_max) == ("V", -0.005, 0.005)


def test_a_range_of_no_voltage_is_rounded_and_the_error_is_told(tmp_path: Path) -> None:
    file = plain()
    file.signals[1].unit, file.signals[1].physical = "T", ("-1.23e-4", "1.23e-4")
    _, out, why = fixed(tmp_path, file)
    assert edfio.read_edf(out).signals[1].physical_dimension == "T"
    assert any("rounded by 0.01 of the range" in reason for reason in why)


def test_a_range_that_no_unit_can_hold_becomes_counts_and_the_loss_is_told(tmp_path: Path) -> None:
    file = plain()
    file.signals[1].unit, file.signals[1].physical = "T", ("-1.23e-9", "1.23e-9")
    _, out, why = fixed(tmp_path, file)
    signal = edfio.read_edf(out).signals[1]
    assert (signal.physical_dimension, signal.physical_min, signal.physical_max) == ("counts", -32768, 32767)
    assert any("the scale is lost" in reason for reason in why)


# --- unknown starts --------------------------------------------------------------------------------


@pytest.mark.parametrize("identity", ["plain", "keep", "drop"])
@pytest.mark.parametrize("first_s", [0, 7])
def test_an_unknown_start_is_still_unknown_in_the_fixed_file(tmp_path: Path, identity: str, first_s: int) -> None:
    onsets = [f"+{first_s + i}" for i in range(20)]
    path, out, _ = fixed(tmp_path, plain(reserved="EDF+C", onsets=onsets, fields=UNKNOWN), identity)
    assert read_recording(path).start is None
    assert read_recording(out).start is None
    assert b"Startdate X " in out.read_bytes()[88:168]


def test_a_clock_without_a_date_is_kept(tmp_path: Path) -> None:
    _, out, _ = fixed(tmp_path, plain(fields=UNKNOWN | {"time": "23.10.05"}))
    assert read_recording(out).start == datetime(1985, 1, 1, 23, 10, 5)


def test_midnight_that_loses_its_date_is_told_to_be_unknown(tmp_path: Path) -> None:
    _, out, why = fixed(tmp_path, plain(fields={"time": "00.00.00"}), "drop")
    assert read_recording(out).start is None
    assert "without a date, 00.00.00 stands for an unknown start" in why


def test_midnight_of_a_day_that_is_named_is_known(tmp_path: Path) -> None:
    fields = {"date": "01.01.85", "time": "00.00.00", "recording": "Startdate 01-JAN-1985 X X X"}
    (tmp_path / "in.edf").write_bytes(plain(fields=fields).tobytes())
    assert read_edf_header(tmp_path / "in.edf").start == datetime(1985, 1, 1)


@pytest.mark.parametrize("start", [None, datetime(2020, 3, 2, 22, 30)])
def test_of_other_formats_too_a_removed_or_unknown_date_is_startdate_x(tmp_path: Path, start: datetime | None) -> None:
    write_wfdb(tmp_path / "in.hea", made(start=start))
    write_fixed(tmp_path / "in.hea", tmp_path / "out.edf", "drop")
    content = (tmp_path / "out.edf").read_bytes()
    assert content[88:168].rstrip() == b"Startdate X X X X"
    again = read_recording(tmp_path / "out.edf").start
    assert again == (start and datetime.combine(NO_DATE, start.time()))


def test_an_age_that_needs_a_date_is_told_to_be_lost(tmp_path: Path) -> None:
    write_wfdb(tmp_path / "in.hea", made(start=None))
    report = write_fixed(tmp_path / "in.hea", tmp_path / "out.edf")
    assert "age" in [change.field for change in report.changes]
    assert read_recording(tmp_path / "out.edf").subject == Subject(None, "F")


def test_a_recording_of_no_date_is_written_without_one(tmp_path: Path) -> None:
    write_edf(tmp_path / "out.edf", made(start=datetime(1985, 1, 1, 22, 30)))
    assert b"1985" not in (tmp_path / "out.edf").read_bytes()[:256]


# --- outputs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out.edf", "out.edf.changes.json"])
def test_a_link_to_nowhere_is_a_path_that_is_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "in.edf").write_bytes(plain().tobytes())
    (tmp_path / name).symlink_to("nowhere")
    with pytest.raises(UsageError, match="is there already"):
        write_fixed(tmp_path / "in.edf", tmp_path / "out.edf")
    assert os.readlink(tmp_path / name) == "nowhere"  # noqa: PTH115
